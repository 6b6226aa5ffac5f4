"""Word vectors: a list of words against each other. Dot products, cosines, strips, a heat map, the odd one out."""

import html
from typing import Any

import gradio as gr

from playground.text.vectors import compare, store
from playground.text.vectors.models import MODEL
from tabs import _vectors_draw as draw
from tabs._vectors_source import CALM, Source, Step, examples, set_and_run

EXAMPLES = (("cow, horse, ocean", "cow, horse, ocean"),
            ("Odd one out", "breakfast, cereal, dinner, lunch"),
            ("Three groups", "cat, dog, lion, whale, car, truck, train, bicycle, joy, anger, fear, love"),
            ("Numbers", "one, two, three, ten, hundred, thousand, million"))
MOST_STRIPS = 12


class Compare:
    """The section's components, laid out on creation; `run` is what fills them."""

    def __init__(self, source: Source) -> None:
        self.source = source
        buttons = examples([title for title, _ in EXAMPLES])
        self.words = gr.Textbox(EXAMPLES[0][1], label="Words, parted by commas", max_length=5000, max_lines=4,
                                submit_btn="Compare")
        with gr.Row():
            with gr.Column(min_width=280):
                self.odd = gr.HTML()
                self.pairs = gr.HTML(min_height=80)
            self.heat = gr.Plot(label="Cosine of each with each", min_width=300)
        self.strips = gr.Plot(label="The vectors as they stand in the file")
        self.numbers = gr.HTML()
        self.step = Step(self.run, self.inputs, self.outputs, CALM)
        self.step.on(self.words.submit)
        for button, (_, words) in zip(buttons, EXAMPLES, strict=True):
            set_and_run(button, (MODEL, words), [source.menu, self.words], self.step)

    @property
    def inputs(self) -> list[Any]:
        """What `run` takes."""
        return [*self.source.inputs, self.words]

    @property
    def outputs(self) -> list[Any]:
        """What `run` gives."""
        return [self.odd, self.pairs, self.heat, self.strips, self.numbers]

    def run(self, choice: Any, own: Any, text: Any) -> tuple:
        """The odd one out, the table of pairs, the heat map, strips and numbers."""
        words = compare.split_words(text, least=2)
        with self.source.lease(choice, own) as vectors:
            items = store.lookup(vectors, words)
        rows = [(item.text, item.raw) for item in items[:MOST_STRIPS]]
        return (odd_html(items), pairs_html(compare.pairs(items)),
                draw.heat_map(words, compare.cosines(items)), draw.strips(rows), draw.numbers(rows))


def odd_html(items: list[store.Item]) -> str:
    """The word farthest from the mean of all, where there are enough to tell."""
    if len(items) < 3:
        return ""
    found = compare.odd_one_out(items)
    word, cosine = found[-1]
    return draw.note(f"Odd one out: <b>{html.escape(word)}</b>, cosine {draw.figure(cosine)} to the mean of all; "
                     f"most central: <b>{html.escape(found[0][0])}</b>, {draw.figure(found[0][1])}.")


def pairs_html(pairs: list[compare.Pair], most: int = 200) -> str:
    """The pairs with dot product and cosine, the nearest first."""
    rows = [(f"{html.escape(each.a)} · {html.escape(each.b)}", f"<b>{draw.figure(each.cosine)}</b>",
             draw.figure(each.dot)) for each in pairs[:most]]
    left_out = draw.note(f"{len(pairs) - most:,} more pairs are farther apart.") if len(pairs) > most else ""
    return draw.table(("Pair", "Cosine", "Dot product"), rows) + left_out
