"""What the server keeps for each open page: the values of its states and of components that events replaced.

Gradio keeps beside it the settings and values of all components, 1.7 MB and 0.1 s a session with this page, from which
a deep link would be written. This page has none: what can be shared has links of its own.

States may be the pictures of each step of a drawing, a text, an own picture. So what they take is bounded as well as
their number: beyond a share of the machine's memory, pages of whoever holds most lose theirs, and begin anew.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Any

import anyio
import gradio as gr
import psutil
from gradio.blocks import Blocks
from gradio.state_holder import SessionState, StateHolder

from playground.sizes import in_memory

SHARE = 8  # states of all pages together take an eighth of the machine's memory at most


class LeanSession(SessionState):
    """A session without the settings for a deep link."""

    def __init__(self, blocks: Blocks) -> None:
        # all that SessionState sets; its own __init__ would first write the settings of a thousand components
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self.sizes: dict[int, int] = {}  # bytes of the states
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600  # seconds

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()
        if key in self.state_data:  # components hold no values here
            self.sizes[key] = in_memory(value)

    @property
    def bytes(self) -> int:
        """What the states take."""
        return sum(size for key, size in self.sizes.items() if key in self.state_data)  # Gradio lets old ones go

    def empty(self) -> None:
        """Lets the states go: the page begins anew with its next event."""
        self.state_data.clear()
        self.sizes.clear()

    def _update_config(self, key: int) -> None:
        """Nothing is kept."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing is kept."""


class LeanSessions(StateHolder):
    """The sessions of a page; when there are more than its capacity, one goes of whoever holds most of them.

    A script may invent any number of sessions, and does not crowd out the pages of others with them. When their states
    take more than `most` bytes, those of whoever takes most are emptied.
    """

    def __init__(self, owner_of: Callable[[str], Any] = lambda session: ("", ""), most: int | None = None) -> None:
        super().__init__()
        self._owner_of = owner_of
        self._most = psutil.virtual_memory().total // SHARE if most is None else most

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LeanSession(self.blocks)
        return super().__getitem__(session_id)

    def forget(self, session_id: str) -> None:
        """Empties the states of a session, and of all others of its browser."""
        browser, _ = self._owner_of(session_id)
        for name, session in self.session_data.items():
            if name == session_id or (browser and self._owner_of(name)[0] == browser):
                session.empty()

    def update(self, session_id: str) -> None:
        """Counts as a use of the session."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            if len(self.session_data) > self.capacity:
                gone = one_of_most(self.session_data, self._owner_of)
                del self.session_data[gone]
                self.time_last_used.pop(gone, None)
            self._let_go()

    def _let_go(self) -> None:
        """Empties sessions until the rest takes no more than it may."""
        held = {name: size for name, session in self.session_data.items() if (size := session.bytes)}
        while sum(held.values()) > self._most:
            heaviest = one_of_most(held, self._owner_of, held)
            self.session_data[heaviest].empty()
            del held[heaviest]


def forget(request: gr.Request) -> None:
    """Empties the states of all pages that the browser of an event has open: they begin anew. For a handler's thread.

    A script, which has no browser, has that of its own session emptied.
    """
    sessions = getattr(request.request.scope.get("app"), "state_holder", None)
    if isinstance(sessions, LeanSessions):  # not on a page of a test, with one tab
        anyio.from_thread.run_sync(sessions.forget, str(request.session_hash))  # Gradio reads them in that thread


def one_of_most(sessions: Iterable[str], owner_of: Callable[[str], tuple[str, str]],
                sizes: Mapping[str, int] | None = None) -> str:
    """The least recently used session of the browser that holds most, at the address that holds most.

    `sessions` begin with the least recently used; owner_of gives browser and address ('' for what is nobody's yet).
    Most is by number, or by `sizes`.
    """
    owners = {session: owner_of(session) for session in sessions}
    near, held = Counter[str](), Counter[tuple[str, str]]()
    for session, owner in owners.items():
        size = 1 if sizes is None else sizes[session]
        near[owner[1]] += size
        held[owner] += size
    crowd = [session for session, (_, address) in owners.items() if near[address] == max(near.values())]
    most = max(held[owners[session]] for session in crowd)
    return next(session for session in crowd if held[owners[session]] == most)


def install(app: Any, page: Blocks, owner_of: Callable[[str], tuple[str, str]]) -> None:
    """Lets a launched page's web app keep lean sessions.

    `owner_of` gives browser and address of a session, as the gatekeeper knows them.
    """
    app.state_holder = LeanSessions(owner_of)
    app.state_holder.set_blocks(page)
