"""One turn at the processor at a time, first come first served.

Everything that computes on a device takes a turn: the tabs for a forward pass or a few steps, a trainer
for a few steps at a time. A turn is held by whoever entered the block and not by a thread, since a
generator may go on in another thread; even so no turn is held across a yield.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from playground.errors import PlaygroundError


@dataclass(frozen=True)
class GateState:
    """Who computes and how many wait."""

    busy: str
    waiting: int


class Gate:
    """A first-come-first-served mutual exclusion with names, for the page to show."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._line: deque[object] = deque()
        self._busy = ""

    @contextlib.contextmanager
    def turn(self, who: str, timeout: float = 600.0) -> Iterator[None]:
        """Waits for a turn and holds it for the block; PlaygroundError after `timeout` seconds of waiting."""
        ticket = object()
        self._enter(ticket, who, timeout)
        try:
            yield
        finally:
            self._leave(ticket)

    def state(self) -> GateState:
        """A snapshot."""
        with self._condition:
            return GateState(self._busy, max(0, len(self._line) - 1))

    def _enter(self, ticket: object, who: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        with self._condition:
            self._line.append(ticket)
            while self._line[0] is not ticket:
                if not self._condition.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    self._line.remove(ticket)
                    self._condition.notify_all()
                    raise PlaygroundError(
                        f"Waited {timeout:.0f} s for the processor, which is busy with {self._busy or 'other work'}.",
                        "Try again when it is done.")
            self._busy = who

    def _leave(self, ticket: object) -> None:
        with self._condition:
            self._line.remove(ticket)
            self._busy = ""
            self._condition.notify_all()
