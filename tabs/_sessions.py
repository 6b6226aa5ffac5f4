"""What the server keeps for each open page: the values of its states and of components that events replaced; uploads.

Gradio keeps beside it the settings and values of all components, 1.7 MB and 0.1 s a session with this page, from which
a deep link would be written. This page has none: what can be shared has links of its own.
"""

from copy import copy
from typing import Any

from gradio import routes
from gradio.blocks import Blocks
from gradio.state_holder import SessionState, StateHolder

from tabs import _ui


class LeanSession(SessionState):
    """A session without the settings for a deep link."""

    def __init__(self, blocks: Blocks) -> None:
        # all that SessionState sets; its own __init__ would first write the settings of a thousand components
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600  # seconds

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        """Nothing is kept."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing is kept."""


class LeanSessions(StateHolder):
    """The sessions of a page; the least recently used one goes when there are more than its capacity."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LeanSession(self.blocks)
        return super().__getitem__(session_id)


def install(app: Any, page: Blocks) -> None:
    """Lets a launched page's web app keep lean sessions, and each upload in a folder of its own."""
    routes.upload_fn = _ui.upload_apart
    app.state_holder = LeanSessions()
    app.state_holder.set_blocks(page)
