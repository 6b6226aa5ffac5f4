"""What the n-gram tab's handlers do: the draft a visitor is writing, and the steps that change it."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from playground import checks
from playground.errors import BadInput
from playground.text.ngrams import corpora, generate, symbols
from playground.text.ngrams.corpora import Counted, Library, OwnText
from playground.text.ngrams.coverage import coverage
from tabs import _ngram_html, _ui
from tabs._ngram_html import CHOSEN, Mark

BOOK, OWN = "Moby-Dick", "Your own text"
LONGEST_DRAFT = 4_000  # symbols
LOOKS = _ui.looks("n-gram")  # the unit chosen may not have been counted yet: seconds for a long text of one's own


@dataclass(frozen=True)
class Controls:
    """The values of the tab's controls, as they come from the page."""

    corpus: str
    unit: str
    n: Any
    start: str
    length: Any
    seed: Any

    def link(self) -> str:
        """The query of a link that opens the page like this; the visitor's own text is not in it."""
        return _ui.query(tab="n-gram-babble", unit=self.unit, n=self.n, start=self.start, length=self.length,
                         seed=self.seed)


@dataclass(frozen=True)
class Draft:
    """The symbols written so far and the place of the cursor among them, for one corpus, unit and start."""

    belongs: tuple = ()
    marks: tuple[Mark, ...] = ()
    cursor: int = 0

    def upto_cursor(self) -> tuple[Mark, ...]:
        """The symbols before the cursor."""
        return self.marks[:self.cursor]


@dataclass(frozen=True)
class View:
    """What the page shows after a step, in the order of its components."""

    babble: str
    bars: str
    coverage: str
    draft: Draft
    link: str

    def values(self) -> tuple:
        return self.babble, self.bars, self.coverage, self.draft, self.link


class Desk:
    """The steps, over one library of counted texts."""

    def __init__(self, library: Library) -> None:
        self.library = library

    def corpus(self, controls: Controls, own: OwnText | None) -> str | OwnText:
        """What Library.open takes. Raises BadInput where the visitor's own text is asked for and not given."""
        if controls.corpus != OWN:
            return corpora.MOBY_DICK
        if own is None:
            raise BadInput("There is no text of yours yet.", "Paste one or choose a file, or go back to Moby-Dick.")
        return own

    @contextlib.contextmanager
    def open(self, controls: Controls, own: OwnText | None) -> Iterator[Counted]:
        """The counts that the controls ask for."""
        with self.library.open(self.corpus(controls, own), controls.unit) as counted:
            yield counted

    def look(self, controls: Controls, own: OwnText | None, draft: Draft) -> View:
        """The draft as it is, read with the present n."""
        with self.open(controls, own) as counted:
            return self._view(counted, controls, self._kept(draft, controls, own))

    def babble(self, controls: Controls, own: OwnText | None, draft: Draft) -> View:
        """Writes `length` symbols from the cursor on; the cursor stays, so that the bars show the first choice."""
        return self._write(controls, own, draft, controls.length, steps=0)

    def step(self, controls: Controls, own: OwnText | None, draft: Draft) -> View:
        """Writes one symbol at the cursor and moves on."""
        return self._write(controls, own, draft, 1, steps=1)

    def choose(self, controls: Controls, own: OwnText | None, draft: Draft, code: Any) -> View:
        """Puts a symbol of the visitor's choice at the cursor; what stood there and after it goes."""
        with self.open(controls, own) as counted:
            code = checks.whole(code, "The symbol", 1, len(counted.table.symbols.vocabulary))
            draft = self._kept(draft, controls, own)
            marks = (*draft.upto_cursor(), Mark(code, CHOSEN))
            return self._view(counted, controls, replace(draft, marks=marks, cursor=len(marks)))

    def move(self, controls: Controls, own: OwnText | None, draft: Draft, index: Any) -> View:
        """Puts the cursor before the symbol number `index`."""
        draft = self._kept(draft, controls, own)
        index = checks.whole(index, "The place", 0, len(draft.marks))
        return self.look(controls, own, replace(draft, cursor=index))

    def back(self, controls: Controls, own: OwnText | None, draft: Draft) -> View:
        """Moves the cursor one symbol back."""
        draft = self._kept(draft, controls, own)
        return self.look(controls, own, replace(draft, cursor=max(0, draft.cursor - 1)))

    def clear(self, controls: Controls, own: OwnText | None, draft: Draft) -> View:
        """Back to the start alone."""
        return self.look(controls, own, Draft())

    def text(self, controls: Controls, own: OwnText | None, draft: Draft) -> str:
        """The start and the draft as one text."""
        with self.open(controls, own) as counted:
            codes = [mark.code for mark in self._kept(draft, controls, own).marks]
            return generate.spell(counted.table.symbols, controls.start, codes)

    def _write(self, controls: Controls, own: OwnText | None, draft: Draft, length: Any, *, steps: int) -> View:
        with self.open(controls, own) as counted:
            draft = self._kept(draft, controls, own)
            before = draft.upto_cursor()
            length = generate.check_length(length)
            if len(before) + length > LONGEST_DRAFT:
                raise BadInput(f"The text has {len(before):,} symbols; it may grow to {LONGEST_DRAFT:,}.",
                               "Start over, or click a symbol further up and write on from there.")
            codes = [*self._begun(counted, controls), *(mark.code for mark in before)]
            drawn = generate.write(counted.table, controls.n, codes, length, seed=controls.seed, skip=len(before))
            marks = (*before, *map(Mark.of, drawn))
            return self._view(counted, controls, replace(draft, marks=marks, cursor=draft.cursor + steps))

    def _kept(self, draft: Draft, controls: Controls, own: OwnText | None) -> Draft:
        """The draft, or an empty one where corpus, unit or start are no longer those it was written for."""
        belongs = (own.number if own and controls.corpus == OWN else 0, controls.unit, controls.start)
        return draft if draft.belongs == belongs else Draft(belongs)

    def _begun(self, counted: Counted, controls: Controls) -> list[int]:
        return counted.table.symbols.encode(generate.check_start(controls.start))

    def _view(self, counted: Counted, controls: Controls, draft: Draft) -> View:
        table, n = counted.table, generate.check_order(controls.n)
        codes = [*self._begun(counted, controls), *(mark.code for mark in draft.upto_cursor())]
        followers = table.followers(codes, n)
        taken = draft.marks[draft.cursor].code if draft.cursor < len(draft.marks) else None
        asked = context_asked(codes, n)
        return View(
            _ngram_html.babble(counted, controls.start, draft.marks, draft.cursor),
            _ngram_html.bars(table.symbols, followers, asked, taken),
            _ngram_html.coverage(coverage(table, n), table.symbols.unit), draft, controls.link())


def context_asked(codes: Sequence[int], n: int) -> Sequence[int]:
    """The last n - 1 symbols, or all where there are fewer."""
    return codes[max(0, len(codes) - n + 1):] if n > 1 else ()


def words_of_book(book: corpora.Book) -> frozenset[str]:
    """The words of a text, in small letters."""
    return frozenset(symbols.cut(book.text, symbols.WORDS))
