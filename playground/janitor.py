"""Removes what has expired, now and every ten minutes, whatever browsers do or fail to do.

Times of expiry are those of the clock on the wall, as they outlive the process. Where that clock is set forward while
the page runs, expiry moves with it; where it was set back, what seems to come from the future counts as written now.
"""

import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from playground import storage
from playground.context import Context

EVERY = 600.0  # seconds
PRESSED = 600.0  # seconds that it stays there when visitors' things take all the room that they may
SERVED = 2 * 3600.0  # seconds that a file stays in the page's cache, an upload of nobody included
JUMP = 60.0  # seconds by which a clock is not set in small corrections
LEFT = re.compile(r"\..+\.[a-z0-9_]{8}|gate\.(waits|due)-\d+")  # names for a moment: storage.py, gate.py
log = logging.getLogger(__name__)


def start(context: Context, every: float = EVERY, kept: Callable[[], Collection[str]] = tuple) -> threading.Event:
    """Sweeps in a thread of its own until the event that it returns is set.

    `kept` names the files of the page's cache that belong to the page itself.
    """
    stop = threading.Event()
    context.room.sweep = lambda: press(context, kept())

    def work() -> None:
        clock = Clock()
        sweep(context, kept())
        while not stop.wait(every):
            storage.attempt(postpone, context, clock.jump())
            sweep(context, kept())

    threading.Thread(target=work, name="janitor", daemon=True).start()
    return stop


def sweep(context: Context, kept: Collection[str] = ()) -> int:
    """Deletes what has expired: files of the page's cache, jobs, visitors' folders, leftovers; returns how many.

    A full or broken disk is logged, not fatal, and what fails does not keep the others from making room.
    """
    gone: list[int] = []
    data = context.settings.data_dir
    for part in (lambda: sweep_cache(data / "gradio", kept), context.jobs.sweep, context.visitors.sweep,
                 lambda: sweep_leftovers(data)):
        storage.attempt(lambda part=part: gone.append(part()))
    if sum(gone):
        log.info("Removed %d expired jobs, folders and files", sum(gone))
    return sum(gone)


def press(context: Context, kept: Collection[str] = ()) -> int:
    """Deletes what has expired, and what lies in the page's cache for longer than an event needs it."""
    gone = [sweep(context, kept)]
    storage.attempt(lambda: gone.append(sweep_cache(context.settings.data_dir / "gradio", kept, PRESSED)))
    return sum(gone)


class Clock:
    """Tells when the clock on the wall is set, by one that counts seconds and that nobody sets."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] | None = None) -> None:
        self.wall, self.steady = wall, steady or seconds_since_start
        self._before = self.wall() - self.steady()

    def jump(self) -> float:
        """Seconds by which the clock on the wall was set forward since the last call; negative for back."""
        now = self.wall() - self.steady()
        moved, self._before = now - self._before, now
        return moved


def seconds_since_start() -> float:
    """Seconds since the machine started, asleep ones included where the system counts them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def postpone(context: Context, jump: float) -> None:
    """Lets everything expire later by what the clock was set forward, so that nothing goes before its time."""
    if jump < JUMP:
        return
    log.warning("The clock was set forward by %.0f s; what visitors have is kept that much longer", jump)
    context.jobs.table.postpone(jump)
    context.visitors.postpone(jump)


def sweep_cache(folder: Path, kept: Collection[str], served: float = SERVED) -> int:
    """Deletes files of the page's cache that were written more than `served` seconds ago; returns how many.

    Gradio deletes what its events made; this finds the rest: uploads that no event used, leftovers of a crash.
    """
    gone = 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before the folder
        if path.is_dir():
            if not any(path.iterdir()) and storage.age(path) > served:
                path.rmdir()
        elif str(path) not in kept and storage.age(path) > served:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def sweep_leftovers(data: Path, served: float = SERVED) -> int:
    """Deletes what processes left that were killed: files and folders half written aside, signs at the gate."""
    gone = 0
    for folder in filter(Path.is_dir, (data, data / "models")):
        for path in folder.iterdir():
            if LEFT.fullmatch(path.name) and storage.age(path) > served:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                gone += 1
    return gone
