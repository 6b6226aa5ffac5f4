"""Whose the files of the page's cache are: what a browser sent, or was made for it, is served to that browser alone.

Gradio serves what lies there to whoever has the address, for pictures a checksum of the content. Here each file is
noted with the browsers that it was handed to: of two that draw the same picture both have it. Open to whoever has the
address stays what no browser was handed: the page's own pictures, what scripts sent and made (they have no cookie to
be known by), and what lies there from before a restart.
"""

import os
import re
import threading
from collections.abc import Collection
from pathlib import Path

EVERYBODY = ""  # the browser of a script
ROUTE = re.compile(r"file[=/]", re.IGNORECASE)  # of Gradio: gradio_api/file=PATH and gradio_api/file/PATH
MORE = 1000  # notes after which those of files that are gone are dropped


class Served:
    """The notes of one process on the files of a cache folder. Safe to use from several threads."""

    def __init__(self, cache: Path) -> None:
        self.own: Collection[str] = ()  # files that belong to the page itself
        self._inside = key_of(cache) + os.sep
        self._browsers: dict[str, set[str]] = {}
        self._paths: dict[str, Path] = {}
        self._prune_at = MORE
        self._lock = threading.Lock()

    def note(self, path: str | Path, browser: str) -> None:
        """Notes that a file of the cache was handed to a browser, or EVERYBODY."""
        key = key_of(path)
        if str(path) in self.own or not key.startswith(self._inside):
            return
        with self._lock:
            self._browsers.setdefault(key, set()).add(browser)
            self._paths[key] = Path(path)
            if len(self._paths) >= self._prune_at:
                self._prune()

    def allows(self, path: str | Path, browser: str) -> bool:
        """Whether a browser may have a file; EVERYBODY may have what no browser alone was handed."""
        with self._lock:
            handed = self._browsers.get(key_of(path), {EVERYBODY})
        return EVERYBODY in handed or browser in handed

    def allows_address(self, address: str, browser: str) -> bool:
        """Whether a browser may have what lies at an address of the page, however it spells a path in it."""
        paths = [address[found.end():] for found in ROUTE.finditer(address)]
        return all(self.allows(spelled, browser) for path in paths for spelled in (path, f"/{path}"))

    def forget(self, browser: str) -> int:
        """Removes the files that this browser alone was handed; returns how many there were."""
        if browser == EVERYBODY:
            return 0
        gone = 0
        with self._lock:
            for key in [key for key, browsers in self._browsers.items() if browser in browsers]:
                self._browsers[key].discard(browser)
                if not self._browsers[key]:
                    gone += self._paths[key].is_file()
                    self._paths[key].unlink(missing_ok=True)
                    self._drop(key)
        return gone

    def _prune(self) -> None:
        for key, path in list(self._paths.items()):
            if not path.is_file():
                self._drop(key)
        self._prune_at = len(self._paths) + MORE

    def _drop(self, key: str) -> None:
        del self._browsers[key], self._paths[key]


def key_of(path: str | Path) -> str:
    """A file's name in the notes: where links lead, and in one case, as some disks take both for the same."""
    try:
        return os.path.realpath(path).casefold()
    except (OSError, ValueError):  # too long, or with a null: no file has such a name
        return str(path)
