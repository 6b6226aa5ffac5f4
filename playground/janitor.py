"""Removes what has expired, now and every ten minutes, whatever browsers do or fail to do."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from playground.context import Context
from playground.errors import PlaygroundError

EVERY = 600.0  # seconds
SERVED = 2 * 3600.0  # seconds that a file stays in the page's cache, an upload of nobody included
log = logging.getLogger(__name__)


def start(context: Context, every: float = EVERY, kept: Callable[[], Collection[str]] = tuple) -> threading.Event:
    """Sweeps in a thread of its own until the event that it returns is set.

    `kept` names the files of the page's cache that belong to the page itself.
    """
    stop = threading.Event()

    def work() -> None:
        sweep(context, kept())
        while not stop.wait(every):
            sweep(context, kept())

    threading.Thread(target=work, name="janitor", daemon=True).start()
    return stop


def sweep(context: Context, kept: Collection[str] = ()) -> int:
    """Deletes what has expired: jobs, visitors' folders, files of the page's cache; returns how many.

    A full or broken disk is logged, not fatal.
    """
    try:
        gone = context.jobs.sweep() + context.visitors.sweep()
        gone += sweep_cache(context.settings.data_dir / "gradio", kept)
    except (PlaygroundError, OSError) as problem:
        log.error("Expired data could not be removed: %s", problem)
        return 0
    if gone:
        log.info("Removed %d expired jobs, folders and files", gone)
    return gone


def sweep_cache(folder: Path, kept: Collection[str], served: float = SERVED) -> int:
    """Deletes files of the page's cache that were written more than `served` seconds ago; returns how many.

    Gradio deletes what its events made; this finds the rest: uploads that no event used, leftovers of a crash.
    """
    gone = 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder comes before the folder
        if path.is_dir():
            if not any(path.iterdir()) and age(path) > served:
                path.rmdir()
        elif str(path) not in kept and age(path) > served:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def age(path: Path) -> float:
    """Seconds since a file or folder was written; 0 for one that is gone meanwhile."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
