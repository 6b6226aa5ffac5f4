"""The GAN lab in its fold: presets, controls of a run under way, the live picture, the scrubber.

A run lives in a process of its own; here it is asked for things and looked at, six times a second, by a timer that
only runs while there is something to see. The run's id in the link brings it back after a reload.
"""

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.context import Context
from playground.errors import BadInput, PlaygroundError
from playground.gan.lab import client, own, presets
from playground.gan.lab.lane import FILM
from playground.gan.lab.settings import DRAWING, PICTURES, Plan
from playground.job_table import Job
from playground.jobs import ENDED
from tabs import _gan_lab_delete, _gan_lab_desk, _renew, _ui
from tabs import _gan_lab_draw as draw
from tabs import _gan_lab_settings as settings
from tabs._gan_lab_style import CSS
from tabs._gan_lab_text import HOW, SCRUBBER, SUMMARY
from tabs._shell import Shell

EVERY = 0.16  # seconds between two looks
LIVE = len(FILM)  # the scrubber's last place
LANE = {"concurrency_id": "gan-lab-look", "concurrency_limit": 16}
SPEEDS = {"1 a second": 1, "10 a second": 10, "100 a second": 100, "full speed": 0}
FULL = "full speed"

@dataclass(frozen=True)
class Page:
    """The parts of the lab that its handlers fill."""

    token: gr.BrowserState
    job: gr.State
    seen: gr.State
    place: gr.State
    watch: gr.Markdown
    live: gr.HTML
    status: gr.HTML
    film: gr.HTML
    timer: gr.Timer
    link: gr.Textbox

    def shown(self) -> list[Any]:
        """What a look fills."""
        return [self.live, self.status, self.seen, self.timer]

    def started(self) -> list[Any]:
        """What a start fills."""
        return [self.token, self.job, self.link, self.place, self.watch, self.film, *self.shown()]

    def empty(self) -> list[tuple[Any, Any]]:
        """What a run fills, each with its value while there is none."""
        return [(self.job, ""), (self.link, ""), (self.place, LIVE), (self.watch, ""), (self.film, scrubber_html()),
                (self.live, _gan_lab_delete.EMPTY), (self.status, ""), (self.seen, ()),
                (self.timer, gr.Timer(active=False))]


def build(context: Context, shell: Shell) -> None:
    """Lays out the fold and wires it. Nothing starts before a visitor opens the fold."""
    with gr.Accordion("GAN lab: train a generator against a discriminator", open=False, elem_id="gan-lab") as fold:
        gr.Markdown(SUMMARY, elem_classes="summary")
        with gr.Row():
            buttons = [gr.Button(each.title, size="sm", min_width=195) for each in presets.PRESETS]
        watch = gr.Markdown(elem_id="lab-watch")
        status = gr.HTML(elem_id="lab-status", css_template=CSS)
        live = gr.HTML(elem_id="lab-live", css_template=CSS)
        film = gr.HTML(scrubber_html(), js_on_load=SCRUBBER, css_template=CSS, elem_id="lab-film")
        words = control_row()
        controls = settings.build(context.settings.most.hours)
        with gr.Row():
            start = gr.Button("Start with these settings", variant="primary", min_width=180)
            copy = gr.Button("Copy link to this run", min_width=150)
            new = _renew.button(size="lg")
        delete = _gan_lab_delete.build()
        page = Page(shell.visitor,
                    gr.State(""), gr.State(()), gr.State(LIVE), watch, live, status, film,
                    gr.Timer(EVERY, active=False), gr.Textbox(visible=False))
        shown = _gan_lab_desk.build(context, page.token, page.job)
        _ui.fold("How the lab works, and its sources", HOW)
    wire_starts(context, page, controls, buttons, start, fold)
    wire_pictures(context, page, controls)
    wire_run(context, page, words)
    emptied = [*page.empty(), (controls.drawing, None), (controls.pictures, None), (controls.kept, ""), *shown]
    _gan_lab_delete.wire(context, delete, [page.token, page.job], emptied)
    _ui.copy_link(copy, page.link)
    _renew.wire(new, renewer(context), [page.token, page.job], [page.job, page.link], page.link,
                page.timer)
    shell.on_open(opened(context), [], [fold, page.job, page.link, *page.shown()], **_ui.QUICK)


