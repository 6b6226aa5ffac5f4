"""How much of what the page answered lies unread, by visitor and address: waiting in Gradio's queue, or on its way.

Gradio keeps the answers of a session until its stream has taken them, and the web server the last one that the stream
took until the reader has. Somebody who asks for large answers, keeps the stream open and reads none of them would fill
the memory. So who has MINE bytes lying there has no further request begun until he has read (tabs/_lanes.py). Where
much of one address lies there, a tenth of that is enough, and where it is far too much nothing of the address begins.
Used from the event loop's thread alone.
"""

from collections import Counter
from typing import Any

from playground.fair import Presence
from playground.sizes import in_memory

MINE = 50_000_000  # bytes of a visitor, above which nothing more of his begins
NEAR = 200_000_000  # bytes of an address, above which a tenth of MINE is too much there
EVENTS = 64  # of a session: more are looked through for those that nobody listens for


class Unread:
    """The unread answers of one page's queue. Of an address of which `far` bytes lie there nothing begins."""

    def __init__(self, queue: Any, presence: Presence, far: int = 2 * NEAR) -> None:
        self._queue, self._presence, self._far = queue, presence, far
        self._sizes: dict[str, int] = {}  # bytes of what came since the session's line of answers was last empty
        self._whose: dict[str, tuple[str, str]] = {}  # visitor and address of sessions with something unread
        self._events: dict[str, set[str]] = {}  # of a session, as a script may hear each of them by a stream of its own

    def came(self, event_id: str, session: str, whose: tuple[str, str], message: Any) -> None:
        """Counts a message that was put into a session's line just now."""
        before = self._sizes.get(session, 0) if self._lines(session) > 1 else 0
        self._sizes[session] = before + weight_of(message)
        self._whose[session] = whose
        events = self._events.setdefault(session, set())
        events.add(event_id)
        if len(events) > EVENTS:
            self._events[session] = {each for each in events if each in self._presence} | {event_id}

    def count_anew(self, session: str) -> None:
        """Counts what is left in a session's line, of which some was taken out unread."""
        messages = self._queue.pending_messages_per_session.get(session)
        self._sizes[session] = sum(map(weight_of, messages._queue)) if messages is not None else 0

    def of(self, session: str) -> int:
        """Bytes of a session that wait or are on their way."""
        waiting = self._sizes.get(session, 0) if self._lines(session) else 0
        return waiting + sum(map(self._presence.unsent, {session, *self._events.get(session, ())}))

    def too_much(self) -> tuple[set[str], set[str]]:
        """The visitors, and the addresses, of whom too much lies unread."""
        mine, near, at = Counter[str](), Counter[str](), dict[str, set[str]]()
        for session, (visitor, address) in list(self._whose.items()):
            if size := self.of(session):
                mine[visitor] += size
                near[address] += size
                at.setdefault(address, set()).add(visitor)
            elif not any(name in self._presence for name in (session, *self._events.get(session, ()))):
                self._forget(session)  # read, and nobody is at it any more
        crowded = {visitor for address, size in near.items() if address and size >= NEAR for visitor in at[address]}
        return ({visitor for visitor, size in mine.items() if size >= (MINE // 10 if visitor in crowded else MINE)},
                {address for address, size in near.items() if address and size >= self._far})

    def _forget(self, session: str) -> None:
        for notes in (self._whose, self._sizes, self._events):
            notes.pop(session, None)

    def _lines(self, session: str) -> int:
        messages = self._queue.pending_messages_per_session.get(session)
        return messages.qsize() if messages is not None else 0


def weight_of(message: Any) -> int:
    """Bytes of what a message of Gradio's queue brings; those without an answer are small."""
    return in_memory(getattr(message, "output", None))
