"""How much of what the page answered lies unread, by visitor and address: waiting in Gradio's queue, or on its way.

Gradio keeps the answers of a session until its stream has taken them, and the web server the last one that the stream
took until the reader has. Somebody who asks for large answers, keeps the stream open and reads none of them would fill
the memory. So who has MINE bytes lying there has no further request begun until he has read (tabs/_lanes.py).
Used from the event loop's thread alone.
"""

from collections import Counter
from typing import Any

from playground.fair import Presence
from playground.sizes import in_memory

MINE = 50_000_000  # bytes of a visitor, above which nothing more of his begins
NEAR = 200_000_000  # the same of an address


class Unread:
    """The unread answers of one page's queue."""

    def __init__(self, queue: Any, presence: Presence) -> None:
        self._queue, self._presence = queue, presence
        self._sizes: dict[str, int] = {}  # bytes of what came since the session's line of answers was last empty
        self._whose: dict[str, tuple[str, str]] = {}  # visitor and address of sessions with something unread

    def came(self, session: str, whose: tuple[str, str], message: Any) -> None:
        """Counts a message that was put into a session's line just now."""
        before = self._sizes.get(session, 0) if self._lines(session) > 1 else 0
        self._sizes[session] = before + weight_of(message)
        self._whose[session] = whose

    def count_anew(self, session: str) -> None:
        """Counts what is left in a session's line, of which some was taken out unread."""
        messages = self._queue.pending_messages_per_session.get(session)
        self._sizes[session] = sum(map(weight_of, messages._queue)) if messages is not None else 0

    def of(self, session: str) -> int:
        """Bytes of a session that wait or are on their way."""
        waiting = self._sizes.get(session, 0) if self._lines(session) else 0
        return waiting + self._presence.unsent(session)

    def too_much(self) -> tuple[set[str], set[str]]:
        """The visitors, and the addresses, of whom too much lies unread."""
        mine, near = Counter[str](), Counter[str]()
        for session, (visitor, address) in list(self._whose.items()):
            if size := self.of(session):
                mine[visitor] += size
                near[address] += size
            elif session not in self._presence:  # read, and nobody is at it any more
                del self._whose[session]
                self._sizes.pop(session, None)
        return ({visitor for visitor, size in mine.items() if size >= MINE},
                {address for address, size in near.items() if address and size >= NEAR})

    def _lines(self, session: str) -> int:
        messages = self._queue.pending_messages_per_session.get(session)
        return messages.qsize() if messages is not None else 0


def weight_of(message: Any) -> int:
    """Bytes of what a message of Gradio's queue brings; those without an answer are small."""
    return in_memory(getattr(message, "output", None))
