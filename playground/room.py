"""Room on the disk of the data folder: what must stay free of it, and what visitors' things may take.

Looked at before anything of a visitor is written: uploads, jobs, photos, picture files. What all of them take is
measured by a walk over the folders, every few seconds at most and only where it is bounded; in between, what
uploads bring is counted as it comes.
"""

import asyncio
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playground import uploads
from playground.access import PLENTY, Limits
from playground.catalog import MB
from playground.errors import NoRoom

FOLDERS = ("gradio", "visitors", "jobs")  # of the data folder: what visitors fill
EVERY = 3.0  # seconds between two measurements
SWEEP_EVERY = 15.0  # seconds between two sweeps for room
NEVER = float("-inf")


class Room:
    """The room of one data folder. Safe to use from several threads; brought() belongs to one event loop."""

    def __init__(self, data: Path, most: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.data, self.most, self.clock = data, most, clock
        self.sweep: Callable[[], object] | None = None  # deletes what may go; the janitor's
        self._lock = threading.RLock()
        self._measured_at = self._swept_at = NEVER
        self._measured = self._came = self._came_before = 0  # bytes
        self._coming: Counter[tuple[str, ...]] = Counter()  # bytes that uploads under way are to bring, by sender

    def check(self, size: int = 0, own: Iterable[Path] = ()) -> None:
        """Raises NoRoom if `size` bytes more find no room: on the disk, in all visitors' room, in that of one visitor.

        `own` are the visitor's folders. What is past its time is swept before anything is refused.
        """
        with self._lock:
            if self._trouble(size) and self.sweep and self.clock() - self._swept_at >= SWEEP_EVERY:
                self._swept_at = self.clock()
                self.sweep()
                self._measured_at = NEVER
            if problem := self._trouble(size):
                raise problem
        if own:
            held = sum(taken(folder) for folder in own)
            if held + size > self.most.disk_each * MB:
                raise NoRoom(f"Your photos and jobs take {held / MB:,.0f} MB; a visitor may have "
                             f"{self.most.disk_each:,} MB here.", "Delete photos or jobs that you no longer need.")

    async def admit(self, size: int, browser: str = "", address: str = "") -> None:
        """check_upload() for an event loop: in a thread, as it may have to measure."""
        await asyncio.to_thread(self.check_upload, size, browser, address)

    def check_upload(self, size: int, browser: str, address: str) -> None:
        """check(), and what a browser or an address has sent already that nobody has read, or is sending."""
        self.check(size)
        mine = uploads.place(self.data / "gradio", browser, address)
        ours, size = max(size, self._coming[(address,)]), max(size, self._coming[(browser, address)])
        if address and self.most.disk_each < PLENTY and taken(mine) + size > self.most.disk_each * MB:
            raise NoRoom(f"What you sent and nobody has read yet takes more than {self.most.disk_each:,} MB.",
                         "Use it, or try again later: it goes by itself.")
        near = max(self.most.disk_each, self.most.disk_mb / 2) * MB
        if address and self.most.disk_mb < PLENTY and taken(mine.parent) + ours > near:
            raise NoRoom("What was sent from your address and nobody has read yet takes half of the room here.",
                         "Try again later: it goes by itself.")

    @contextmanager
    def announced(self, size: int, browser: str, address: str) -> Iterator[Callable[[int], Awaitable[None]]]:
        """Counts what an upload of `size` bytes is still to bring; gives brought(), to be told of each part."""
        keys, left = ((browser, address), (address,)), size
        self._coming.update(dict.fromkeys(keys, size))

        def less(part: int) -> None:
            nonlocal left
            part = min(part, left)
            left -= part
            for key in keys:
                self._coming[key] -= part
                if self._coming[key] <= 0:
                    del self._coming[key]

        async def came(part: int) -> None:
            less(part)
            await self.brought(part)

        try:
            yield came
        finally:
            less(left)

    async def brought(self, size: int) -> None:
        """Counts bytes of an upload as they come. Raises NoRoom if they find no room after all."""
        self._came += size
        if free(self.data) < self.most.disk_free * MB or (
                self.most.disk_mb < PLENTY and self._known() > self.most.disk_mb * MB):
            await self.admit(0)

    def _trouble(self, size: int) -> NoRoom | None:
        if self.most.disk_free and free(self.data) - size < self.most.disk_free * MB:
            return NoRoom("The disk of this page is nearly full.",
                          "What you sent was not kept; try again when the operator has made room.")
        if self.most.disk_mb < PLENTY and self._used() + size > self.most.disk_mb * MB:
            return NoRoom(f"The {self.most.disk_mb:,} MB of disk that all visitors may take are used up.",
                          "Delete what you no longer need here, or try again later: what is old goes by itself.")
        return None

    def _used(self) -> int:
        """Bytes that visitors' things take, measured anew where that is due."""
        if self.clock() - self._measured_at >= EVERY:
            before = self._came
            self._measured = sum(taken(self.data / name) for name in FOLDERS)
            self._came_before, self._measured_at = before, self.clock()
        return self._known()

    def _known(self) -> int:
        return self._measured + self._came - self._came_before


def free(folder: Path) -> int:
    """Bytes free on the disk of a folder, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def taken(folder: Path) -> int:
    """Bytes that a folder takes on the disk with all that is in it; 0 where there is none. Follows no links."""
    total, left = 0, [folder]
    while left:
        try:
            with os.scandir(left.pop()) as inside:
                for entry in inside:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(Path(entry.path))
                    total += allocated(entry)
        except FileNotFoundError:  # deleted at this moment
            continue
    return total


def allocated(entry: os.DirEntry) -> int:
    """Bytes of the disk that a file or folder takes: blocks, as a thousand files of one letter take more than that."""
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return 0
    return max(found.st_size, getattr(found, "st_blocks", 0) * 512)
