"""One request as the gatekeeper sees it: from whom, through which proxy, to which host, out of which page.

Forwarded headers count only from a named proxy (X-Forwarded-For can be written by anybody, X-Forwarded-Host would
end up in the addresses of Gradio's page); otherwise they are taken off before the page reads them.

Through Gradio's tunnel everybody comes from this machine. There the whole X-Forwarded-For, as it arrived, stands for
the address: it can be made up, but it keeps those apart who do not make it up, and is believed for nothing else.
"""

import hashlib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playground import access
from playground.cookies import Cookies, found
from playground.fair import Presence
from playground.room import Room
from playground.served import Served
from playground.throttle import Sessions

VISITOR = "playground.visitor"  # key of an ASGI scope: (visitor, address)
BROWSER = "playground.browser"  # the same: the browser's name, '' for a script
PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")  # addresses as some proxies write them
API = "gradio_api/"
SAFE = ("GET", "HEAD", "OPTIONS")
STEERS = re.compile(r"heartbeat/([^/]+)|call/(?:v2/)?[^/]+/([^/]+)")  # paths that name a session
FORWARDED = (b"forwarded", b"x-real-ip", b"x-gradio-server")  # and all that begin with x-forwarded-


@dataclass
class Door:
    """What the gatekeeper knows of the page: who is meant to come, by which addresses, and how many wait."""

    mode: str
    limits: access.Limits
    public_url: str = ""
    trusted: list[Any] | None = field(default_factory=list)  # networks of proxies; None trusts whoever connects
    framed_by: str = "'self'"  # the frame-ancestors of the content security policy
    shared: str = ""  # host of Gradio's public link, known once it stands
    host: str = "127.0.0.1"
    waiting: Callable[[str], int] = lambda session: 0
    presence: Presence = field(default_factory=Presence)
    sessions: Sessions = field(default_factory=Sessions)
    cookies: Cookies = field(default_factory=Cookies)
    room: Room | None = None  # for uploads
    served: Served | None = None  # whose the files of the page are
    login: bool = False

    def trusts(self, address: str) -> bool:
        """Whether a peer's forwarded headers are believed."""
        if self.trusted is None:
            return True
        peer = read(address)
        return peer is not None and any(peer in network for network in self.trusted)


class Visit:
    """One request as the gatekeeper sees it. The scope's forwarded headers are set right or taken off."""

    tunnelled = False  # came through Gradio's tunnel
    session = ""  # the one that an event's body names
    user = ""  # whom a login's body names

    def __init__(self, scope: dict, headers: dict[bytes, bytes], address: str, door: Door) -> None:
        self.method, self.path = scope["method"], scope["path"].lstrip("/")
        self.name = self.path.partition(API)[2].strip("/")
        self.address, self.scheme = place(address), scope["scheme"]
        self.length = number(headers.get(b"content-length", b""))
        self.multipart = headers.get(b"content-type", b"").lower().startswith(b"multipart/")
        cookies = headers.get(b"cookie", b"")
        self.browser, self.entry = door.cookies.browser(cookies), found(door.cookies.device, cookies)
        host = (headers.get(b"x-forwarded-host") or headers.get(b"host", b"")).decode("latin-1")
        self.host = host.split(",")[0].strip().lower()
        self.known_host = known(self.host, door)
        self.own_origin = own(headers.get(b"origin", b"").decode("latin-1").lower(), self.host, door)
        self.sessions = named(self.method, self.name, scope.get("query_string", b""))
        self.uploads = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("upload_id", [])
        self.tries: list[tuple[Any, str]] = []  # what a login has taken from the counts of failed ones

    @property
    def visitor(self) -> str:
        """Whom limits for a visitor count: the browser, else the script's session, else the address."""
        return self.browser or self.session or self.address

    @property
    def logs_in(self) -> bool:
        """Whether a name and a password are tried."""
        return self.path.strip("/") == "login" and self.method not in SAFE

    @property
    def hears(self) -> list[str]:
        """The sessions, or the one event, whose answers this request asks to be sent as they come."""
        if self.method != "GET":
            return []
        event = re.fullmatch(r"call/(?:v2/)?[^/]+/([^/]+)", self.name)
        return [event[1]] if event else self.sessions if self.name == "queue/data" else []

    @classmethod
    def of(cls, scope: dict, door: Door) -> "Visit":
        """The visit of an ASGI scope."""
        headers, peer = dict(scope["headers"]), (scope.get("client") or ("", 0))[0]
        if door.trusts(peer):
            address = sender(headers.get(b"x-forwarded-for", b"").decode("latin-1"), door) or peer
            if headers.get(b"x-forwarded-proto") == b"https":
                scope["scheme"] = "https"
            return cls(scope, headers, address, door)
        chain = b", ".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        headers = {name: value for name, value in headers.items()
                   if name not in FORWARDED and not name.startswith(b"x-forwarded-")}
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name in headers]
        if door.shared and headers.get(b"host", b"").decode("latin-1") == door.shared:
            scope["scheme"] = "https"  # Gradio's tunnel ends TLS on its own side
            if (address := read(peer)) is not None and address.is_loopback:
                visit = cls(scope, headers, f"tunnel {hashlib.sha256(chain).hexdigest()[:32]}", door)
                visit.tunnelled = True
                return visit
        return cls(scope, headers, peer, door)


def known(host: str, door: Door) -> bool:
    """Whether a Host is the page's own: any name for a page others reach, unless its public address is known."""
    name = address_of(f"//{host}")[0]
    if name in access.LOOPBACK or name == door.host:
        return True
    if door.public_url:
        return bool(name) and name in (address_of(door.public_url)[0], address_of(f"//{door.shared}")[0])
    return door.mode != access.PRIVATE


def own(origin: str, host: str, door: Door) -> bool:
    """Whether an Origin is the page itself; a request without one comes from no other site's script."""
    if not origin:
        return True
    theirs, scheme = address_of(origin), origin.partition(":")[0]
    return bool(theirs[0]) and theirs in (address_of(f"{scheme}://{host}"), address_of(door.public_url))


def address_of(url: str) -> tuple[str, int | None]:
    """Host and port of an address, the port as its scheme implies where none is written; no host for nonsense."""
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            return "", None
        return parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None


def read(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, perhaps written with a port; IPv4 within IPv6 as IPv4. None for what is none."""
    if written := PORT.fullmatch(address):
        address = written[1] or written[2]
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def place(address: str) -> str:
    """The address as limits count it: of IPv6 the first 64 bits, all of which one household has to itself."""
    found = read(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
    return address[:64] if found is None else str(found)


def sender(chain: str, door: Door) -> str:
    """Who sent a request through proxies: the last address in X-Forwarded-For that is no trusted proxy."""
    addresses = [part.strip() for part in chain.split(",") if part.strip()]
    if door.trusted is None:
        return addresses[-1] if addresses else ""
    return next((address for address in reversed(addresses) if not door.trusts(address)), "")


def named(method: str, name: str, query: bytes) -> list[str]:
    """The sessions that path or query name to be heard. Gradio takes an event's id in a path for a session as well."""
    if method != "GET":
        return []
    if found := STEERS.fullmatch(name):
        return [found[found.lastindex or 0]]
    return parse_qs(query.decode("latin-1")).get("session_hash", []) if name == "queue/data" else []


def number(text: bytes) -> int:
    """The length that a header claims; 0 where it claims none."""
    return int(text) if text.isdigit() else 0
