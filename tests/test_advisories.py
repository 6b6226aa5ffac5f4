"""Gradio's known advisories, tried against the page under our start-up settings with raw requests.

Every test names the advisories that it repeats; the table in SECURITY.md lists them. Where an advisory was about one
component, the same trick is tried on the components that the page has.
"""

import contextlib
import http.client
import http.server
import json
import re
import threading
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests import test_sharing
from tests.test_sharing import TRAINING, answered, call, function, logged_in

shared, ada, alan = test_sharing.shared, test_sharing.ada, test_sharing.alan  # the class page and two who are logged in
ROOT = Path(__file__).resolve().parent.parent
SECRET = f"secret-{uuid.uuid4().hex}"
REFUSED = (400, 401, 403, 404, 405, 422)


@pytest.fixture(scope="module")
def secret(data_dir):
    """A file beside the page's cache that nobody may read."""
    path = data_dir / "jobs" / "secret.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(SECRET)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def cache(data_dir):
    """What the page gives to whoever knows an address."""
    def holds() -> bool:
        return any(SECRET in path.read_text(errors="replace") for path in (data_dir / "gradio").rglob("*")
                   if path.is_file())
    return holds


@pytest.fixture
def witness():
    """A server of the inner network: its address, and what was asked of it."""
    asked = []

    class Inner(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inner)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def raw(client, path, method="GET", body=None, **headers):
    """A request whose path is sent as it is written: status, headers, text."""
    place = urlsplit(str(client.base_url))
    line = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    cookies = "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)
    try:
        line.putrequest(method, path)
        for name, value in {"cookie": cookies, "content-length": str(len(body or b"")), **headers}.items():
            line.putheader(name.replace("_", "-"), value)
        line.endheaders(body)
        answer = line.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, headers, answer.read().decode("latin-1")
    finally:
        line.close()


UP = "../" * 12
PATHS = {
    "CVE-2021-43831": ["/file/{up}etc/passwd", "/gradio_api/file/{up}etc/passwd", "/file/{secret}"],
    "CVE-2023-34239": ["/file={secret}", "/gradio_api/file={secret}", "/gradio_api/file=app.py",
                       "/gradio_api/file={up}etc/passwd"],
    "CVE-2023-51449": ["/gradio_api/file={cache}/../jobs/secret.txt", "/gradio_api/file={cache}/%2e%2e/jobs/secret.txt",
                       "/gradio_api/file={cache}/..%2fjobs%2fsecret.txt"],
    "CVE-2024-47164": ["/gradio_api/file={cache}/a/../../jobs/./secret.txt",
                       "/gradio_api/file={cache}//..//jobs//secret.txt"],
    "CVE-2025-23042": ["/gradio_api/file={upper}", "/gradio_api/FILE={secret}"],
    "CVE-2024-12217": ["/gradio_api/file={secret}::$DATA", "/gradio_api/file={secret}%00.png",
                       "/gradio_api/file={secret}."],
    "CVE-2026-28414": ["/static/{secret}", "/static//etc/passwd", "/assets//etc/passwd", "/svelte//etc/passwd",
                       "/static/{up}etc/passwd", "/pwa_icon/{up}etc/passwd"],
    "CVE-2024-47166": ["/gradio_api/custom_component/{id}/client/component/../__init__.py",
                       "/gradio_api/custom_component/{id}/server/..%2f/__init__.py"],
}


@pytest.mark.parametrize(("advisory", "path"), [(name, path) for name, paths in PATHS.items() for path in paths])
def test_no_path_reaches_a_file(ada, secret, data_dir, advisory, path):
    kind = ada.get("/config").json()["components"][0]["component_class_id"]
    asked = path.format(secret=secret, up=UP, cache=data_dir / "gradio", upper=str(secret).upper(), id=kind)
    status, _, text = raw(ada, asked)
    assert status in REFUSED, asked
    assert SECRET not in text
    assert "root:" not in text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", [  # CVE-2023-34239, CVE-2026-28416, CVE-2026-48545
    "/gradio_api/proxy=http://{0}/a", "/proxy=http://{0}/a", "/gradio_api/proxy=http%3A%2F%2F{0}/a",
    "//gradio_api/proxy=http://{0}/a", "/gradio_api/%70roxy=http://{0}/a",
    # CVE-2024-4940, CVE-2024-8021, CVE-2026-59806
    "/gradio_api/file=http://{0}/a", "/file=http://{0}/a", "/gradio_api/file=http%3A%2F%2F{0}/a",
    "/gradio_api/file=%20http://{0}/a", "/gradio_api/file/http://{0}/a", "/gradio_api/file=HTTP://{0}/a",
    "/gradio_api/file=ftp://{0}/a", "/gradio_api/file=//{0}/a"])
