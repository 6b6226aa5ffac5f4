"""Drawing a token: one random number, and the slice of the line from 0 to 1 that it falls into.

Inverse transform sampling: the tokens lie on the line one after another, each as wide as it is likely, the most
likely ones first. A seed and the number of the draw give the random number, so that every draw can be repeated.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from playground import checks
from playground.text.next_token.distribution import most_likely

MAX_SEED = 2**31 - 1
SORTED = 512  # tokens that lie on the line by size; those after them, all rare, lie in the order of their ids


@dataclass(frozen=True)
class Draw:
    """A token, the random number u in [0, 1) that chose it, and its slice [low, high) of the line."""

    token: int
    u: float
    low: float
    high: float


def check_seed(seed: object) -> int:
    """A seed within the range that all tabs share."""
    return checks.whole(seed, "The seed", 0, MAX_SEED)


def random_number(seed: int, number: int) -> float:
    """u in [0, 1) of the draw `number` (from 0) of a seed; the same on every machine."""
    return float(np.random.default_rng([seed, number]).random())


class Line:
    """The line from 0 to 1 of one distribution (V,); draws from it cost a search each."""

    def __init__(self, probabilities: np.ndarray) -> None:
        head = most_likely(probabilities, SORTED)
        rest = probabilities.copy()
        rest[head] = 0.0
        self.order = np.concatenate([head, np.flatnonzero(rest)])
        self.ends = np.cumsum(probabilities[self.order])

    def at(self, u: float) -> Draw:
        """The token whose slice holds u."""
        position = u * self.ends[-1]  # the sum is 1 up to rounding
        place = min(int(np.searchsorted(self.ends, position, side="right")), len(self.ends) - 1)
        low = float(self.ends[place - 1]) if place else 0.0
        return Draw(int(self.order[place]), u, low, float(self.ends[place]))


def draw(probabilities: np.ndarray, seed: int, number: int) -> Draw:
    """The draw `number` of a seed from probabilities (V,)."""
    return Line(probabilities).at(random_number(seed, number))


def frequencies(probabilities: np.ndarray, seed: int, number: int, count: int = 100) -> Counter[int]:
    """How often each token comes in `count` draws, those from `number` on."""
    line = Line(probabilities)
    return Counter(line.at(random_number(seed, each)).token for each in range(number, number + count))
