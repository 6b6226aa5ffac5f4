"""Rates: so many of a kind a minute for each key, by token buckets; and which session belongs to which browser.

Both keep a bounded number of keys, the least recently used go first, so that a flood of invented keys costs memory
for none. Used from the event loop's thread alone.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

KEYS = 20_000


class Throttle:
    """A bucket for each key that holds a minute's worth and refills evenly."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self.clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> (left, at that time)

    def wait(self, key: str, cost: int = 1) -> float:
        """Takes `cost` from a key's bucket: 0 if it was there, else the seconds until it will be (nothing is taken)."""
        now = self.clock()
        left, before = self._buckets.pop(key, (float(self.a_minute), now))
        left = min(self.a_minute, left + (now - before) * self.a_minute / 60)
        enough = left >= max(cost, 1)
        self._buckets[key] = (left - cost if enough else left, now)
        if len(self._buckets) > KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (max(cost, 1) - left) * 60 / self.a_minute


class Sessions:
    """The browser that first used a session; nobody else may read or steer it, should they learn its name.

    Gradio's page draws the names of its sessions with Math.random, so they are no secret to count on. A script sends
    no cookie; its session is as safe as its name (the Python client draws 122 random bits).
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def allows(self, session: str, browser: str) -> bool:
        """Whether this browser ('' for a script) may use the session; the first one makes it its own."""
        owner = self._owners.setdefault(session, browser)
        self._owners.move_to_end(session)
        if len(self._owners) > KEYS:
            self._owners.popitem(last=False)
        return owner in ("", browser)
