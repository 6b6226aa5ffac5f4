"""Small pictures made large enough to look at, mosaics of feature maps, and looping animations."""

import math

import numpy as np
from PIL import Image

from playground import marks
from playground.marks import Mark

SMOOTH, PIXELS = "smooth (Lanczos)", "true pixels"
LARGE = 256  # pixels a side on the page; a whole multiple of 64, so that true pixels stay square


def enlarge(picture: np.ndarray, display: str = SMOOTH, size: int = LARGE) -> Image.Image:
    """A picture (H, W, 3) uint8 at `size` pixels: Lanczos-resampled, or with every pixel as a square."""
    method = Image.Resampling.NEAREST if display == PIXELS else Image.Resampling.LANCZOS
    return Image.fromarray(picture).resize((size, size), method)


def looping_gif(pictures: np.ndarray, mark: Mark, display: str = SMOOTH, milliseconds: int = 90) -> bytes:
    """A marked GIF that plays the pictures (B, H, W, 3) there and back for ever."""
    there_and_back = [*pictures, *pictures[-2:0:-1]]
    return marks.gif([enlarge(picture, display) for picture in there_and_back], mark, duration=milliseconds)


def mosaic(maps: np.ndarray, cell: int = 64, gap: int = 2) -> Image.Image:
    """Maps (N, H, W) in 0..1 side by side in a square of cells, in greys, every pixel a square."""
    columns = math.ceil(math.sqrt(len(maps)))
    rows = math.ceil(len(maps) / columns)
    sheet = Image.new("L", (columns * (cell + gap) - gap, rows * (cell + gap) - gap), 128)
    for number, values in enumerate(maps):
        tile = Image.fromarray((values * 255).round().astype(np.uint8)).resize((cell, cell), Image.Resampling.NEAREST)
        sheet.paste(tile, (number % columns * (cell + gap), number // columns * (cell + gap)))
    return sheet


def noise(z: np.ndarray, size: int = 264) -> Image.Image:
    """A latent (10, 10) as greys: black is -3, white is 3 standard deviations."""
    greys = (np.clip((z + 3) / 6, 0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(greys).resize((size, size), Image.Resampling.NEAREST)
