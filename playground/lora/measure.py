"""How like the photos the samples are, what leaks into other prompts, and how near to copying they come.

Features: outlines and colours of the picture at 64 x 64 (playground/diffusion/pocket/features.py), learnt from
nothing, so that a number means the same for every model. Likeness is the share of the way that the samples' mean has
come from what the untouched model drew for the same prompts and seeds, straight towards the mean of the photos: 0 where
the training begins, 1 at the photos; what goes sideways does not count. It compares checkpoints of one training with
each other, and is no measure of identity.

Copy risk is the largest correlation of a sample with any photo, in grey at 32 x 32 pixels: 1 is a copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

SIDE, COARSE = 64, 32


@dataclass(frozen=True)
class Scores:
    """Of the samples at one step: likeness with the trigger, likeness of the control prompt, copy risk."""

    likeness: float
    leak: float
    copy_risk: float

    @property
    def merit(self) -> float:
        """What the best checkpoint is chosen by: likeness, less what leaks, less what looks like copying."""
        return self.likeness - max(0.0, self.leak) - max(0.0, self.copy_risk - 0.9) * 5


class Ruler:
    """Measures samples against the photos (N, H, W, 3), from the untouched model's samples (M, H, W, 3).

    `untouched` are those of the prompts with the trigger, `control` those of the prompt without it.
    """

    def __init__(self, photos: np.ndarray, untouched: np.ndarray, control: np.ndarray) -> None:
        self.goal = features(photos).mean(axis=0)
        self.origin, self.control = (features(samples).mean(axis=0) for samples in (untouched, control))
        self.photos = greys(photos)

    def likeness(self, samples: np.ndarray) -> float:
        """The share of the way to the photos, of samples of the prompts with the trigger."""
        return self._share(samples, self.origin)

    def leak(self, samples: np.ndarray) -> float:
        """The same of samples of the control prompt, from where that began."""
        return self._share(samples, self.control)

    def _share(self, samples: np.ndarray, origin: np.ndarray) -> float:
        """(m - o) (g - o) / |g - o|^2 for the samples' mean m, origin o and goal g."""
        whole = self.goal - origin
        return float((features(samples).mean(axis=0) - origin) @ whole) / max(float(whole @ whole), 1e-12)

    def copy_risk(self, samples: np.ndarray) -> float:
        """The largest correlation of any sample with any photo, -1 to 1."""
        return float((greys(samples) @ self.photos.T).max())

    def scores(self, with_trigger: np.ndarray, control: np.ndarray) -> Scores:
        """All three for the samples of one step."""
        return Scores(self.likeness(with_trigger), self.leak(control), self.copy_risk(with_trigger))


def features(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 -> (N, 768)."""
    from playground.diffusion.pocket import features as fixed

    return fixed.features(resized(pictures, SIDE))


def greys(pictures: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 -> (N, 1024) of mean 0 and length 1; their products are correlations."""
    flat = resized(pictures, COARSE).astype(np.float64).mean(axis=3).reshape(len(pictures), -1)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)


def resized(pictures: np.ndarray, side: int) -> np.ndarray:
    """(N, H, W, 3) uint8 at side x side."""
    if pictures.shape[1:3] == (side, side):
        return pictures
    method = Image.Resampling.LANCZOS
    return np.stack([np.asarray(Image.fromarray(picture).resize((side, side), method)) for picture in pictures])


def best(scores: Sequence[tuple[int, Scores]]) -> int:
    """The step with the highest merit, the untouched model's left out; 0 if there is no other."""
    later = [(step, each) for step, each in scores if step > 0]
    return max(later, key=lambda pair: pair[1].merit)[0] if later else 0
