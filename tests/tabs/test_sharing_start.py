"""Starting a page for others: the public link or plain words instead, the login, the page's own foot."""

import socket
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest

from playground.settings import Settings
from tabs import _sharing


@pytest.fixture
def settings(tmp_path):
    return Settings(port=0, device="cpu", data_dir=tmp_path, share=True)


@pytest.fixture
def started(settings, monkeypatch, capsys):
    """Launches a page of one line with a tunnel that behaves as told: local address, link, what was printed."""
    pages = []

    def start(tunnel):
        monkeypatch.setattr("gradio.networking.setup_tunnel", tunnel)
        with gr.Blocks(analytics_enabled=False) as page:
            gr.Markdown("one line")
        page.queue(api_open=False)
        pages.append(page)
        door = _sharing.door(settings, page)
        _, local, shared = _sharing.launch(page, door, share=True, quiet=True, ssr_mode=False,
                                           app_kwargs={"middleware": _sharing.middleware(door)})
        return local.rstrip("/"), shared, capsys.readouterr().out

    yield start
    for page in pages:
        page.close()


def no_tunnel(*arguments, **options):
    raise OSError("no route to host")


def test_without_the_internet_the_page_runs_here_and_says_so(started, settings):
    local, shared, printed = started(no_tunnel)
    assert (shared, printed) == (None, "")
    page = httpx.get(local).text
    assert "one line" in page
    assert "amazonaws" not in page  # Gradio's page for shared links loads its scripts from there
    words = _sharing.announcement(settings, local, shared, [("class", "secret")])
    for part in (local, "No public link", "docs/sharing.md", "--host 0.0.0.0", "user class, password secret"):
        assert part in words


def test_a_public_link_serves_our_own_scripts_under_https(started, settings):
    local, shared, _ = started(lambda *arguments, **options: "https://abc123.gradio.live")
    assert shared == "https://abc123.gradio.live"
    link = {"host": "abc123.gradio.live", "origin": shared}
    answer = httpx.get(local, headers=link)
    assert "amazonaws" not in answer.text
    assert "Secure" in answer.headers["set-cookie"]
    assert httpx.get(f"{local}/config", headers=link).json()["root"] == shared
    assert httpx.get(f"{local}/config", headers={**link, "origin": "https://evil.com"}).status_code == 403
    assert f"Public link: {shared}" in _sharing.announcement(settings, local, shared, None)


def test_in_the_own_network_the_address_for_others_is_told(settings, monkeypatch):
    def address(text, family=socket.AF_INET):
        return SimpleNamespace(address=text, family=family)

    cards = {"lo": [address("127.0.0.1")], "eth0": [address("192.168.7.3"), address("fe80::1", socket.AF_INET6)]}
    monkeypatch.setattr(_sharing.psutil, "net_if_addrs", lambda: cards)
    local, open_one = "http://localhost:7861/", replace(settings, host="0.0.0.0")
    told = _sharing.announcement(open_one, local, None, None).splitlines()[0]
    assert told == f"{local} · in your network: http://192.168.7.3:7861/"
    named = replace(open_one, public_url="https://example.org")
    for other in (settings, named):
        assert _sharing.announcement(other, local, None, None).splitlines()[0] == local
    monkeypatch.setenv("SPACE_ID", "somebody/playground")
    assert _sharing.announcement(open_one, local, None, None).splitlines()[0] == local


def test_offline_no_tunnel_is_tried(settings):
    import app

    offline = replace(settings, offline=True)
    assert app.launch_options(offline)["share"] is False
    assert "--offline" in _sharing.announcement(offline, "http://127.0.0.1:7860", None, None)


def test_a_class_has_a_login_that_nobody_can_guess(settings, tmp_path):
    (user, first), (_, second) = (_sharing.logins(settings)[0] for _ in range(2))
    assert (user, len(first)) == ("class", 12)
    assert first != second
    (tmp_path / "users").write_text("ada:lovelace\n")
    named = replace(settings, auth=tmp_path / "users")
    assert _sharing.logins(named) == [("ada", "lovelace")]
    assert "lovelace" not in _sharing.announcement(named, "", None, _sharing.logins(named))
    assert _sharing.logins(replace(settings, share=False)) is None
    assert _sharing.logins(replace(settings, mode="public")) is None


@pytest.mark.parametrize(("mode", "hours"), [("class", 24), ("public", 6)])
def test_the_privacy_text_tells_mode_and_hours(settings, mode, hours):
    chosen = replace(settings, mode=mode)
    text = _sharing.privacy_text(chosen.who, chosen.most.hours, _sharing.asks_for_login(chosen))
    assert f"**{mode} mode**" in text
    assert f"**{hours} hours**" in text
    assert ("and the login" in text) == (mode == "class")


def test_a_public_page_with_a_login_does_not_say_that_anybody_may_come(settings, tmp_path):
    page = replace(settings, mode="public", auth=tmp_path / "users")
    assert "who has the link and the login" in _sharing.privacy_text("public", 6, _sharing.asks_for_login(page))


def test_a_page_keeps_its_own_files(tmp_path):
    with gr.Blocks(analytics_enabled=False) as page:
        image = gr.Image()
    image.keep_in_cache.add(str(tmp_path / "a.png"))
    assert _sharing.own_files(page) == {str(tmp_path / "a.png")}
