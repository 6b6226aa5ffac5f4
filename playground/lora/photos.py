"""Photos before a training: read as pixels, looked at for what would spoil the training, cropped to squares.

What the checks are worth was measured on made-up faces and on two photographs (tests/lora/test_photos.py).
Sharpness: variance of the Laplacian (Pech-Pacheco et al. 2000, ICPR), here over the variance of the picture itself,
so that a photo in dim light is not taken for a blurred one, and in the sharpest of nine tiles, so that a blurred
background is no fault. Faces: Viola & Jones 2001 (CVPR), with OpenCV's trained cascades.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from playground import checks, images
from playground.errors import BadInput
from playground.lora import faces_found, measure, plan

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
LARGEST = 1280  # pixels a side that are kept of a photo; the largest training takes 1024
LONGEST_NAME = 60
SHARPNESS_AT = 256  # pixels of the shorter side at which sharpness is measured, or the training's size if less
TILES = 3  # a side
SHARP = 0.08  # below: blurred. Sharp made-up faces reach 0.10 and more, blurred by 1.5 pixels of 64 mostly 0.03
SAME = 0.98  # correlation above which two pictures are one: saved again, resized, brightened. Guises: up to 0.95
SAME_LIGHT = 4.0  # levels of 255 by which the mean colours differ, as a standard deviation
SAME_POSE = 0.85  # mean correlation of all pairs
FACE_SHARE = 2.0  # side of the suggested crop, in widths of the face that was found (brow to chin)
ENOUGH = 6  # photos from which on nothing is said about their number


@dataclass(frozen=True)
class Finding:
    """What is wrong with a photo or the set, and what helps. `serious`: it is advised to leave the photo out."""

    code: str
    text: str
    remedy: str
    serious: bool


@dataclass(frozen=True)
class Photo:
    """A picture in RGB with the name of its file, made fit for showing."""

    name: str
    picture: Image.Image


@dataclass(frozen=True)
class Refused:
    """A file that is no usable picture, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Look:
    """What one photo tells by itself: thumbnail (32, 32, 3) uint8, findings, a square around a face if one is seen."""

    thumbnail: np.ndarray
    findings: tuple[Finding, ...]
    crop: Box | None


@dataclass(frozen=True)
class Review:
    """Findings of each photo, a suggested square around its face where one was found, findings of the whole set."""

    each: tuple[tuple[Finding, ...], ...]
    crops: tuple[Box | None, ...]
    whole: tuple[Finding, ...]


def read_files(files: Sequence[tuple[str, bytes]], room: int = plan.MOST) -> tuple[list[Photo], list[Refused]]:
    """The pictures among files (name, bytes), at most `room`, and the others with the reason; raises for none."""
    kept: list[Photo] = []
    refused: list[Refused] = []
    for number, (given, content) in enumerate(files, 1):
        name = shown_name(given) or f"file {number}"
        if len(kept) >= room:
            refused.append(Refused(name, f"There are {plan.MOST} photos already, and a training takes no more."))
            continue
        try:
            kept.append(Photo(name, images.read(content, LARGEST)))
        except BadInput as problem:
            refused.append(Refused(name, str(problem)))
    return kept, refused


