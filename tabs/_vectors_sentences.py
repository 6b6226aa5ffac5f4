"""Word vectors: sentences and documents compared through all-MiniLM-L6-v2."""

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground.context import Context
from playground.text.vectors import sentences
from playground.text.vectors.sentences import Comparison
from tabs import _ui
from tabs import _vectors_draw as draw
from tabs._vectors_source import Step, examples, on_first_expand, set_and_run

LINES = "Each line is a sentence"
DOCUMENTS = "Blank lines part documents"
KINDS = (LINES, DOCUMENTS)

DINOSAURS = "\n\n".join((
    "Dinosaurs ruled the land for more than 160 million years. Some, like the long-necked sauropods, fed on leaves and "
    "grew heavier than ten elephants; others, like Tyrannosaurus, hunted on two strong legs with teeth as long as a "
    "hand.",
    "About 66 million years ago the giant reptiles of the Cretaceous died out after an asteroid struck the Earth. Only "
    "one branch of them came through: the feathered ones, whose descendants, the birds, still carry the hollow bones "
    "of their Jurassic forebears.",
    "Outer space begins about a hundred kilometres above our heads. Beyond the planets of the solar system lie the "
    "stars of the Milky Way, and beyond our galaxy billions of others, so far away that their light has travelled "
    "since before the Earth was formed."))
MEANING = """The cat sleeps on the warm windowsill.
A kitten is napping in the sun.
The stock market fell sharply today.
Share prices dropped this afternoon.
Die Katze schläft auf der Fensterbank."""
NEGATION = """I love this film.
I do not love this film.
I hate this film.
This movie is wonderful."""
LONG = ("The model reads only so much of a text. " * 40).strip() + " The last sentence is about a purple submarine."
EXAMPLES = (("Two on dinosaurs, one on outer space", DINOSAURS, DOCUMENTS),
            ("Same meaning, other words", MEANING, LINES),
            ("Does “not” count?", NEGATION, LINES),
            ("Too long to be read", f"{LONG}\nA purple submarine.\nHow much of a text does the model read?", LINES))


class Sentences:
    """The section's components inside their fold, laid out on creation."""

    def __init__(self, context: Context) -> None:
        self.context = context
        with gr.Accordion("Sentence similarity", open=False) as fold:
            buttons = examples([title for title, *_ in EXAMPLES])
            self.text = gr.Textbox(EXAMPLES[0][1], label="Sentences or documents", lines=8, max_lines=16,
                                   max_length=sentences.LONGEST, submit_btn="Compare texts")
            self.kind = gr.Radio(list(KINDS), value=EXAMPLES[0][2], label="What parts them")
            self.status = gr.HTML()
            with gr.Row():
                self.pairs = gr.HTML(min_height=80)
                self.heat = gr.Plot(label="Cosine of each with each", min_width=300)
            self.readings = gr.HTML()
            _ui.fold("How sentences become vectors", HOW)
        step = Step(self.run, [self.text, self.kind], [self.status, self.pairs, self.heat, self.readings],
                    {**_ui.COMPUTE, "show_progress_on": self.status})
        step.on(self.text.submit, self.kind.input)
        for button, (_, *values) in zip(buttons, EXAMPLES, strict=True):
            set_and_run(button, values, step.inputs, step)
        on_first_expand(fold, step)

    def run(self, text: Any, kind: Any) -> Iterator[tuple]:
        """First that it is at work, since loading takes some seconds; then pairs, heat map and what was read."""
        texts = sentences.check_texts(sentences.split(text, kind == DOCUMENTS))
        working = draw.note(f"Reading {len(texts)} texts; the model is loaded first if it is not in memory yet.")
        yield working, gr.skip(), gr.skip(), gr.skip()
        found = sentences.compare(self.context, texts)
        labels = [f"{number} {text}" for number, text in enumerate(texts, 1)]
        yield (draw.note(summary(found)), pairs_html(found),
               draw.heat_map([draw.short(label, 14) for label in labels], found.cosines,
                             [draw.short(label, 80) for label in labels],
                             [str(number) for number in range(1, len(texts) + 1)]), readings_html(found))


def summary(found: Comparison) -> str:
    """The most alike and the least alike, and whether something was not read."""
    best, last = found.pairs[0], found.pairs[-1]
    cut = sum(reading.truncated for reading in found.readings)
    text = (f"Most alike: <b>{best.first + 1} and {best.second + 1}</b> ({draw.figure(best.cosine)}). "
            f"Least alike: <b>{last.first + 1} and {last.second + 1}</b> ({draw.figure(last.cosine)}).")
    if cut:
        text += f" <b>Not read to the end: {cut} of {len(found.texts)} texts.</b>"
    return text


def pairs_html(found: Comparison, most: int = 200) -> str:
    """Pairs of texts, the most alike first."""
    rows = [(f"<b>{draw.figure(pair.cosine)}</b>", named(found, pair.first), named(found, pair.second))
            for pair in found.pairs[:most]]
    return draw.table(("Cosine", "Text", "Text"), rows)


def named(found: Comparison, number: int) -> str:
    """A text by its number and its beginning."""
    return f"<b>{number + 1}</b> {html.escape(draw.short(found.texts[number], 60))}"


def readings_html(found: Comparison) -> str:
    """How many word pieces each text has, and what the model leaves unread."""
    rows = []
    for number, (text, reading) in enumerate(zip(found.texts, found.readings, strict=True), 1):
        rows.append((str(number), f"{reading.read} of {reading.pieces}",
                     unread(text, reading) if reading.truncated else "the whole text"))
    return draw.table(("Text", "Word pieces read", f"Read (at most {found.limit} pieces)"), rows)


def unread(text: str, reading: sentences.Reading) -> str:
    """Where the model stopped reading, and how the text ends after that."""
    last, rest = text[:reading.characters][-50:], text[reading.characters:]
    end = rest if len(rest) <= 90 else f"{rest[:20]} … {rest[-70:]}"
    return f'up to “…{html.escape(last)}”; not read: <span class="wv-unread">{html.escape(end)}</span>'


HOW = """
all-MiniLM-L6-v2 is a small BERT with six layers. It cuts a text into **word pieces**, gives each a vector that depends
on the pieces around it, averages them, and brings the mean to length 1: 384 numbers a text, however long it is. It was
trained on a billion pairs of sentences that belong together. It reads 256 pieces (two of them mark beginning and end)
and nothing after that; the table shows where it stopped. Word order and *not* count, but less than the topic.

Sources: [Reimers, Gurevych 2019](https://arxiv.org/abs/1908.10084) (Sentence-BERT),
[Wang et al. 2020](https://arxiv.org/abs/2002.10957) (MiniLM),
[model card](https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
"""
