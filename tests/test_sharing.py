"""A class page attacked with raw requests: strangers, other visitors, path tricks, side doors; and what the log holds.

The page asks for a login and runs under tight limits, in this process, so that its log can be read.
"""

import contextlib
import io
import json
import logging
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

PASSWORDS = {"ada": "lovelace-1815", "alan": "enigma-1912"}
TRAINING = ["joshug", 2, 2, 1e-3, 1, "pocket-diffusion-64", True]
MARK = "Zanzibar-Quokka-7731"  # what a visitor typed; in no other text of this project


@pytest.fixture(scope="module")
def shared(settings, tmp_path_factory):
    """The address of a class page with two named users."""
    import app

    users = tmp_path_factory.mktemp("login") / "users"
    users.write_text("".join(f"{name}:{password}\n" for name, password in PASSWORDS.items()))
    page = app.start(replace(settings, mode="class", auth=users, limits="body_mb=1,file_mb=1,upload_mb=2,logins=30"))
    yield page.local_url.rstrip("/")
    page.close()


@pytest.fixture
def stranger(shared):
    """Somebody with the link and without a login."""
    with httpx.Client(base_url=shared, timeout=60) as client:
        yield client


def logged_in(shared, name):
    """A browser of this user: cookies of the page and of the login."""
    client = httpx.Client(base_url=shared, timeout=60)
    assert client.get("/").status_code == 200
    assert client.post("/login", data={"username": name, "password": PASSWORDS[name]}).json() == {"success": True}
    return client


@pytest.fixture(scope="module")
def ada(shared):
    client = logged_in(shared, "ada")
    yield client
    client.close()


@pytest.fixture(scope="module")
def alan(shared):
    client = logged_in(shared, "alan")
    yield client
    client.close()


def picture():
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return buffer.getvalue()


def upload(client, name="face.png"):
    return client.post("/gradio_api/upload", files={"files": (name, picture())})


def function(client, name):
    """The number of a public function in the page's configuration."""
    return next(item["id"] for item in client.get("/config").json()["dependencies"] if item["api_name"] == name)


def call(client, name, data, session):
    """Joins the queue as a page does and gives the event's last message."""
    body = {"data": data, "fn_index": function(client, name), "session_hash": session}
    joined = client.post("/gradio_api/queue/join", json=body)
    assert joined.status_code == 200, joined.text
    return answered(client, session)


def answered(client, session):
    """The last message of the event that a session waits for."""
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                return message
    raise AssertionError("The stream ended without an answer.")


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/config"), ("GET", "/gradio_api/info"), ("POST", "/gradio_api/upload"), ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/call/tokenize"), ("GET", "/gradio_api/queue/data?session_hash=x"),
    ("GET", "/gradio_api/file=/etc/passwd"), ("GET", "/private/" + "a" * 22 + "/grid.png")])
def test_a_stranger_gets_nothing_but_the_login(stranger, method, path):
    sent = {"json": {"data": [], "session_hash": "x", "fn_index": 0}} if path.endswith(("join", "tokenize")) else {}
    assert stranger.request(method, path, **sent).status_code == 401


def test_the_login_page_shows_no_component_and_privacy_can_be_read(stranger):
    page = stranger.get("/").text
    assert '"auth_required":true' in page.replace(" ", "")
    assert "truncation filmstrip" not in page.lower()
    assert "class mode" in stranger.get("/privacy").text


def test_guessing_passwords_ends_soon(stranger, shared):
    """Also CVE-2024-1729, which needed many guesses."""
    tries = [stranger.post("/login", data={"username": "ada", "password": f"guess {n}"}) for n in range(32)]
    codes = [answer.status_code for answer in tries]
    assert codes[-1] == 429
    assert set(codes) <= {400, 429}
    assert int(tries[-1].headers["retry-after"]) >= 1
    assert "Try again" in tries[-1].json()["detail"]
    time.sleep(int(tries[-1].headers["retry-after"]))  # for the users of this module, who come from the same address


def test_the_page_answers_a_logged_in_visitor(ada):
    done = call(ada, "tokenize", ["hello", "cl100k_base"], "ada-first")
    assert done["output"]["data"][0]["count"] == 1


