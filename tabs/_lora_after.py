"""Section 6 of Personal LoRA: draw with the adapter, before and after; bring one made before; delete everything."""

import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from playground import erasure, marks, storage
from playground.context import Context
from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import adapters, draft, drawing
from tabs import _delete, _files, _lora_watch, _sessions, _ui
from tabs import _lora_html as render
from tabs._lora_photos import Photos, taken
from tabs._lora_style import COMPARE, CSS

OWN = "adapter.safetensors"  # in the visitor's folder: an adapter brought along
FORGET_LINK = """() => { const here = new URL(location); here.searchParams.delete("job");
                        history.replaceState(null, "", here); }"""
QUESTION = ("This removes everything of your visit from this machine: photos, trainings and an adapter brought along, "
            "your runs and pictures in the GAN lab, your prompt evaluations, and uploads that were not read yet. What "
            "is under way is ended; links open nothing any more.")
BEST, BROUGHT = "the best checkpoint", "the adapter I brought"


def build(context: Context, photos: Photos, watch: _lora_watch.Watch) -> None:
    """Lays out the section and wires it."""
    gr.Markdown("### 6 · Draw with it, take it home, delete it")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            prompt = gr.Textbox("a photo of a face, [trigger]", label="Prompt; [trigger] is the trigger word",
                                max_lines=3, elem_id="lora-prompt")
            with gr.Row():
                strength = gr.Slider(0, drawing.MAX_STRENGTH, 1.0, step=0.05, label="Strength of the adapter",
                                     min_width=180)
                seed = gr.Number(42, label="Seed", precision=0, minimum=0, min_width=90)
            with gr.Row():
                which = gr.Dropdown([BEST], value=BEST, label="Adapter", min_width=220, elem_id="lora-which")
                look = gr.Button("List checkpoints", size="sm", min_width=120)
            with gr.Row():
                go = gr.Button("Draw with and without", variant="primary", min_width=150)
                again = gr.Button("New seed", min_width=90)
            seen = gr.Checkbox(False, label=marks.VISIBLE.capitalize(), visible=bool(context.settings.most.unmarked))
            bring = gr.UploadButton("Bring an adapter made here before (.safetensors)", size="sm",
                                    file_types=[".safetensors"])
            brought = gr.Markdown(elem_classes="summary")
        with gr.Column(scale=3, min_width=280):
            shown = gr.HTML(render.nothing_drawn(), css_template=CSS, js_on_load=COMPARE, elem_id="lora-drawn",
                            min_height=120)
    delete = _delete.build("Delete my data", QUESTION, "lora", CSS)
    wire(context, photos, watch, {"prompt": prompt, "strength": strength, "seed": seed, "seen": seen,
                                  "which": which, "look": look,
                                  "go": go, "again": again, "bring": bring, "brought": brought, "shown": shown})
    emptied = [*photos.shown(), photos.consent, photos.crop[-1], *watch.started(), shown, which, brought]
    _ui.event(delete.yes.click, deleter(context), [photos.token, watch.job],
              [delete.sure, delete.gone, *emptied], **_ui.DECODING).success(None, None, None, js=FORGET_LINK)


