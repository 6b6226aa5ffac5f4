"""Who is next where events wait: addresses take turns, and at each address its visitors, however many events wait.

Next is the oldest event of the visitor, of those at the address, who was served longest ago; who was never served
comes first. So a visitor's second event goes after the first of every other, and a crowd of made-up visitors delays
those at its own address alone. Where several are served at once, who has the fewest under way goes first, and who has
his share of them waits in the line without holding up the others. playground/turns.py does the same for long jobs.
"""

import heapq
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Send = Callable[[dict], Awaitable[None]]  # of ASGI
KEPT = 1000  # of each kind: addresses and visitors whose last turn is remembered while the line is never empty


class FairLine(list):
    """A list of waiting events in the order of service. Who serves them takes out what choose() gives, by take()."""

    def __init__(self, visitor_of: Callable[[Any], str], address_of: Callable[[Any], str] = lambda event: "") -> None:
        super().__init__()
        self._visitor_of, self._address_of = visitor_of, address_of
        self._arrived: dict[Any, int] = {}  # of those that wait
        self._count = self._turn = 0
        self._addresses: OrderedDict[str, int] = OrderedDict()  # each one's last turn since the line was last empty
        self._visitors: OrderedDict[str, int] = OrderedDict()

    def append(self, event: Any) -> None:
        """Lets an event in where its visitor's turn is."""
        self._count += 1
        self._arrived[event] = self._count
        super().append(event)
        self._order()

    def choose(self, under_way: Mapping[str, int], most: float, full: Collection[str] = ()) -> Any | None:
        """The event to serve next where so many of each visitor are under way; None if all who wait have `most`.

        Addresses in `full` have to wait.
        """
        ready = [(mine, place) for place, event in enumerate(self)
                 if (mine := under_way.get(self._visitor_of(event), 0)) < most and self._address_of(event) not in full]
        return self[min(ready)[1]] if ready else None

    def take(self, event: Any) -> None:
        """Takes an event out because it is served."""
        self._turn += 1
        for kept, who in ((self._addresses, self._address_of(event)), (self._visitors, self._visitor_of(event))):
            if len(self) == 1:  # nobody waits for those before
                kept.clear()
            kept[who] = self._turn
            kept.move_to_end(who)
            if len(kept) > KEPT:
                kept.popitem(last=False)
        self.remove(event)

    def remove(self, event: Any) -> None:
        """Takes an event out because it is given up, which costs its visitor no turn."""
        super().remove(event)
        del self._arrived[event]
        self._order()

    def _order(self) -> None:
        """Puts those that wait into the order in which they would be served, were no others to come."""
        waiting: dict[str, dict[str, deque]] = {}
        for event in sorted(self, key=self._arrived.__getitem__):
            visitors = waiting.setdefault(self._address_of(event), {})
            visitors.setdefault(self._visitor_of(event), deque()).append(event)
        near = {address: deque(self._turns(self._visitors, visitors)) for address, visitors in waiting.items()}
        self[:] = self._turns(self._addresses, near)

    def _turns(self, last: Mapping[str, int], lines: Mapping[str, deque]) -> Iterator[Any]:
        """The events of several lines that take turns; `last` is the number of the last turn of those who had one."""
        turn = self._turn
        heap = [(last.get(who, 0), self._arrived[line[0]], who) for who, line in lines.items()]
        heapq.heapify(heap)
        while heap:
            _, _, who = heapq.heappop(heap)
            line, turn = lines[who], turn + 1
            yield line.popleft()
            if line:
                heapq.heappush(heap, (turn, self._arrived[line[0]], who))


class Presence:
    """Which sessions have a listener, and what is on its way to him. Used from the event loop's thread alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._unsent: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def unsent(self, name: str) -> int:
        """Bytes that were given to the web server for a session and that its reader may not have yet."""
        return self._unsent.get(name, 0)

    @contextmanager
    def listening(self, names: list[str], send: Send) -> Iterator[Send]:
        """Holds while a stream of answers of these sessions (or single events) is open; `send` as it is to be used.

        The web server takes a part of a stream only when the reader has most of the one before: until then both count.
        """
        self._open.update(names)
        before = 0

        async def counted(message: dict) -> None:
            nonlocal before
            size = len(message.get("body", b""))
            self._count(names, size)
            before, gone = before + size, before
            await send(message)
            self._count(names, -gone)
            before -= gone

        try:
            yield counted if names else send
        finally:
            self._count(names, -before)
            self._open.subtract(names)
            for name in names:
                if self._open[name] <= 0:
                    del self._open[name]

    def _count(self, names: list[str], size: int) -> None:
        for name in names:
            self._unsent[name] += size
            if not self._unsent[name]:
                del self._unsent[name]
