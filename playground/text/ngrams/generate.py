"""Writing with counts: one symbol at a time, each drawn in proportion to how often it followed the context.

Shannon 1948 ("A Mathematical Theory of Communication", section 3) did it with a book and a finger: open it
anywhere, look for the context, write down what follows. An unseen context is shortened from the left until it has
been seen (backoff, Katz 1987, here without discounting, since a longer context that was seen is always kept).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checks
from playground.text.ngrams import symbols
from playground.text.ngrams.counts import DEPTH, CountTable, Followers

LONGEST = 2_000  # symbols in one go
LONGEST_START = 2_000  # characters
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class Drawn:
    """One symbol and how it was drawn: u from [0, 1) fell into the slice [low, high) of the followers."""

    code: int
    u: float
    low: float
    high: float
    context: int  # symbols of context used
    wanted: int  # symbols of context there were to use
    choices: int  # different symbols that followed the context


def check_order(n: Any) -> int:
    """An n from 1 to 8."""
    return checks.whole(n, "n", 1, DEPTH)


def check_start(text: Any) -> str:
    """The start of a text, which may be empty."""
    return checks.text(text, "The start", LONGEST_START, empty=True)


def check_length(length: Any) -> int:
    """A number of symbols to write."""
    return checks.whole(length, "The length", 1, LONGEST)


def check_seed(seed: Any) -> int:
    """Where the random numbers start."""
    return checks.whole(seed, "The seed", 0, MAX_SEED)


def write(table: CountTable, n: int, text: Sequence[int], length: int, *, seed: int, skip: int = 0) -> list[Drawn]:
    """`length` symbols after `text` (codes). Raises BadInput for values out of range.

    The random numbers depend on the seed and on their place alone: after `skip` symbols it goes on as one long
    run would have, so that single steps and one run write the same text.
    """
    n, length, seed = check_order(n), check_length(length), check_seed(seed)
    numbers = np.random.default_rng(seed).random(skip + length)[skip:]
    written, drawn = list(text[-DEPTH:]), []
    for u in numbers.tolist():
        one = draw(table.followers(written, n), u)
        written.append(one.code)
        drawn.append(one)
    return drawn


def draw(followers: Followers, u: float) -> Drawn:
    """The symbol whose slice of [0, 1) holds u; slices in the order of the vocabulary, as long as probable."""
    ends = np.cumsum(followers.counts, dtype=np.int64)
    total = int(ends[-1])
    number = int(np.searchsorted(ends, int(u * total), side="right"))
    high = int(ends[number])
    return Drawn(int(followers.codes[number]), u, (high - int(followers.counts[number])) / total, high / total,
                 len(followers.context), followers.wanted, len(followers.codes))


def next_symbols(table: CountTable, n: int, context: str) -> list[tuple[str, int, float]]:
    """(symbol, count, probability) of what follows a context, most frequent first, equals in vocabulary order."""
    codes = table.symbols.encode(checks.text(context, "The context", 100_000, empty=True))
    followers = table.followers(codes[-DEPTH:], check_order(n))
    total = followers.total
    return [(table.symbols.name(int(followers.codes[at])), int(followers.counts[at]),
             int(followers.counts[at]) / total) for at in ranked(followers)]


def ranked(followers: Followers) -> np.ndarray:
    """The indices (K,) of the followers, most frequent first, equals in vocabulary order."""
    return np.argsort(-followers.counts, kind="stable")


def babble(table: CountTable, n: int, start: str, length: int, *, seed: int) -> str:
    """The start as the unit reads it, and `length` symbols after it."""
    begun = table.symbols.encode(check_start(start))
    drawn = write(table, n, begun, length, seed=seed)
    return spell(table.symbols, start, [one.code for one in drawn])


def spell(cut: symbols.Symbols, start: str, codes: Sequence[int]) -> str:
    """The start as the unit reads it (what the vocabulary lacks as typed), followed by the symbols of `codes`."""
    shown = read_start(cut, start)
    return shown + "".join(continuation(cut, shown, codes))


def read_start(cut: symbols.Symbols, start: str) -> str:
    """A start as the unit reads it: capitals and single spaces for letters, small words; else as typed."""
    if cut.unit == symbols.LETTERS:
        return "".join(cut.name(code) for code in cut.encode(start))
    return start.lower() if cut.unit == symbols.WORDS else start


def continuation(cut: symbols.Symbols, shown: str, codes: Sequence[int]) -> list[str]:
    """What each symbol adds when written after the text `shown`, spaces between words included."""
    parts = symbols.pieces(cut, list(codes))
    needs_space = cut.unit == symbols.WORDS and parts and shown and not shown[-1:].isspace()
    if needs_space and parts[0] not in symbols.CLOSING and shown[-1] not in symbols.OPENING:
        parts[0] = " " + parts[0]
    return parts