@pytest.mark.parametrize("path", ["jobs/jobs.db", "visitors", "models", "verified.json", "gate.lock"])
@pytest.mark.parametrize("trick", ["{0}/{1}", "{0}/gradio/../{1}", "{0}/gradio/%2e%2e/{1}", "/{0}/{1}", "{0}/./{1}"])
def test_no_path_reaches_the_data_folder(ada, data_dir, path, trick):
    address = "/gradio_api/file=" + trick.format(data_dir, path)
    answer = ada.get(httpx.URL(str(ada.base_url) + address.replace("..", "%2e%2e")))
    assert answer.status_code in (403, 404), address


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "playground/settings.py", "../../etc/passwd", "~/.bashrc"])
def test_no_path_reaches_the_machine(ada, path):
    assert ada.get("/gradio_api/file=" + quote(path)).status_code in (403, 404)


@pytest.mark.parametrize("path", ["jobs/jobs.db", "models", "../users"])
def test_a_path_in_an_event_is_no_upload(ada, data_dir, path):
    file = {"path": str(data_dir / path), "meta": {"_type": "gradio.FileData"}}
    done = call(ada, "add_noise", [file, 100], "ada-path")
    assert done["success"] is False
    assert "SQLite" not in json.dumps(done)
    remote = {"path": "http://127.0.0.1:1/a.png", "meta": {"_type": "gradio.FileData"}}
    body = {"data": [remote, 100], "fn_index": function(ada, "add_noise"), "session_hash": "ada-path"}
    assert ada.post("/gradio_api/queue/join", json=body).status_code == 403


def test_a_session_is_not_read_by_another_user(ada, alan):
    call(ada, "tokenize", ["mine", "cl100k_base"], "ada-own")
    assert alan.get("/gradio_api/queue/data?session_hash=ada-own").status_code == 403
    assert alan.get("/gradio_api/heartbeat/ada-own").status_code == 403
    cancel = {"session_hash": "ada-own", "fn_index": 0, "event_id": "x"}
    assert alan.post("/gradio_api/cancel", json=cancel).status_code == 403
    body = {"data": ["x", "cl100k_base"], "fn_index": function(alan, "tokenize"), "session_hash": "ada-own"}
    assert alan.post("/gradio_api/queue/join", json=body).status_code == 403


@pytest.mark.parametrize("path", ["/gradio_api/call/tokenize/ada-kept", "/gradio_api/call/v2/tokenize/ada-kept"])
def test_an_answer_that_waits_is_not_read_as_an_event(ada, alan, path):
    """Gradio takes the id of an event that it does not know for the name of a session, and tells what waits there."""
    body = {"data": ["mine", "cl100k_base"], "fn_index": function(ada, "tokenize"), "session_hash": "ada-kept"}
    assert ada.post("/gradio_api/queue/join", json=body).status_code == 200
    assert alan.get(path).status_code == 403
    assert answered(ada, "ada-kept")["success"] is True


def test_a_stranger_makes_no_session_his_own(stranger, ada):
    assert stranger.get("/").status_code == 200
    stranger.get("/?session_hash=ada-next")
    body = {"data": [], "fn_index": 0, "session_hash": "ada-next"}
    assert stranger.post("/gradio_api/queue/join", json=body).status_code == 401
    assert call(ada, "tokenize", ["mine", "cl100k_base"], "ada-next")["success"] is True


@pytest.mark.parametrize("path", ["/gradio_api/run/tokenize", "/gradio_api/api/tokenize", "/gradio_api/deep_link",
                                  "/gradio_api/dev/reload", "/gradio_api/process_recording", "/gradio_api/vibe-code"])
def test_functions_answer_through_the_queue_alone(ada, path):
    assert ada.post(path, json={"data": ["hello", "cl100k_base"], "session_hash": "s"}).status_code == 404


def test_a_job_that_one_does_not_know_is_not_there(ada):
    for name in ("grid.png", "sample-000001-000.png", "adapter-000001.safetensors", "../jobs.db", "photos"):
        assert ada.get(f"/private/{'A' * 22}/{quote(name, safe='')}").status_code in (401, 404)
    done = call(ada, "training_status", ["B" * 22], "ada-job")
    assert done["success"] is False


def test_bodies_are_bounded(ada):
    assert ada.post("/gradio_api/queue/join", content=b"x" * 1_000_001).status_code == 413
    assert ada.post("/gradio_api/upload", files={"files": ("a.png", b"x" * 1_500_000)}).status_code == 413
    many = [("files", (f"{number}.png", b"x" * 900_000)) for number in range(3)]
    assert ada.post("/gradio_api/upload", files=many).status_code == 413
    assert upload(ada).status_code == 200


