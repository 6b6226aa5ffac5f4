"""The texts that are counted: the bundled book, kept counted in the shared cache, and a visitor's own.

A visitor's text lives in the memory of this process for as long as the visitor's session holds its OwnText, and
nowhere else: it is never written to disk, and no other visitor has a name for it.
"""

import codecs
import contextlib
import functools
import hashlib
import itertools
import lzma
import re
import sys
import threading
import time
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playground import checks
from playground.context import Context
from playground.errors import BadInput, DamagedWeights, NotEnoughMemory
from playground.slots import gigabytes
from playground.specs import RAM, ModelKey, ModelSpec
from playground.text.ngrams import counts, symbols
from playground.text.ngrams.counts import DEPTH, CountTable
from playground.text.ngrams.perplexity import SHORTEST, Perplexities, perplexities

MOBY_DICK = "moby-dick"
CORPORA = (MOBY_DICK,)
SHA256 = "fe282a57094ed62e7144fb7c804a9748fc1c909bf3b49d06e7276015f9f67240"  # of the unpacked text
PACKED = Path(__file__).resolve().parents[3] / "assets" / "corpora" / "moby-dick.txt.xz"
LARGEST = 20 * 10**6  # bytes of a visitor's text
LARGE = 2 * 10**6  # characters; counting takes about 35 bytes a character while it lasts
NOBODY = ("", "")


@dataclass(frozen=True)
class Place:
    """Where in a text something stands: its chapter (empty if the text has none), and 0..100 % of the way."""

    chapter: str
    percent: float


@dataclass(frozen=True)
class Book:
    """A text with its title."""

    title: str
    text: str

    @functools.cached_property
    def chapters(self) -> tuple[list[int], list[str]]:
        """Starts and titles of the chapters ('CHAPTER 1. Loomings.' on a line of its own)."""
        found = list(re.finditer(r"^CHAPTER (\d+)\. (.+)$", self.text, re.MULTILINE))
        return [match.start() for match in found], [f"Chapter {match[1]}. {match[2]}" for match in found]

    def place(self, offset: int) -> Place:
        """The place of the character number `offset`."""
        starts, titles = self.chapters
        number = bisect_right(starts, offset) - 1
        return Place(titles[number] if number >= 0 else "", 100 * offset / max(1, len(self.text)))


@dataclass(frozen=True)
class Counted:
    """A text and the counts of its n-grams in one unit."""

    book: Book
    table: CountTable

    @functools.cached_property
    def perplexities(self) -> Perplexities | None:
        """How well each n predicts the last tenth; None for a text too short to split."""
        return perplexities(self.table) if self.table.size >= SHORTEST else None


@functools.cache
def moby_dick() -> Book:
    """The bundled book (1.2 million characters). Raises DamagedWeights if its file is not the one we know."""
    try:
        content = lzma.decompress(PACKED.read_bytes())
    except (OSError, lzma.LZMAError) as problem:
        raise DamagedWeights(f"The bundled book cannot be read ({problem}).",
                             f"Put an intact copy of {PACKED.name} back into assets/corpora.") from problem
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DamagedWeights("The bundled book is not the text it should be (checksum).",
                             f"Put an intact copy of {PACKED.name} back into assets/corpora.")
    return Book("Moby-Dick", content.decode("utf-8"))


def spec(unit: str) -> ModelSpec:
    """How the cache gets the counts of the bundled book."""
    key = ModelKey(MOBY_DICK, dtype="int32", device=RAM, variant=f"counts-{unit}-{DEPTH}")

    def load() -> Counted:
        book = moby_dick()
        return Counted(book, counts.count(symbols.read(book.text, unit)))

    return ModelSpec(key, load, estimate=40 * 10**6, measure=lambda counted: counted.table.bytes)


class OwnText:
    """A visitor's text, for a gr.State: the session's hold on it. Its counts, when kept, go with it.

    `who` is its visitor and his address; '' for one that is not known.
    """

    _numbers = itertools.count(1)

    def __init__(self, text: str, who: tuple[str, str] = NOBODY) -> None:
        self.number = next(self._numbers)  # tells texts apart in this process
        self.book = Book("Your text", text)
        self.counted: Counted | None = None
        self.visitor, self.address = who
        self.let_go = False
        self.last_used = time.monotonic()
        self.lock = threading.Lock()  # one count at a time; never held across a yield

    @property
    def text_bytes(self) -> int:
        """Memory of the text itself: Python takes 1, 2 or 4 bytes a character, by the widest one."""
        return sys.getsizeof(self.book.text)

    @property
    def bytes(self) -> int:
        """Memory of the text and of its counts, if they are kept."""
        counted = self.counted  # another thread may drop it meanwhile
        return self.text_bytes + (counted.table.bytes if counted else 0)


