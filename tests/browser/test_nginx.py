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

from tests.lora import kept_jobs

pytestmark = pytest.mark.browser
ADAPTER = b"no adapter, but bytes that only its link gives"
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


@pytest.fixture(scope="module")
def behind_login(nginx, settings, tmp_path_factory):
    """A class page with a user behind nginx, on a data folder with a training that has ended: address, id, log."""
    import app

    folder, port, inner = tmp_path_factory.mktemp("nginx-class"), free_port(), free_port()
    subprocess.run([*CERTIFICATE, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True,
                   capture_output=True)
    data, users, address = folder / "data", folder / "users", f"https://localhost:{port}/playground"
    data.mkdir()
    users.write_text("ada:lovelace-1815\n")
    job = kept_jobs.training(data)
    adapter = data / "jobs" / job / "checkpoints" / "adapter-000001.safetensors"
    adapter.parent.mkdir()
    adapter.write_bytes(ADAPTER)
    kept = pytest.MonkeyPatch()
    kept.setenv("GRADIO_TEMP_DIR", str(data / "gradio"))  # app.start() sets it too, for all pages of this process
    page = app.start(replace(settings, port=inner, mode="class", auth=users, public_url=address, data_dir=data,
                             trusted_proxy="127.0.0.1"))
    (folder / "nginx.conf").write_text(configuration(folder, port, inner))
    server = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        wait_for(address, server, folder)
        yield address, job, folder
    finally:
        server.terminate()
        server.wait()
        page.close()
        kept.undo()


def test_a_training_of_a_link_is_seen_and_taken_home_after_the_login(behind_login, browser):
    address, job, _ = behind_login
    window = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
    tab, failed = window.new_page(), []
    tab.set_default_timeout(60_000)
    tab.on("response", lambda answer: failed.append(answer.url) if f"/private/{job}" in answer.url
           and answer.status != 200 else None)
    tab.goto(f"{address}/?tab=personal-lora&job={job}")
    tab.get_by_label("username").fill("ada")
    tab.get_by_label("password").fill("lovelace-1815")
    tab.get_by_role("button", name="Login").click()
    tab.locator("body[data-keys=ready]").wait_for()
    samples = tab.locator(f"#lora-grid img[src*='private/{job}/sample-']")
    expect(samples.first).to_be_visible()
    tab.wait_for_function("() => [...document.querySelectorAll('#lora-grid img')].every(each => each.naturalWidth)")
    assert samples.first.evaluate("image => image.src").startswith(f"{address}/private/{job}/")
    with tab.expect_download() as taken:
        tab.get_by_role("link", name="the adapter of step 1").click()
    assert Path(taken.value.path()).read_bytes() == ADAPTER
    assert taken.value.suggested_filename == "joshug-000001.safetensors"
    window.close()
    assert failed == []


@pytest.mark.parametrize("name", ["grid.png", "steps.gif", "sample-1-0.png", "adapter-1.safetensors", "nothing"])
def test_without_the_login_a_trainings_files_are_closed(behind_login, name):
    address, job, _ = behind_login
    with httpx.Client(base_url=address, verify=False, timeout=60) as client:
        for cookie in ("", "access-token-x=1", "access-token-unsecure-x=1; playground-session=a"):
            assert client.get(f"/private/{job}/{name}", headers={"cookie": cookie}).status_code == 401
        assert client.post("/login", data={"username": "ada", "password": "lovelace-1815"}).json()["success"]
        assert client.get(f"/private/{job}/{name}").status_code == (404 if name == "nothing" else 200)
        assert client.get(f"/private/{job[:-1]}/{name}").status_code == 404


def test_no_log_of_nginx_holds_the_id_of_a_training(behind_login):
    """Asked for as a link, as a file, where there is none, and where the path tries to leave."""
    address, job, folder = behind_login
    with httpx.Client(base_url=address, verify=False, timeout=60) as client:
        for path in (f"/?tab=personal-lora&job={job}", f"/private/{job}/grid.png", f"/private/{job}/x",
                     f"/private/{job}/%2e%2e/jobs.db", f"/nowhere/{job}"):
            client.get(path)
        client.get(f"{address.removesuffix('/playground')}/private/{job}/grid.png")
    kept = [each for each in folder.glob("*.log") if job in each.read_text()]
    assert kept == []
    assert (folder / "access.log").read_text() == ""


def test_an_invented_sender_escapes_no_throttle(public):
    with httpx.Client(base_url=public, verify=False, timeout=60) as client:
        codes = [client.post("/gradio_api/upload", files={"files": ("a.txt", b"a")},
                             headers={"x-forwarded-for": f"9.9.9.{number}"}).status_code for number in range(8)]
    assert codes[0] == 200
    assert codes[-1] == 429
