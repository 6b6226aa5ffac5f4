"""Shannon's ladder: the same start continued by models of growing order, with the perplexity of each.

Shannon 1948, section 3, "The series of approximations to English". n = 0 knows nothing: all symbols are equally
likely.
"""

from dataclasses import dataclass

import numpy as np

from playground.text.ngrams import generate
from playground.text.ngrams.counts import DEPTH, CountTable
from playground.text.ngrams.perplexity import Perplexities


@dataclass(frozen=True)
class Rung:
    """One order: what it wrote after the start, and its perplexities (None where the text is too short)."""

    n: int
    written: str
    held_out: float | None
    counted: float | None


@dataclass(frozen=True)
class Ladder:
    """The rungs from n = 0 on, and the figures behind them."""

    start: str
    rungs: tuple[Rung, ...]
    figures: Perplexities | None


def climb(table: CountTable, figures: Perplexities | None, start: str, length: int, *, seed: int) -> Ladder:
    """The start continued at n = 0..8, all with the same random numbers. Raises BadInput as generate.write does."""
    length, seed = generate.check_length(length), generate.check_seed(seed)
    begun = table.symbols.encode(generate.check_start(start))
    shown = generate.read_start(table.symbols, start)
    rungs = []
    for n in range(min(DEPTH, table.size) + 1):
        codes = _written(table, n, begun, length, seed)
        text = "".join(generate.continuation(table.symbols, shown, codes))
        rungs.append(Rung(n, text, figures and figures.held_out[n], figures and figures.counted[n]))
    return Ladder(shown, tuple(rungs), figures)


def _written(table: CountTable, n: int, begun: list[int], length: int, seed: int) -> list[int]:
    if n > 0:
        return [one.code for one in generate.write(table, n, begun, length, seed=seed)]
    numbers = np.random.default_rng(seed).random(length)
    return (1 + (numbers * len(table.symbols.vocabulary)).astype(int)).tolist()
