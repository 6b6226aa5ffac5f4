"""Words against each other: dot product and cosine of each pair, a matrix of cosines, the odd one out."""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from playground import checks
from playground.errors import BadInput
from playground.text.vectors.store import Item, Vectors, lookup, unit_vector

MOST_WORDS = 200
LONGEST = 5000  # characters of a list


@dataclass(frozen=True)
class Pair:
    """Two words: the dot product of their vectors as they stand, and the cosine of the angle between them."""

    a: str
    b: str
    dot: float
    cosine: float


def split_words(text: Any, least: int = 1, most: int = MOST_WORDS) -> list[str]:
    """The words of a list, each once: parted by commas, semicolons or line breaks, or by blanks if there are none.

    Raises BadInput if there are fewer than `least` or more than `most`.
    """
    checks.text(text, "The list of words", LONGEST)
    parts = re.split(r"[,;\n]", text) if re.search(r"[,;\n]", text.strip()) else text.split()
    words = list(dict.fromkeys(" ".join(part.split()).strip("\"“”") for part in parts))
    words = [word for word in words if word]
    if not least <= len(words) <= most:
        raise BadInput(f"The list holds {len(words)} different word{'s' if len(words) != 1 else ''}.",
                       f"Give {least} to {most}, parted by commas.")
    return words


def pair(vectors: Vectors, a: Any, b: Any) -> Pair:
    """Dot product and cosine of two words. Raises BadInput for an unknown word or an empty one."""
    words = [checks.text(word, f"Word {name}", 200).strip() for word, name in ((a, "a"), (b, "b"))]
    return measure(*lookup(vectors, words))


def measure(first: Item, second: Item) -> Pair:
    """Dot product (of the vectors as in the file) and cosine of two items."""
    return Pair(first.text, second.text, float(first.raw @ second.raw), float(np.clip(first.unit @ second.unit, -1, 1)))


def pairs(items: list[Item]) -> list[Pair]:
    """Every pair, the largest cosine first."""
    return sorted((measure(a, b) for a, b in combinations(items, 2)), key=lambda found: -found.cosine)


def cosines(items: list[Item]) -> np.ndarray:
    """The cosine of each item with each (M, M)."""
    unit = np.stack([item.unit for item in items])
    return np.clip(unit @ unit.T, -1.0, 1.0)


def odd_one_out(items: list[Item]) -> list[tuple[str, float]]:
    """The words with their cosine to the mean of all unit vectors, largest first: the last one is the odd one.

    As gensim's KeyedVectors.rank_by_centrality and doesnt_match.
    """
    unit = np.stack([item.unit for item in items])
    found = unit @ unit_vector(unit.mean(axis=0))
    order = np.argsort(-found, kind="stable")
    return [(items[number].text, float(found[number])) for number in order]
