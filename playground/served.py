"""Whose the files of the page's cache are: what a browser sent, or was made for it, is served to that browser alone.

Gradio serves what lies there to whoever has the address, for pictures a checksum of the content. Here each file is
noted with the browsers that it was handed to: of two that draw the same picture both have it. Open to whoever has the
address stays what no browser was handed: the page's own pictures, what scripts sent and made (they have no cookie to
be known by), and what lies there from before a restart.
"""

import os
import re
import threading
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from playground import storage

EVERYBODY = ""  # the browser of a script
ROUTE = re.compile(r"/*(?:gradio_api/+)?file[=/](.*)", re.IGNORECASE | re.DOTALL)  # of Gradio: file=PATH, file/PATH
LONGEST, DEEPEST = 4096, 40  # characters and parts of a path: no file here has more, and resolving them takes long
MORE = 1000  # notes after which those of files that are gone are dropped


class Served:
    """The notes of one process on the files of a cache folder. Safe to use from several threads."""

    def __init__(self, cache: Path) -> None:
        self._own: frozenset[str] = frozenset()
        self._inside = key_of(cache) + os.sep
        self._browsers: dict[str, set[str]] = {}
        self._paths: dict[str, Path] = {}
        self._prune_at = MORE
        self._lock = threading.Lock()

    def keep(self, own: Iterable[str]) -> None:
        """Leaves out files that belong to the page itself."""
        self._own = frozenset(map(key_of, own))

    def note(self, path: str | Path, browser: str) -> None:
        """Notes that a file of the cache was handed to a browser, or EVERYBODY."""
        key = key_of(path)
        if key in self._own or not key.startswith(self._inside):
            return
        with self._lock:
            self._browsers.setdefault(key, set()).add(browser)
            self._paths[key] = Path(path)
            if len(self._paths) >= self._prune_at:
                self._prune()

    def allows(self, path: str | Path, browser: str) -> bool:
        """Whether a browser may have a file; EVERYBODY may have what no browser alone was handed."""
        if len(str(path)) > LONGEST or str(path).count("/") > DEEPEST:
            return False
        key = key_of(path)
        with self._lock:
            handed = self._browsers.get(key, {EVERYBODY})
            return EVERYBODY in handed or browser in handed

    def allows_all(self, paths: Iterable[str], browser: str) -> bool:
        """Whether a browser may have all these files."""
        return all(self.allows(path, browser) for path in paths)

    def allows_address(self, address: str, browser: str) -> bool:
        """Whether a browser may have what lies at an address of the page, however it spells a path in it."""
        found = ROUTE.match(address)
        return found is None or (self.allows(found[1], browser) and self.allows(f"/{found[1]}", browser))

    def forget(self, browser: str) -> int:
        """Removes the files that this browser alone was handed; returns how many there were. StorageTrouble."""
        if browser == EVERYBODY:
            return 0
        gone, failed = 0, []
        for key, path in self._take(browser):
            try:  # without the lock, for which others wait, and a disk may be slow
                gone += path.is_file()
                path.unlink(missing_ok=True)
            except OSError as problem:
                failed.append((path, problem))
                continue
            with self._lock:
                self._drop(key)
        for path, problem in failed:  # their notes stay
            with storage.trouble(path):
                raise problem
        return gone

    def _take(self, browser: str) -> list[tuple[str, Path]]:
        """The files that a browser alone was handed; of others it is not one of theirs any more."""
        with self._lock:
            own = [key for key, browsers in self._browsers.items() if browsers == {browser}]
            for browsers in self._browsers.values():
                if len(browsers) > 1:
                    browsers.discard(browser)
            return [(key, self._paths[key]) for key in own]

    def _prune(self) -> None:
        for key, path in list(self._paths.items()):
            if not path.is_file():
                self._drop(key)
        self._prune_at = len(self._paths) + MORE

    def _drop(self, key: str) -> None:
        self._browsers.pop(key, None)
        self._paths.pop(key, None)


def key_of(path: str | Path) -> str:
    """A file's name in the notes: where links lead, in one case and spelling, as some disks take all for the same."""
    try:
        return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()
    except (OSError, ValueError):  # too long, or with a null: no file has such a name
        return str(path)
