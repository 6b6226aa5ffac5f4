"""Connections that never ask for anything, or never read, are closed: the web server would keep them for ever.

The class that uvicorn makes for each connection is named in its configuration and read at each connection. A body that
is slow to come is bounded elsewhere (playground/body.py), and so is the time between two requests (by uvicorn).
"""

import asyncio
from typing import Any

LEAST = 65_536  # bytes


def patient(protocol: type[asyncio.Protocol], seconds: float, stalled: float) -> type[asyncio.Protocol]:
    """A connection class of uvicorn that closes itself.

    Where no whole head of a request came within so many `seconds`, and where a reader took less than LEAST bytes in
    `stalled` seconds: what was sent waits in memory meanwhile, and with it all that is to follow.
    """
    base: Any = protocol

    class Patient(base):
        _stalls: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._asked = self.loop.call_later(seconds, self._give_up)

        def connection_lost(self, problem: Exception | None) -> None:
            self._asked.cancel()
            self._goes_on()
            super().connection_lost(problem)

        def pause_writing(self) -> None:
            self._goes_on()
            self._look_again()
            super().pause_writing()

        def resume_writing(self) -> None:
            self._goes_on()
            super().resume_writing()

        def _look_again(self) -> None:
            left = self.transport.get_write_buffer_size()
            self._stalls = self.loop.call_later(stalled, self._look, left)

        def _look(self, before: int) -> None:
            if before - self.transport.get_write_buffer_size() < LEAST:
                self.transport.abort()
            else:
                self._look_again()

        def _goes_on(self) -> None:
            if self._stalls is not None:
                self._stalls.cancel()
                self._stalls = None

        def _give_up(self) -> None:
            # a cycle begins with the last line of a head; a connection that became a web socket is in the set no more
            if self.cycle is None and self in self.connections:
                self.transport.close()

    return Patient