def test_the_page_fetches_nothing_and_sends_nobody_elsewhere(ada, witness, method, path):
    place, asked = witness
    status, headers, text = raw(ada, path.format(place), method)
    assert status in REFUSED
    assert "location" not in headers
    assert SECRET not in text
    assert asked == []


@pytest.mark.parametrize("address", ["http://{0}/a.png", "HTTP://{0}/a.png", " http://{0}/a.png", "//{0}/a.png",
                                     "http:/{0}/a.png", "file:///etc/passwd", "ftp://{0}/a.png"])
def test_no_event_makes_the_page_fetch_an_address(ada, witness, cache, address):
    """CVE-2024-4325, CVE-2024-47167, CVE-2024-48052."""
    place, asked = witness
    for name, data in (("add_noise", [100]), ("tokenize", ["cl100k_base"]), ("start_training", TRAINING)):
        file = {"path": address.format(place), "url": address.format(place), "meta": {"_type": "gradio.FileData"}}
        body = {"data": [[file] if name == "start_training" else file, *data], "fn_index": function(ada, name),
                "session_hash": "ada-fetch"}
        joined = ada.post("/gradio_api/queue/join", json=body)
        if joined.status_code == 200:
            answered(ada, "ada-fetch")
        else:
            assert joined.status_code == 403
    assert asked == []
    assert not cache()


@pytest.mark.parametrize("trick", ["{secret}", "{cache}/../jobs/secret.txt", "../jobs/secret.txt", "/etc/passwd",
                                   "app.py"])
@pytest.mark.parametrize(("name", "data"), [
    ("add_noise", ["FILE", 0]), ("start_training", [["FILE"], *TRAINING]), ("tokenize", ["FILE", "cl100k_base"]),
    ("babble", ["FILE", "letters", 3, "x", 10, 1]), ("word_pair", ["king", ["FILE"]])])
def test_a_path_in_an_event_copies_no_file(ada, secret, cache, data_dir, trick, name, data):
    """CVE-2024-0964, CVE-2024-1728, CVE-2024-51751, CVE-2024-47868."""
    path = trick.format(secret=secret, cache=data_dir / "gradio")
    file = json.dumps({"path": path, "orig_name": "a.png", "size": 1, "meta": {"_type": "gradio.FileData"}})
    done = call(ada, name, json.loads(json.dumps(data).replace('"FILE"', file)), f"ada-{name}")
    if name in ("add_noise", "start_training"):  # the others may take it for a text
        assert done["success"] is False
    assert SECRET not in json.dumps(done)
    assert "root:" not in json.dumps(done)
    assert not cache()


def test_a_path_in_a_json_answer_copies_no_file(ada, secret, cache):
    """CVE-2024-4941: an answer in which a visitor's own keys come back, a file's among them."""
    kinds = {"path": str(secret), "url": str(secret), "orig_name": "a.txt", "_type": "gradio.FileData"}
    config = {"prompts": ["{{path}}"], "providers": [{"id": "gemma-3-270m", "config": {"max_tokens": 1}}],
              "tests": [{"vars": kinds, "assert": [{"type": "contains", "value": "x"}]}]}
    done = call(ada, "evaluate_prompts", [json.dumps(config)], "ada-json")
    assert done["success"] is True
    assert done["output"]["data"][0]["results"][0]["vars"] == kinds
    config["tests"][0]["vars"]["meta"] = {"_type": "gradio.FileData"}  # may be refused, as no text
    done = call(ada, "evaluate_prompts", [json.dumps(config)], "ada-json")
    assert SECRET not in json.dumps(done)
    assert not cache()


