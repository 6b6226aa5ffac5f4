"""A visitor's own pictures as something to imitate: squared, made small, kept in the visitor's private folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from playground import images, storage
from playground.context import Context
from playground.errors import BadInput
from playground.gan.lab import data as sets
from playground.gan.lab import files, trained

SIDE, MOST = 32, 400
NAME = "gan-lab-pictures.npz"
GENERATOR = "gan-lab-generator.safetensors"  # one that the visitor brought along


def keep(context: Context, token: str, contents: Sequence[bytes]) -> int:
    """Reads pictures and keeps their pixels; returns how many. Raises BadInput, naming the picture, or too few."""
    if len(contents) > MOST:
        raise BadInput(f"{len(contents)} pictures are too many.", f"Give at most {MOST}.")
    read = []
    for number, content in enumerate(contents, 1):
        try:
            read.append(np.asarray(images.square(images.read(content, 512), SIDE)))
        except BadInput as problem:
            raise BadInput(f"Picture {number}: {problem.what}", problem.remedy) from problem
    stack = np.stack(read) if read else np.zeros((0, SIDE, SIDE, 3), np.uint8)
    sets.pictures(stack)
    context.jobs.check_room(context.visitors.name(token), stack.nbytes)
    files.write_arrays(context.visitors.place(token) / NAME, {"pictures": stack})
    return len(read)


def place(context: Context, token: str) -> Path:
    """Where they are kept; BadInput before there are any."""
    path = context.visitors.place(token) / NAME
    if not path.exists():
        raise BadInput("There are no pictures of yours yet.", "Add some in the settings of the runs.")
    return path


def forget(context: Context, token: str) -> int:
    """Removes the visitor's pictures and brought generator, from memory too; returns how many files. StorageTrouble."""
    folder = context.visitors.folder / context.visitors.name(token)
    trained.forget(context, folder)
    found = [path for path in (folder / NAME, folder / GENERATOR) if path.exists()]
    with storage.trouble(folder):
        for path in found:
            path.unlink(missing_ok=True)
    return len(found)
