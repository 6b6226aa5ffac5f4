"""The pictures of a run: kept small, enlarged to look at, laid out as a strip, played as a GIF or an MP4.

Arrays are (N, H, W, 3) uint8 unless said otherwise.
"""

import io
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from PIL import Image

from playground import marks
from playground.marks import Mark

LARGEST = 256  # pixels a side of what a trace keeps of each step; the last picture is kept whole
CELL = 128  # pixels a side in a strip
FILM = 384  # pixels a side of an animation; even, as H.264 wants it
MILLISECONDS = 120


@dataclass(frozen=True, eq=False)
class Film:
    """A run of N steps: the picture (H', W', 3) at its full size, the guesses at it (N, H, W, 3), the predicted noise
    (N, C, h, w) or (N, L, D) float, and the noisy states (N, H, W, 3) once they are decoded."""

    final: np.ndarray
    clean: np.ndarray
    noise: np.ndarray
    noisy: np.ndarray | None = None

    @property
    def last(self) -> np.ndarray:
        """The picture at the size of the film."""
        return shrink(self.final)


def shrink(picture: np.ndarray, size: int = LARGEST) -> np.ndarray:
    """A picture at no more than `size` pixels a side."""
    if max(picture.shape[:2]) <= size:
        return picture
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS))


def fit(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture at exactly `size` pixels a side."""
    if picture.shape[:2] == (size, size):
        return picture
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS))


def enlarge(picture: np.ndarray, size: int = LARGEST) -> Image.Image:
    """A picture at `size` pixels or more a side, to look at."""
    image = Image.fromarray(picture)
    return image if image.width >= size else image.resize((size, size), Image.Resampling.LANCZOS)


def noise_picture(noise: np.ndarray) -> np.ndarray:
    """Predicted noise as colours, (h, w, 3) uint8: three of its channels as red, green and blue, -3 to 3.

    Packed latents of FLUX (L, D) are laid out again as a square of their patches' means.
    """
    if noise.ndim == 2:
        side = round(len(noise) ** 0.5)
        noise = noise.reshape(side, side, -1, 4).mean(axis=3).transpose(2, 0, 1)
    colours = noise[:3].transpose(1, 2, 0)
    return (np.clip((colours + 3) / 6, 0, 1) * 255).round().astype(np.uint8)


def strip(film: Film, most: int = 12, cell: int = CELL) -> Image.Image:
    """Three rows (noisy state, guess, predicted noise) and at most `most` columns spread over the run."""
    count = len(film.clean)
    columns = np.unique(np.linspace(0, count, min(most, count + 1)).round().astype(int))
    sheet = Image.new("RGB", (len(columns) * (cell + 4) - 4, 3 * (cell + 4) - 4), "white")
    for place, step in enumerate(columns):
        for row, picture in enumerate(column(film, step)):
            tile = Image.fromarray(picture).resize((cell, cell), Image.Resampling.NEAREST if row == 2
                                                   else Image.Resampling.LANCZOS)
            sheet.paste(tile, (place * (cell + 4), row * (cell + 4)))
    return sheet


def column(film: Film, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noisy state, guess and noise before a step; after the last one the picture, twice, and no noise."""
    if step == len(film.clean):
        return film.last, film.last, np.full((8, 8, 3), 128, np.uint8)
    return film.noisy[step], film.clean[step], noise_picture(film.noise[step])


def _frames(film: Film, size: int) -> list[Image.Image]:
    """Noisy state and guess side by side, step by step, the last one held."""
    frames = []
    for step in range(len(film.clean) + 1):
        frame = Image.new("RGB", (2 * size + 8, size), "white")
        for place, picture in enumerate(column(film, step)[:2]):
            frame.paste(Image.fromarray(fit(picture, size)), (place * (size + 8), 0))
        frames.append(frame)
    return frames + [frames[-1]] * 8


def gif(film: Film, mark: Mark, size: int = 192) -> bytes:
    """The run as a marked GIF that plays for ever."""
    return marks.gif(_frames(film, size), mark, duration=MILLISECONDS, colours=160)


def mp4(film: Film, mark: Mark, size: int = FILM) -> bytes:
    """The run as a marked MP4 (H.264, 4:2:0), which every browser plays."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = str(mark)
        stream = container.add_stream("libx264", rate=Fraction(1000, MILLISECONDS))
        stream.width, stream.height, stream.pix_fmt = 2 * size + 8, size, "yuv420p"
        for frame in _frames(film, size):
            container.mux(stream.encode(av.VideoFrame.from_image(marks.labelled(frame, mark))))
        container.mux(stream.encode())
    return marks.mp4(file.getvalue(), mark)
