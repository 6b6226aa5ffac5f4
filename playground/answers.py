"""What the gatekeeper answers: the page's answer with its headers added, or a refusal in its place."""

import json
import math
from collections.abc import Callable

from playground.body import Body
from playground.visits import SAFE, Visit


class Refusal(Exception):
    """An answer instead of the page's: status, plain words, seconds after which to try again."""

    def __init__(self, status: int, words: str, after: float = 0.0) -> None:
        super().__init__(words)
        self.status, self.words, self.after = status, words, after


class Answer:
    """Adds headers to what the page answers, or answers in its place."""

    def __init__(self, send: Callable, headers: list, visit: Visit, begun: Callable[[Visit, int], list]) -> None:
        self._send, self._headers, self._visit, self._begun = send, headers, visit, begun
        self.body: Body | None = None
        self._started = self._replaced = False

    async def send(self, message: dict) -> None:
        """ASGI."""
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if self.body is not None and self.body.broken:  # the page met the cut body first and made an error of it
                self._replaced = True
                raise self.body.broken
            cookies = self._begun(self._visit, message["status"])
            self._started = True
            message = {**message, "headers": [*message.get("headers", []), *self._headers, *cookies]}
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """The refusal as JSON with `detail`, the key under which Gradio's page looks for words to show."""
        if self._started:
            return
        content = json.dumps({"detail": refusal.words}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode()),
                   *self._headers]
        if refusal.after:
            headers.append((b"retry-after", str(math.ceil(refusal.after)).encode()))
        if self._visit.method not in SAFE:
            headers.append((b"connection", b"close"))  # what is left of the body is not read
        await self._send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": content})


def too_many(seconds: float, what: str) -> None:
    """Refusal 429 where there are seconds to wait."""
    if seconds:
        raise Refusal(429, f"Too many {what}. Try again in {math.ceil(seconds)} s.", seconds)