@pytest.mark.parametrize("name", ["move_resource_to_block_cache", "async_move_resource_to_block_cache", "preprocess",
                                  "ls", "__class__", "as_example", "get_config", "component_class_id"])
def test_no_method_of_a_component_is_called(ada, secret, cache, name):
    """CVE-2024-1561."""
    kinds = {item["type"]: item["id"] for item in ada.get("/config").json()["components"]}
    for kind in ("file", "image", "gallery", "textbox", "json"):
        body = {"component_id": kinds[kind], "data": str(secret), "fn_name": name, "session_hash": "ada-method"}
        for path in ("/gradio_api/component_server", "/gradio_api/component_server/"):
            answer = ada.post(path, json=body)
            assert answer.status_code == 404
            assert SECRET not in answer.text
    assert not cache()


@pytest.mark.parametrize(("origin", "outside"), [
    ("null", True), ("https://evil.com", True), ("http://localhost.evil.com", True),
    ("http://127.0.0.1.evil.com", True), ("file://", True), ("chrome-extension://abc", True),
    ("http://localhost", False), ("http://127.0.0.1:1", False)])
@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join", "/login", "/gradio_api/cancel"])
def test_another_sites_page_sends_nothing_in_a_visitors_name(ada, origin, outside, path):
    """CVE-2024-1727, CVE-2024-47084, CVE-2024-47165, CVE-2025-5320: with the cookies, as a browser sends them.

    A browser asks before it sends (OPTIONS), which Gradio answers by itself: to pages of this machine it says yes. What
    they then send is refused all the same.
    """
    answer = ada.post(path, json={}, headers={"origin": origin})
    assert answer.status_code == 403
    assert answer.json() == {"detail": "Another site's page may not use this one."}
    asked = ada.options(path, headers={"origin": origin, "access-control-request-method": "POST"})
    if outside:
        assert "access-control-allow-origin" not in {*asked.headers, *answer.headers}


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.js", "a.xhtml", "a.xml", "a.mht"])
def test_an_uploaded_page_does_not_run(ada, name):
    """CVE-2024-47872: what is not known to be harmless is saved to disk by the browser and never shown."""
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    stored = ada.post("/gradio_api/upload", files={"files": (name, script)}).json()[0]
    answer = ada.get(f"/gradio_api/file={stored}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"].startswith("application/octet-stream")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "object-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/login/huggingface", "/login/callback?_target_url=https://evil.com/",
                                  "/logout?_target_url=https://evil.com/", "/logout?_target_url=//evil.com"])
def test_logging_in_and_out_sends_nobody_elsewhere(shared, path):
    """CVE-2026-27167, CVE-2026-28415: there is no login by another service, and a logout leads to the page itself."""
    with contextlib.closing(logged_in(shared, "ada")) as client:
        answer = client.get(path)
    assert answer.status_code in (302, 307, 404)
    assert "evil" not in answer.headers.get("location", "")
    assert "access_token" not in answer.text


def test_who_logs_out_takes_nobody_along(shared):
    """Gradio's logout ends all logins of the user, and in a class all share one."""
    first, second = (logged_in(shared, "alan") for _ in range(2))
    with contextlib.closing(first), contextlib.closing(second):
        assert first.get("/logout").status_code == 302
        assert first.get("/config").status_code == 401
        assert second.get("/config").status_code == 200


@pytest.mark.parametrize("kept", ["access-token-unsecure-", "access-token-"])
def test_a_login_that_was_logged_out_is_no_login_any_more(shared, kept):
    """Also without TLS, where a browser keeps one of the two cookies in which Gradio sends a login."""
    with contextlib.closing(logged_in(shared, "alan")) as client:
        name, token = next((each.name, each.value) for each in client.cookies.jar if each.name.startswith(kept))
    cookie = {"cookie": f"{name}={token}"}
    with httpx.Client(base_url=shared, timeout=60) as thief:
        assert thief.get("/config", headers=cookie).status_code == 200
        assert thief.get("/logout", headers=cookie).status_code == 302
        for again in (name, name.replace("unsecure-", "")):
            assert thief.get("/config", headers={"cookie": f"{again}={token}"}).status_code == 401


