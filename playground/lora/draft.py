"""A visitor's photos before a training: in the private folder, so that a reload or a crash of the page loses nothing.

What is kept are pixels, no files as they came (playground/images.py). The list is written aside and renamed, so that
two windows of one visitor never see half of it; the last change wins.
"""

import functools
import io
import json
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from playground import checks, storage
from playground.context import Context
from playground.errors import BadInput
from playground.lora import photos, plan
from playground.lora.photos import Photo

FOLDER, LISTING, LOOKS = "lora", "draft.json", "looks.json"
SMALL = 160  # pixels a side of a photo on its card
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
LOCKS = [threading.RLock() for _ in range(64)]  # one visitor's changes come one after another, in whichever lane


@dataclass(frozen=True)
class Item:
    """A photo in the draft: its file, the name it came with, caption, whether it is used, and its crop.

    `digest` is the SHA-256 of the file; `by_hand`: the visitor chose the crop, so no suggestion replaces it.
    """

    file: str
    name: str
    caption: str
    used: bool = True
    box: Box | None = None
    digest: str = ""
    by_hand: bool = False


def one_after_another(change: Callable[..., Any]) -> Callable[..., Any]:
    """Lets no two changes of a visitor's list (context, token, ...) read and write it at the same time."""
    @functools.wraps(change)
    def alone(context: Context, token: str, *values: Any) -> Any:
        with LOCKS[zlib.crc32(context.visitors.name(token).encode()) % len(LOCKS)]:
            return change(context, token, *values)
    return alone


def folder(context: Context, token: str) -> Path:
    """Where a visitor's draft is; counts as a use."""
    return storage.ensure_folder(context.visitors.place(token) / FOLDER)


def items(context: Context, token: str) -> list[Item]:
    """The photos of a visitor's draft, in the order in which they came."""
    path = folder(context, token) / LISTING
    if not path.is_file():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Item(**{**row, "box": tuple(row["box"]) if row["box"] else None}) for row in rows]


@one_after_another
def add(context: Context, token: str, new: Sequence[Photo], caption: str) -> list[Item]:
    """Appends photos, each with the caption. BadInput beyond plan.MOST in all; NoRoom."""
    kept = items(context, token)
    if len(kept) + len(new) > plan.MOST:
        raise BadInput(f"That would be {len(kept) + len(new)} photos.", f"Give at most {plan.MOST}.")
    place = folder(context, token)
    first = 1 + max((int(Path(item.file).stem) for item in kept), default=-1)
    for number, photo in enumerate(new, start=first):
        content = to_png(photo.picture)
        context.jobs.check_room(context.visitors.name(token), len(content))
        storage.write_file(place / f"{number:04d}.png", content)
        kept.append(Item(f"{number:04d}.png", photo.name, caption, digest=sha256(content).hexdigest()))
    return _write(context, token, kept)


@one_after_another
def edit(context: Context, token: str, rows: Sequence[Sequence[Any]]) -> list[Item]:
    """Takes over what the visitor set for each photo: rows of (name, used, caption).

    BadInput if they are other photos, as after a change in another window.
    """
    kept = items(context, token)
    if [row[0] for row in rows] != [item.name for item in kept]:
        raise BadInput("The list of photos has changed meanwhile.", "Look at it again.")
    changed = [replace(item, used=bool(used), caption=checks.text(words, "A caption", plan.LONGEST))
               for item, (_, used, words) in zip(kept, rows, strict=True)]
    return _write(context, token, changed)


@one_after_another
def set_box(context: Context, token: str, number: int, box: Box) -> list[Item]:
    """Crops the photo of a number, from 1. BadInput for a box that is not inside the picture."""
    kept = items(context, token)
    at = checks.whole(number, "The photo's number", 1, max(1, len(kept))) - 1
    width, height = picture(context, token, kept[at]).size
    left, top, right, bottom = box
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise BadInput("The crop is not inside the picture.", f"The picture has {width} x {height} pixels.")
    kept[at] = replace(kept[at], box=box, by_hand=True)
    return _write(context, token, kept)


@one_after_another
def suggest(context: Context, token: str, boxes: Mapping[str, Box | None]) -> list[Item]:
    """Crops photos, by their files, as suggested, None being the middle square; those cropped by hand stay."""
    kept = items(context, token)
    changed = [item if item.by_hand else replace(item, box=boxes.get(item.file, item.box)) for item in kept]
    return kept if changed == kept else _write(context, token, changed)


@one_after_another
def recaption(context: Context, token: str, before: str, after: str) -> list[Item]:
    """Gives photos that still have the default caption `before` the new default; written ones stay."""
    changed = [replace(item, caption=after if item.caption == before else item.caption)
               for item in items(context, token)]
    return _write(context, token, changed)


@one_after_another
def clear(context: Context, token: str) -> int:
    """Removes the draft; returns how many photos it had."""
    kept = items(context, token)
    place = folder(context, token)
    _remove(place, LOOKS, *(path.name for path in place.glob("*.png")))  # also such as a crash left beside the list
    _write(context, token, [])
    return len(kept)


def picture(context: Context, token: str, item: Item) -> Image.Image:
    """A photo whole, as RGB."""
    return Image.open(folder(context, token) / item.file).convert("RGB")


def small(context: Context, token: str, item: Item) -> Image.Image:
    """The crop of a photo as its card shows it, at most SMALL pixels a side; kept, as long as the crop stays."""
    place = folder(context, token)
    stem, mark = Path(item.file).stem, "-".join(map(str, item.box or ["middle"]))
    path = place / f"{stem}-{mark}.png"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        _remove(place, *(old.name for old in place.glob(f"{stem}-*.png")))
        whole = picture(context, token, item)
        cut = photos.crop(whole, item.box or photos.middle_square(whole))
        cut.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
        content = to_png(cut)
        storage.write_file(path, content)
    return Image.open(io.BytesIO(content)).convert("RGB")


def chosen(context: Context, token: str) -> list[tuple[Item, Image.Image]]:
    """The photos that are used, each cropped as set, else to its middle square."""
    found = [(item, picture(context, token, item)) for item in items(context, token) if item.used]
    return [(item, photos.crop(whole, item.box or photos.middle_square(whole))) for item, whole in found]


def to_png(whole: Image.Image) -> bytes:
    """A picture as PNG."""
    file = io.BytesIO()
    whole.save(file, "PNG")
    return file.getvalue()


def _remove(place: Path, *names: str) -> None:
    with storage.trouble(place):
        for name in names:
            (place / name).unlink(missing_ok=True)


def _write(context: Context, token: str, kept: Sequence[Item]) -> list[Item]:
    rows = [asdict(item) for item in kept]
    storage.write_file(folder(context, token) / LISTING, json.dumps(rows).encode())
    return list(kept)
