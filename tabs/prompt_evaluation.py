"""Prompt evaluation: prompts x cases x models, scored, with the uncertainty said."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from playground.context import Context
from playground.evaluation import library, promptfoo, runs
from tabs import _evaluation_form, _evaluation_more, _evaluation_style, _renew, _ui
from tabs import _evaluation_html as pages
from tabs._evaluation_course import HOW, LESSONS
from tabs._evaluation_desk import OUTPUTS, Desk, announced, limits
from tabs._shell import Shell, Tab

SUMMARY = ("Give several prompts the same test cases, score every answer, and see which prompt works "
           "and how sure you can be.")
# Runs take turns with the other tabs at the gate, token by token, so they need no place in the compute lane.
RUNS = {"concurrency_id": "evaluation", "concurrency_limit": 4}


@dataclass(frozen=True)
class Widgets:
    """The components that handlers read or write."""

    token: gr.BrowserState
    run: gr.State
    cell: gr.State
    form: list[Any]
    agreed: gr.Checkbox
    lesson: gr.HTML
    view: gr.Radio
    shown: list[Any]  # in the order of Desk.shown
    matrix: gr.HTML
    story: gr.HTML
    parted: gr.Textbox


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab."""
    desk = Desk(context)
    examples = _examples()
    form = _evaluation_form.lay_out(library.FIRST, context.settings.most.hours)
    outside = _evaluation_form.endpoint_box(context.settings.reach)
    with gr.Row():
        start = gr.Button("Run", variant="primary", min_width=120, elem_id="evaluation-run")
        stop = gr.Button("Stop", min_width=80)
        agreed = gr.Checkbox(label="Run large plans too", min_width=160, info=limits())
    page, go_on, copy, new, send, delete, thumbs = _results(shell.visitor, form, agreed)
    parts = _evaluation_more.Parts(page.run, form, page.lesson, start)
    code, run_code = _evaluation_more.build(desk, parts)

    events = [_run(context, page, start.click, desk.run_form, [page.run, page.view, agreed, *outside, *form]),
              _run(context, page, run_code.click, desk.run_yaml, [page.run, page.view, agreed, code]),
              _ui.event(go_on.click, desk.go_on, [page.run, page.view], page.shown, show_progress="hidden", **RUNS),
              *(_wire_example(desk, page, *pair) for pair in zip(examples, library.ALL, strict=True))]
    _ui.event(stop.click, desk.stop, [page.run, page.view], page.shown, cancels=events, **_evaluation_more.LOOKS)
    _ui.event(delete.click, desk.delete, [page.run], page.shown, cancels=events)
    _wire_looks(desk, page, thumbs)
    _wire_columns(form)
    _ui.copy_link(copy, page.shown[7])
    _renew.wire(new, _renewer(desk), [page.token, page.run], [page.run, page.shown[7]], page.shown[7])
    shell.send(send, page.parted, "next-token")
    shell.on_open(_opened(desk), [page.token, page.view], [page.token, *form, page.lesson, *page.shown], **RUNS)
    _course(shell, desk, page)
    _endpoint(context)


def _examples() -> list[gr.Button]:
    """A button for each ready-made evaluation, in two rows."""
    buttons = []
    for group in dict.fromkeys(example.group for example in library.ALL):
        with gr.Row(elem_classes="examples"):
            buttons += [gr.Button(example.title, size="sm", min_width=120) for example in library.ALL
                        if example.group == group]
    return buttons


def _results(token: gr.BrowserState, form: list[Any], agreed: gr.Checkbox) -> tuple[Any, ...]:
    """Everything below the button Run, and the buttons there."""
    lesson = _html("evaluation-lesson")
    status = _html("evaluation-status", js_on_load=_evaluation_style.SHOW_LINK)
    go_on = gr.Button("Go on with this run", visible=False, size="sm")
    with gr.Row():
        with gr.Column(scale=3, min_width=280):
            verdicts = _html("evaluation-verdicts")
        with gr.Column(scale=2, min_width=280):
            chart = gr.Plot(show_label=False, container=False, elem_id="evaluation-chart")
    view = gr.Radio(list(pages.FILTERS), value=pages.ALL, label="Show", elem_id="evaluation-view")
    matrix = _html("evaluation-matrix", js_on_load=_evaluation_style.CLICKS)
    story = _html("evaluation-story", js_on_load=_evaluation_style.CLICKS)
    with gr.Row():
        up, down, none = (gr.Button(name, size="sm", min_width=90) for name in ("▲ Good", "▼ Bad", "No thumb"))
        send = gr.Button("Open in next token where it parts", size="sm", min_width=180)
        copy = gr.Button("Copy link to this run", size="sm", min_width=140)
        new = _renew.button()
        delete = gr.Button("Delete this run", size="sm", min_width=110)
    run, cell = gr.State(""), gr.State("")
    parted, link = gr.Textbox(visible=False), gr.Textbox(visible=False)
    shown = [run, status, verdicts, chart, matrix, story, parted, link, go_on]
    page = Widgets(token, run, cell, form, agreed, lesson, view, shown, matrix, story, parted)
    return page, go_on, copy, new, send, delete, {up: True, down: False, none: None}


def _html(name: str, **options: Any) -> gr.HTML:
    """A place for our own HTML."""
    return gr.HTML(elem_id=name, css_template=_evaluation_style.CSS, padding=False, **options)