def shown_name(name: str) -> str:
    """A file's name without folders, control characters and marks that turn the direction of writing.

    At most 60 characters; a longer one loses its middle, so that its ending stays.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in last[-4000:])
    short = " ".join(plain.split())
    return short if len(short) <= LONGEST_NAME else f"{short[:LONGEST_NAME - 16]}…{short[-15:]}"


# ---- looking at them


def review(photos: Sequence[Photo], subject: str, size: int) -> Review:
    """What is to be said of photos for a subject of plan.SUBJECTS, trained at `size` x `size` pixels."""
    size, finder = check_size(size), finder_for(subject)
    return together([photo.name for photo in photos], [look(photo.picture, size, finder) for photo in photos])


def check_size(size: int) -> int:
    """Pixels a side of a training. BadInput for what no training takes."""
    return checks.whole(size, "The resolution", plan.SMALLEST_SIDE, plan.LARGEST_SIDE)


def finder_for(subject: str) -> faces_found.Finder | None:
    """What faces are looked for with: nothing where the subject is no person. BadInput for an unknown subject."""
    return faces_found.Finder() if checks.choice(subject, "The subject", plan.SUBJECTS) == "person" else None


def look(picture: Image.Image, size: int, finder: faces_found.Finder | None) -> Look:
    """One photo by itself, for a training at `size` x `size` pixels: what costs time, and can be remembered."""
    findings, crop = [*_size(picture, size), *_sharpness(picture, size)], None
    if finder is not None:
        boxes = finder.boxes(picture)
        findings += _faces(boxes)
        crop = around(picture, boxes[0], size) if boxes else None
    return Look(thumbnail(picture), tuple(findings), crop)


def together(names: Sequence[str], looks: Sequence[Look]) -> Review:
    """What photos that were looked at tell as a set: twins, their number, what all have in common."""
    if not looks:
        return Review((), (), tuple(_count(0)))
    thumbnails = np.stack([each.thumbnail for each in looks])
    alike = pairs(thumbnails)
    each = [(*each.findings, *_duplicate(names, alike, number)) for number, each in enumerate(looks)]
    whole = _count(len(looks)) + (_variety(thumbnails, alike) if len(looks) >= plan.FEWEST else [])
    return Review(tuple(each), tuple(each.crop for each in looks), tuple(whole))


def _size(picture: Image.Image, size: int) -> list[Finding]:
    width, height = picture.size
    if min(width, height) >= size:
        return []
    return [Finding("small", f"The photo has {width} x {height} pixels; the training works at {size} x {size}.",
                    "Use a larger one; enlarging adds no detail.", min(width, height) < max(size // 2, 64))]


def _sharpness(picture: Image.Image, size: int) -> list[Finding]:
    if sharpness(picture, size) >= SHARP:
        return []
    return [Finding("blurred", "The photo is blurred, or shows hardly anything.",
                    "Leave it out: the model would learn the blur as well.", True)]


def sharpness(picture: Image.Image, size: int) -> float:
    """Variance of the Laplacian in the sharpest of nine tiles over the variance of the whole.

    Measured with the shorter side at 256 pixels, or at `size` or the photo's own where that is less.
    """
    import cv2

    scale = min(*picture.size, size, SHARPNESS_AT) / min(picture.size)
    target = [max(TILES, round(side * scale)) for side in picture.size]
    grey = np.asarray(picture.convert("L").resize((target[0], target[1]), Image.Resampling.LANCZOS), dtype=np.float64)
    edges = cv2.Laplacian(grey, cv2.CV_64F)
    tiles = [tile for row in np.array_split(edges, TILES) for tile in np.array_split(row, TILES, axis=1)]
    return float(max(tile.var() for tile in tiles) / (grey.var() + 25))  # 25: a nearly flat picture is not sharp


def pairs(thumbnails: np.ndarray) -> np.ndarray:
    """The correlation of every photo with every other (N, N), in grey, from thumbnails (N, 32, 32, 3)."""
    greys = measure.greys(thumbnails)
    return greys @ greys.T


def thumbnail(picture: Image.Image) -> np.ndarray:
    """(32, 32, 3) uint8, the sides squeezed to a square."""
    return np.asarray(picture.resize((measure.COARSE, measure.COARSE), Image.Resampling.BOX))


def _duplicate(names: Sequence[str], alike: np.ndarray, number: int) -> list[Finding]:
    """A finding on the later of two photos that are one."""
    if number == 0 or alike[number, :number].max() < SAME:
        return []
    twin = int(alike[number, :number].argmax())
    return [Finding("duplicate", f"Nearly the same picture as photo {twin + 1} ({names[twin]}).",
                    "Leave one of them out: what comes twice is learned twice and copied sooner.", True)]


def _faces(boxes: Sequence[Any]) -> list[Finding]:
    if not boxes:
        # Not serious: of the sharp made-up faces, many in profile or in the dark, a fifth is not found either.
        return [Finding("no_face", "No face was found.", "Keep the photo if the face is plain to see; the search "
                        "misses profiles, dark photos and covered faces.", False)]
    if len(boxes) > 1:
        return [Finding("several_faces", f"{len(boxes)} faces were found.",
                        "Crop to the one to be learned, as suggested, or leave the photo out.", True)]
    return []


def _count(count: int) -> list[Finding]:
    if count < plan.FEWEST:
        return [Finding("too_few", f"There {'is' if count == 1 else 'are'} {count} photo{'' if count == 1 else 's'}.",
                        f"A training needs {plan.FEWEST} at least; 10 to 20 are a good number.", True)]
    if count < ENOUGH:
        return [Finding("few", f"There are only {count} photos.",
                        "10 to 20 in different light and poses give a better likeness.", False)]
    return []


def _variety(thumbnails: np.ndarray, alike: np.ndarray) -> list[Finding]:
    """What all photos have in common, and the model would take for a part of the subject."""
    found = []
    colours = thumbnails.mean(axis=(1, 2))
    if colours.std(axis=0).max() < SAME_LIGHT:
        found.append(Finding("same_light", "All photos are in nearly the same light.",
                             "Add some from another room, or from outdoors.", False))
    if alike[np.triu_indices(len(thumbnails), 1)].mean() > SAME_POSE:
        found.append(Finding("same_pose", "All photos have nearly the same pose and framing.",
                             "Add some from the side, nearer and farther away.", False))
    return found


# ---- cropping


def around(picture: Image.Image, face: Box, size: int) -> Box:
    """The square around a face with room for hair and chin, at least `size` wide where the picture has that."""
    left, top, right, bottom = face
    side = min(max(round((right - left) * FACE_SHARE), size), *picture.size)
    x = min(max(0, (left + right - side) // 2), picture.width - side)
    y = min(max(0, (top + bottom - side) // 2), picture.height - side)
    return x, y, x + side, y + side


def middle_square(picture: Image.Image) -> Box:
    """The largest square in the middle."""
    side = min(picture.size)
    x, y = (picture.width - side) // 2, (picture.height - side) // 2
    return x, y, x + side, y + side


def crop(picture: Image.Image, box: Box) -> Image.Image:
    """The part of a picture in a box. BadInput for a box that is not within it."""
    left, top, right, bottom = box
    if not (0 <= left < right <= picture.width and 0 <= top < bottom <= picture.height):
        raise BadInput("The crop does not lie within the picture.",
                       f"The picture has {picture.width} x {picture.height} pixels.")
    return picture.crop(box)
