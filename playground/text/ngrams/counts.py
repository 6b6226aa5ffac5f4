"""All n-grams of a text up to n = 8, from one sort.

The places of the text are sorted by the eight symbols that follow each (a suffix array, cut at depth eight:
Manber and Myers 1993). The n-grams of every n are then runs of equal beginnings in that one order, so counts,
contexts, their followers and the places of a passage all come from the same table of one integer a place.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from playground.errors import BadInput
from playground.text.ngrams.symbols import UNKNOWN, Symbols

DEPTH = 8  # the largest n


@dataclass(frozen=True)
class Level:
    """The U distinct n-grams of one n in the order of their codes: where the run of each starts, and its count."""

    starts: np.ndarray  # (U,) int32, into CountTable.order
    counts: np.ndarray  # (U,) int32


@dataclass(frozen=True)
class Followers:
    """What follows a context: codes (K,) in order, counts (K,), and the context used (a suffix of the one asked)."""

    codes: np.ndarray
    counts: np.ndarray
    context: tuple[int, ...]
    wanted: int  # symbols of context that n and the text allowed

    @property
    def total(self) -> int:
        """How often the context is followed by anything."""
        return int(self.counts.sum())

    @property
    def shortened(self) -> bool:
        """Whether the context was unseen, so that a shorter one had to do (backoff)."""
        return len(self.context) < self.wanted


@dataclass(frozen=True)
class CountTable:
    """The counts of a text. `codes` (N + 8,) int32 ends in eight zeros; `order` (N,) int32 sorts the N places."""

    symbols: Symbols
    codes: np.ndarray
    order: np.ndarray
    levels: tuple[Level, ...] = field(repr=False)

    @property
    def size(self) -> int:
        """N, the number of symbols in the text."""
        return len(self.order)

    @property
    def bytes(self) -> int:
        """Memory held, the vocabulary estimated; symbols.codes is a view of codes."""
        arrays = [self.codes, self.order, self.symbols.starts, *(level.starts for level in self.levels),
                  *(level.counts for level in self.levels)]
        return sum(array.nbytes for array in arrays) + 150 * len(self.symbols.vocabulary)

    def level(self, n: int) -> Level:
        """The n-grams of order n. Raises BadInput if the text is shorter than n."""
        if n > self.size:
            raise BadInput(f"The text has {self.size:,} symbols; an n-gram model of n = {n} needs at least {n}.",
                           "Give a longer text or choose a smaller n.")
        return self.levels[n - 1]

    def find(self, grams: Sequence[int]) -> tuple[int, int]:
        """The run (low, high) in `order` of the places where up to eight symbols stand; low = high if nowhere."""
        low, high = 0, self.size
        for depth, code in enumerate(grams[:DEPTH]):
            def at(place: int, depth: int = depth) -> int:
                return self.codes[place + depth]
            low, high = (bisect_left(self.order, code, low, high, key=at),
                         bisect_right(self.order, code, low, high, key=at))
            if low == high:
                break
        return low, high

    def followers(self, text: Sequence[int], n: int) -> Followers:
        """What follows the last n - 1 symbols of `text`, or the longest end of them that the corpus continues.

        Raises BadInput if the corpus is shorter than n.
        """
        self.level(n)
        context = tuple(text[len(text) - (n - 1):] if len(text) >= n - 1 else text) if n > 1 else ()
        for skip in range(len(context) + 1):
            suffix = context[skip:]
            if UNKNOWN in suffix:
                continue
            codes, counts = self._next(suffix)
            if len(codes):
                return Followers(codes, counts, suffix, len(context))
        raise AssertionError("every text continues the empty context")

    def _next(self, context: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Codes and counts of what follows a context; empty if it is unseen or ends the text."""
        low, high = self.find(context)
        if len(context) >= len(self.levels):
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        level = self.levels[len(context)]
        first, last = np.searchsorted(level.starts, (low, high))
        return self.codes[self.order[level.starts[first:last]] + len(context)], level.counts[first:last]

    def parents(self, n: int) -> np.ndarray:
        """For each n-gram of order n the index of its context among the (n - 1)-grams, (U,); zeros for n = 1."""
        if n == 1:
            return np.zeros(len(self.levels[0].starts), np.int64)
        return np.searchsorted(self.levels[n - 2].starts, self.levels[n - 1].starts, side="right") - 1

    def last_symbols(self, n: int) -> np.ndarray:
        """The last symbol (U,) of each n-gram of order n."""
        return self.codes[self.order[self.levels[n - 1].starts] + n - 1]

    def grams(self, n: int, which: np.ndarray) -> np.ndarray:
        """The codes (M, n) of the n-grams with the numbers `which` (M,)."""
        places = self.order[self.levels[n - 1].starts[which]]
        return self.codes[places[:, None] + np.arange(n)]


def count(symbols: Symbols) -> CountTable:
    """Counts every n-gram of a text for n from 1 to 8."""
    size = len(symbols.codes)
    codes = np.concatenate([symbols.codes, np.zeros(DEPTH, np.int32)]).astype(np.int32)
    kept = Symbols(symbols.unit, symbols.vocabulary, codes[:size], symbols.starts)  # one copy of the codes, not two
    order = sorted_places(codes, size, len(symbols.vocabulary) + 1)
    return CountTable(kept, codes, order, tuple(_levels(codes, order)))


def sorted_places(codes: np.ndarray, size: int, base: int) -> np.ndarray:
    """The places 0..size-1 sorted by the eight codes from each on, (size,) int32.

    As many codes as fit are packed into one 63-bit number; a large vocabulary needs several such columns.
    """
    fit = 1
    while fit < DEPTH and base ** (fit + 1) < 2**63:
        fit += 1
    columns = [_packed(codes, size, base, range(start, min(start + fit, DEPTH))) for start in range(0, DEPTH, fit)]
    order = np.argsort(columns[0]) if len(columns) == 1 else np.lexsort(columns[::-1])
    return order.astype(np.int32)


def _packed(codes: np.ndarray, size: int, base: int, offsets: range) -> np.ndarray:
    """The codes at these offsets from each place as the digits of one number, (size,) int64."""
    number = np.zeros(size, np.int64)
    for offset in offsets:
        number *= base
        number += codes[offset:offset + size]
    return number


def _levels(codes: np.ndarray, order: np.ndarray) -> list[Level]:
    """The runs of equal beginnings for each n; runs that reach past the end of the text are no n-grams."""
    begins = np.zeros(len(order), bool)
    begins[:1] = True
    levels = []
    for depth in range(min(DEPTH, len(order))):
        symbol = codes[order + depth]
        begins[1:] |= symbol[1:] != symbol[:-1]
        starts = np.flatnonzero(begins)
        counts = np.diff(starts, append=len(order))
        whole = symbol[starts] != UNKNOWN
        levels.append(Level(starts[whole].astype(np.int32), counts[whole].astype(np.int32)))
    return levels
