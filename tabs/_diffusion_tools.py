"""The tools over a finished run: its words, a fork, settings side by side, films, a check list; then GAN and CLIP."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground import marks
from playground.context import Context
from playground.diffusion import attention, branches, models, pictures, requests, schedulers, wording
from playground.diffusion.trace import Frame, Trace
from playground.errors import BadInput
from tabs import _diffusion_adapter, _diffusion_clip, _diffusion_contest, _ui
from tabs import _diffusion_html as render
from tabs._diffusion_checklist import Checklist
from tabs._diffusion_controls import Controls
from tabs._diffusion_keeping import keeping, last_result, paced
from tabs._diffusion_style import CSS
from tabs._shell import Shell

GUIDANCES, SAMPLERS = "guidance values", "schedulers"
COMPARED = ("DDIM", "DDPM", "DPM-Solver++")  # to begin with


def build(context: Context, shell: Shell, controls: Controls, kept: gr.State) -> Checklist:
    """Lays out the folds; each fills when it is opened, from the run in `kept`."""
    _words(context, kept)
    _fork(context, kept)
    _side_by_side(context, controls)
    _diffusion_adapter.build(context, shell)
    _films(context, kept)
    checklist = Checklist(controls.prompt)
    _diffusion_contest.build(context)
    _diffusion_clip.build(context, kept)
    return checklist


def drawn(kept: Trace | None) -> Trace:
    """The run that a tool works on; BadInput if there is none."""
    if kept is None:
        raise BadInput("No picture has been drawn yet.", "Press Draw first.")
    return kept


def whose(made: Trace) -> str:
    """Which run a result belongs to."""
    return f"“{made.request.prompt[:80]}”, seed {made.request.seed}, {made.request.scheduler}"


def _words(context: Context, kept: gr.State) -> None:
    with gr.Accordion("Prompt: its tokens, and which word moved which region", open=False) as fold:
        tokens = gr.HTML(css_template=CSS, elem_id="diffusion-tokens")
        maps = gr.HTML(css_template=CSS, elem_id="diffusion-maps")
        again = gr.Button("For the picture shown now", size="sm", min_width=160)
        gr.Markdown("Cross-attention of the network, averaged over its layers and five steps of the run. Each map is "
                    "scaled to its own range; the percentage says how much attention the word got in all; the rest "
                    "goes to the control tokens. The pocket model's layers are coarse: 8 x 8 and 4 x 4 places.",
                    elem_classes="summary")

    def run(made: Trace | None) -> tuple[str, str]:
        made = drawn(made)
        shown = render.tokens(made.wording) + f'<p class="df-note">{render.escape(whose(made))}</p>'
        found = attention.maps(context, made)
        if not found:
            return shown, render.starting("The prompt is empty: there is no word to look at.")
        return shown, render.word_maps(made.film.final, found)

    for trigger in (fold.expand, again.click):
        _ui.event(trigger, run, [kept], [tokens, maps], **_ui.COMPUTE)


def _fork(context: Context, kept: gr.State) -> None:
    with gr.Accordion("Fork: another prompt or guidance from the middle of the run", open=False) as fold:
        with gr.Row():
            at = gr.Slider(0, requests.MAX_STEPS - 1, 6, step=1, label="Steps kept before the fork", min_width=200)
            prompt = gr.Textbox("cat face", label="New prompt", min_width=200)
            guidance = gr.Slider(1, requests.MAX_GUIDANCE, 3.0, step=0.5, label="New guidance", min_width=160)
            go = gr.Button("Fork", variant="primary", min_width=90)
            stop = gr.Button("Stop", min_width=70)
        shown, before = gr.HTML(css_template=CSS, elem_id="diffusion-fork"), last_result()
        gr.Markdown("Both runs share every step before the fork, the state included. Early forks change everything, "
                    "late ones only detail: the layout is decided first.", elem_classes="summary")

    def run(made: Trace | None, step: Any, words: str, strength: Any) -> Iterator[str]:
        made = drawn(made)
        step = min(step, made.steps - 1) if isinstance(step, int | float) else step
        for new in paced(branches.fork(context, made, step, prompt=words, guidance=strength)):
            if isinstance(new, Frame):
                yield render.live(new)
            else:
                yield forked(made, new, int(step))

    fork = keeping(run)

    def first(made: Trace | None, step: Any, *rest: Any) -> Iterator[tuple]:
        step = drawn(made).steps // 3
        for html, finished in fork(made, step, *rest):
            yield step, html, finished

    inputs, results = [kept, at, prompt, guidance, before], [shown, before]
    running = [_ui.event(fold.expand, first, inputs, [at, *results], show_progress="hidden", **_ui.PICTURES)]
    running += [_ui.event(trigger, fork, inputs, results, show_progress="hidden", **_ui.PICTURES)
                for trigger in (go.click, prompt.submit, at.release, guidance.release)]
    stop.click(None, None, None, cancels=running)


def forked(old: Trace, new: Trace, step: int) -> str:
    """The two runs under each other."""
    asked = f"“{new.request.prompt[:80]}”, guidance {new.request.guidance:g}"
    both = render.films([(f"The run above: {whose(old)}, guidance {old.request.guidance:g}",
                          [*old.film.clean, old.film.last]),
                         (f"Forked before step {step + 1} of {new.steps}: {asked}", [*new.film.clean, new.film.last])])
    return both + render.note(wording.cuts(new.wording, new.negative))


def _side_by_side(context: Context, controls: Controls) -> None:
    with gr.Accordion("Side by side: guidance values or schedulers in lockstep, one seed", open=False) as fold:
        with gr.Row():
            what = gr.Radio([GUIDANCES, SAMPLERS], value=GUIDANCES, label="Compare", min_width=200)
            values = gr.Textbox("1, 2, 4, 8", label="Guidance values", min_width=140)
            names = gr.Dropdown(schedulers.names("pocket"), value=list(COMPARED), multiselect=True,
                                max_choices=branches.MOST_SIDE_BY_SIDE, label="Schedulers", visible=False,
                                info="Those that the chosen model can use.", min_width=240)
            go = gr.Button("Compare", variant="primary", min_width=100)
            stop = gr.Button("Stop", min_width=70)
        shown, before = gr.HTML(css_template=CSS, elem_id="diffusion-side"), last_result()

    def run(kind: str, numbers: str, samplers: list[str], *settings: Any) -> Iterator[str]:
        base = requests.check(*settings[:2], **dict(zip(Controls.NAMES, settings[2:], strict=True)))
        if kind == GUIDANCES:
            wanted = branches.guidances(base, numbers)
        else:
            if len(known := schedulers.names(models.find(base.model).family)) < 2:
                raise BadInput(f"This model can only use the scheduler {known[0]}.",
                               "Compare guidance values, or choose another model.")
            wanted = [requests.check(base.prompt, base.negative, **{**_rest(base), "scheduler": name})
                      for name in samplers]
        titles = [f"guidance {each.guidance:g}" if kind == GUIDANCES else each.scheduler for each in wanted]
        for made in paced(branches.side_by_side(context, wanted)):
            yield lockstep(made, titles)

    def switch(kind: str) -> tuple:
        return gr.Textbox(visible=kind == GUIDANCES), gr.Dropdown(visible=kind == SAMPLERS)

    def adapted(key: str, chosen: list[str]) -> Any:
        return gr.Dropdown(**fitting(key, chosen))

    _ui.event(what.change, switch, [what], [values, names], show_progress="hidden")
    _ui.event(controls.model.change, adapted, [controls.model, names], [names], show_progress="hidden")
    inputs = [what, values, names, *controls.all, before]
    running = [_ui.event(trigger, keeping(run), inputs, [shown, before], show_progress="hidden", **_ui.PICTURES)
               for trigger in (fold.expand, go.click, values.submit, what.input)]
    stop.click(None, None, None, cancels=running)


def fitting(key: str, chosen: list[str]) -> dict[str, Any]:
    """A model's schedulers, and those chosen that it can use, or usual ones where fewer than two are left."""
    known = schedulers.names(models.find(key).family)
    kept = [name for name in chosen or () if name in known]
    return {"choices": known, "value": kept if len(kept) > 1 else [name for name in COMPARED if name in known] or known}


