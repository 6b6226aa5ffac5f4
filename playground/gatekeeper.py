"""What stands between the network and the page: an ASGI middleware of checks that need no model and no thread.

- Forwarded headers count only from a named proxy; otherwise they are taken off before Gradio reads them.
- A request that another site's page makes in a visitor's browser (a foreign Origin) is refused, also to read.
- On a page for this machine only, a foreign Host is refused: it would be DNS rebinding.
- Gradio's routes that fetch addresses, change what waits in the queue, keep a visitor's state in files for all, or
  serve developers are closed.
- Bodies are bounded in size and time; events, uploads and failed logins in number, with 429 and Retry-After. Rates are
  looked at before a body is.
- A session answers to the browser that opened it alone; a browser is a cookie that was issued here.
- So do the files that were made for it.
- A logout ends the login that was sent, and no other.
- A full disk is said in plain words; uploads that would fill it are refused before their body is read.
- Every answer carries security headers.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from playground import logs, storage
from playground.answers import Answer, Refusal, too_many
from playground.body import Body, Held, TooLarge, TooMuch, TooSlow, named_files, parsed
from playground.cookies import set_cookie
from playground.errors import NoRoom
from playground.headers import security_headers
from playground.logins import Logins, entered, leaving, user_of
from playground.throttle import Throttle
from playground.visits import BROWSER, SAFE, VISITOR, Door, Visit

CLOSED = re.compile(
    r"(gradio_api/)?(proxy=|file[=/]\s*(https?|ftp):|dev/|vibe|undo-vibe|deep_link|process_recording|run-history"
    r"|runs|monitoring|profiling|run/|api/|custom_component|stream/)", re.IGNORECASE)
JOINS = re.compile(r"queue/join|call/.+")
STEERED = re.compile(r"queue/(join|data)|heartbeat/.+|cancel|reset|component_server|call/.+")
SHORT = ("cancel", "reset")  # they name an event and hold nothing else
# What Gradio computes anew for everybody, for a good part of a second and in the threads in which it looks at logins:
# a class that opens the page at once would keep all other answers waiting.
COSTLY = re.compile(r"|config/?|(gradio_api/)?info/?|gradio_api/openapi\.json")
PAGES = 2
MEGABYTE = 10**6
FEW = 4096  # bytes of a request that names an event, or a user and a password
ANOTHERS = "This file was made for another browser."
REMOTE = re.compile(r"\s*(https?|ftp):", re.IGNORECASE)  # what Gradio would fetch
TRIES = 10  # logins a minute from an address, failed or not, for each that may fail
FILES = 5000  # that one event may name; the lab learns from up to 4000
NAME = 64  # characters of a session's name; the page's own have 11, those of scripts 36
log = logging.getLogger(__name__)


class Gatekeeper:
    """The middleware; one for the process."""

    def __init__(self, app: Any, door: Door, clock: Callable[[], float] = time.monotonic) -> None:
        self.app, self.door = app, door
        most = door.limits
        self.joins, self.joins_address = Throttle(most.joins, clock), Throttle(most.joins_address, clock)
        self.steered_address = Throttle(most.joins_address, clock)  # an event is joined, heard, and perhaps cancelled
        self.uploads, self.uploads_address = Throttle(most.uploads, clock), Throttle(most.uploads_address, clock)
        self.logins, self.sessions = Logins(most.logins, door.cookies, clock), door.sessions
        self.pages, self.pages_address = asyncio.Semaphore(PAGES), Throttle(most.pages_address, clock)
        self.held, self.logins_address = Held(), Throttle(TRIES * most.logins, clock)
        self.headers = security_headers(door)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = Visit.of(scope, self.door)
        answer = Answer(send, self.headers, visit, self._started)
        body = None
        try:
            self._check(visit)
            if STEERED.fullmatch(visit.name) and not entered(scope.get("app"), Request(scope).cookies):
                raise Refusal(401, "Log in first.")
            with self.held.of(visit.address) as came, self._announced(visit) as brought:
                if visit.method not in SAFE:
                    body = answer.body = await self._body(visit, receive, came, brought)
                    receive = body.receive
                    await self._look_into(visit, body, scope)
                await self._pass(visit, scope, receive, answer.send)
        except Refusal as refusal:
            await answer.refuse(refusal)
        except OSError as problem:
            if problem.errno not in storage.NO_ROOM:
                raise
            log.error("An answer could not be made: %s", logs.told(problem))
            await answer.refuse(Refusal(507, "The disk of this page is full or read-only. What you sent was not kept; "
                                             "try again when the operator has made room."))
        except NoRoom as problem:
            await answer.refuse(Refusal(507, str(problem)))
        except TooLarge:
            most = self._size(visit)
            words = f"{most // MEGABYTE} MB" if most >= MEGABYTE else f"{most} bytes"
            await answer.refuse(Refusal(413, f"That is more than the {words} that one request may hold here. "
                                             "Send less at once."))
        except TooMuch:
            await answer.refuse(Refusal(503, "The page is reading as much as it can hold. Try again in a moment.", 5))
        except TooSlow:
            await answer.refuse(Refusal(408, "The request did not arrive in time. Try again."))
        finally:
            if body is not None:
                body.broken = None  # it knows the frames that it went through, and they the body, and open files

    def _announced(self, visit: Visit) -> contextlib.AbstractContextManager:
        """Holds what an upload is to bring against its sender's share, as several of his may come at once."""
        room = self.door.room
        if room is None or visit.name != "upload" or visit.method in SAFE:
            return contextlib.nullcontext()
        return room.announced(visit.length or self._size(visit), visit.browser, visit.address)

    async def _body(self, visit: Visit, receive: Callable, came: Callable, brought: Callable | None) -> Body:
        """The body that is to be read: an upload's is counted by the disk, another by memory."""
        if visit.name != "upload":
            return Body(receive, self._size(visit), self.door.limits.slow, came)
        room = self.door.room
        if room is not None:
            await room.admit(visit.length or self._size(visit), visit.browser, visit.address)
        return Body(receive, self._size(visit), self.door.limits.slow, brought)

    async def _look_into(self, visit: Visit, body: Body, scope: dict) -> None:
        """What must be known of a body before the page has it: of an event's, and of a login's."""
        if STEERED.fullmatch(visit.name):
            content = await body.whole()
            data = parsed(content) if content else {}
            self._check_event(visit, data)
            await self._check_files(visit, named_files(data))
        elif visit.logs_in:
            visit.user = await user_of(scope, await body.whole())
            too_many(self.logins.begin(visit), "failed logins")

    async def _pass(self, visit: Visit, scope: dict, receive: Callable, send: Callable) -> None:
        """Lets a request through, with what the page is to know of it."""
        scope[VISITOR], scope[BROWSER] = (visit.visitor, visit.address), visit.browser
        if visit.path.strip("/") == "logout":  # else whoever shares the user would be logged out with him
            scope["query_string"] = b"all_session=false"
            scope["headers"] = leaving(scope["headers"])
        with self.door.presence.listening(visit.hears, send) as sent:
            await (self._page if COSTLY.fullmatch(visit.path) else self.app)(scope, receive, sent)

    async def _page(self, scope: dict, receive: Callable, send: Callable) -> None:
        """ASGI, PAGES of them at a time until each begins to answer: a reader that stalls holds up nobody."""
        async with contextlib.AsyncExitStack() as turn:
            await turn.enter_async_context(self.pages)

            async def sent(message: dict) -> None:
                await turn.aclose()
                await send(message)

            await self.app(scope, receive, sent)

    def _size(self, visit: Visit) -> int:
        most = self.door.limits
        if visit.name in SHORT or visit.logs_in:
            return FEW
        return (most.upload_mb if visit.name == "upload" else most.body_mb) * MEGABYTE

    def _check(self, visit: Visit) -> None:
        """Everything that can be told without the body."""
        if not visit.known_host:
            raise Refusal(421, "This page answers only to its own address.")
        if not visit.own_origin:
            raise Refusal(403, "Another site's page may not use this one.")
        if CLOSED.match(visit.path):
            raise Refusal(404, "There is nothing here.")
        if self.door.served is not None and not self.door.served.allows_address(visit.path, visit.browser):
            raise Refusal(403, ANOTHERS)
        if visit.length > self._size(visit):
            raise TooLarge
        if visit.name == "upload":
            self._rate(self.uploads, visit.browser or visit.address, "uploads")
            self._rate(self.uploads_address, visit.address, "uploads")
        elif visit.logs_in:
            self._rate(self.logins_address, visit.address, "logins")  # Gradio keeps each one that held
            too_many(self.logins.early(visit), "failed logins")
        elif STEERED.fullmatch(visit.name):
            self._check_steering(visit)
        elif COSTLY.fullmatch(visit.path):
            self._rate(self.pages_address, visit.address, "pages")
        elif visit.name == "upload_progress":  # Gradio notes the name of an upload that anybody asks for
            self._rate(self.steered_address, visit.address, "requests")
            if any(len(name) > NAME for name in visit.uploads):
                raise Refusal(400, f"The name of an upload has {NAME} characters at most.")
        elif visit.path.startswith("private/"):  # pictures and files of a training, for whoever has its link
            self._rate(self.steered_address, visit.address, "requests")

    def _check_steering(self, visit: Visit) -> None:
        """What can be told of a request about events before its body is read: how many, and of whose session."""
        if joins(visit):
            if visit.browser:  # a script is known by its session, which is in the body
                self._rate(self.joins, visit.browser, "requests")
            self._rate(self.joins_address, visit.address, "requests")
        else:
            self._rate(self.steered_address, visit.address, "requests")
        if visit.multipart:  # Gradio would read it, and a session that it names
            raise Refusal(415, "Requests about events are JSON here.")
        if len(visit.sessions) > 1:  # which of them the page would take is its own affair
            raise Refusal(400, "One session at a time.")
        for session in visit.sessions:
            self._own_session(session, visit)

    def _check_event(self, visit: Visit, data: Any) -> None:
        """What an event's body tells: whose session, and how many of it wait."""
        session = data.get("session_hash") if isinstance(data, dict) else None
        session = visit.session = session if isinstance(session, str) else ""
        self._own_session(session, visit)
        if not joins(visit):
            return
        if not visit.browser:
            self._rate(self.joins, visit.visitor, "requests")
        if session and self.door.waiting(session) >= self.door.limits.queue_each:
            raise Refusal(429, f"{self.door.limits.queue_each} of your requests wait already. Let them finish.", 5)

    async def _check_files(self, visit: Visit, paths: set[str]) -> None:
        """What files an event names: none that Gradio would fetch, none of another browser."""
        if any(map(REMOTE.match, paths)):
            raise Refusal(403, "Files are uploaded here, not fetched from addresses. Download it and send the file.")
        if len(paths) > FILES:
            raise Refusal(413, f"That is more than the {FILES} files that one event may name.")
        if self.door.served and paths:  # in a thread, as it looks at the disk
            allowed = await asyncio.to_thread(self.door.served.allows_all, paths, visit.browser)
            if not allowed:
                raise Refusal(403, ANOTHERS)

    def _own_session(self, session: str, visit: Visit) -> None:
        if len(session) > NAME:
            raise Refusal(400, f"The name of a session has {NAME} characters at most.")
        if session and not self.sessions.allows(session, visit.browser):
            raise Refusal(403, "This session belongs to another browser. Reload the page.")

    def _rate(self, throttle: Throttle, key: str, what: str) -> None:
        too_many(throttle.wait(key), what)

    def _started(self, visit: Visit, status: int) -> list[tuple[bytes, bytes]]:
        """What the page's answer tells: whether a login failed, that an event joined (so its login held).

        Gives the cookies that go with it: the browser's own with its first page, one more with a login that held.
        """
        cookies, secure, framed = self.door.cookies, visit.scheme == "https", self.door.framed_by != "'self'"
        if joins(visit) and visit.session and 200 <= status < 300:
            self.sessions.claim(visit.session, visit.browser, visit.address)
        if visit.logs_in and status != 400:
            self.logins.forget(visit)
            if status == 200 and visit.browser and visit.user:
                return [set_cookie(cookies.device, cookies.entry(visit.browser, visit.user), secure, framed)]
        if visit.method == "GET" and not visit.path and not visit.browser and status == 200:
            return [set_cookie(cookies.session, cookies.new_browser(), secure, framed)]
        return []


def joins(visit: Visit) -> bool:
    """Whether a request adds an event to the queue."""
    return visit.method not in SAFE and JOINS.fullmatch(visit.name) is not None