def test_components_of_advisories_are_not_on_the_page(ada):
    """CVE-2026-49119 (FileExplorer), CVE-2024-10648 (Audio), CVE-2026-27167 (LoginButton)."""
    kinds = {item["type"] for item in ada.get("/config").json()["components"]}
    assert {"textbox", "file", "image"} <= kinds
    assert not kinds & {"fileexplorer", "audio", "paramviewer", "loginbutton", "model3d", "chatbot"}


@pytest.mark.parametrize("name", [
    "../../../../tmp/evil.png", "..\\..\\evil.png", "/etc/cron.d/evil", "evil.png\x00.html", "..", ".", "",
    "evil/" * 50 + "a.png", "é" * 300 + ".png", "a" * 5000, "con.png:x"])
def test_the_name_of_an_upload_leads_nowhere(ada, data_dir, name):
    boundary = "limit"
    body = (f'--{boundary}\r\ncontent-disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
            f"{SECRET[:20]}\r\n--{boundary}--\r\n").encode()
    status, _, text = raw(ada, "/gradio_api/upload", "POST", body,
                          content_type=f"multipart/form-data; boundary={boundary}")
    assert status in (200, 413, *REFUSED), text
    for path in json.loads(text) if status == 200 else ():
        assert Path(path).resolve().is_relative_to((data_dir / "gradio").resolve())
    assert all(path.is_relative_to(data_dir / "gradio") for path in data_dir.rglob("*evil*"))
    assert not Path("/tmp/evil.png").exists()
    assert not Path("/etc/cron.d/evil").exists()


@pytest.mark.parametrize(("boundary", "body"), [
    ("x", b"--x" + b"-" * 1_500_000), ("x", b"-" * 1_500_000), ("x", b"\r\n" * 700_000),
    ("x" * 60_000, b"--" + b"x" * 1_400_000), ("", b"----"), ("x", b"--x\r\n" * 300_000),
    ("x", b"--x\r\n" + b"a: b\r\n" * 200_000)])
def test_a_strange_boundary_of_an_upload_holds_nobody_up(ada, alan, boundary, body):
    """A multipart body made to be read for minutes; the next visitor meanwhile gets his answer."""
    codes = []

    def send():
        try:
            codes.append(raw(ada, "/gradio_api/upload", "POST", body,
                             content_type=f"multipart/form-data; boundary={boundary}")[0])
        except (OSError, http.client.HTTPException):  # the connection was closed before all was sent
            codes.append(413)

    sender = threading.Thread(target=send)
    sender.start()
    assert call(alan, "tokenize", ["meanwhile", "cl100k_base"], "alan-meanwhile")["success"] is True
    sender.join(120)
    assert not sender.is_alive(), "still read after two minutes"
    assert codes[0] in (200, 413, 431, 500, *REFUSED)  # 500: Gradio's parser refuses a boundary and nobody catches it


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "BREW"])
@pytest.mark.parametrize("path", [
    "/gradio_api/run/tokenize", "/gradio_api/api/tokenize/", "/gradio_api/dev/reload", "//gradio_api//run/tokenize",
    "/gradio_api/%72un/tokenize", "/GRADIO_API/run/tokenize", "/gradio_api/vibe-code/", "/monitoring/x",
    "/gradio_api/deep_link", "/gradio_api/gradio_api/run/tokenize"])
def test_no_method_and_no_spelling_opens_a_closed_route(ada, method, path):
    body = json.dumps({"data": ["hello", "cl100k_base"], "session_hash": "s"}).encode()
    status, headers, text = raw(ada, path, method, body, content_type="application/json")
    assert status in REFUSED
    assert "count" not in text
    assert "location" not in headers


def test_every_advisory_of_the_table_is_named_by_a_test():
    table = (ROOT / "SECURITY.md").read_text().partition("## Known advisories")[2]
    listed = set(re.findall(r"CVE-\d{4}-\d+", table.partition("Not repeated")[0]))
    tests = "".join((ROOT / "tests" / name).read_text() for name in ("test_advisories.py", "test_sharing.py"))
    assert len(listed) > 20
    assert listed == set(re.findall(r"CVE-\d{4}-\d+", tests))
