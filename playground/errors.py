"""Errors whose text a visitor may read.

Everything the engine wants to say to a person is a PlaygroundError. The tabs turn it into
text on the page at one place (tabs/_ui.py); whatever else is raised is a bug, is logged with
its traceback and shown without its details.
"""


class PlaygroundError(Exception):
    """What happened and why, then what to do next. Plain text; the page escapes it."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what.strip()
        self.remedy = remedy.strip()
        super().__init__(f"{self.what} {self.remedy}".strip())


class BadInput(PlaygroundError):
    """A value that cannot be used: out of range, not a number, empty, too long, unknown."""


class ModelMissing(PlaygroundError):
    """A model's files are in none of the places they may come from."""


class DamagedWeights(PlaygroundError):
    """A model's file is not the one that the catalog names (checksum, or it cannot be read)."""


class NotEnoughMemory(PlaygroundError):
    """A model does not fit, or the memory is held by others."""


class StorageTrouble(PlaygroundError):
    """The data folder cannot be written, or the disk is full."""


class NoRoom(StorageTrouble):
    """The disk is nearly full, or visitors' things take all the room that they may."""


class Cancelled(PlaygroundError):
    """A visitor stopped the work, or went away."""
