"""What the Diffusion steps tab shows when a run fails, when a face is sent over, and how wide its sheets may be."""

import io
import json
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from playground.diffusion import branches, forward, models, requests, schedulers, trace, wording
from playground.diffusion.pictures import Film
from playground.diffusion.trace import Frame, Trace
from playground.diffusion.wording import Word, Wording
from playground.errors import BadInput, DamagedWeights, PlaygroundError
from playground.gan import faces
from tabs import (
    _diffusion_contest,
    _diffusion_controls,
    _diffusion_forward,
    _diffusion_html,
    _diffusion_keeping,
    _diffusion_samples,
    _diffusion_tools,
    diffusion_steps,
    gan_faces,
)
from tabs._diffusion_forward import ABOVE, FACE, OWN, Forward
from tabs._diffusion_keeping import keeping
from tabs._shell import Shell

READ = Wording(("[CLS]", "cat", "[SEP]"), (), 24, (Word("cat", (1,)),))
CUT = Wording(("[CLS]", "cat", "[SEP]"), ("light", "##house"), 3, (Word("cat", (1,)), Word("lighthouse", ())))
OVERFLOW = PlaygroundError("The numbers <overflowed> at step 7.", "Lower the guidance.")
DEFAULTS = ("cat", "", 20, 2.0, 42, "DDIM", "pocket-diffusion-64")


def picture(side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), 90, np.uint8)


def made(steps: int = 2, side: int = 64, read: Wording = READ, negative: Wording | None = None) -> Trace:
    """A finished run, in grey."""
    import torch

    states = [torch.zeros(1, 4, 16, 16)] * (steps + 1)
    film = Film(picture(side), np.stack([picture(side)] * steps), np.zeros((steps, 4, 16, 16), np.float16),
                np.stack([picture(side)] * steps))
    return Trace(requests.check("cat"), read, "v_prediction", [1.0] * steps, [forward.level(500)] * steps, states,
                 states[1:], film=film, negative=negative)


def failing(*_args, **_more):
    """A run that shows one step and breaks."""
    yield Frame(1, 20, picture())
    raise OVERFLOW


# ---- on the way

@pytest.mark.parametrize("several", [False, True])
def test_pictures_on_the_way_come_no_faster_than_a_browser_draws_them(monkeypatch, several):
    frames, finished, clock = [Frame(step, 4, picture()) for step in range(1, 5)], made(), [1.0]
    monkeypatch.setattr(_diffusion_keeping.time, "monotonic", lambda: clock[0])

    def run():
        for at, each in zip((1.0, 1.05, 1.11, 1.2, 1.201), [*frames, finished], strict=True):
            clock[0] = at
            yield [each, each] if several else each

    shown = [each[0] if several else each for each in _diffusion_keeping.paced(run())]
    assert shown == [frames[0], frames[2], finished]  # the result comes however soon


# ---- errors


@pytest.mark.parametrize("drawn_before", [False, True])
def test_a_run_that_fails_says_why_where_the_picture_is_and_keeps_the_last_one(context, monkeypatch, drawn_before):
    monkeypatch.setattr(trace, "draw", failing)
    before = made() if drawn_before else None
    *_, (view, note, kept, link) = diffusion_steps.drawer(context)(*DEFAULTS, before)
    assert "The numbers &lt;overflowed&gt; at step 7." in view
    assert "Lower the guidance." in view
    assert "Step 1 of 20" not in view
    assert ("df-panels" in view) == ("last finished picture" in note) == drawn_before
    assert kept == link == gr.skip()


def test_examples_links_and_new_seeds_keep_the_last_picture_too(context, monkeypatch):
    monkeypatch.setattr(trace, "draw", failing)
    draw, before = diffusion_steps.drawer(context), made()
    for run in (diffusion_steps.fresh(draw)(*DEFAULTS, before),
                diffusion_steps.example(draw, list(DEFAULTS[:-1]))(before),
                diffusion_steps.opened(draw)({"prompt": "dog"}, *DEFAULTS, before)):
        view = list(run)[-1][-4]
        assert "overflowed" in view
        assert "df-panels" in view


def test_a_section_keeps_its_last_finished_result():
    def run(word):
        yield "step 1"
        if word == "break":
            raise OVERFLOW
        yield f"<p>{word}</p>"

    kept = keeping(run)
    first = list(kept("first", ""))
    assert first == [("step 1", gr.skip()), ("<p>first</p>", gr.skip()), (gr.skip(), "<p>first</p>")]
    shown, before = list(kept("break", "<p>first</p>"))[-1]
    assert "overflowed" in shown
    assert shown.endswith("<p>first</p>")
    assert before == gr.skip()


