"""How well n-gram models of each n predict text that they have not counted.

Perplexity is exp of the mean of -ln P(symbol | context): the number of equally likely symbols that would be as
hard to guess. Counts alone give P = 0 to whatever they have not seen, so the orders are mixed as Witten and Bell
(1991) propose (their method C, in the interpolated form of Chen and Goodman 1999, section 2.4):

    P_k(w | c) = (count(c w) + T(c) P_(k-1)(w | c')) / (count(c) + T(c))

with T(c) the number of different symbols seen after c, and c' the context without its first symbol; a context
never seen leaves P_(k-1). P_0 is 1 / V. Letters have V = 27; for the other units V counts the symbols of the
counted part and one more, "unknown", which stands for all that it does not hold.
"""

from dataclasses import dataclass

import numpy as np

from playground.errors import BadInput
from playground.text.ngrams import counts, symbols
from playground.text.ngrams.counts import DEPTH, CountTable
from playground.text.ngrams.symbols import LETTERS, Symbols

HELD_OUT = 10  # the last tenth
SHORTEST = 200  # symbols of a text that can be split


@dataclass(frozen=True)
class Perplexities:
    """`held_out` and `counted` perplexity for n = 0..8 (or fewer), `predicted` symbols, the share unknown to both."""

    held_out: tuple[float, ...]
    counted: tuple[float, ...]
    predicted: int
    unknown: float


def perplexities(table: CountTable) -> Perplexities:
    """Counts the first nine tenths of a text anew and predicts the last. Raises BadInput for a short text.

    `counted` is what plain counts (no smoothing) give for the part they counted: far too hopeful, as it shows.
    """
    cut = table.symbols
    if table.size < SHORTEST:
        raise BadInput(f"The text has {table.size:,} symbols, too few to keep a tenth apart.",
                       f"Perplexity needs at least {SHORTEST} symbols.")
    split = table.size - table.size // HELD_OUT
    trained = counts.count(Symbols(cut.unit, cut.vocabulary, cut.codes[:split], cut.starts[:split]))
    held = cut.codes[split:].astype(np.int64)
    known = np.zeros(len(cut.vocabulary) + 1, bool)
    known[trained.last_symbols(1)] = True
    size = len(symbols.ALPHABET) if cut.unit == LETTERS else int(known.sum()) + 1
    held_out = tuple(float(np.exp(-np.log(p).mean())) for p in probabilities(trained, held, size))
    own = [float(size), *(_own_perplexity(trained, n) for n in range(1, DEPTH + 1))]
    unknown = 0.0 if cut.unit == LETTERS else float((~known[held]).mean())
    return Perplexities(held_out, tuple(own), len(held) - DEPTH + 1, unknown)


def probabilities(table: CountTable, text: np.ndarray, size: int) -> list[np.ndarray]:
    """P_k of each symbol of `text` (M,) from the eighth on, for k = 0..8; each (M - 7,). `size` is V in P_0 = 1 / V."""
    predicted = len(text) - DEPTH + 1
    mixed = [np.full(predicted, 1 / size)]
    context = np.zeros(len(text) + 1, np.int64)  # index of the (k - 1)-gram from each place on, -1 if unseen
    for n in range(1, DEPTH + 1):
        level, parents = table.levels[n - 1], table.parents(n)
        totals, kinds = np.bincount(parents, weights=level.counts), np.bincount(parents)
        gram = _look_up(table, n, parents, context[:len(text) - n + 1], text[n - 1:])
        begin = DEPTH - n  # the n-gram that ends at the first predicted symbol starts here
        seen = np.where(gram >= 0, level.counts[gram], 0)[begin:]
        before = context[begin:begin + predicted]
        followed = (before >= 0) & (before < len(kinds))
        index = np.where(followed, before, 0)
        total, kind = np.where(followed, totals[index], 0), np.where(followed, kinds[index], 0)
        lower = mixed[-1]
        mixed.append(np.where(total > 0, (seen + kind * lower) / np.maximum(total + kind, 1), lower))
        context = gram
    return mixed


def _look_up(table: CountTable, n: int, parents: np.ndarray, context: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The index of the n-gram of each (context index, last symbol), or -1; all (M,)."""
    base = len(table.symbols.vocabulary) + 1
    keys = parents * base + table.last_symbols(n)
    wanted = context * base + last
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((context >= 0) & (keys[at] == wanted), at, -1)


def _own_perplexity(table: CountTable, n: int) -> float:
    """Perplexity of plain counts on the text they counted."""
    level, parents = table.level(n), table.parents(n)
    totals = np.bincount(parents, weights=level.counts)
    logs = np.log(level.counts / totals[parents])
    return float(np.exp(-(level.counts * logs).sum() / level.counts.sum()))
