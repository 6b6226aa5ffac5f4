"""Who is next where events wait: visitors take turns, however many events each of them has waiting.

Start-time fair queueing with events of equal weight: an event's round is the one now served, or the one after its
visitor's last; the line is ordered by round, then by arrival. So a visitor's second event goes after the first of
every other, and nobody is overtaken twice by the same visitor. Where several are served at once, who has the fewest
under way goes first, and who has his share of them waits in the line without holding up the others.
Source: Goyal, Vin, Cheng, "Start-time Fair Queueing", SIGCOMM 1996.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

KEPT = 1000  # visitors whose last round is remembered while the line is never empty


class FairLine(list):
    """A list of waiting events, ordered by append(). Whoever serves them takes out what choose() gives, with take()."""

    def __init__(self, visitor_of: Callable[[Any], str]) -> None:
        super().__init__()
        self._visitor_of = visitor_of
        self._rounds: dict[Any, int] = {}  # of those that wait
        self._served: dict[str, int] = {}  # each visitor's last round since the line was last empty
        self._now = 0

    def append(self, event: Any) -> None:
        """Lets an event in where its visitor's turn is."""
        visitor = self._visitor_of(event)
        last = max((self._rounds[other] for other in self if self._visitor_of(other) == visitor), default=-1)
        mine = max(self._now, self._served.get(visitor, -1) + 1, last + 1)
        self._rounds[event] = mine
        self.insert(bisect_right(self, mine, key=self._rounds.__getitem__), event)

    def choose(self, under_way: Mapping[str, int], most: float) -> Any | None:
        """The event to serve next where so many of each visitor are under way; None if all who wait have `most`."""
        ready = [(mine, place) for place, event in enumerate(self)
                 if (mine := under_way.get(self._visitor_of(event), 0)) < most]
        return self[min(ready)[1]] if ready else None

    def take(self, event: Any) -> None:
        """Takes an event out because it is served."""
        mine = self._rounds[event]
        self.remove(event)
        self._note(self._visitor_of(event), mine)

    def remove(self, event: Any) -> None:
        """Takes an event out because it is given up, which costs its visitor no turn."""
        super().remove(event)
        del self._rounds[event]

    def _note(self, visitor: str, served: int) -> None:
        self._now = max(self._now, served)  # one who was passed over comes later, with an earlier round
        if not self:  # nobody waited for those before
            self._served.clear()
        self._served.pop(visitor, None)
        self._served[visitor] = served
        if len(self._served) > KEPT:
            del self._served[next(iter(self._served))]


class Presence:
    """Which sessions have somebody listening for answers. Used from the event loop's thread alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._open

    @contextmanager
    def listening(self, names: list[str]) -> Iterator[None]:
        """Holds while a stream of answers of these sessions (or single events) is open."""
        self._open.update(names)
        try:
            yield
        finally:
            self._open.subtract(names)
            for name in names:
                if self._open[name] <= 0:
                    del self._open[name]
