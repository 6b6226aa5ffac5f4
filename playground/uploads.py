"""Where uploads lie until they are read: in the page's cache, by address, and there by browser.

So one browser's can be removed, and what an address has sent can be measured. Names are marks made with a key that is
on no disk: whoever reads them learns no address.
"""

import hashlib
import secrets
from pathlib import Path

FOLDER = "uploads"  # of the page's cache: what visitors sent, and nothing that the page made
_KEY = secrets.token_bytes(32)


def place(cache: Path, browser: str, address: str) -> Path:
    """The folder of a browser's uploads from an address; '' is every script there."""
    return cache / FOLDER / _mark(address) / _mark(browser)


def of_browser(cache: Path, browser: str) -> list[Path]:
    """The folders of a browser's uploads, from wherever it sent them; none for a script."""
    return list((cache / FOLDER).glob(f"*/{_mark(browser)}")) if browser else []


def _mark(name: str) -> str:
    return hashlib.blake2b(name.encode(errors="replace"), digest_size=16, key=_KEY).hexdigest()
