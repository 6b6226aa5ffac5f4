"""A private folder for each visitor, and its end.

A visitor is a secret token that the browser keeps; whoever has it has the folder. The folder's name is a hash of
the token, so that a listing of the disk opens nobody's page. A folder expires a while after its last use, and is
removed at once on request. Expiry is by a sweep over what lies on the disk: no event of a browser is relied on.
"""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import Any

from playground import storage
from playground.errors import BadInput

KEPT = 24 * 3600.0  # seconds after the last use


class Visitors:
    """The visitors' folders under one folder."""

    def __init__(self, folder: Path, kept: float = KEPT) -> None:
        self.folder = storage.ensure_folder(folder)
        self.folder.chmod(0o700)
        self.kept = kept

    def new(self) -> str:
        """A token for a new visitor, 128 random bits."""
        return secrets.token_urlsafe(16)

    def name(self, token: Any) -> str:
        """The visitor's name on disk and in the list of jobs. BadInput for what is no token."""
        if not isinstance(token, str) or not re.fullmatch(r"[A-Za-z0-9_-]{22}", token):
            raise BadInput("This visit is not known.", "Reload the page.")
        return hashlib.sha256(token.encode()).hexdigest()[:32]

    def place(self, token: Any) -> Path:
        """The visitor's folder, made if need be; counts as a use."""
        path = storage.ensure_folder(self.folder / self.name(token))
        with storage.trouble(path):
            os.utime(path)
        return path

    def delete(self, token: Any) -> bool:
        """Removes the visitor's folder with all that is in it; False if there was none."""
        path = self.folder / self.name(token)
        if not path.exists():
            return False
        with storage.trouble(path):
            shutil.rmtree(path)
        return True

    def expires(self, token: Any) -> float:
        """When the folder goes, in seconds since the epoch."""
        return self.place(token).stat().st_mtime + self.kept

    def sweep(self) -> int:
        """Removes folders that were not used for `kept` seconds; returns how many."""
        old = [path for path in self.folder.iterdir() if storage.age(path) > self.kept]
        return sum(storage.attempt(storage.remove_folder, path) for path in old)

    def postpone(self, seconds: float) -> None:
        """Lets every folder expire later, for a clock that was set forward."""
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # deleted at this moment
                used = path.stat().st_mtime + seconds
                os.utime(path, (used, used))
