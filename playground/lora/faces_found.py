"""Faces in photos, found by OpenCV's cascades (Viola & Jones 2001): fast, without a network, and not always right.

They know upright faces from the front, and less well from the side.
"""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE = 256  # pixels of the longer side in which is searched; smaller pictures are enlarged to it
MARGIN = 0.3  # of SIDE, added around: the cascades miss faces that fill the picture
SMALLEST = 0.12  # width of a face as a share of the longer side
RIVAL = 0.5  # a second face counts from this share of the largest one's width on; strangers behind do not
FRONT, PROFILE = "haarcascade_frontalface_alt2.xml", "haarcascade_profileface.xml"


class Finder:
    """The cascades, read once for several photos. Not for two threads at once."""

    def __init__(self) -> None:
        import cv2

        folder = Path(cv2.data.haarcascades)
        self.front, self.profile = (cv2.CascadeClassifier(str(folder / name)) for name in (FRONT, PROFILE))

    def boxes(self, picture: Image.Image) -> list[tuple[int, int, int, int]]:
        """The faces (left, top, right, bottom) within a picture, the largest first; in profile if none else is seen."""
        grey, scale = prepared(picture)
        found = self._search(self.front, grey, 3) or self._search(self.profile, grey, 4) or [
            (grey.shape[1] - x - width, y, width, height)
            for x, y, width, height in self._search(self.profile, np.ascontiguousarray(grey[:, ::-1]), 4)]
        found.sort(key=lambda box: -box[2])
        return [_within(box, scale, picture.size) for box in found if box[2] >= RIVAL * found[0][2]]

    def _search(self, cascade: Any, grey: np.ndarray, neighbours: int) -> list[tuple[int, int, int, int]]:
        least = round(SMALLEST * SIDE)
        found = cascade.detectMultiScale(grey, 1.1, neighbours, minSize=(least, least))
        return [tuple(map(int, box)) for box in found]


def prepared(picture: Image.Image) -> tuple[np.ndarray, float]:
    """A picture in grey with its longer side at SIDE and its rim drawn out by MARGIN; and the scale."""
    scale = SIDE / max(picture.size)
    size = [max(1, round(side * scale)) for side in picture.size]
    grey = np.asarray(picture.convert("L").resize((size[0], size[1]), Image.Resampling.BICUBIC))
    return np.pad(grey, round(MARGIN * SIDE), mode="edge"), scale


def _within(box: tuple[int, int, int, int], scale: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box of the search as one of the picture."""
    x, y, width, height = (value / scale for value in box)
    rim = round(MARGIN * SIDE) / scale
    left, top = max(0, round(x - rim)), max(0, round(y - rim))
    return left, top, min(size[0], round(x - rim + width)), min(size[1], round(y - rim + height))
