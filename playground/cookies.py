"""The page's own two cookies: which browser it is, and which user has logged in from it before.

Both are signed with a key that this process draws and never writes down, so a browser cannot be invented: each one
costs a page. Their names end in a number of the process, since a browser sends cookies to every port of a host: two
playgrounds on one machine would go on replacing each other's. After a restart a browser is given new ones with its
next page; one that stayed open meanwhile counts as a script until then.
"""

import base64
import hashlib
import hmac
import re
import secrets


class Cookies:
    """The cookies of one process."""

    def __init__(self) -> None:
        self._key, number = secrets.token_bytes(32), secrets.token_hex(4)
        self.session, self.device = f"playground-session-{number}", f"playground-device-{number}"

    def new_browser(self) -> str:
        """The value of a new browser's cookie."""
        return self.signed(secrets.token_urlsafe(16))

    def signed(self, browser: str) -> str:
        """The cookie's value for a browser's name."""
        return browser + self._mark("browser", browser)

    def browser(self, header: bytes) -> str:
        """The browser's name in a Cookie header; nothing where it has none that was issued here."""
        value = found(self.session, header)
        browser, mark = value[:-22], value[-22:]
        return browser if browser and hmac.compare_digest(mark, self._mark("browser", browser)) else ""

    def entry(self, browser: str, user: str) -> str:
        """The value of the cookie for a user who has logged in from this browser."""
        return self._mark("device", browser, user)

    def has_entered(self, entry: str, browser: str, user: str) -> bool:
        """Whether such a cookie is this browser's, for this very user."""
        return bool(browser and user) and hmac.compare_digest(entry, self.entry(browser, user))

    def _mark(self, *words: str) -> str:
        digest = hmac.new(self._key, "\0".join(words).encode(errors="replace"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def found(name: str, header: bytes) -> str:
    """A cookie's value, or nothing."""
    value = re.search(rb"(?:^|; ?)%s=([A-Za-z0-9_-]{1,128})(?=;|$)" % name.encode(), header)
    return value[1].decode() if value else ""


def set_cookie(name: str, value: str, secure: bool, framed: bool = False) -> tuple[bytes, bytes]:
    """The header that sets a cookie until the browser is closed.

    In another site's frame, as on Hugging Face Spaces, a browser keeps and sends none but such as are for each site
    that frames it apart (CHIPS, "Cookies Having Independent Partitioned State").
    """
    where = "SameSite=None; Partitioned" if framed and secure else "SameSite=Lax"
    return b"set-cookie", f"{name}={value}; Path=/; HttpOnly; {where}{'; Secure' if secure else ''}".encode()