def lockstep(made: list, titles: list[str]) -> str:
    """Several runs as far as they are, or finished, with each guess along the way."""
    if isinstance(made[0], Frame):
        return render.many([(frame.preview, f"{title}, step {frame.step} of {frame.steps}")
                            for frame, title in zip(made, titles, strict=True)])
    finished = render.many([(trace.film.final, title) for trace, title in zip(made, titles, strict=True)])
    films = render.films([(title, [*trace.film.clean, trace.film.last])
                          for trace, title in zip(made, titles, strict=True)])
    heard = next((trace for trace in made if trace.negative), made[0])  # the texts are the same; guidance 1 reads one
    return finished + films + render.note(wording.cuts(heard.wording, heard.negative))


def _rest(request: requests.Request) -> dict[str, Any]:
    """A request's settings without its texts."""
    every = dataclasses.asdict(request)
    return {name: every[name] for name in Controls.NAMES}


def _films(context: Context, kept: gr.State) -> None:
    with gr.Accordion("Films to download: strip, GIF, MP4", open=False) as fold:
        strip = gr.Image(label="Strip: noisy state, predicted picture, predicted noise", format="png", type="filepath",
                         interactive=False, buttons=["download", "fullscreen"])
        with gr.Row():
            loop = gr.Image(label="GIF: noisy state and predicted picture", format="gif", type="filepath",
                            interactive=False, buttons=["download"], height=240, min_width=260)
            video = gr.Video(label="MP4, the same", interactive=False, height=240, min_width=260, autoplay=False)
            still = gr.Image(label="The picture, full size", format="png", type="filepath", interactive=False,
                             buttons=["download"], height=240, min_width=200)
        with gr.Row():
            again = gr.Button("For the picture shown now", size="sm", min_width=160)
            seen = gr.Checkbox(False, label=marks.VISIBLE.capitalize(), min_width=160, scale=0,
                               visible=bool(context.settings.most.unmarked))

    def run(made: Trace | None, chosen: bool) -> tuple[str, str, str, str]:
        film, asked = drawn(made).film, made.request
        mark = marks.Mark(asked.model, asked.seed, marks.wanted(context.settings, chosen))
        return (_ui.saved(marks.png(pictures.strip(film), mark), "strip.png", strip),
                _ui.saved(pictures.gif(film, mark), "steps.gif", loop),
                _ui.saved(pictures.mp4(film, mark), "steps.mp4", video),
                _ui.saved(marks.png(film.final, mark), "picture.png", still))

    for trigger in (fold.expand, again.click, seen.input):
        _ui.event(trigger, run, [kept, seen], [strip, loop, video, still], **_ui.DECODING)


