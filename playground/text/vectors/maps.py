"""Words on a map: PCA and t-SNE in two or three dimensions, the parallelogram of an analogy, axes of one's own.

Sources. PCA: Pearson 1901. t-SNE: van der Maaten, Hinton 2008. The parallelogram b - a = d - c: Rumelhart,
Abrahamson 1973; with word vectors Mikolov et al. 2013. An axis as the mean difference of word pairs:
"semantic projection", Grand et al. 2022 (doi:10.1038/s41562-022-01316-8); for gender Bolukbasi et al. 2016.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checks
from playground.errors import BadInput
from playground.text.vectors.store import Item, Vectors, lookup, unit_vector

PCA = "PCA"
TSNE = "t-SNE"
METHODS = (PCA, TSNE)
MOST_PAIRS = 20


@dataclass(frozen=True, eq=False)
class Map:
    """Places (M, k) of M vectors, k = 2 or 3; for PCA the part of the variance that each axis holds (k,)."""

    places: np.ndarray
    explained: tuple[float, ...] = ()


def parse_pairs(text: Any, least: int = 1) -> list[tuple[str, str]]:
    """Word pairs written `man:woman, king:queen`, parted by commas, semicolons or line breaks."""
    checks.text(text, "The word pairs", 2000, empty=least == 0)
    parts = [part for part in re.split(r"[,;\n]", text) if part.strip()]
    found = []
    for part in parts:
        ends = [" ".join(end.split()) for end in re.split(r":|->|→", part)]
        if len(ends) != 2 or not all(ends):
            raise BadInput(f"“{part.strip()[:60]}” is not a pair of words.", "Write pairs like man:woman, king:queen.")
        found.append((ends[0], ends[1]))
    if not least <= len(found) <= MOST_PAIRS:
        raise BadInput(f"There are {len(found)} word pairs.", f"Give {least} to {MOST_PAIRS}, like man:woman.")
    return found


def project(matrix: np.ndarray, method: str, dimensions: int, seed: int = 0) -> Map:
    """A map of M vectors, matrix (M, D). Raises BadInput if there are too few of them, or they are all alike."""
    checks.choice(method, "The method", METHODS)
    dimensions = checks.whole(dimensions, "The number of dimensions", 2, 3)
    least = dimensions + 1 if method == PCA else 5
    if len(matrix) < least:
        raise BadInput(f"{method} in {dimensions}-D needs at least {least} words; there are {len(matrix)}.",
                       "Add some words.")
    if np.ptp(matrix, axis=0).max() < 1e-6:
        raise BadInput("All these words have the same vector.", "Add different words.")
    return _pca(matrix, dimensions) if method == PCA else _tsne(matrix, dimensions, checks.whole(
        seed, "The seed", 0, 2**31 - 1))


def _pca(matrix: np.ndarray, dimensions: int) -> Map:
    from sklearn.decomposition import PCA as Pca

    if matrix.shape[1] < dimensions:
        raise BadInput(f"These vectors have only {matrix.shape[1]} dimensions.", "Choose fewer for the map.")
    fitted = Pca(dimensions, svd_solver="full")
    return Map(fitted.fit_transform(matrix), tuple(float(part) for part in fitted.explained_variance_ratio_))


def _tsne(matrix: np.ndarray, dimensions: int, seed: int) -> Map:
    """Perplexity 30 as usual, less for few words: it is about the number of neighbours that count.

    The exact gradient: for a few hundred words it is faster than Barnes and Hut's approximation.
    """
    from sklearn.manifold import TSNE as Tsne

    perplexity = min(30.0, (len(matrix) - 1) / 3)
    # random start: starting from PCA is refused where there are fewer dimensions than the map has
    fitted = Tsne(dimensions, perplexity=perplexity, init="random", random_state=seed, metric="cosine",
                  method="exact")
    return Map(fitted.fit_transform(matrix).astype(np.float64))


def fourth_corner(a: Item, b: Item, c: Item) -> np.ndarray:
    """c + b - a (D,) on unit vectors, at length 1: where a parallelogram over a, b, c would end."""
    return unit_vector(c.unit + b.unit - a.unit)


def axis(vectors: Vectors, pairs: list[tuple[str, str]]) -> np.ndarray:
    """The direction (D,) of length 1 from the first words of the pairs to the second ones: the mean of the
    differences of their unit vectors. Raises BadInput for unknown words, or if the differences cancel.
    """
    ends = lookup(vectors, [word for each in pairs for word in each])
    mean = np.mean([end.unit - start.unit for start, end in zip(ends[::2], ends[1::2], strict=True)], axis=0)
    if float(np.linalg.norm(mean)) < 1e-6:
        raise BadInput("The word pairs give no direction: their differences come to nothing.",
                       "Use two different words a pair, all in the same order.")
    return unit_vector(mean)


def on_axis(items: list[Item], direction: np.ndarray) -> np.ndarray:
    """The cosine of each item with the axis (M,): -1 is all the first words' side, 1 all the second words'."""
    return np.stack([item.unit for item in items]) @ direction
