"""Removes what has expired, now and every ten minutes, whatever browsers do or fail to do."""

import logging
import threading

from playground.context import Context
from playground.errors import PlaygroundError

EVERY = 600.0  # seconds
log = logging.getLogger(__name__)


def start(context: Context, every: float = EVERY) -> threading.Event:
    """Sweeps in a thread of its own until the event that it returns is set."""
    stop = threading.Event()

    def work() -> None:
        sweep(context)
        while not stop.wait(every):
            sweep(context)

    threading.Thread(target=work, name="janitor", daemon=True).start()
    return stop


def sweep(context: Context) -> int:
    """Deletes expired jobs and visitors' folders; returns how many. A full or broken disk is logged, not fatal."""
    try:
        gone = context.jobs.sweep() + context.visitors.sweep()
    except (PlaygroundError, OSError) as problem:
        log.error("Expired data could not be removed: %s", problem)
        return 0
    if gone:
        log.info("Removed %d expired jobs and folders", gone)
    return gone