def _run(context: Context, page: Widgets, trigger: Callable, fn: Callable, inputs: list[Any]) -> Any:
    """Wires what starts a run, fn(visitor, *inputs): it is the visitor's, to be deleted with all else that is."""
    def run(token: str, *values: Any) -> Iterator[tuple]:
        visitor, kept = _visitor(context, token)
        for outputs in fn(visitor, *values):
            yield kept, *outputs
            kept = gr.skip()

    return _ui.event(trigger, run, [page.token, *inputs], [page.token, *page.shown], show_progress="hidden", **RUNS)


def _wire_example(desk: Desk, page: Widgets, button: gr.Button, example: library.Example) -> Any:
    """An example sets every control and runs."""
    filled = _evaluation_form.values_of(example)

    def run(token: str, view: str) -> Iterator[tuple]:
        visitor, kept = _visitor(desk.context, token)
        first = (kept, *filled, False, pages.lesson(example.lesson))
        for outputs in announced(desk.run_example(example, visitor, view)):
            yield *first, *outputs
            first = tuple(gr.skip() for _ in first)

    return _ui.event(button.click, run, [page.token, page.view],
                     [page.token, *page.form, page.agreed, page.lesson, *page.shown], show_progress="hidden", **RUNS)


def _visitor(context: Context, token: str) -> tuple[str, Any]:
    """Whose a run is, and the token that the browser is to keep; where it has none yet, it gets one."""
    new = "" if token else context.visitors.new()
    return context.visitors.name(token or new), new or gr.skip()


def _renewer(desk: Desk) -> Callable:
    def renew(token: str, run_id: str) -> tuple:
        return desk.renew(run_id, desk.context.visitors.name(token))
    return renew


def _wire_looks(desk: Desk, page: Widgets, thumbs: dict[gr.Button, bool | None]) -> None:
    """A click on an output, the filter, the thumbs."""
    outputs = [page.matrix, page.story, page.parted, page.cell]
    calm = {"show_progress": "hidden", **_evaluation_more.LOOKS}

    def clicked(run_id: str, view: str, event: _ui.Told) -> tuple:
        return desk.look(run_id, view, event.text("cell"))

    def filtered(run_id: str, view: str, cell: str) -> str:
        return pages.matrix(desk.kept(run_id).run(), view, cell)

    def judged(up: bool | None, run_id: str, view: str, cell: str) -> tuple:
        return desk.thumb(run_id, view, cell or desk.telling(desk.kept(run_id).run()).cell.id, up)

    def ticked(run_id: str, view: str, event: _ui.Told) -> tuple:
        return desk.tick(run_id, view, *map(event.text, ("cell", "item", "seen")))

    _ui.event(page.matrix.click, clicked, [page.run, page.view], outputs, **calm)
    _ui.event(page.story.click, ticked, [page.run, page.view], [*page.shown[2:4], *outputs], **calm)
    _ui.event(page.view.input, filtered, [page.run, page.view, page.cell], [page.matrix], **calm)
    for button, up in thumbs.items():
        _ui.event(button.click, partial(judged, up), [page.run, page.view, page.cell], outputs, **calm)
    _ui.event(page.run.change, lambda: "", [], [page.cell], show_progress="hidden")


def _wire_columns(form: list[Any]) -> None:
    """A prompt that names a new {{variable}} gives the table of cases a column for it."""
    prompts, table = form[:_evaluation_form.PROMPTS], form[_evaluation_form.PROMPTS]
    for prompt in prompts:
        _ui.event(prompt.blur, lambda cases, *texts: _evaluation_form.with_columns(cases, list(texts)),
                  [table, *prompts], [table], show_progress="hidden")


def _opened(desk: Desk) -> Callable:
    """The first look: the run that a link names, or the first example."""
    def opened(query: dict[str, str], token: str, view: str) -> Iterator[tuple]:
        visitor, kept = _visitor(desk.context, token)
        for form, outputs in desk.open(query, visitor, view):
            lesson = pages.lesson(library.FIRST.lesson) if form is None else ""
            yield kept, *(form or [gr.skip()] * _evaluation_form.FIELDS), lesson, *outputs
            kept = gr.skip()
    return opened


def _course(shell: Shell, desk: Desk, page: Widgets) -> None:
    """How to write a prompt, what effectiveness can mean, limits; each claim with an example that runs."""
    with gr.Accordion("How to write a prompt, and how far to trust the numbers", open=False):
        gr.Markdown(HOW, elem_classes="explainer")
        by_title = {example.title: example for example in library.ALL}
        for title, claim in LESSONS:
            with gr.Row():
                gr.Markdown(claim, elem_classes="explainer")
                button = gr.Button(f"Try it: {title}", size="sm", min_width=160, scale=0)
            _wire_example(desk, page, button, by_title[title])


def _endpoint(context: Context) -> None:
    """/evaluate_prompts."""
    def evaluate_prompts(config: str, request: gr.Request) -> dict:
        asked, issues = promptfoo.read(config, context.settings.reach)
        visitor = context.visitors.name(_ui.script_token(request))
        return runs.for_script(context, asked, tuple(map(str, issues)), visitor)

    _ui.endpoint(evaluate_prompts, [gr.Textbox(label="config", visible=False)],
                 [gr.JSON(visible=False, label="evaluation")], "evaluate_prompts", **RUNS)


assert OUTPUTS == 9
TAB = Tab("Prompt evaluation", 80, SUMMARY, build)
