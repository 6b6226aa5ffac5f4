"""A fixed feature space for pictures, so that numbers of different versions can be compared.

Scope: outlines and colours of a 64 x 64 picture as numbers, principal axes, the Frechet distance.
What it is: histograms of oriented gradients in 8 x 8 cells (Dalal & Triggs 2005) beside mean
colours of the same cells; nothing in it is learnt from a model. What it is not: Inception features,
so the distances compare with each other and with no published FID.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL = 8  # pixels a side
BINS = 9  # directions, 0..180 degrees


def outlines(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[N, 64, 64, 3] -> [N, 576]: edge strength by direction in each cell, square roots."""
    grey = pictures.astype(np.float64).mean(axis=3) / 255  # [N, 64, 64]
    down, right = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) % np.pi) * (BINS / np.pi)  # 0..9
    bins = np.minimum(direction.astype(int), BINS - 1)
    cells = [_cell_means(strength * (bins == b)) for b in range(BINS)]
    return np.sqrt(np.concatenate(cells, axis=1))


def colours(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[N, 64, 64, 3] -> [N, 192]: the mean colour of each cell, 0..1."""
    planes = [_cell_means(pictures[..., c] / 255) for c in range(3)]
    return np.concatenate(planes, axis=1)


def _cell_means(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    n, height, width = plane.shape
    cells = plane.reshape(n, height // CELL, CELL, width // CELL, CELL)
    return cells.mean(axis=(2, 4)).reshape(n, -1)


def features(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """[N, 64, 64, 3] -> [N, 768], outlines and colours."""
    return np.concatenate([outlines(pictures), colours(pictures)], axis=1)


class Axes:
    """Principal axes of reference pictures, scaled so that each has unit variance there."""

    def __init__(self, reference: NDArray[np.float64], count: int) -> None:
        self.mean = reference.mean(axis=0)
        _, spread, axes = np.linalg.svd(reference - self.mean, full_matrices=False)
        self.axes = axes[:count]  # [count, 768]
        self.scale = spread[:count] / np.sqrt(len(reference) - 1)

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points - self.mean) @ self.axes.T / self.scale


def frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Squared Frechet distance between normal distributions fitted to two sets [N, D].

    |mean_a - mean_b|^2 + trace(A + B - 2 (A B)^(1/2)); the trace of the root is the sum of the
    square roots of the eigenvalues of A B, which are real and not negative.
    """
    gap = a.mean(axis=0) - b.mean(axis=0)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    eigenvalues = np.linalg.eigvals(cov_a @ cov_b).real
    root = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return float(gap @ gap + np.trace(cov_a) + np.trace(cov_b) - 2 * root)


def nearest(
    queries: NDArray[np.float64], references: NDArray[np.float64], names: list[str]
) -> list[str]:
    """The name of the reference nearest to each query, by squared distance."""
    distances = (
        (queries**2).sum(axis=1)[:, None] - 2 * queries @ references.T + (references**2).sum(axis=1)
    )  # [Q, R]
    return [names[i] for i in distances.argmin(axis=1)]


def mean_distance(points: NDArray[np.float64]) -> float:
    """Mean distance between two different points of a set: how diverse it is."""
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0))
    n = len(points)
    return float(distances.sum() / (n * (n - 1)))