class Library:
    """The texts of one process: opens the bundled book through the cache and visitors' texts within a bound.

    `bound` is in bytes, for the texts and counts of all visitors together. Counts go first, those used longest
    ago first, and are made anew when their text is used again; when the texts alone exceed it, a new one is refused.
    Of the bound a visitor's texts may take a quarter, those of an address half: of a visitor's own, which other pages
    of his may still hold, the ones used longest ago are let go, so that he is not refused for what he left behind.
    """

    def __init__(self, context: Context, bound: int = 10**9) -> None:
        self._context = context
        self._bound = bound
        self._texts: weakref.WeakSet[OwnText] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._large = threading.Lock()  # held while a large text is counted, as that takes many times its memory

    def add(self, text: str, who: tuple[str, str] = NOBODY) -> OwnText:
        """Takes a visitor's text in. Raises BadInput for one that cannot be counted, NotEnoughMemory if full."""
        own = OwnText(check_text(text), who)
        with self._lock:
            going = self._going(own)
            left = [each for each in self._texts if each not in going]
            near = [each for each in left if own.address and each.address == own.address]
            self._check(left, own, self._bound, "all visitors")
            self._check(near, own, self._bound // 2 if own.address else self._bound, "your address")
            for each in going:
                self._texts.discard(each)
                each.let_go, each.book, each.counted = True, Book("Your text", ""), None
            self._texts.add(own)
        return own

    @contextlib.contextmanager
    def open(self, corpus: str | OwnText, unit: str) -> Iterator[Counted]:
        """The counts of a corpus, by name, or of a visitor's text. Raises BadInput for an unknown name or unit."""
        unit = checks.choice(unit, "The unit", symbols.UNITS)
        if isinstance(corpus, OwnText):
            yield self._own(corpus, unit)
            return
        checks.choice(corpus, "The corpus", CORPORA)
        with self._context.cache.lease(spec(unit)) as counted:
            yield counted

    def held(self) -> int:
        """Bytes of all visitors' texts and counts."""
        return sum(own.bytes for own in list(self._texts))

    def _own(self, own: OwnText, unit: str) -> Counted:
        with own.lock:
            if own.let_go:
                raise BadInput("This text was let go, as you have had others counted since.", "Count it again.")
            counted, book = own.counted, own.book
            if counted is None or counted.table.symbols.unit != unit:
                own.counted = None  # the old unit's counts make room first
                with self._large if len(book.text) > LARGE else contextlib.nullcontext():
                    counted = Counted(book, counts.count(symbols.read(book.text, unit)))
                with self._lock:
                    own.counted = None if own.let_go else counted  # it may have been let go meanwhile
            own.last_used = time.monotonic()
        self._trim(own)
        return counted

    def _check(self, texts: Iterable[OwnText], own: OwnText, most: int, whose: str) -> None:
        if sum(each.text_bytes for each in texts) + own.text_bytes > most:
            raise NotEnoughMemory(f"The texts of {whose} may take {gigabytes(most)}, which is full.",
                                  "Try a shorter text, or again when others have left.")

    def _going(self, own: OwnText) -> list[OwnText]:
        """What goes for a new text's room in its visitor's share: a page that was left holds its text for an hour."""
        left = sorted((each for each in self._texts if own.visitor and each.visitor == own.visitor),
                      key=lambda each: each.last_used)
        stay = len(left)
        while stay and sum(each.text_bytes for each in left[-stay:]) + own.text_bytes > self._bound // 4:
            stay -= 1
        return left[:len(left) - stay]

    def _trim(self, keep: OwnText) -> None:
        """Drops counts, those used longest ago first, until the bound holds."""
        with self._lock:
            for own in sorted(self._texts, key=lambda each: each.last_used):
                if self.held() <= self._bound:
                    return
                if own is not keep:
                    own.counted = None


def check_text(text: str) -> str:
    """A visitor's text with line ends as \\n. Raises BadInput for what is empty, too long, binary or broken."""
    checks.text(text, "Your text", LARGEST)
    if len(text) > LARGEST // 4 and len(text.encode()) > LARGEST:
        raise BadInput(f"Your text is larger than {LARGEST // 10**6} MB.", "Give a part of it.")
    strange = len(re.findall(r"[\x00-\x08\x0e-\x1f\x7f]", text))
    if "\x00" in text or strange > len(text) / 100:
        raise BadInput(f"Your text holds {strange:,} control characters; it looks like a binary file.",
                       "Give plain text, such as a .txt file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode(content: bytes) -> str:
    """The text of a file: UTF-8, or UTF-16 where a byte order mark says so. Raises BadInput for anything else."""
    if len(content) > LARGEST:
        raise BadInput(f"The file has {len(content) / 1e6:.1f} MB.", f"Give at most {LARGEST // 10**6} MB.")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "utf-16" if wide else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as problem:
        raise BadInput(f"The file is not {encoding.removesuffix('-sig').upper()} text (byte {problem.start:,}: "
                       f"{problem.reason}).", "Save it as UTF-8 text and try again.") from None
