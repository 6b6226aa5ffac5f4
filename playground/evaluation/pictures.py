"""Pictures of a run: those that were drawn, in its private folder, and those that a visitor gives as references.

A drawn picture is a PNG under the key of its generation. A reference is small, 64 x 64, since that is what the
feature space looks at; it is part of the plan as a data URI, decoded and encoded anew from whatever was given.
"""

import base64
import binascii
import io
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import images, marks, storage
from playground.errors import BadInput
from playground.evaluation.plan import MOST_PICTURES, Assertion, Case, Plan
from playground.marks import Mark

if TYPE_CHECKING:
    from PIL import Image

SIDE = 64  # pixels of a reference
SMALL = 128  # pixels a side at most of a picture in a matrix
URI = re.compile(r"data:image/[a-z+.-]{1,20};base64,(?P<content>[A-Za-z0-9+/=\s]+)")
NAME = 40  # characters of a reference's name


class Album:
    """The drawn pictures of one run, (H, W, 3) uint8."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, key: str, picture: np.ndarray, mark: Mark) -> None:
        """Keeps a picture, marked."""
        from PIL import Image

        image = Image.fromarray(picture)
        storage.write_file(self._path(key), marks.png(image, mark))
        image.thumbnail((SMALL, SMALL))
        storage.write_file(self._path(key, ".small"), marks.png(image, mark))

    def picture(self, key: str) -> "Image.Image":
        """A picture as it was drawn. BadInput if it is gone."""
        from PIL import Image

        try:
            with Image.open(self._path(key)) as opened:
                return opened.convert("RGB")
        except OSError:
            raise BadInput("A picture of this run is gone.", "Run it again.") from None

    def uri(self, key: str, side: int) -> str:
        """A picture at no more than `side` pixels a side as a data URI."""
        picture = self.picture(key)
        picture.thumbnail((side, side))
        return as_uri(marks.png_again(picture))

    def small(self, key: str) -> str:
        """A picture at no more than SMALL pixels a side as a data URI; read as it lies on the disk."""
        try:
            return as_uri(self._path(key, ".small").read_bytes())
        except OSError:
            return self.uri(key, SMALL)

    def take(self, other: "Album", keys: Iterable[str]) -> None:
        """Copies pictures of another run; those it lacks are left out."""
        storage.ensure_folder(self.folder)
        with storage.trouble(self.folder):
            for key in keys:
                if other.has(key):
                    shutil.copyfile(other._path(key), self._path(key))
                    shutil.copyfile(other._path(key, ".small"), self._path(key, ".small"))

    def has(self, key: str) -> bool:
        """Whether a picture is here."""
        return self._path(key).is_file() and self._path(key, ".small").is_file()

    def _path(self, key: str, kind: str = "") -> Path:
        return self.folder / f"{key}{kind}.png"


def as_png(picture: "Image.Image") -> bytes:
    """A picture as a PNG file, without any note in it."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def as_uri(png: bytes) -> str:
    """A PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


# ---- references

def reference(content: bytes) -> str:
    """The data URI of a reference, from the bytes of whatever file a visitor gives. BadInput for what is no picture."""
    return as_uri(as_png(images.square(images.read(content), SIDE)))


def is_uri(value: Any) -> bool:
    """Whether a value is a picture as a data URI."""
    return isinstance(value, str) and value.startswith("data:image/")


def decoded(uri: str) -> bytes:
    """The file in a data URI. BadInput for what is none."""
    match = URI.fullmatch(uri.strip())
    try:
        return base64.b64decode(match["content"], validate=False) if match else b""
    except binascii.Error:
        return b""


def pixels(uri: str) -> np.ndarray:
    """The pixels (64, 64, 3) of a reference."""
    return np.asarray(images.square(images.read(decoded(uri)), SIDE))


def find(known: Mapping[str, str], name: str) -> str:
    """The data URI of a reference by its name. BadInput for one that is not there."""
    if name not in known:
        there = f"There are: {', '.join(known)}." if known else "There are none yet."
        raise BadInput(f"There is no reference picture {name!r:.60}.", f"Add it below the cases. {there}")
    return known[name]


def named(stem: str, taken: Mapping[str, str]) -> str:
    """A name for a reference from its file's name, that is not taken yet."""
    plain = re.sub(r"[^\w-]+", "-", stem).strip("-")[:NAME] or "picture"
    number, name = 2, plain
    while name in taken:
        name, number = f"{plain}-{number}", number + 1
    return name


def checked(given: Mapping[str, Any]) -> dict[str, str]:
    """References from outside, by name, decoded and encoded anew. BadInput for too many, or what is no picture."""
    if len(given) > MOST_PICTURES:
        raise BadInput(f"There are {len(given)} reference pictures.", f"Give at most {MOST_PICTURES}.")
    found = {}
    for name, uri in given.items():
        if not is_uri(uri):
            raise BadInput(f"The reference picture {name!r:.60} is not a data URI.", "Write data:image/png;base64,…")
        found[str(name)[:NAME]] = reference(decoded(uri))
    return found


def gathered(plan: Plan) -> Plan:
    """The plan with pictures that stand among its variables and values moved to `pictures`, a name in their place."""
    found = dict(plan.pictures)
    names: dict[str, str] = {}

    def moved(value: Any) -> Any:
        if not is_uri(value):
            return value
        if value not in names:
            names[value] = named("picture", found)
            found.update(checked({names[value]: value}))
        return names[value]

    def in_assertion(each: Assertion) -> Assertion:
        return replace(each, value=moved(each.value), parts=tuple(map(in_assertion, each.parts)))

    def in_case(each: Case) -> Case:
        return replace(each, variables={name: moved(value) for name, value in each.variables.items()},
                       assertions=tuple(map(in_assertion, each.assertions)))

    cases = tuple(map(in_case, plan.cases))
    if len(found) > MOST_PICTURES:
        raise BadInput(f"There are {len(found)} reference pictures.", f"Give at most {MOST_PICTURES}.")
    return replace(plan, cases=cases, pictures=found)
