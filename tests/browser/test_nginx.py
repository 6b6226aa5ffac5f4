"""The page behind Debian's nginx with TLS and a sub-path, by the configuration of docs/nginx.conf, in Chromium."""

import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parent.parent.parent
CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
FRAME = """
daemon off; pid {folder}/pid; error_log {folder}/error.log warn; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types; access_log {folder}/access.log;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configuration(folder: Path, port: int, page: int) -> str:
    """docs/nginx.conf with this test's ports, name and keys; every place must be found."""
    text = (ROOT / "docs" / "nginx.conf").read_text()
    for old, new in (("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                     ("server_name example.org", "server_name localhost"),
                     ("/etc/ssl/certs/example.org.pem", f"{folder}/cert.pem"),
                     ("/etc/ssl/private/example.org.key", f"{folder}/key.pem"),
                     ("http://127.0.0.1:7860/;", f"http://127.0.0.1:{page}/;")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return FRAME.format(folder=folder, server=text)


@pytest.fixture(scope="module")
def nginx():
    """The program; its absence fails in CI and skips elsewhere."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is not installed: apt-get install nginx-light openssl")
        pytest.skip("nginx is not installed (apt-get install nginx-light openssl)")
    return program


@pytest.fixture(scope="module")
def public(nginx, settings, tmp_path_factory):
    """The public address: nginx in front of a page in public mode."""
    import app

    folder, port, inner = tmp_path_factory.mktemp("nginx"), free_port(), free_port()
    subprocess.run([*CERTIFICATE, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True,
                   capture_output=True)
    address = f"https://localhost:{port}/playground"
    page = app.start(replace(settings, port=inner, mode="public", public_url=address, trusted_proxy="127.0.0.1",
                             limits="uploads_address=5"))
    (folder / "nginx.conf").write_text(configuration(folder, port, inner))
    server = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        wait_for(address, server, folder)
        yield address
    finally:
        server.terminate()
        server.wait()
        page.close()


def wait_for(address: str, server: subprocess.Popen, folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, (folder / "error.log").read_text()
        try:
            if httpx.get(f"{address}/theme.css", verify=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError((folder / "error.log").read_text())


def test_page_event_and_upload_work_through_nginx(public, browser):
    window = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
    tab, problems, outside = window.new_page(), [], []
    icon = public.replace("/playground", "/favicon.ico")  # asked of the host's root, which is not ours here
    tab.set_default_timeout(60_000)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("console", lambda message: problems.append(f"{message.text} {message.location['url']}")
           if message.type == "error" and message.location["url"] != icon else None)
    tab.on("request", lambda request: None if request.url.startswith((public, "data:", "blob:"))
           else outside.append(request.url))
    tab.goto(f"{public}/?tab=tokenizer")
    tab.locator("body[data-keys=ready]").wait_for()
    tab.locator("#tokenizer-text textarea").fill("He devoured the orange")
    expect(tab.locator("#tokenizer-panel .t")).to_have_text(["He", " dev", "oured", " the", " orange"])
    tab.get_by_role("tab", name="GAN faces", exact=True).click()
    expect(tab.locator("#faces .gallery-item img").first).to_be_visible()

    tab.get_by_role("tab", name="N-gram babble", exact=True).click()
    tab.get_by_role("radio", name="Your own text").check()
    with tab.expect_response(re.compile("/playground/gradio_api/upload")) as sent:
        tab.locator("input[type=file]").last.set_input_files(
            {"name": "wal.txt", "mimeType": "text/plain", "buffer": b"Der Wal, der Wal und die See. "})
    assert sent.value.status == 200
    expect(tab.get_by_text(re.compile("Counted: 30 characters of text"))).to_be_visible()
    tab.get_by_role("button", name="Privacy and rules · public mode").click()
    link = tab.get_by_role("link", name="This text as a page of its own")
    assert tab.evaluate("link => link.href", link.element_handle()) == f"{public}/privacy"
    window.close()
    assert (problems, outside) == ([], [])


def test_what_nginx_passes_on_is_judged_by_the_page(public):
    with httpx.Client(base_url=public, verify=False, timeout=60) as client:
        first = client.get("/")
        assert "Secure" in first.headers["set-cookie"]
        assert "max-age" in first.headers["strict-transport-security"]
        assert "object-src 'none'" in first.headers["content-security-policy"]
        assert client.get("/config", headers={"origin": "https://evil.com"}).status_code == 403
        assert client.get("/config", headers={"origin": public.removesuffix("/playground")}).status_code == 200
        assert "evil.com" not in client.get("/config", headers={"x-forwarded-host": "evil.com"}).text
        assert client.get("/config").json()["root"] == public


def test_nothing_is_kept_of_who_came_and_by_which_link(public, tmp_path_factory):
    """The frame's own log stands for Debian's, which is on."""
    with httpx.Client(base_url=public, verify=False, timeout=60) as client:
        assert client.get(f"/?job={'A' * 22}").status_code == 200
        assert client.get("/nowhere").status_code == 404
        assert client.get(public.removesuffix("/playground")).status_code in (200, 404)
    log = next(tmp_path_factory.getbasetemp().glob("nginx*/access.log"))
    assert log.read_text() == ""


def test_an_invented_sender_escapes_no_throttle(public):
    with httpx.Client(base_url=public, verify=False, timeout=60) as client:
        codes = [client.post("/gradio_api/upload", files={"files": ("a.txt", b"a")},
                             headers={"x-forwarded-for": f"9.9.9.{number}"}).status_code for number in range(8)]
    assert codes[0] == 200
    assert codes[-1] == 429
