"""The page as others reach it: its gatekeeper, its login, the public link, and what is said about privacy and rules."""

import contextlib
import html
import io
import os
import secrets
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import psutil
from fastapi.responses import HTMLResponse
from starlette.middleware import Middleware

from playground import access
from playground.connections import patient
from playground.gatekeeper import Gatekeeper
from playground.room import Room
from playground.served import Served
from playground.settings import Settings, parse_networks, read_users
from playground.visits import Door

DOCS = Path(__file__).resolve().parent.parent / "docs"
USER = "class"
EVERYWHERE = ("0.0.0.0", "::")
SILENT = 15.0  # seconds in which a connection must have asked for something
NO_LINK = ("No public link: {why}. The page runs on this machine all the same.\n"
           "Other ways to share it (docs/sharing.md): --host 0.0.0.0 for your own network, a server of yours behind "
           "nginx with --public-url, or Hugging Face Spaces.")
NOTHING_FOUND = "Gradio's tunnel could not be set up (no internet, or its program cannot be loaded)"


def door(settings: Settings, page: gr.Blocks, room: Room | None = None, served: Served | None = None) -> Door:
    """What the gatekeeper knows of this page."""
    trusted = None if settings.trusted_proxy == "*" else parse_networks(settings.trusted_proxy)
    sessions = page._queue.pending_event_ids_session  # no public way to ask

    def waiting(session: str) -> int:
        return len(sessions.get(session, ()))

    frames = "https://huggingface.co" if os.environ.get("SPACE_ID") else "'self'"
    return Door(settings.who, settings.most, settings.public_url, trusted, frames, host=settings.host, waiting=waiting,
                room=room, served=served, login=asks_for_login(settings))


def middleware(door: Door) -> list[Middleware]:
    """The gatekeeper as launch(app_kwargs=...) takes it."""
    return [Middleware(Gatekeeper, door=door)]


def asks_for_login(settings: Settings) -> bool:
    """Whether the page has a login."""
    return settings.auth is not None or settings.who == access.CLASS


def logins(settings: Settings) -> list[tuple[str, str]] | None:
    """Who may log in: the file's users; in class mode without a file one user with a password made up now."""
    if settings.auth:
        return read_users(settings.auth)
    if settings.who == access.CLASS:
        return [(USER, secrets.token_urlsafe(9))]
    return None


def launch(page: gr.Blocks, door: Door, **options: Any) -> tuple[Any, str, str | None]:
    """page.launch(): web app, local address and public link, or None with the reason printed in our own words."""
    words = io.StringIO()
    with contextlib.redirect_stdout(words) if options["share"] else contextlib.nullcontext():
        web, local, shared = page.launch(**options, prevent_thread_lock=True)
    server = page.server.config
    server.http_protocol_class = patient(server.http_protocol_class, min(SILENT, door.limits.slow),
                                         door.limits.slow)
    # A page marked as shared would load its scripts from Gradio's bucket; ours serves them itself.
    page.share = False
    door.shared = urlsplit(shared).netloc if shared else ""
    web.add_api_route("/privacy", privacy_page(door), methods=["GET"], include_in_schema=False)
    web.router.routes.insert(0, web.router.routes.pop())
    return web, local, shared


def own_files(page: gr.Blocks) -> set[str]:
    """The files in the page's cache that show with its components whoever comes: never swept."""
    return {str(path) for block in page.blocks.values() for path in getattr(block, "keep_in_cache", ())}


def announcement(settings: Settings, local: str, shared: str | None, users: list[tuple[str, str]] | None) -> str:
    """What the operator reads at start-up: addresses, what is open, the made-up login, why there is no link."""
    address = " ".join([local, *in_network(settings, local)])
    lines = [address, *access.summary(settings.who, settings.most, settings.reach, users is not None,
                                      settings.offline)]
    if users and not settings.auth:
        lines.append(f"Login: user {users[0][0]}, password {users[0][1]}")
    if shared:
        lines.append(f"Public link: {shared}")
    elif settings.share:
        why = "--offline was asked for" if settings.offline else NOTHING_FOUND
        lines.append(NO_LINK.format(why=why))
    return "\n".join(lines)


def in_network(settings: Settings, local: str) -> list[str]:
    """The addresses to tell others, where the page listens on all of this machine's: IPv4, without its own loopback."""
    if settings.host not in EVERYWHERE or settings.public_url or os.environ.get("SPACE_ID"):  # it has another name
        return []
    found = [each.address for of in psutil.net_if_addrs().values() for each in of if each.family == socket.AF_INET]
    mine = [f"http://{each}:{urlsplit(local).port}/" for each in found if not ip_address(each).is_loopback]
    return ["· in your network:", *mine] if mine else []


def privacy_text(mode: str, hours: int, login: bool) -> str:
    """docs/privacy.md under what holds for this page, in Markdown."""
    this = (f"This page runs in **{mode} mode** ({access.who(mode, login)}). What you upload and train here is deleted "
            f"**{hours} hours** after its last use at the latest.")
    return (DOCS / "privacy.md").read_text(encoding="utf-8").replace("<!-- this page -->", this)


def privacy_page(door: Door) -> Any:
    """The handler of /privacy: the text as a page of its own, also before the login."""
    from markdown_it import MarkdownIt

    body = MarkdownIt().render(privacy_text(door.mode, door.limits.hours, door.login))
    style = ("body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1rem/1.55 system-ui,sans-serif}"
             ":root{color-scheme:light dark}")
    page = (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Privacy and rules</title><style>{style}</style>{body}</html>")
    return lambda: HTMLResponse(page)


def fold(settings: Settings) -> None:
    """The fold at the foot of the page: the mode in its title, privacy and rules inside."""
    mode = html.escape(settings.who)
    with gr.Accordion(f"Privacy and rules · {mode} mode", open=False, elem_id="privacy"):
        gr.Markdown(privacy_text(settings.who, settings.most.hours, asks_for_login(settings)), elem_classes="explainer")
        gr.HTML('<a href="privacy" target="_blank" rel="noopener">This text as a page of its own</a>', padding=False)
