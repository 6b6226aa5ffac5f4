"""The folds of the n-gram tab: count table, Shannon's ladder, and a language model beside the babble."""

import html
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from playground.context import Context
from playground.text import generation, language_model
from playground.text.ngrams import generate, ladder, lookup, patterns
from playground.text.ngrams.corpora import Counted, OwnText
from playground.text.ngrams.patterns import Patterns
from playground.text.ngrams.symbols import CHARACTERS, LETTERS, WORDS
from tabs import _ngram_html, _ui
from tabs._ngram_desk import LOOKS, OWN, Controls, Desk, words_of_book
from tabs._ngram_style import STYLE

MAX_TOKENS = 80  # of the language model beside the babble
LADDER_LENGTH = {LETTERS: 110, CHARACTERS: 110, WORDS: 28}  # symbols a rung


class Tools:
    """The folds. What lies in an open one follows the draft; a closed one costs nothing."""

    def __init__(self, context: Context, desk: Desk, inputs: Sequence[Any]) -> None:
        self._desk = desk
        self._inputs = list(inputs)
        self._followers: list[tuple] = []
        self._count_table()
        self._ladder()
        self._language_model(context)

    def follow(self, event: Any) -> None:
        """Brings the open folds up to date after an event."""
        for fn, inputs, outputs in self._followers:
            event = _ui.event(event.then, fn, inputs, outputs, show_progress="hidden", **LOOKS)

    def _count_table(self) -> None:
        with gr.Accordion("Count table: every n-gram, most frequent first", open=False) as fold:
            search = gr.Textbox("", label="Search in all of them", max_length=200,
                                placeholder="a few symbols, or the beginning of a word")
            table = gr.HTML(css_template=STYLE, elem_id="ngram-table")

        def look(counted: Counted, page: Controls, search_for: str) -> str:
            found = lookup.look_up(counted.table, generate.check_order(page.n), search_for)
            return _ngram_html.count_table(counted.table.symbols, found, page.n, search_for)

        refresh, wiring = self._while_open(fold, look, table, search)
        _ui.event(search.change, refresh, wiring, [table], show_progress="hidden", trigger_mode="always_last", **LOOKS)

    def _ladder(self) -> None:
        with gr.Accordion("Shannon's ladder: the same start at every n", open=False) as fold:
            table = gr.HTML(css_template=STYLE, elem_id="ngram-ladder")

        def climb(counted: Counted, page: Controls) -> str:
            rungs = ladder.climb(counted.table, counted.perplexities, page.start,
                                 LADDER_LENGTH[page.unit], seed=page.seed)
            return _ngram_html.ladder(rungs, counted.book, page.unit)

        self._while_open(fold, climb, table)

    def _while_open(self, fold: gr.Accordion, fill: Callable[..., str], output: gr.HTML, *more: Any) -> tuple:
        """Fills `output` by fill(counted, controls, *values of more) when the fold opens, and after every step
        while it is open. Returns the handler and its inputs."""
        is_open = gr.State(False)
        inputs = [is_open, *more, *self._inputs]

        def refresh(shown: bool, *values: Any) -> Any:
            page, own = read(values[len(more):])
            if not shown or (page.corpus == OWN and own is None):
                return gr.skip()
            with self._desk.open(page, own) as counted:
                return fill(counted, page, *values[:len(more)])

        _ui.event(fold.expand, lambda *values: (True, refresh(True, *values[1:])), inputs, [is_open, output],
                  **LOOKS)
        _ui.event(fold.collapse, lambda: False, [], [is_open])
        self._followers.append((refresh, inputs, [output]))
        return refresh, inputs

    def _language_model(self, context: Context) -> None:
        with gr.Accordion("The same start by a language model", open=False):
            gr.Markdown("Gemma 3 270M, a small language model, continues your start beside the babble. It looks back "
                        "on the whole text and not on n − 1 symbols. Temperature 1, top-p 0.95, same seed.",
                        elem_classes="summary")
            with gr.Row():
                run = gr.Button("Continue with both", variant="primary", size="sm", min_width=120)
                stop = gr.Button("Stop", size="sm", min_width=80)
            beside = gr.HTML(css_template=STYLE, elem_id="ngram-beside")

        def compare(corpus: Any, unit: Any, n: Any, start: Any, length: Any, seed: Any, own: Any, draft: Any,
                    progress: gr.Progress = gr.Progress()) -> Iterator[str]:  # noqa: B008, Gradio looks for it here
            page = Controls(corpus, unit, n, start, length, seed)
            babble = self._desk.text(page, own, draft)
            with self._desk.open(page, own) as counted:
                book = counted.book
            known, written = words_of_book(book), ""
            pieces = generation.continue_text(
                context, page.start, top_p=0.95, max_tokens=MAX_TOKENS, seed=page.seed, who="N-gram babble",
                progress=_ui.engine_progress(progress))
            for piece in pieces:
                written += piece
                yield both(babble, page.start + written, known, book.title)

        event = _ui.event(run.click, compare, self._inputs, [beside], **_ui.COMPUTE)
        stop.click(None, None, None, cancels=[event], api_visibility="private")


def read(values: Sequence[Any]) -> tuple[Controls, OwnText | None]:
    """The controls and the visitor's own text from the values of a step's inputs."""
    *controls, own, _ = values
    return Controls(*controls), own


def both(babble: str, model: str, known: frozenset[str], title: str) -> str:
    """The two texts side by side over the figures of as many words as both have."""
    longest = min(len(patterns.words_of(babble)), len(patterns.words_of(model)))
    columns = [patterns.patterns(text, known, longest) for text in (babble, model)]
    texts = "".join(
        f'<div><p class="ng-note"><b>{name}</b></p><div class="ng-text" dir="auto">{html.escape(text)}</div></div>'
        for name, text in (("n-gram model", babble), (language_model.MODEL, model)))
    rows = "".join(f"<tr><td>{label}</td>" + "".join(f'<td class="ng-num">{cell}</td>' for cell in cells) + "</tr>"
                   for label, *cells in figure_rows(columns, html.escape(title)))
    head = (f'<tr><th>First {longest} words of each</th><th class="ng-num">n-gram model</th>'
            f'<th class="ng-num">{language_model.MODEL}</th></tr>')
    return f'<div class="ng-two">{texts}</div>{_ngram_html.table(head, rows, "ng-wrap")}'


def figure_rows(columns: Sequence[Patterns], title: str) -> list[tuple[str, ...]]:
    """Label and a cell for each text."""
    def shares(values: Sequence[float | None]) -> list[str]:
        return ["–" if value is None else f"{value:.0%}" for value in values]
    return [("Different words (vocabulary)", *shares([each.distinct for each in columns])),
            ("Repeated sequences of four words", *shares([each.repeated for each in columns])),
            (f"Words that occur in {title}", *shares([each.known for each in columns])),
            ("Most frequent", *(html.escape(", ".join(f"{word} {count}" for word, count in each.commonest))
                                for each in columns))]
