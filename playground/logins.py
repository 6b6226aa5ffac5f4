"""Logins: how many may fail, and a logout that ends the login it was sent with.

Failures count by address. A browser from which a user has logged in before has a count of its own for that user, so
that nobody who shares its address, or makes up addresses, can keep it out (OWASP, "Slow Down Online Guessing Attacks
with Device Cookies"). Through Gradio's tunnel the address is a header that anybody can write, so failures there also
count together, TOGETHER times as many.

What remains: who fails often enough keeps those out, for that minute, who share his address (through the tunnel:
everybody) and have not logged in since the server was started, or whose browser was closed meanwhile.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from playground.cookies import Cookies
from playground.throttle import Throttle
from playground.visits import Visit

TOGETHER = 10
LOGIN = re.compile(rb"access-token-unsecure-([^=;\s]+)=")  # Gradio's cookies: this one, and without "unsecure-"


class Logins:
    """The counts of failed logins."""

    def __init__(self, a_minute: int, cookies: Cookies, clock: Callable[[], float] = time.monotonic) -> None:
        self._cookies = cookies
        self._each, self._tunnel = Throttle(a_minute, clock), Throttle(TOGETHER * a_minute, clock)

    def early(self, visit: Visit) -> float:
        """Seconds to wait, before the body is read; whoever may have logged in before is looked at after it."""
        return 0.0 if visit.entry else max(count.wait(key, 0) for count, key in self._counts(visit))

    def begin(self, visit: Visit) -> float:
        """Counts a try of visit.user from now on, so that many at once are as many; else the seconds to wait."""
        for count, key in self._counts(visit):
            if seconds := count.wait(key):
                self.forget(visit)
                return seconds
            visit.tries.append((count, key))
        return 0.0

    def forget(self, visit: Visit) -> None:
        """Takes a try back that did not fail."""
        while visit.tries:
            count, key = visit.tries.pop()
            count.give_back(key)

    def _counts(self, visit: Visit) -> list[tuple[Throttle, str]]:
        if self._cookies.has_entered(visit.entry, visit.browser, visit.user):
            return [(self._each, f"browser {visit.entry}")]
        together = [(self._tunnel, "")] if visit.tunnelled else []
        return [(self._each, visit.address), *together]


def entered(app: Any, cookies: Mapping[str, str]) -> bool:
    """Whether cookies show a login of Gradio's web app, or it asks for none."""
    if app is None or (app.auth is None and app.auth_dependency is None):
        return True
    names = (f"access-token-{app.cookie_id}", f"access-token-unsecure-{app.cookie_id}")
    return any(app.tokens.get(cookies.get(name, "")) is not None for name in names)


async def user_of(scope: dict, content: bytes) -> str:
    """The user that a login's form names, read as the page itself reads it; nothing where it is no such form."""
    async def receive() -> dict:
        return {"type": "http.request", "body": content, "more_body": False}

    try:
        user: Any = (await Request(scope, receive).form()).get("username")
    except (HTTPException, MultiPartException, ValueError):  # the page refuses it in its own words
        return ""
    return user.strip() if isinstance(user, str) else ""


def leaving(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of a logout with the login's cookie under the one name by which Gradio revokes it.

    Gradio sends each login in two cookies, a browser keeps one of them without TLS, and the logout looks at the other.
    """
    sent = b"; ".join(value for name, value in headers if name == b"cookie")

    def known(found: re.Match[bytes]) -> bytes:
        secure = b"access-token-" + found[1] + b"="
        return found[0] if secure in sent else secure

    return [(name, LOGIN.sub(known, value) if name == b"cookie" else value) for name, value in headers]
