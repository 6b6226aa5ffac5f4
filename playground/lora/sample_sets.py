"""Photos to train with for those who want to use none of their own: computed, of nobody, the same for a seed.

The made-up person is ten guises of one face of the bundled GAN: z = z0 + 0.35 e, with z0 and each e from N(0, 1).
The drawing style is faces of different people as pencil drawings, by dodge and blur: the grey picture divided by
one minus its blurred negative leaves white wherever nothing changes, and lines where something does.
"""

import re

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from playground import checks
from playground.context import Context
from playground.gan import faces
from playground.lora import plan
from playground.lora.photos import Photo

PERSON, DRAWING = "made-up person", "drawing style"
SETS = {PERSON: "One face of the GAN in several guises. Nobody's photos.",
        DRAWING: "Faces of the GAN as pencil drawings, to learn a style from."}
SEEDS = {PERSON: 45, DRAWING: 300}  # chosen by looking: a bright, clear face that is found in every guise
SPREAD = 0.35  # how far the guises are from the person; at 1 they are strangers
TRUNCATION = 0.8  # of the faces that are drawn: fewer that are spoiled
ENLARGED = 4  # times the picture's size, at which is drawn, for finer lines
BLUR = 4.0  # pixels of the picture, radius
PRESSURE = 2.0  # exponent of the tone: darker pencil


def pictures(context: Context, name: str, seed: int | None = None, count: int = 10) -> list[Photo]:
    """The photos of a set of SETS, 64 x 64; the first of a seed are the same for every count. BadInput if unknown."""
    name = checks.choice(name, "The sample set", SETS)
    count = checks.whole(count, "The number of photos", 1, plan.MOST)
    seed = SEEDS[name] if seed is None else faces.check_seed(seed)
    if name == PERSON:
        shown = [Image.fromarray(picture) for picture in guises(context, seed, count)]
    else:
        drawn = faces.generate(context, count, seed, TRUNCATION).pictures
        shown = [pencil(Image.fromarray(picture)) for picture in drawn]
    return [Photo(f"{name} {number}.png", picture) for number, picture in enumerate(shown, 1)]


def is_sample(name: str) -> bool:
    """Whether a photo of this name came from a set."""
    return any(re.fullmatch(rf"{each} \d+\.png", name) for each in SETS)


def guises(context: Context, seed: int, count: int) -> np.ndarray:
    """One made-up person `count` times, (count, 64, 64, 3) uint8."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    person = torch.randn(100, generator=generator)
    z = torch.stack([person + SPREAD * torch.randn(100, generator=generator) for _ in range(count)])
    return faces.render(context, z, (-1,) * count).pictures


def pencil(picture: Image.Image) -> Image.Image:
    """A picture as a pencil drawing in grey tones, as RGB of the same size."""
    size = (picture.width * ENLARGED, picture.height * ENLARGED)
    grey = ImageOps.autocontrast(picture.convert("L").resize(size, Image.Resampling.BICUBIC), cutoff=1)
    negative = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(BLUR * ENLARGED))
    paper = np.maximum(1.0, 255.0 - np.asarray(negative, dtype=np.float64))
    tone = np.minimum(1.0, np.asarray(grey, dtype=np.float64) / paper) ** PRESSURE
    lines = Image.fromarray((tone * 255).round().astype(np.uint8))
    return lines.resize(picture.size, Image.Resampling.LANCZOS).convert("RGB")