def wire(context: Context, photos: Photos, watch: _lora_watch.Watch, parts: dict[str, Any]) -> None:
    """Drawing, the list of checkpoints, an adapter brought along."""
    inputs = [photos.token, watch.job, *(parts[name] for name in ("which", "prompt", "strength", "seen", "seed"))]

    def draw(token: str, job_id: str, *values: Any) -> Iterator[str]:
        which, prompt, strength, visible, seed = values
        path = chosen(context, token, job_id, which)
        asked = drawing.request(path, prompt, seed)
        for pair in drawing.pairs(context, path, asked, strength):
            if pair.step < pair.steps:
                yield render.pair(pair.without, pair.told, f"step {pair.step} of {pair.steps}")
        card = adapters.read_card(path)
        hint = "" if drawing.uses_trigger(prompt, card.trigger) else f" The prompt does not hold {card.trigger}."
        yield render.compare(pair.without, pair.told, f"{asked.prompt} · strength {strength:g} · seed {seed}.{hint}",
                             drawing.mark(asked, marks.wanted(context.settings, visible)))

    def fresh(*values: Any) -> Iterator[tuple]:
        seed = secrets.randbelow(1_000_000)
        for made in draw(*values[:-1], seed):
            yield seed, made

    def listed(token: str, job_id: str) -> Any:
        found = drawing.checkpoints(_lora_watch.get(context, job_id)) if job_id else {}
        names = [BEST, *((f"step {step}", str(step)) for step in found)]
        if token and own(context, token).is_file():
            names.append(BROUGHT)
        return gr.Dropdown(names, value=BEST if found else names[-1])

    def bring(token: str, path: str) -> tuple:
        token = token or context.visitors.new()
        _, content = taken(path)
        aside = own(context, token).with_suffix(".new")
        storage.write_file(aside, content)
        try:
            card = adapters.read_card(aside)
            aside.replace(own(context, token))
        finally:
            aside.unlink(missing_ok=True)
        words = f"An adapter for **{card.model}**, trigger word **{card.trigger}**, {card.tensors} tensors."
        return token, None, words, gr.Dropdown([BEST, BROUGHT], value=BROUGHT)

    _ui.event(parts["go"].click, draw, inputs, [parts["shown"]], show_progress="hidden", **_ui.PICTURES)
    _ui.event(parts["again"].click, fresh, inputs, [parts["seed"], parts["shown"]], show_progress="hidden",
              **_ui.PICTURES)
    _ui.event(parts["look"].click, listed, [photos.token, watch.job], [parts["which"]])
    _ui.event(parts["bring"].upload, bring, [photos.token, parts["bring"]],
              [photos.token, parts["bring"], parts["brought"], parts["which"]], **_ui.DECODING)


def own(context: Context, token: str) -> Path:
    """Where a visitor's own adapter lies."""
    return draft.folder(context, token) / OWN


def chosen(context: Context, token: str, job_id: str, which: Any) -> Path:
    """The adapter's file. BadInput where there is none."""
    if which == BROUGHT:
        path = own(context, token) if token else None
        if path is None or not path.is_file():
            raise BadInput("No adapter was brought yet.", "Choose a .safetensors file that was made here.")
        return path
    if not job_id:
        raise BadInput("There is no adapter yet.", "Train one above, or bring one.")
    job = _lora_watch.get(context, job_id)
    return drawing.adapter(job, None if which == BEST else int(which))


def deleter(context: Context) -> Any:
    """The handler of "Delete my data": all that the visitor has here, whichever tab it is of.

    The training on the page is removed as well where a link brought it: whoever has its id has the job.
    """
    def delete(token: str, job_id: str, request: gr.Request) -> tuple:
        done = erasure.everything(context, token) if token else erasure.Gone()
        jobs, files = Counter(done.jobs), done.files + forgotten(context, request)
        if job := linked(context, job_id):
            files += erasure.remove(context, job)
            jobs[job.kind] += 1
        blank = (render.no_photos(), [], "", False, "")
        empty = ("", "", "", gr.Plot(visible=False), gr.Plot(visible=False), render.nothing_yet(), "", (),
                 gr.Timer(active=False))
        return (gr.Column(visible=False), render.gone(done.photos, jobs, files), *blank, *empty,
                render.nothing_drawn(), gr.Dropdown([BEST], value=BEST), "")
    return delete


def forgotten(context: Context, request: gr.Request) -> int:
    """Removes what the page itself keeps for a browser: uploads, files made for it, states; returns how many files."""
    _sessions.forget(request)
    return _ui.forget_uploads(request) + context.served.forget(_files.browser_of(request))


def linked(context: Context, job_id: str) -> Job | None:
    """The training on the page, if it is still there."""
    try:
        return _lora_watch.get(context, job_id) if job_id else None
    except BadInput:  # deleted just now, or in another window
        return None
