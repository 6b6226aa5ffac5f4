"""A visitor's own adapter in the Diffusion tab: on and off in lockstep, from one noise, step by step."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.context import Context
from playground.diffusion import wording
from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import drawing
from playground.lora import job as training
from tabs import _diffusion_html as render
from tabs import _ui
from tabs._diffusion_keeping import keeping, last_result
from tabs._diffusion_style import CSS
from tabs._shell import Shell

NONE = "**No adapter yet.** Train one in the tab *Personal LoRA*; it is listed here when its first checkpoint is there."


def build(context: Context, shell: Shell) -> None:
    """Lays out the fold; the list of adapters is made when it is opened."""
    with gr.Accordion("Your adapter on and off, in lockstep", open=False) as fold:
        with gr.Row():
            which = gr.Dropdown([], label="Adapter", min_width=180)
            prompt = gr.Textbox("a photo of a face, [trigger]", label="Prompt", min_width=200)
            strength = gr.Slider(0, drawing.MAX_STRENGTH, 1.0, step=0.05, label="Strength", min_width=150)
            seed = gr.Number(42, label="Seed", precision=0, minimum=0, min_width=90)
            go = gr.Button("Draw both", variant="primary", min_width=100)
            stop = gr.Button("Stop", min_width=70)
        note = gr.Markdown(elem_classes="summary", elem_id="diffusion-adapter-note")
        shown, before = gr.HTML(css_template=CSS, elem_id="diffusion-adapter"), last_result()

    def listed(token: str) -> tuple:
        found = [(name_of(job), job.id) for job in mine(context, token)]
        return gr.Dropdown(found, value=found[0][1] if found else None), "" if found else NONE

    def run(job_id: str | None, words: str, much: Any, number: Any) -> Iterator[str]:
        if not job_id:
            raise BadInput("There is no adapter to draw with.", "Train one in the tab Personal LoRA.")
        path = drawing.adapter(context.jobs.get(job_id))
        asked = drawing.request(path, words, number)
        for html in lockstep(drawing.pairs(context, path, asked, much)):
            yield html
        if cut := wording.cuts(wording.heard(context, asked, drawing.spec(context, path))):
            yield html + render.note(cut)

    _ui.event(fold.expand, listed, [shell.visitor], [which, note])
    running = [_ui.event(trigger, keeping(run), [which, prompt, strength, seed, before], [shown, before],
                         show_progress="hidden", **_ui.PICTURES)
               for trigger in (go.click, prompt.submit)]
    stop.click(None, None, None, cancels=running)


def mine(context: Context, token: str) -> list[Job]:
    """A visitor's trainings that have an adapter, newest first."""
    if not token:
        return []
    jobs = context.jobs.table.of_visitor(context.visitors.name(token))
    return [job for job in jobs if job.kind == training.KIND and drawing.checkpoints(job)]


def name_of(job: Job) -> str:
    """What a training is called in the list."""
    return f"{job.spec['plan']['trigger']}, {max(drawing.checkpoints(job))} steps"


def lockstep(pairs: Iterator[drawing.Pair]) -> Iterator[str]:
    """Both pictures while they form, then with every guess on the way."""
    titles = ("without the adapter", "with the adapter")
    films: tuple[list, list] = ([], [])
    for pair in pairs:
        for film, picture in zip(films, (pair.without, pair.told), strict=True):
            film.append(picture)
        yield render.many([(film[-1], f"{title}, step {pair.step} of {pair.steps}")
                           for film, title in zip(films, titles, strict=True)])
    finished = render.many([(film[-1], title) for film, title in zip(films, titles, strict=True)])
    yield finished + render.films(list(zip(titles, films, strict=True)))
