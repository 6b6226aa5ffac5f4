"""The words nearest to a weighted sum of words: `king - man + woman` is near `queen`.

Source: Mikolov, Yih, Zweig 2013, "Linguistic Regularities in Continuous Space Word Representations", as
gensim's KeyedVectors.most_similar computes it: the sum of the words' unit vectors times their weights,
brought to length 1, against the unit vector of each word. The answer is the same up to float32's rounding.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checks
from playground.errors import BadInput
from playground.text.vectors import expressions
from playground.text.vectors.expressions import Sum
from playground.text.vectors.store import Item, Vectors, lookup

MOST = 100  # words of an answer
NOTHING = 1e-6  # a sum this much shorter than its largest weight is rounding, not a direction


@dataclass(frozen=True)
class Neighbour:
    """A word, its number in the store, and the cosine of its angle to what was asked."""

    word: str
    number: int
    cosine: float


@dataclass(frozen=True, eq=False)
class Answer:
    """The sum as read, its words, its direction (D,) float64 of length 1, and the two rankings."""

    total: Sum
    items: list[Item]
    direction: np.ndarray
    with_inputs: list[Neighbour]
    without_inputs: list[Neighbour]


def solve(vectors: Vectors, text: Any, top_n: Any = 10) -> Answer:
    """The `top_n` words nearest to an expression, with and without its own words among them.

    Raises BadInput for a mistake in the expression, an unknown word, or a sum that comes to nothing.
    """
    top_n = checks.whole(top_n, "The number of words", 1, MOST)
    total = expressions.parse(text)
    items = lookup(vectors, list(total.terms))
    direction = direction_of(total, items)
    inputs = {number for item in items for number in item.numbers}
    found = nearest(vectors, direction, top_n + len(inputs))
    return Answer(total, items, direction, found[:top_n],
                  [each for each in found if each.number not in inputs][:top_n])


def direction_of(total: Sum, items: list[Item]) -> np.ndarray:
    """The weighted sum of the items' unit vectors at length 1 (D,); BadInput if nothing is left of it."""
    weights = np.array(list(total.terms.values()))
    summed = weights @ np.stack([item.unit for item in items])
    length = float(np.linalg.norm(summed))
    if length <= NOTHING * float(np.abs(weights).max()):
        raise BadInput("The expression comes to nothing: its words cancel each other.",
                       "A sum of zero points nowhere; change a weight or a word.")
    return summed / length


def nearest(vectors: Vectors, direction: np.ndarray, count: int, skip: Collection[int] = ()) -> list[Neighbour]:
    """The `count` words with the largest cosine to a direction (D,) of length 1, largest first.

    One product with the matrix, then a partial sort: sorting all 400,000 would take longer than the product.
    """
    cosines = vectors.unit @ direction.astype(np.float32)  # (N,)
    take = min(len(cosines), count + len(skip))
    top = np.argpartition(cosines, len(cosines) - take)[len(cosines) - take:]
    top = top[np.lexsort((top, -cosines[top]))]  # equal cosines in the order of the file
    return [Neighbour(vectors.words[number], int(number), float(cosines[number]))
            for number in top if number not in skip][:count]