def test_what_cannot_be_used_is_refused_before_anything_is_shown():
    def refused():
        raise BadInput("No picture.", "Draw one.")
        yield

    def damaged():
        raise DamagedWeights("Cannot be read.", "Get it again.")
        yield

    with pytest.raises(BadInput):
        list(keeping(refused)("before"))
    (shown, _), = keeping(damaged)("before")
    assert "Cannot be read." in shown
    assert shown.endswith("before")


def laid_out(context):
    """The two tabs on a page, with all that is wired."""
    with gr.Blocks(analytics_enabled=False) as page:
        shell = Shell(page)
        with gr.Tabs() as shell.tabs:
            shell.build(gan_faces.TAB, context)
            shell.build(diffusion_steps.TAB, context)
        shell.finish()
    return page


def wired(page, owner, event):
    """The handlers of a component's event."""
    return [fn for fn in page.fns.values() if (owner._id, event) in fn.targets]


def labelled(page, label):
    return next(block for block in page.blocks.values() if getattr(block, "label", None) == label)


def button(page, value):
    return next(block for block in page.blocks.values() if isinstance(block, gr.Button) and block.value == value)


@pytest.mark.parametrize(("place", "engine", "inputs"), [
    ("diffusion-fork", (branches, "fork"), (1, "dog", 3.0)),
    ("diffusion-side", (branches, "side_by_side"), ("guidance values", "1, 2", [], *DEFAULTS)),
    ("diffusion-versus", (_diffusion_contest.contest, "hold"), (4, 20, 42))])
def test_every_section_says_an_error_in_its_place(context, monkeypatch, place, engine, inputs):
    def breaking(*_args, **_more):
        raise OVERFLOW
        yield

    monkeypatch.setattr(*engine, breaking)
    run = (made(),) if place == "diffusion-fork" else ()
    handlers = [fn for fn in laid_out(context).fns.values()
                if fn.outputs and getattr(fn.outputs[0], "elem_id", "") == place]
    assert handlers
    for handler in handlers:
        shown = list(handler.fn(*run, *inputs, "<p>before</p>"))[-1][0]
        assert "overflowed" in shown
        assert shown.endswith("<p>before</p>")


# ---- a face from the GAN tab


@pytest.mark.models
def test_the_face_that_is_shown_is_the_face_that_is_sent(context):
    page = laid_out(context)
    press = button(page, "Add noise to the first face")
    (send,) = wired(page, press, "click")
    drawn = gan_faces.drawer(context, labelled(page, "Faces"))(2, 5, 0.6, [])
    sent = send.fn(drawn[-1])[0]
    assert sent == (5, 0.6)
    assert send.inputs[0]._id in [output._id for output in wired(page, button(page, "New faces"), "click")[0].outputs]
    (arrival,) = [fn for fn in page.fns.values() if fn.trigger_after == send._id]
    assert arrival.inputs[0] is send.outputs[0]
    _, source, seed, truncation, shown, *_ = arrival.fn(sent, 350, "")
    assert (source, seed, truncation) == (FACE, 5, 0.6)
    assert np.array_equal(shown, _diffusion_forward._sized(faces.generate(context, 1, 5, 0.6).pictures[0]))


def test_a_face_that_was_sent_is_worked_on_once(context):
    page = laid_out(context)
    seed, psi = labelled(page, "Seed of the GAN face"), labelled(page, "ψ of the GAN face")
    assert not wired(page, seed, "change")  # which comes when the page sets it as well
    assert not wired(page, psi, "change")
    assert len(wired(page, seed, "input")) == len(wired(page, psi, "release")) == 1


@pytest.fixture
def section(context, monkeypatch):
    """The section on adding noise, with the work that it does counted."""
    with gr.Blocks(analytics_enabled=False) as page:
        shell = Shell(page)
        with gr.Tabs(), gr.Tab("x", id="x") as shell._item:
            made_here = Forward(context, shell, gr.State(None))
    made_here.filled = []
    monkeypatch.setattr(made_here, "_fill", lambda *what: made_here.filled.append(what) or ("filled",))
    return made_here


def test_opening_the_section_fills_it_unless_it_is_filled(section):
    assert section._opened(OWN, 5, 0.6, 350, "", picture(), None) == gr.skip()
    assert section._opened(FACE, 5, 0.6, 350, "", picture(), None) == gr.skip()
    assert not section.filled
    assert section._opened(ABOVE, 5, 0.6, 350, "", picture(), made()) == ("filled",)
    assert len(section.filled) == 1