def control_row() -> dict[str, Any]:
    """The buttons that ask a run for something, by what they ask, and its speed."""
    with gr.Row():
        titles = {"hold": "Hold", "go": "Go on", "d": "One step of D", "g": "One step of G",
                  "reset": "Reset, same seed"}
        made: dict[str, Any] = {word: gr.Button(title, size="sm", min_width=110) for word, title in titles.items()}
    made["speed"] = gr.Radio(list(SPEEDS), value=FULL, label="Joint updates")
    return made


def scrubber_html() -> str:
    """The slider over the kept moments of a run."""
    return (f'<div class="lab-film"><label for="lab-slide">Look back</label>'
            f'<input id="lab-slide" type="range" min="0" max="{LIVE}" value="{LIVE}" step="1" '
            f'data-steps="{list(FILM)}"><output for="lab-slide">live</output></div>')


def wire_starts(context: Context, page: Page, controls: settings.Controls, buttons: list[gr.Button],
                start: gr.Button, fold: gr.Accordion) -> None:
    """Presets, the start button, and the first look into the fold."""
    every = [*controls.all(), *page.started()]
    for button, preset in zip(buttons, presets.PRESETS, strict=True):
        run = _ui.event(button.click, from_preset(context, preset), [page.token], every)
        run.then(None, [page.link], None, js=_renew.SHOW_LINK)
    first = from_preset(context, presets.PRESETS[0])

    def expanded(token: str, job_id: str) -> list[Any]:
        return [gr.skip()] * len(every) if job_id else first(token)

    _ui.event(fold.expand, expanded, [page.token, page.job], every).then(None, [page.link], None, js=_renew.SHOW_LINK)

    def from_controls(token: str, sketch: Any, *values: Any) -> list[Any]:
        plan = settings.read(values)
        return begin(context, token, plan, extra(context, token, plan, sketch))

    run = _ui.event(start.click, from_controls, [page.token, controls.drawing, *controls.all()], page.started(),
                    **_ui.DECODING)  # Gradio decodes the drawing's layers, which a script may choose
    run.then(None, [page.link], None, js=_renew.SHOW_LINK)


def from_preset(context: Context, preset: presets.Preset) -> Any:
    """The handler that sets every control to a preset and starts it: token -> controls, started."""
    def start(token: str) -> list[Any]:
        return [*settings.values_of(preset.plan), *begin(context, token, preset.plan, {}, preset.watch)]
    return start


def begin(context: Context, token: str, plan: Plan, given: dict, watch: str = "") -> list[Any]:
    """Starts a plan; what Page.started() shows."""
    token = token or context.visitors.new()
    job = client.start(context, token, plan, given)
    return [token, job.id, link_of(job), LIVE, watch, scrubber_html(), waiting(job), status_html(job), (),
            gr.Timer(active=True)]


def renewer(context: Context) -> Any:
    """The handler that gives the run on the page a new link: its id, the link."""
    def renew(token: str, job_id: str) -> tuple:
        if not job_id:
            raise PlaygroundError("No run is under way.", "Start one with a button above.")
        job = context.jobs.renew(client.get(context, job_id).id, context.visitors.name(token))
        return job.id, link_of(job)
    return renew


def link_of(job: Job) -> str:
    """The secret link of a run."""
    return _ui.query(tab="gan-faces", lab=job.id)


def extra(context: Context, token: str, plan: Plan, sketch: Any) -> dict:
    """What a plan needs beside its settings: the drawing, or the place of the pictures."""
    name = plan.runs[0].data
    if name == DRAWING:
        return {"drawing": settings.drawn(sketch)}
    if name == PICTURES:
        return {"pictures": str(own.place(context, token or context.visitors.new()))}
    return {}


def wire_pictures(context: Context, page: Page, controls: settings.Controls) -> None:
    """Takes a visitor's pictures over into the private folder, and clears them from the page's uploads."""
    def taken(token: str, paths: list[str] | None) -> tuple:
        token = token or context.visitors.new()
        count = own.keep(context, token, [_ui.taken(path) for path in paths or []])
        return token, None, f"**{count} pictures are ready.** Press Start."

    _ui.event(controls.pictures.upload, taken, [page.token, controls.pictures],
              [page.token, controls.pictures, controls.kept], **_ui.DECODING)


