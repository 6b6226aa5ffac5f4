"""Which parts of a text are copied from the corpus: every run of symbols that stands there in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.text.ngrams import symbols
from playground.text.ngrams.counts import DEPTH, CountTable
from playground.text.ngrams.symbols import UNKNOWN

SHORTEST = {symbols.LETTERS: 30, symbols.CHARACTERS: 30, symbols.WORDS: 8}  # symbols of a run that counts as copied


@dataclass(frozen=True)
class Run:
    """Symbols start..end of a text that stand in the corpus from symbol `place` on (its first), `times` in all."""

    start: int
    end: int
    place: int
    times: int


def runs(table: CountTable, codes: Sequence[int]) -> list[Run]:
    """Every maximal run of at least SHORTEST symbols, in order of their starts. Runs may overlap."""
    shortest = SHORTEST[table.symbols.unit]
    found: list[Run] = []
    for start in range(len(codes) - shortest + 1):
        run = longest(table, codes, start)
        if run.end - start >= shortest and (not found or run.end > found[-1].end):
            found.append(run)
    return found


def longest(table: CountTable, codes: Sequence[int], start: int) -> Run:
    """The longest run from `start` on that stands in the corpus, or an empty one.

    The first eight symbols are found by bisection, the rest by comparing the places that are left.
    """
    head = list(codes[start:start + DEPTH])
    low, high = (0, 0) if UNKNOWN in head or len(head) < DEPTH else table.find(head)
    places = table.order[low:high]
    end = start + DEPTH if low < high else start
    while low < high and end < len(codes):
        going_on = places[table.codes[np.minimum(places + (end - start), table.size)] == codes[end]]
        if not len(going_on) or codes[end] == UNKNOWN:
            break
        places, end = going_on, end + 1
    return Run(start, end, int(places.min()) if len(places) else 0, len(places))
