"""Word vectors: the analogy test, run on request, with progress and a stop."""

import html
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.errors import BadInput
from playground.text.vectors import analogies
from playground.text.vectors.analogies import Score
from tabs import _ui
from tabs import _vectors_draw as draw
from tabs._vectors_source import Source, Step

QUICK_SECTION = "capital-common-countries"


class AnalogyTest:
    """The section's components inside their fold, laid out on creation."""

    def __init__(self, source: Source) -> None:
        self.source = source
        with gr.Accordion("The analogy test: how often is it right?", open=False) as fold:
            gr.Markdown("“Athens is to Greece as Berlin is to what?” 19,544 such questions in 14 sections "
                        "(questions-words.txt). All of them take 15 to 60 s on two cores.", elem_classes="summary")
            self.sections = gr.Dropdown([], multiselect=True, label="Sections", info="none chosen: all of them")
            with gr.Row():
                short = gr.Button("One section (506 questions)", size="sm")
                everything = gr.Button("All sections", size="sm", variant="primary")
                chosen = gr.Button("Chosen sections", size="sm")
                stop = gr.Button("Stop", size="sm", variant="stop")
            self.progress = gr.HTML(draw.note("Not run yet."))
            self.table = gr.HTML()
        _ui.event(fold.expand, self.fill_menu, [], [self.sections])
        step = Step(self.run, [*source.inputs, self.sections], [self.progress, self.table],
                    {**_ui.COMPUTE, "show_progress": "hidden"})
        running = step.on(chosen.click)
        for button, value in ((short, [QUICK_SECTION]), (everything, [])):
            setting = _ui.event(button.click, lambda value=value: value, [], [self.sections])
            running += step.on(setting.then)
        stop.click(None, None, None, cancels=running)
        stopped = draw.note("Stopped. What was scored until then stays below.")
        _ui.event(stop.click, lambda: stopped, [], [self.progress])

    def fill_menu(self) -> Any:
        """The names of the sections, read when the fold is opened."""
        return gr.Dropdown(choices=[section.name for section in analogies.read_sections(analogies.questions_file())])

    def run(self, choice: Any, own: Any, chosen: Any) -> Iterator[tuple]:
        """Progress and the scores so far, after each batch of questions."""
        sections = pick(analogies.read_sections(analogies.questions_file()), chosen)
        total = sum(len(section.questions) for section in sections)
        start = time.perf_counter()
        yield draw.progress(0, total, "Loading the vectors"), gr.skip()
        with self.source.lease(choice, own) as vectors:
            for scores in analogies.evaluate(vectors, sections, lambda: self.source.context.gate.turn("Word vectors")):
                done = sum(score.asked + score.skipped for score in scores)
                words = f"{done:,} of {total:,} questions, {time.perf_counter() - start:.1f} s"
                yield draw.progress(done, total, words), scores_html(scores)


def pick(sections: list[analogies.Section], chosen: Any) -> list[analogies.Section]:
    """The sections of these names, or all of them for none."""
    if not chosen:
        return sections
    if not isinstance(chosen, list) or not all(isinstance(name, str) for name in chosen):
        raise BadInput("The sections are not a list of names.", "Choose them from the menu.")
    found = [section for section in sections if section.name in chosen]
    if len(found) < len(set(chosen)):
        raise BadInput("There is no section of that name.",
                       f"Known: {', '.join(section.name for section in sections)}.")
    return found


def scores_html(scores: list[Score]) -> str:
    """A row a section, the whole at the top, and a wrong answer of each as a sample."""
    everything = Score("all", sum(score.total for score in scores), sum(score.asked for score in scores),
                       sum(score.correct for score in scores), sum(score.skipped for score in scores))
    rows = [row(score) for score in ([everything] if len(scores) > 1 else []) + scores if score.asked or score.skipped]
    return draw.table(("Section", "Right", "", "Asked", "Left out", "A wrong one"), rows)


def row(score: Score) -> tuple[str, ...]:
    """A section's cells."""
    bar = f'<div class="wv-progress" style="min-width:5rem"><i style="width:{score.accuracy:.1%}"></i></div>'
    name = f"<b>{html.escape(score.section)}</b>" if score.section == "all" else html.escape(score.section)
    return (name, f"<b>{score.accuracy:.1%}</b>", bar, f"{score.asked:,}", f"{score.skipped:,}", wrong(score))


def wrong(score: Score) -> str:
    """The first wrong answer of a section."""
    if not score.wrong:
        return ""
    a, b, c, expected = (html.escape(word) for word in score.wrong[0].question)
    return f"{a} : {b} = {c} : <b>{html.escape(score.wrong[0].answer)}</b>, not {expected}"
