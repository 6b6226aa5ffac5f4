"""Rates: so many of a kind a minute for each key, by token buckets; and which session belongs to which browser.

Both keep a bounded number of keys, the least recently used go first, so that a flood of invented keys costs no memory.
Used from the event loop's thread alone.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

KEYS = 20_000
KEYS_EACH = 1000  # sessions of one address: whoever invents more of them displaces his own, not those of others


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

    def give_back(self, key: str, cost: int = 1) -> None:
        """Puts back what wait() took for something that turns out not to count."""
        if key in self._buckets:
            left, before = self._buckets[key]
            self._buckets[key] = (min(self.a_minute, left + cost), before)


class Sessions:
    """The browser whose event first joined a session; nobody else may read or steer it, should they learn its name.

    Gradio's page draws the names of its sessions with Math.random, so they are no secret to count on. A script sends
    no cookie; its session is as safe as its name (the Python client draws 122 random bits).
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, tuple[str, str]] = OrderedDict()  # session -> (browser, address)
        self._names: dict[str, OrderedDict[str, None]] = {}  # address -> its sessions

    def allows(self, session: str, browser: str) -> bool:
        """Whether this browser ('' for a script) may use the session: its own, a script's, or one that is nobody's."""
        owner = self._owners.get(session)
        return owner is None or owner[0] in ("", browser)

    def claim(self, session: str, browser: str, address: str) -> None:
        """Makes a session the browser's own unless it has an owner; either way it counts as just used."""
        _, address = self._owners.setdefault(session, (browser, address))
        self._owners.move_to_end(session)
        names = self._names.setdefault(address, OrderedDict())
        names[session] = None
        names.move_to_end(session)
        if len(names) > KEYS_EACH:
            self._forget(next(iter(names)))
        elif len(self._owners) > KEYS:
            self._forget(next(iter(self._owners)))

    def owner_of(self, session: str) -> tuple[str, str]:
        """Browser ('' for a script) and address of a session; both '' for one that is nobody's. From any thread."""
        return self._owners.get(session, ("", ""))

    def _forget(self, session: str) -> None:
        _, address = self._owners.pop(session)
        del self._names[address][session]
        if not self._names[address]:
            del self._names[address]
