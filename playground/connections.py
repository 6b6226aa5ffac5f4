"""Connections that never ask for anything are closed: the web server itself would keep them for ever.

The class that uvicorn makes for each connection is named in its configuration and read at each connection. A body that
is slow to come is bounded elsewhere (playground/body.py), and so is the time between two requests (by uvicorn).
"""

import asyncio
from typing import Any


def patient(protocol: type[asyncio.Protocol], seconds: float) -> type[asyncio.Protocol]:
    """A connection class of uvicorn that closes itself where no whole head of a request came within so many seconds."""
    base: Any = protocol

    class Patient(base):
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._asked = self.loop.call_later(seconds, self._give_up)

        def connection_lost(self, problem: Exception | None) -> None:
            self._asked.cancel()
            super().connection_lost(problem)

        def _give_up(self) -> None:
            # a cycle begins with the last line of a head; a connection that became a web socket is in the set no more
            if self.cycle is None and self in self.connections:
                self.transport.close()

    return Patient
