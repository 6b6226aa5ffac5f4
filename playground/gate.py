"""One turn at the processor at a time, first come first served, across all tabs and the trainers' processes.

Everything that computes on a device takes a turn: the tabs for a forward pass or a few steps, a trainer
for a few steps at a time. A turn is held by whoever entered the block and not by a thread, since a
generator may go on in another thread; even so no turn is held across a yield.

Between processes the turn is a lock on a file. Such locks know no order, so a trainer is polite: it does not
ask for the next turn while a tab waits, which the tab shows by a file beside the lock. Where tabs never cease to
wait a trainer would never learn, nor hear that it shall stop: after PATIENCE it shows that it is due, and tabs let
it go first, once. Where the disk is full or read-only none of this can be written: then nobody waits for other
processes, since a trainer, which has to write, gets nowhere either.
"""

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from playground import storage
from playground.errors import PlaygroundError

STALE = 5.0  # seconds after which a sign of waiting counts for nothing: its process may have been killed
POLL = 0.005  # seconds between two looks at the file's lock
PATIENCE = 4.0  # seconds that a trainer lets others go first
WAITS, DUE = "waits", "due"  # what a process shows beside the lock
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GateState:
    """Who computes and how many wait."""

    busy: str
    waiting: int


class Gate:
    """First come first served in a process; between processes, trainers after tabs. Names are for the page to show."""

    def __init__(self, path: Path | None = None) -> None:
        self._condition = threading.Condition()
        self._line: deque[object] = deque()
        self._busy = ""
        self._path = path
        self._lock = FileLock(path, thread_local=False) if path else None

    @contextlib.contextmanager
    def turn(self, who: str, timeout: float = 600.0, polite: bool = False) -> Iterator[None]:
        """Waits for a turn and holds it for the block; PlaygroundError after `timeout` seconds of waiting.

        `polite` is for trainers: others that wait go first, for PATIENCE seconds.
        """
        ticket = object()
        deadline = time.monotonic() + timeout
        self._enter(ticket, timeout, deadline)
        try:
            self._lock_file(timeout, deadline, polite)
            with self._condition:
                self._busy = who
            yield
        finally:
            self._leave(ticket)

    def state(self) -> GateState:
        """A snapshot of this process."""
        with self._condition:
            return GateState(self._busy, max(0, len(self._line) - 1))

    def _enter(self, ticket: object, timeout: float, deadline: float) -> None:
        with self._condition:
            self._line.append(ticket)
            while self._line[0] is not ticket:
                if not self._condition.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    self._line.remove(ticket)
                    self._condition.notify_all()
                    raise waited_too_long(timeout, self._busy)

    def _leave(self, ticket: object) -> None:
        if self._lock is not None and self._lock.is_locked:
            self._lock.release()
        with self._condition:
            self._line.remove(ticket)
            self._busy = ""
            self._condition.notify_all()

    def _lock_file(self, timeout: float, deadline: float, polite: bool) -> None:
        if self._lock is None:
            return
        try:
            self._wait_for_file(timeout, deadline, polite)
        except OSError as problem:
            if problem.errno not in storage.NO_ROOM:
                raise
            log.warning("Other processes are not waited for: %s", problem)

    def _wait_for_file(self, timeout: float, deadline: float, polite: bool) -> None:
        until = min(deadline, time.monotonic() + PATIENCE)
        if polite and self._slips_in(until):
            return
        if not polite:
            self._let_pass(until)
        sign = self._path.with_suffix(f".{DUE if polite else WAITS}-{os.getpid()}")
        try:
            while not self._lock.is_locked:
                sign.touch()  # again and again: a sign that is old counts for nothing
                self._acquire(min(deadline, time.monotonic() + STALE / 2))
                if not self._lock.is_locked and time.monotonic() >= deadline:
                    raise waited_too_long(timeout, "another process")
        finally:
            sign.unlink(missing_ok=True)

    def _acquire(self, until: float) -> bool:
        """The file's lock, if it can be had before a moment."""
        with contextlib.suppress(Timeout):
            self._lock.acquire(timeout=max(0.0, until - time.monotonic()), poll_interval=POLL)
        return self._lock.is_locked

    def _slips_in(self, until: float) -> bool:
        """The lock for a trainer, while no tab waits for it."""
        while time.monotonic() < until:
            if not self._others_show(WAITS) and self._acquire(0):
                return True
            time.sleep(POLL)
        return False

    def _let_pass(self, until: float) -> None:
        """Lets a trainer go first that is due."""
        while time.monotonic() < until and self._others_show(DUE):
            time.sleep(POLL)

    def _others_show(self, kind: str) -> bool:
        """Whether another process shows a sign of this kind."""
        for sign in self._path.parent.glob(f"{self._path.stem}.{kind}-*"):
            with contextlib.suppress(FileNotFoundError):  # it got its turn between the two looks
                if abs(time.time() - sign.stat().st_mtime) < STALE:  # also after the clock was set back
                    return True
        return False


def waited_too_long(timeout: float, busy: str) -> PlaygroundError:
    """The error of a turn that did not come."""
    return PlaygroundError(f"Waited {timeout:.0f} s for the processor, which is busy with {busy or 'other work'}.",
                           "Try again when it is done.")
