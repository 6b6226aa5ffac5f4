"""The count table as rows to read: the n-grams of one order, most frequent first, searched over all of them."""

from dataclasses import dataclass

import numpy as np

from playground import checks
from playground.text.ngrams import symbols
from playground.text.ngrams.counts import CountTable


@dataclass(frozen=True)
class Row:
    """One n-gram: its context and next symbol (codes), its count, and P(next | context)."""

    context: tuple[int, ...]
    following: int
    count: int
    probability: float


@dataclass(frozen=True)
class Rows:
    """The most frequent rows of a search, how many n-grams it found, and how often those occur in all."""

    rows: tuple[Row, ...]
    found: int
    occurrences: int


def look_up(table: CountTable, n: int, search: str = "", limit: int = 100) -> Rows:
    """The n-grams of order n that hold the symbols of `search` in a row; all of them for an empty search.

    Words match by their beginning: "whal" finds whale and whaling. Equal counts stand in vocabulary order.
    Raises BadInput if the text is shorter than n.
    """
    level = table.level(n)
    kept = matching(table, n, checks.text(search, "The search", 1_000, empty=True))
    counts = level.counts[kept]
    first = kept[_largest(counts, limit)]
    parents = table.parents(n)
    totals = np.bincount(parents, weights=level.counts)
    grams = table.grams(n, first).tolist()
    rows = [Row(tuple(gram[:-1]), gram[-1], int(level.counts[at]), float(level.counts[at] / totals[parents[at]]))
            for gram, at in zip(grams, first, strict=True)]
    return Rows(tuple(rows), len(kept), int(counts.sum()))


def matching(table: CountTable, n: int, search: str) -> np.ndarray:
    """The numbers (M,) of the n-grams of order n that hold the symbols of `search` in a row."""
    level = table.level(n)
    accepted = _accepted(table.symbols, search)
    if not accepted:
        return np.arange(len(level.starts))
    hit = np.zeros(len(level.starts), bool)
    places = table.order[level.starts]
    for offset in range(n - len(accepted) + 1):
        fits = np.ones(len(places), bool)
        for step, allowed in enumerate(accepted):
            fits &= allowed[table.codes[places + offset + step]]
        hit |= fits
    return np.flatnonzero(hit)


def _accepted(cut: symbols.Symbols, search: str) -> list[np.ndarray]:
    """For each symbol of the search which codes it accepts, (V + 1,) each."""
    if cut.unit != symbols.WORDS:
        return [np.arange(len(cut.vocabulary) + 1) == code if code else np.zeros(len(cut.vocabulary) + 1, bool)
                for code in cut.encode(search)]
    return [np.array([False, *(word.startswith(part) for word in cut.vocabulary)])
            for part in symbols.cut(search, symbols.WORDS)]


def _largest(counts: np.ndarray, limit: int) -> np.ndarray:
    """The indices of the `limit` largest counts, largest first, equals in order; sorts no more than it must."""
    if len(counts) > limit:
        least = np.partition(counts, len(counts) - limit)[len(counts) - limit]
        above, equal = np.flatnonzero(counts > least), np.flatnonzero(counts == least)
        chosen = np.sort(np.concatenate([above, equal[:limit - len(above)]]))
    else:
        chosen = np.arange(len(counts))
    return chosen[np.argsort(-counts[chosen], kind="stable")]
