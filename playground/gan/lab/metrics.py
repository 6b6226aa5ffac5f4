"""Figures for what a generator makes, against real data of the same kind.

Modes: a mode is covered when at least 1 % of 2,500 samples lie within three standard deviations of its centre, and
the quality is the share of samples that lie so near any centre (Srivastava et al. 2017, "VEEGAN", section 5).
Fréchet distance: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson and Landau 1982; Heusel et al. 2017 for GANs).
Here it is taken between points themselves, or between pictures on the 48 principal components of the real ones:
small sets of small pictures need no Inception network, and the figure is comparable within this lab only.
Diversity: the mean distance between two generated samples over that between two real ones; 1 is as diverse.
Duplicates: the share of samples that have another one nearer than 95 in 100 real samples have; real data show 5 %.
"""

from dataclasses import dataclass

import numpy as np

from playground.gan.lab import data as sets

SAMPLES_POINTS, SAMPLES_PICTURES = 2500, 400
COVERED = 0.01  # share of the samples
NEAR = 3.0  # standard deviations
COMPONENTS = 48
ALIKE = 0.05  # share of real samples that count as duplicates
PAIRS = 400  # samples among which pairs are measured


@dataclass(frozen=True)
class Modes:
    """Covered modes of all, the share of samples near any of them, and the share of the fullest one."""

    covered: int
    total: int
    quality: float
    largest: float


def modes(points: np.ndarray, centres: np.ndarray, spread: float) -> Modes:
    """The modes (K, 2) that points (N, 2) cover."""
    distances = np.linalg.norm(points[:, None] - centres[None], axis=2)
    near = distances.min(1) <= NEAR * spread
    shares = np.bincount(distances.argmin(1)[near], minlength=len(centres)) / len(points)
    return Modes(int((shares >= COVERED).sum()), len(centres), float(near.mean()), float(shares.max()))


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """The Fréchet distance of the Gaussians that fit samples (N, F) and (M, F)."""
    mean = first.mean(0) - second.mean(0)
    one, two = np.atleast_2d(np.cov(first.T)), np.atleast_2d(np.cov(second.T))
    # the eigenvalues of C1 C2 are those of the symmetric C1^(1/2) C2 C1^(1/2), so their roots sum to the trace
    values, vectors = np.linalg.eigh(one)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ two @ root).clip(0)).sum()
    return float(mean @ mean + np.trace(one) + np.trace(two) - 2 * cross)


def mean_distance(samples: np.ndarray) -> float:
    """The mean Euclidean distance between two of samples (N, F)."""
    from scipy.spatial.distance import pdist

    return float(pdist(samples[:PAIRS]).mean())


def nearest(samples: np.ndarray) -> np.ndarray:
    """For each of samples (N, F) the distance to its nearest other one."""
    from scipy.spatial import cKDTree

    return cKDTree(samples).query(samples, k=2)[0][:, 1]


class Yardstick:
    """Real data, measured once, and the comparison of samples with them."""

    def __init__(self, data: sets.Data, seed: int = 0) -> None:
        import torch

        self.data = data
        self.count = SAMPLES_PICTURES if data.shape.side else SAMPLES_POINTS
        real = sets.to_array(data.sample(2 * self.count, torch.Generator().manual_seed(seed)))
        self.mean, self.axes = principal(real) if data.shape.side else (None, None)
        self.real = self.features(real)
        self.distance = mean_distance(self.real)
        self.alike = float(np.quantile(nearest(self.distinct()), ALIKE))

    def distinct(self) -> np.ndarray:
        """As many real samples as are compared, none twice: a small set is drawn with replacement."""
        if isinstance(self.data, sets.Pictures):
            return self.features(self.data.pictures[:self.count])
        return self.real[:self.count]

    def features(self, samples: np.ndarray) -> np.ndarray:
        """What is compared: points themselves (N, 2), pictures (N, H, W, C) on principal components (N, F)."""
        if self.axes is None:
            return samples.astype(np.float64)
        return (flat(samples) - self.mean) @ self.axes

    def measure(self, samples: np.ndarray) -> dict:
        """The figures of generated samples, JSON types only; those that do not apply are left out."""
        made = self.features(samples)
        if not np.isfinite(made).all():
            return {"broken": True}  # the training diverged; there is nothing to measure
        figures = {"diversity": mean_distance(made) / self.distance, "frechet": frechet(made, self.real),
                   "duplicates": float((nearest(made) < self.alike).mean())}
        if isinstance(self.data, sets.Gaussians):
            found = modes(samples, self.data.centres, self.data.spread)
            figures |= {"modes": found.covered, "of": found.total, "quality": found.quality, "largest": found.largest}
        return figures


def flat(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, C) uint8 -> (N, H*W*C) in 0..1."""
    return pictures.reshape(len(pictures), -1) / 255.0


def principal(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (D,) of pictures and their first principal directions (D, F), F at most COMPONENTS."""
    from sklearn.decomposition import PCA

    values = flat(pictures)
    fitted = PCA(min(COMPONENTS, *values.shape), svd_solver="randomized", random_state=0).fit(values)
    return fitted.mean_, fitted.components_.T


def separation(real: np.ndarray, fake: np.ndarray) -> float:
    """How often D scores a real sample over a generated one, 0 to 1 (the area under its ROC curve; ties count half)."""
    ahead = real[:, None] > fake[None]
    return float(ahead.mean() + 0.5 * (real[:, None] == fake[None]).mean())