@pytest.mark.parametrize("headers", [{"origin": "https://evil.com"}, {"origin": "null"}])
def test_another_site_uses_no_login_of_ours(ada, headers):
    for method, path in (("GET", "/config"), ("GET", "/gradio_api/info"), ("POST", "/gradio_api/queue/join")):
        answer = ada.request(method, path, headers=headers)
        assert answer.status_code == 403
        assert "components" not in answer.text


def sent(path, name="face.png"):
    """An uploaded file as an event names it."""
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def test_two_who_send_the_same_file_have_it_read_both(ada, alan, data_dir):
    """And who has had it read finds it gone."""
    files = [upload(client).json()[0] for client in (ada, alan)]
    done = [call(client, "add_noise", [sent(path), 100], f"{name}-same")
            for client, name, path in zip((ada, alan), ("ada", "alan"), files, strict=True)]
    assert [each["success"] for each in done] == [True, True]
    assert not any(Path(path).exists() for path in files)
    again = call(ada, "add_noise", [sent(files[0]), 100], "ada-same")
    assert "Upload it again." in json.dumps(again)


def test_no_event_deletes_what_the_page_made(ada, alan):
    """A file of the cache that is no upload, named by who knows its address."""
    done = call(ada, "add_noise", [sent(upload(ada).json()[0]), 100], "ada-made")
    made = done["output"]["data"][0]["path"]
    for name, data in (("add_noise", [sent(made), 100]), ("start_training", [[sent(made)], *TRAINING])):
        call(alan, name, data, f"alan-{name}")
        assert Path(made).exists(), name


def test_every_reader_of_an_upload_says_that_it_is_gone(ada, data_dir):
    """A file that was swept, or read already, is no bug."""
    config = ada.get("/config").json()
    parts = {item["id"]: item for item in config["components"]}

    def given(item):
        properties = item["props"]
        if item["type"] not in ("file", "uploadbutton"):
            return properties.get("value")
        kind = next((each for each in properties["file_types"] or () if each.startswith(".")), ".png")
        file = sent(str(data_dir / "gradio" / "uploads" / f"gone{kind}"))
        return [file] if properties["file_count"] == "multiple" else file

    readers = [each for each in config["dependencies"] if any(name == "upload" for _, name in each["targets"])]
    said = []
    for reader in readers:
        body = {"data": [given(parts[each]) for each in reader["inputs"]], "fn_index": reader["id"],
                "session_hash": f"ada-gone-{reader['id']}"}
        assert ada.post("/gradio_api/queue/join", json=body).status_code == 200
        done = answered(ada, body["session_hash"])
        assert done["success"] is False, reader
        said.append(done["output"]["error"])
    assert len(said) >= 8
    for words in said:
        assert "Upload it again." in words or "No run is under way." in words


def test_forged_forwarded_headers_change_no_address_in_the_page(ada):
    forged = {"x-forwarded-host": "evil.com", "x-gradio-server": "http://evil.com", "x-forwarded-proto": "https"}
    assert "evil.com" not in ada.get("/config", headers=forged).text
    assert "evil.com" not in ada.get("/", headers=forged).text


def test_the_page_and_its_files_carry_the_headers(ada):
    for path in ("/", "/config", "/theme.css", "/nowhere", "/gradio_api/info"):
        headers = ada.get(path).headers
        assert "object-src 'none'" in headers["content-security-policy"], path
        assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("SAMEORIGIN", "nosniff")


def test_the_log_holds_nothing_that_a_visitor_sent(shared, capfd, caplog):
    """Prompts, pictures' names and passwords, in answers that succeed, fail and break."""
    caplog.set_level(logging.DEBUG, logger="playground")
    caplog.set_level(logging.DEBUG, logger="tabs")
    with contextlib.closing(logged_in(shared, "alan")) as client:
        stored = upload(client, f"{MARK}.png").json()[0]
        file = {"path": stored, "orig_name": f"{MARK}.png", "meta": {"_type": "gradio.FileData"}}
        assert call(client, "tokenize", [MARK, "cl100k_base"], "log-1")["success"] is True
        assert call(client, "tokenize", ["x", MARK], "log-2")["success"] is False
        assert call(client, "word_arithmetic", [f"{MARK} +* (", 5, True], "log-3")["success"] is False
        assert call(client, "add_noise", [file, -5], "log-4")["success"] is False
    seen = caplog.text + "".join(capfd.readouterr())
    for secret in (MARK, MARK.lower(), PASSWORDS["alan"]):
        assert secret not in seen
