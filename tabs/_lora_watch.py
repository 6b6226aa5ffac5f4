"""Sections 4 and 5 of Personal LoRA: estimate, start, and watching: state, curves, the grid, and what can be asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.context import Context
from playground.errors import BadInput
from playground.job_table import Job
from playground.jobs import ENDED
from playground.lora import draft, drawing
from playground.lora import job as training
from tabs import _lora_html as render
from tabs import _lora_plan, _renew, _ui
from tabs._lora_photos import Photos
from tabs._lora_style import CSS
from tabs._shell import Shell

EVERY = 1.5  # seconds between two looks at a training
LANE = {"concurrency_id": "lora-look", "concurrency_limit": 16}


@dataclass(frozen=True)
class Watch:
    """The parts of a training under way."""

    job: gr.State
    seen: gr.State
    link: gr.Textbox
    state: gr.HTML
    scores: gr.Plot
    losses: gr.Plot
    grid: gr.HTML
    links: gr.HTML
    timer: gr.Timer

    def shown(self) -> list[Any]:
        """What a look fills."""
        return [self.state, self.scores, self.losses, self.grid, self.links, self.seen, self.timer]

    def started(self) -> list[Any]:
        """What a start fills."""
        return [self.job, self.link, *self.shown()]


def build(context: Context, shell: Shell, photos: Photos, controls: _lora_plan.Controls) -> Watch:
    """Lays out the section and wires it."""
    gr.Markdown("### 4 · Check, then train")
    with gr.Row():
        check = gr.Button("Estimate time and memory", min_width=190)
        start = gr.Button("Train", variant="primary", min_width=130)
    told = gr.Markdown(elem_classes="summary", elem_id="lora-estimate")
    gr.Markdown("### 5 · Watch it learn")
    state = gr.HTML(css_template=CSS, elem_id="lora-state")
    with gr.Row():
        buttons = {words: gr.Button(title, size="sm", min_width=120) for words, title in
                   (("pause", "Pause"), ("cancel", "Stop and keep"), ("resume", "Resume"), ("sample", "Sample now"))}
        copy = gr.Button("Copy the secret link", size="sm", min_width=150)
        new = _renew.button("New secret link")
    grid = gr.HTML(render.nothing_yet(), css_template=CSS, elem_id="lora-grid")
    with gr.Row():
        scores, losses = (gr.Plot(visible=False, show_label=False, min_width=300) for _ in range(2))
    page = Watch(gr.State(""), gr.State(()), gr.Textbox(visible=False), state, scores, losses, grid,
                 gr.HTML(css_template=CSS, elem_id="lora-links"), gr.Timer(EVERY, active=False))
    wire_start(context, photos, controls, page, (check, start, told))
    wire_run(context, page, buttons)
    _ui.copy_link(copy, page.link)
    _renew.wire(new, renewer(context), [photos.token, page.job], page.started(), page.link,
                page.timer)
    return page


def wire_start(context: Context, photos: Photos, controls: _lora_plan.Controls, page: Watch, parts: tuple) -> None:
    """The estimate, and the start."""
    check, start, told = parts
    inputs = [photos.token, photos.subject, *controls.all()]

    def estimated(token: str, subject: str, *values: Any) -> Iterator[str]:
        training.check_open(context)  # an estimate is made of real steps
        wanted = _lora_plan.read(subject, values)
        yield _lora_plan.MEASURING
        yield _lora_plan.measured(context, token, wanted)[1]

    def started(consent: bool, token: str, subject: str, *values: Any) -> Iterator[tuple]:
        if not consent:
            raise BadInput("The box under the photos is not ticked.",
                           "Tick it if these are pictures of you or used with permission; nothing starts without it.")
        training.check_open(context)
        wanted, waits = _lora_plan.read(subject, values), (gr.skip(),) * len(page.started())
        yield _lora_plan.MEASURING, *waits
        fits, words = _lora_plan.measured(context, token, wanted)
        if not fits:
            yield words, *waits
            return
        found = draft.chosen(context, token)
        job = training.submit(context, wanted, [picture for _, picture in found],
                              [item.caption for item, _ in found], token)
        yield words, job.id, link_of(job), *look_at(context, job.id, ())

    _ui.event(check.click, estimated, inputs, [told], show_progress="hidden", **_ui.COMPUTE)
    _ui.event(start.click, started, [photos.consent, *inputs], [told, *page.started()], show_progress="hidden",
              **_ui.COMPUTE).then(None, [page.link], None, js=_renew.SHOW_LINK)


def wire_run(context: Context, page: Watch, buttons: dict[str, gr.Button]) -> None:
    """The timer, and what a training can be asked for."""
    def look(job_id: str, seen: Any) -> tuple:
        if not job_id:
            return (*(gr.skip(),) * 6, gr.Timer(active=False))
        try:
            return look_at(context, job_id, seen)
        except BadInput as problem:  # deleted in another window, or expired: said once, and no more looks
            return render.over(problem), *(gr.skip(),) * 5, gr.Timer(active=False)

    _ui.event(page.timer.tick, look, [page.job, page.seen], page.shown(), show_progress="hidden", **LANE)
    for words, button in buttons.items():
        _ui.event(button.click, asker(context, words), [page.job], [page.timer], show_progress="hidden")


def asker(context: Context, words: str) -> Any:
    """The handler that asks a training for something: job id -> the timer, running.

    What came of it is for the timer's next look to show: two events that fill the same figures at once are mixed up
    by the page, and of a training that has ended there would be no further look.
    """
    def ask(job_id: str) -> gr.Timer:
        if not job_id:
            raise BadInput("There is no training yet.", "Start one above.")
        if words in ("pause", "cancel", "resume"):
            getattr(context.jobs, words)(job_id)
        else:
            context.jobs.request(job_id, words)
        return gr.Timer(active=True)
    return ask


def renewer(context: Context) -> Any:
    """The handler that gives the training on the page a new link: what Watch.started() takes."""
    def renew(token: str, job_id: str) -> tuple:
        if not job_id:
            raise BadInput("There is no training yet.", "Start one above.")
        job = context.jobs.renew(get(context, job_id).id, context.visitors.name(token))
        return open_job(context, job.id)
    return renew


def open_job(context: Context, job_id: str) -> tuple:
    """What Watch.started() takes, for a link; of a training that is gone it says so."""
    try:
        job = get(context, job_id)
        return job.id, link_of(job), *look_at(context, job.id, ())
    except BadInput as problem:
        return "", "", render.over(problem), *(gr.skip(),) * 5, gr.Timer(active=False)


def link_of(job: Job) -> str:
    """The secret link of a training."""
    return _ui.query(tab="personal-lora", job=job.id)


def get(context: Context, job_id: Any) -> Job:
    """The training of an id. BadInput if there is none."""
    job = context.jobs.get(job_id)
    if job.kind != training.KIND:
        raise BadInput("This is not a training.", "Copy the whole link again.")
    return job


def look_at(context: Context, job_id: str, seen: Any) -> tuple:
    """What Watch.shown() takes; what has not changed since `seen` is left as it is."""
    job = get(context, job_id)
    now, before = marks(job), tuple(seen) or (None,) * 4
    ended = job.state in ENDED
    figures = (scores_figure(job) if now[1] != before[1] else gr.skip(),
               losses_figure(job) if now[2] != before[2] else gr.skip())
    pictures = render.grid(job) if now[1] != before[1] else gr.skip()
    links = render.links(job, sorted(drawing.checkpoints(job))) if now[3] != before[3] else gr.skip()
    return (render.state(job) if now[0] != before[0] else gr.skip(), *figures, pictures, links, now,
            gr.Timer(active=not ended))


def marks(job: Job) -> tuple:
    """What a look compares: of the state, of the samples, of the losses (each tenth is news), of the links."""
    now = job.progress
    losses = len(now.get("losses", []))
    return ((job.state, job.place, job.request, now.get("step"), now.get("state_words")),
            (tuple(now.get("samples", ())), now.get("best")), losses // 10 if job.state == "running" else losses,
            (tuple(drawing.checkpoints(job)), now.get("best")))


def scores_figure(job: Job) -> Any:
    """Likeness, what leaks into the control prompt, and copy risk over the steps, the best checkpoint marked."""
    rows = job.progress.get("scores", [])
    if len(rows) < 2:
        return gr.Plot(visible=False)  # a training before may have left its curves
    import plotly.graph_objects as go

    figure = go.Figure()
    steps = [row["step"] for row in rows]
    for name, words in (("likeness", "likeness"), ("leak", "leak: likeness without the trigger"),
                        ("copy_risk", "copy risk")):
        figure.add_scatter(x=steps, y=[row[name] for row in rows], name=words, mode="lines+markers")
    if job.progress.get("best"):
        figure.add_vline(x=job.progress["best"], line_dash="dot", line_color=_ui.MUTED, annotation_text="best")
    figure.update_layout(title={"text": "Towards the photos (1: there)", "font": {"size": 14}},
                         legend={"orientation": "h", "y": -0.35})
    figure.update_xaxes(title="step")
    return gr.Plot(_ui.style(figure, 300), visible=True)


def losses_figure(job: Job) -> Any:
    """The smoothed loss over the steps."""
    rows = job.progress.get("losses", [])
    if len(rows) < 2:
        return gr.Plot(visible=False)
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_scatter(x=[row[0] for row in rows], y=[row[1] for row in rows], name="loss", mode="lines")
    figure.update_layout(title={"text": "Loss, smoothed", "font": {"size": 14}})
    figure.update_xaxes(title="step")
    return gr.Plot(_ui.style(figure, 300), visible=True)