@pytest.mark.models
def test_opening_the_section_for_the_first_time_draws_the_face(context, section):
    assert section._opened(FACE, 5, 0.6, 350, "", None, None) == ("filled",)
    wanted = _diffusion_forward._sized(faces.generate(context, 1, 5, 0.6).pictures[0])
    assert np.array_equal(section.filled[0][0], wanted)


# ---- what was cut off


def test_what_was_cut_is_said_beside_the_picture(context):
    assert "not read" not in diffusion_steps.timing(made(), context)
    said = diffusion_steps.timing(made(read=CUT, negative=CUT), context)
    assert "The prompt was cut after 3 tokens; not read: “lighthouse”." in said
    assert "The negative prompt was cut after 3 tokens; not read: “lighthouse”." in said


def test_markdown_in_what_was_cut_stays_text(context):
    bad = Wording((), ("x",), 3, (Word("<img>[a](b)", ()),))
    assert "\\<img\\>\\[a\\]\\(b\\)" in diffusion_steps.timing(made(read=bad), context)


def test_a_fork_says_what_of_its_prompt_was_cut():
    assert "not read" not in _diffusion_tools.forked(made(), made(), 1)
    assert "not read: “lighthouse”" in _diffusion_tools.forked(made(), made(read=CUT), 1)


def test_side_by_side_says_what_of_its_texts_was_cut():
    titles = ["guidance 1", "guidance 3"]
    assert "not read" not in _diffusion_tools.lockstep([made(), made()], titles)
    said = _diffusion_tools.lockstep([made(read=CUT), made(read=CUT, negative=CUT)], titles)
    assert "The prompt was cut after 3 tokens; not read: “lighthouse”." in said
    assert "The negative prompt was cut after 3 tokens" in said  # which guidance 1 does not read


def test_the_guess_says_what_of_its_prompt_was_cut(section, monkeypatch):
    guesses = forward.Guesses((500,), picture()[None], picture()[None], picture(), (1.0,), CUT)
    monkeypatch.setattr(forward, "guess", lambda *args, **more: guesses)
    assert "not read: “lighthouse”" in section._far(picture(), 500, "cat lighthouse")


def test_an_adapter_says_what_of_its_prompt_was_cut(context, monkeypatch):
    from playground.lora import drawing

    pair = drawing.Pair(1, 1, picture(), picture())
    for name, answer in (("adapter", "path"), ("request", requests.check("cat")), ("pairs", [pair]), ("spec", None)):
        monkeypatch.setattr(drawing, name, lambda *args, answer=answer: answer)
    monkeypatch.setattr(type(context.jobs), "get", lambda jobs, key: key)
    for read, said in ((READ, False), (CUT, True)):
        monkeypatch.setattr(wording, "heard", lambda *args, read=read: read)
        (handler, *_) = [fn for fn in laid_out(context).fns.values()
                         if fn.outputs and getattr(fn.outputs[0], "elem_id", "") == "diffusion-adapter"]
        *_, (shown, _), (_, last) = handler.fn("job", "cat", 1.0, 42, "")
        assert ("not read: “lighthouse”" in last) == said
        assert "with the adapter" in shown


def test_a_guess_that_fails_says_why_in_its_place(section, monkeypatch):
    def breaking(*_args, **_more):
        raise OVERFLOW

    monkeypatch.setattr(forward, "guess", breaking)
    assert "overflowed" in section._far(picture(), 500, "")
    strip = section._strip(picture(), "")
    assert "overflowed" in strip
    assert "Noise levels 0" in strip


def test_the_negative_prompt_says_when_it_does_nothing(context):
    said = labelled(laid_out(context), "Negative prompt").info
    assert "guidance 1" in said
    assert "FLUX" in said


# ---- sheets


@pytest.mark.parametrize("count", [1, 170, 172, 200])
def test_a_sheet_is_never_wider_than_webp_can_be(count):
    drawn = _diffusion_html.sheet([picture(128)] * count, _diffusion_html.TILE)
    assert drawn.shape[1] == count * drawn.shape[0]
    assert drawn.shape[0] == (_diffusion_html.TILE if count <= 170 else 16_383 // count)
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, "WEBP")


def test_a_hundred_steps_of_heun_can_be_looked_at():
    assert _diffusion_html.viewer(made(199, 96)).count("data:image/webp") == 2


