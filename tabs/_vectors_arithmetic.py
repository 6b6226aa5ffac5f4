"""Word vectors, first section: an expression, and the words nearest to what it comes to."""

import html
import re
from typing import Any

import gradio as gr
import numpy as np

from playground.text.vectors import arithmetic, store
from playground.text.vectors.arithmetic import Answer
from playground.text.vectors.models import MODEL
from playground.text.vectors.store import Vectors
from tabs import _ui
from tabs import _vectors_draw as draw
from tabs._vectors_source import CALM, LOOKS, OWN, Source, Step, examples, set_and_run

EXAMPLES = ("mother + man - woman", "girl + man - woman", "you + his - he", "king - man + woman",
            "paris - france + italy", "walking - walked + swam", "0.5 * (hot + cold)")
FIRST = EXAMPLES[0]
TOP = 8
COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
RARE = 50_000  # the place in the list from which a word may be a slip for a more frequent one


class Arithmetic:
    """The section's components, laid out on creation; `run` is what fills them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        buttons = examples(EXAMPLES)
        with gr.Row(equal_height=True):
            self.expression = gr.Textbox(FIRST, label="Expression", scale=5, max_length=1000, lines=1, max_lines=3,
                                         placeholder='king - man + 0.5 * woman, "new york" - city', min_width=300,
                                         submit_btn="Compute")
            source.menu.render()
            self.top = gr.Slider(1, 30, TOP, step=1, label="Words to list", scale=2, min_width=160)
        with gr.Row():
            with gr.Column(min_width=290):
                self.hidden = gr.HTML(min_height=120)
            with gr.Column(min_width=290):
                self.all = gr.HTML(min_height=120)
        self.strips = gr.Plot(label="The vectors, one number a cell", show_label=True)
        with gr.Row():
            self.notes = gr.HTML()
            copy = gr.Button("Copy link", size="sm", scale=0, min_width=110)
        self.link = gr.Textbox(visible=False)
        _ui.copy_link(copy, self.link)
        self.step = Step(self.run, self.inputs, self.outputs, CALM)
        self.step.on(self.expression.submit, self.top.release)
        # another set may have to be fetched first, which is shown
        _ui.event(source.menu.input, self.run, self.inputs, self.outputs, show_progress_on=self.notes, **LOOKS)
        for button, expression in zip(buttons, EXAMPLES, strict=True):
            set_and_run(button, (MODEL, expression, TOP), [source.menu, *self.controls], self.step)

    @property
    def controls(self) -> list[Any]:
        """What a visitor sets."""
        return [self.expression, self.top]

    @property
    def inputs(self) -> list[Any]:
        """What `run` takes."""
        return [*self.source.inputs, *self.controls]

    @property
    def outputs(self) -> list[Any]:
        """What `run` gives."""
        return [self.hidden, self.all, self.strips, self.notes, self.link]

    def run(self, choice: Any, own: Any, expression: Any, top: Any) -> tuple:
        """Both rankings, the strips, notes and the link of an expression."""
        with self.source.lease(choice, own) as vectors:
            answer = arithmetic.solve(vectors, expression, top)
            inputs = [vectors.words[number] for item in answer.items for number in item.numbers]
            rows = vector_rows(vectors, answer)
            remarks = notes(vectors, answer, expression)
        named = {} if choice == OWN else {"vectors": choice}  # a visitor's file is on no other visitor's page
        link = _ui.query(tab="word-vectors", expression=expression, top=int(top), **named)
        return (draw.ranking("Without the words of the expression", pairs(answer.without_inputs)),
                draw.ranking("All words", pairs(answer.with_inputs), inputs),
                draw.strips(rows), remarks, link)


def pairs(found: list[arithmetic.Neighbour]) -> list[tuple[str, float]]:
    """Words and cosines."""
    return [(each.word, each.cosine) for each in found]


def vector_rows(vectors: Vectors, answer: Answer) -> list[tuple[str, np.ndarray]]:
    """The unit vectors of the expression's words, of what it comes to, and of the word nearest to that."""
    rows = [(item.text, item.unit) for item in answer.items][:8]
    rows.append(("= the sum", answer.direction))
    if answer.without_inputs:
        best = answer.without_inputs[0]
        rows.append((f"≈ {best.word}", vectors.unit[best.number].astype(np.float64)))
    return rows


def notes(vectors: Vectors, answer: Answer, expression: str) -> str:
    """How the expression was read, and what may surprise in it."""
    lines = [f"Read as <b>{html.escape(str(answer.total))}</b>, each word at length 1; "
             f"searched {len(vectors.words):,} words of {vectors.dimensions} dimensions."]
    for word in COMPOUND.findall(re.sub(r'".*?"', "", expression)):
        if vectors.find(word) is not None:
            lines.append(f'The hyphen was read as a minus; the word is written in quotes: "{html.escape(word)}".')
    for item in answer.items:
        if len(item.numbers) > 1:
            lines.append(f"“{html.escape(item.text)}” is no entry of its own: the mean of its words is used.")
        elif item.numbers[0] >= RARE:
            closer = [word for word in store.suggest(vectors, item.text) if vectors.index[word] < RARE]
            if closer:
                lines.append(f"“{html.escape(item.text)}” is a rare word (number {item.numbers[0] + 1:,} in the list). "
                             f"Did you mean {html.escape(closer[0])}?")
    return draw.note("<br>".join(lines))
