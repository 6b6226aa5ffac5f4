"""The body of a request, read with a bound on its size and on the time that it may take; what an event's JSON holds."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any


class TooLarge(Exception):
    """More bytes came than may."""


class TooSlow(Exception):
    """The bytes took longer than they may."""


class TooMuch(Exception):
    """Together with what is being read already it is more than is kept in memory."""


class Body:
    """Stands in for ASGI's receive; `broken` is what ended it early. `came` hears of every part, and may refuse it."""

    def __init__(self, receive: Callable, most: int, seconds: float,
                 came: Callable[[int], Awaitable[None]] | None = None) -> None:
        self._receive, self._most, self._seconds, self._came = receive, most, seconds, came
        self._until = asyncio.get_running_loop().time() + seconds
        self._size, self._complete = 0, False
        self._kept: bytes | None = None
        self.broken: Exception | None = None

    async def receive(self) -> dict:
        """ASGI: the next part of the body, or that the client left. Raises TooLarge, TooSlow, what `came` raises."""
        if self._kept is not None:
            content, self._kept = self._kept, None
            return {"type": "http.request", "body": content, "more_body": False}
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self.broken = TooSlow()
            raise self.broken from None
        self._size += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._size > self._most:
            self.broken = TooLarge()
            raise self.broken
        if self._came is not None:
            try:
                await self._came(len(message.get("body", b"")))
            except Exception as problem:
                self.broken = problem
                raise
        return message

    async def whole(self) -> bytes:
        """All of it; receive() then gives it once more, in one part."""
        parts = []
        while not self._complete:
            message = await self.receive()
            if message["type"] != "http.request":  # the client left: the page will be told as well
                return b""
            parts.append(message.get("body", b""))
        self._kept = b"".join(parts)
        return self._kept


class Held:
    """What the bodies take that are being read into memory, in bytes: in all, and from each address."""

    def __init__(self, most: int = 256_000_000, most_each: int = 64_000_000) -> None:
        self._most, self._most_each = most, most_each
        self._near: Counter[str] = Counter()

    @contextmanager
    def of(self, address: str) -> Iterator[Callable[[int], Awaitable[None]]]:
        """A function that counts bytes of one body as they come, until it is done with. It raises TooMuch."""
        mine = 0

        async def came(size: int) -> None:
            nonlocal mine
            mine += size
            self._near[address] += size
            if self._near[address] > self._most_each or self._near.total() > self._most:
                raise TooMuch

        try:
            yield came
        finally:
            self._near[address] -= mine
            if not self._near[address]:
                del self._near[address]


def parsed(content: bytes) -> Any:
    """JSON, or nothing for what is none: the page refuses that in its own words."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def walked(data: Any) -> Iterator[dict]:
    """Every object in parsed JSON, however deep."""
    left = [data]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            yield item
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)


def named_files(data: Any) -> set[str]:
    """The paths that an event's JSON gives for files."""
    return {path for item in walked(data) if isinstance(path := item.get("path"), str)}