def test_cuts_quotes_little_of_a_long_text():
    long = Wording((), ("x",), 24, (Word("y" * 500, ()),))
    assert len(wording.cuts(long)) < 200
    end = Wording((), ("##hou", "##se"), 24, (Word("lighthouse", (1,)),))
    assert "##hou ##se" in wording.cuts(end)


# ---- what belongs to the chosen model

FLUX = "black-forest-labs/FLUX.1-schnell"


def test_schedulers_to_compare_are_those_of_the_model(context):
    assert _diffusion_tools.fitting(models.POCKET, ["Heun", "DDIM"])["value"] == ["Heun", "DDIM"]
    assert _diffusion_tools.fitting(models.POCKET, ["Flow Euler"])["value"] == list(_diffusion_tools.COMPARED)
    assert _diffusion_tools.fitting(FLUX, ["Heun", "DDIM"]) == {"choices": ["Flow Euler"], "value": ["Flow Euler"]}
    (compare,) = [fn for fn in laid_out(context).fns.values()
                  if len(fn.outputs) == 1 and getattr(fn.outputs[0], "label", "") == "Schedulers"]
    assert [each[1] for each in compare.targets] == ["change"]
    assert [name for name, _ in compare.fn(FLUX, ["DDIM"]).choices] == schedulers.names("flux")


def test_a_model_with_one_scheduler_has_none_to_compare(context):
    settings = ("cat", "", 4, 1.0, 42, "Flow Euler", FLUX)
    (handler, *_) = [fn for fn in laid_out(context).fns.values()
                     if fn.outputs and getattr(fn.outputs[0], "elem_id", "") == "diffusion-side"]
    with pytest.raises(Exception, match="can only use the scheduler Flow Euler"):
        list(handler.fn("schedulers", "1, 2", ["Flow Euler"], *settings, ""))


@pytest.mark.parametrize(("own", "wanted"), [((False, False), (4, 1.0)), ((True, False), (None, 1.0)),
                                             ((False, True), (4, None)), ((True, True), (None, None))])
def test_a_chosen_model_sets_steps_and_guidance_that_the_visitor_has_not(own, wanted):
    given = _diffusion_controls.usual(FLUX, *own)
    assert given == tuple(gr.skip() if each is None else each for each in wanted)


def test_the_page_notes_what_the_visitor_sets(context):
    page = laid_out(context)
    (choice,) = [fn for fn in page.fns.values() if fn.inputs and getattr(fn.inputs[0], "label", "") == "Model"
                 and any(each == "input" for _, each in fn.targets)]
    for label, state in zip(("Steps", "Guidance"), choice.inputs[1:], strict=True):
        (note,) = [fn for fn in wired(page, labelled(page, label), "release") if fn.outputs[0] is state]
        assert note.fn() is True


# ---- what the pocket model can draw


def test_the_samples_are_shown_with_the_numbers_of_the_card(tmp_path):
    assert "no samples" in _diffusion_samples.samples(None)
    assert "no samples" in _diffusion_samples.samples(tmp_path)
    folder = Path("assets/models/pocket-diffusion-64")
    if not (folder / "samples.png").is_file():
        pytest.skip("the trained pocket model is not here")
    shown = _diffusion_samples.samples(folder)
    assert shown.count("<img") == len(_diffusion_samples.ROWS)
    card, numbers = (folder / "README.md").read_text(), json.loads((folder / "numbers.json").read_text())
    assert f"Rows: {'; '.join(json.dumps(row) for row in _diffusion_samples.ROWS)}." in card
    for said in (f"{numbers['retrieval']:.0%}", f"{numbers['frechet']['pocket model']:.1f}"):
        assert said in shown


@pytest.mark.parametrize(("options", "told"), [
    ({"memory_budget": 20 * 10**9}, "downloads 6.9 GB"), ({"memory_budget": 20 * 10**9}, "GB of weights on cpu"),
    ({"memory_budget": 10**9}, "Does not fit here"),
    ({"memory_budget": 20 * 10**9, "offline": True}, "--offline is set"),
    ({"memory_budget": 20 * 10**9, "mode": "public"}, "more than is downloaded for visitors here")])
def test_a_large_model_says_how_it_would_run_before_it_is_drawn_with(tmp_path, options, told):
    from playground.context import build_context
    from playground.settings import Settings

    context = build_context(Settings(device="cpu", data_dir=tmp_path, **options))
    assert told in _diffusion_controls.condition(context, "stabilityai/stable-diffusion-xl-base-1.0")
    assert _diffusion_controls.condition(context, models.POCKET) == ""