def wire_run(context: Context, page: Page, words: dict[str, Any]) -> None:
    """The timer, the scrubber, and what a run can be asked for."""
    inputs = [page.job, page.seen, page.place]
    _ui.event(page.timer.tick, looker(context), inputs, page.shown(), show_progress="hidden", **LANE)

    def scrubbed(job_id: str, event: _ui.Told) -> tuple:
        place = event.whole("place", LIVE)
        return (place, *looker(context)(job_id, (), place))

    _ui.event(page.film.input, scrubbed, [page.job], [page.place, *page.shown()], show_progress="hidden",
              trigger_mode="always_last", **LANE)
    for word in ("hold", "go", "d", "g", "reset"):
        _ui.event(words[word].click, asker(context, word), [page.job], [page.status, page.seen, page.timer],
                  show_progress="hidden")

    def speed(job_id: str, choice: str) -> tuple:
        return asker(context, f"speed {SPEEDS.get(choice, 0)}")(job_id)

    _ui.event(words["speed"].input, speed, [page.job, words["speed"]], [page.status, page.seen, page.timer],
              show_progress="hidden")


def asker(context: Context, words: str) -> Any:
    """The handler that asks the run for something: job id -> status, seen, timer."""
    def ask(job_id: str) -> tuple:
        if not job_id:
            raise PlaygroundError("No run is under way.", "Start one with a button above.")
        return status_html(client.command(context, job_id, words)), (), gr.Timer(active=True)
    return ask


def looker(context: Context) -> Any:
    """The handler of a look: (job id, what was seen, place of the scrubber) -> what Page.shown() takes."""
    def look(job_id: str, seen: Any, place: int) -> tuple:
        if not job_id:
            return gr.skip(), gr.skip(), gr.skip(), gr.Timer(active=False)
        try:
            now = client.look(context, job_id, seen[0] if seen and seen[2] == place else 0)
        except PlaygroundError as problem:  # said once, as this runs six times a second
            words = status_line(html.escape(f"{problem.what} {problem.remedy}"))
            if isinstance(problem, BadInput):  # deleted elsewhere
                return _gan_lab_delete.EMPTY, words, (), gr.Timer(active=False)
            return gr.skip(), words, gr.skip(), gr.Timer(active=False)  # the disk, say: what was seen stays
        mark = (now.stamp, now.job.state, place, str(now.job.progress.get("words")), now.job.progress.get("speed"),
                now.job.place)
        if seen and tuple(seen) == mark:
            return gr.skip(), gr.skip(), gr.skip(), gr.skip()
        stays = gr.skip() if now.job.state not in ENDED else gr.Timer(active=False)
        return picture(now, place), status_html(now.job), mark, stays
    return look


def picture(now: client.Look, place: int) -> Any:
    """The live picture, or the moment that the scrubber stands at."""
    if not now.frame:
        return gr.skip() if now.stamp else waiting(now.job)
    past: list[Any] = [None, None]
    if place < LIVE:
        past = [client.past(now.job, number, FILM[place]) for number in (0, 1)]
    return draw.cards(now.frame, past)


def waiting(job: Job) -> str:
    """What stands in the picture's place before the first frame."""
    return f'<div class="lab-wait">{status_words(job)}</div>'


def status_html(job: Job) -> str:
    """The line over the picture."""
    return status_line(status_words(job))


def status_line(words: str) -> str:
    """The line of some HTML."""
    return f'<div class="lab-status" role="status">{words}</div>'


def status_words(job: Job) -> str:
    """Where a run stands, in words."""
    now = job.progress
    if job.state == "queued" and "step" in now:
        return (f"<b>Waiting</b> at update {now['step']:,}, as others have their turn (number {job.place}); it goes on "
                "by itself.")
    if job.state == "queued":
        return f"Waiting for a free place (number {job.place}); it starts by itself."
    if job.state == "running" and not now:
        return "Starting the run’s process …"
    at = f"update {now['step']:,} of {now['limit']:,}" if "step" in now else ""
    if job.state == "running":
        speed = f", {now['speed']:,.0f} joint updates a second" if now.get("speed") else ""
        return f"<b>{now['words']}</b>{': ' if at else ' …'}{at}{speed}"
    if job.state == "done":
        return f"<b>Ended</b>: {at}. Start another, or look back."
    return f"<b>{job.state.capitalize()}</b>: {at}. {job.error or 'Go on takes it up again.'}"


def opened(context: Context) -> Any:
    """The handler of a link with ?lab=ID: opens the fold on that run; without it, nothing happens."""
    def open_run(query: dict[str, str]) -> tuple:
        if "lab" not in query:
            return (gr.skip(),) * 7
        now = client.look(context, query["lab"])
        looks = picture(now, LIVE), status_html(now.job), (), gr.Timer(active=True)
        return gr.Accordion(open=True), now.job.id, link_of(now.job), *looks
    return open_run
