"""Word vectors: arithmetic on words, comparisons, maps, axes, the analogy test, own vectors, sentence similarity."""

import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pandas as pd

from playground import checks
from playground.context import Context
from playground.errors import BadInput, PlaygroundError
from playground.text.vectors import arithmetic, compare, models
from playground.text.vectors import sentences as embedding
from tabs import _ui
from tabs import _vectors_draw as draw
from tabs._shell import Shell, Tab
from tabs._vectors_analogies import AnalogyTest
from tabs._vectors_arithmetic import TOP, Arithmetic
from tabs._vectors_compare import Compare
from tabs._vectors_map import OwnAxes, WordMap
from tabs._vectors_sentences import Sentences
from tabs._vectors_source import LOOKS, Source

PLAIN = re.compile(r"[^\W\d_]+")  # a word that needs no quotes in an expression

SUMMARY = "Add and subtract words, and see which word lies nearest."

HOW = """
Each word is a list of numbers, its **vector**, learned from which words stand near which in billions of words of text:
words used alike get vectors that point the same way.

* **Cosine**: of the angle between two vectors. 1 is the same direction, 0 a right angle.
* **Dot product**: cosine times both lengths. Frequent words tend to have other lengths than rare ones, so the two can
  rank pairs differently.
* **Arithmetic**: `king - man + woman` adds the words' vectors, each brought to length 1 first, times their weights, and
  looks for the words with the largest cosine to the sum. The raw answer is often a word of the expression itself,
  because the sum stays near it; that is why both lists are shown.
* **Expressions** take `+ - * /`, parentheses, numbers as weights, and quotes around phrases and words with a hyphen:
  `"new york" - city`, `0.5 * (hot + cold)`. A phrase without a vector of its own gets the mean of its words.
* **PCA** turns the vectors so that the first axes show most of their spread. **t-SNE** keeps neighbours together and
  gives up the rest.
* **The analogy test** asks for the nearest word to b − a + c that is none of the three, among the 300,000 most
  frequent.

GloVe 6B holds 400,000 English words in small letters, 50 numbers each, from Wikipedia 2014 and Gigaword 5.

Sources: [Pennington et al. 2014](https://aclanthology.org/D14-1162/) (GloVe),
[Mikolov et al. 2013](https://arxiv.org/abs/1301.3781) (word2vec, the test),
[Mikolov, Yih, Zweig 2013](https://aclanthology.org/N13-1090/) (analogies by vector offset),
[van der Maaten, Hinton 2008](https://www.jmlr.org/papers/v9/vandermaaten08a.html) (t-SNE),
[Grand et al. 2022](https://doi.org/10.1038/s41562-022-01316-8) (axes from word pairs),
[Bolukbasi et al. 2016](https://arxiv.org/abs/1607.06520) (prejudice in word vectors).
"""


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab."""
    source = Source(context)
    sums = Arithmetic(source)
    gr.Markdown("### Compare words")
    versus = Compare(source)
    WordMap(source)
    OwnAxes(source)
    AnalogyTest(source)
    Sentences(context)
    _own_vectors(source, sums, versus)
    _ui.fold("How it works, and where it comes from", HOW)
    gr.HTML(draw.STYLE, padding=False, elem_classes="wv-style")

    def show(choice: Any, own: Any, expression: Any, top: Any, words: Any) -> tuple:
        return choice, expression, top, *sums.run(choice, own, expression, top), *versus.run(choice, own, words)

    def opened(query: dict[str, str], *values: Any) -> Iterator[tuple]:
        if "expression" not in query:
            yield show(*values)
            return
        choice, own, _, _, words = values
        try:
            yield show(query.get("vectors", choice), own, query["expression"], as_number(query.get("top", TOP)), words)
        except PlaygroundError:  # a link that cannot be followed leaves no empty page
            yield show(*values)
            raise

    shell.on_open(opened, [*sums.inputs, versus.words],
                  [source.menu, *sums.controls, *sums.outputs, *versus.outputs], **LOOKS)
    _endpoints(context)


def as_number(text: str | int) -> int:
    """A whole number of a link."""
    try:
        return int(text)
    except ValueError:
        raise BadInput(f"The link asks for {text[:20]!r} words.", "Correct the number behind top= in it.") from None


def _own_vectors(source: Source, sums: Arithmetic, versus: Compare) -> None:
    """The fold that takes a visitor's file, and shows at once what it can do."""
    with gr.Accordion("Your own vectors", open=False):
        gr.Markdown("A file in word2vec format, text or binary, or GloVe text, up to 25 MB. It is read here and kept "
                    "in memory while it is used; nobody else finds it in the menu.", elem_classes="summary")
        file = gr.File(label="File of vectors", file_types=[".txt", ".vec", ".bin"], type="filepath", height=130,
                       elem_id="wv-file")
        loaded = gr.Markdown()
    taking = _ui.event(file.upload, source.take, [file], [source.menu, source.own, loaded], **_ui.COMPUTE)

    def first_words(choice: Any, own: Any) -> tuple[str, str]:
        with source.lease(choice, own) as vectors:
            words = [word for word in vectors.words if PLAIN.fullmatch(word)] or vectors.words
        return " + ".join(words[:2]), ", ".join(words[:6])

    setting = _ui.event(taking.success, first_words, source.inputs, [sums.expression, versus.words], **LOOKS)
    adding, = sums.step.on(setting.success)
    versus.step.on(adding.success)


def _endpoints(context: Context) -> None:
    """The names that scripts count on."""
    expression = gr.Textbox(label="expression", visible=False)
    top_n = gr.Number(10, label="top_n", visible=False)
    hide = gr.Checkbox(True, label="hide_inputs", visible=False)
    answer = gr.Dataframe(headers=["word", "cosine"], label="words", visible=False)

    def word_arithmetic(expression: Any, top_n: Any, hide_inputs: Any) -> pd.DataFrame:
        with context.cache.lease(models.spec(context)) as vectors:
            found = arithmetic.solve(vectors, expression, top_n)
        rows = found.without_inputs if hide_inputs else found.with_inputs
        return pd.DataFrame([(row.word, row.cosine) for row in rows], columns=["word", "cosine"])

    _ui.endpoint(word_arithmetic, [expression, top_n, hide], [answer], "word_arithmetic")

    def word_pair(a: Any, b: Any) -> dict[str, float]:
        with context.cache.lease(models.spec(context)) as vectors:
            found = compare.pair(vectors, a, b)
        return {"dot": found.dot, "cosine": found.cosine}

    words = [gr.Textbox(label=name, visible=False) for name in ("a", "b")]
    _ui.endpoint(word_pair, words, [gr.JSON(label="pair", visible=False)], "word_pair")

    def sentence_similarity(sentences: Any) -> pd.DataFrame:
        found = embedding.compare(context, embedding.split(checks.text(sentences, "The text", embedding.LONGEST)))
        return pd.DataFrame(found.cosines, columns=[str(number) for number in range(1, len(found.texts) + 1)])

    lines = gr.Textbox(label="sentences", lines=3, visible=False)
    table = gr.Dataframe(label="similarity", visible=False)
    _ui.endpoint(sentence_similarity, [lines], [table], "sentence_similarity", **_ui.COMPUTE)


TAB = Tab("Word vectors", 50, SUMMARY, build)
