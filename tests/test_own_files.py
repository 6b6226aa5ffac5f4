"""Files that an operator names, such as that of the passwords: no visitor reads them, wherever they lie.

The page of this module has its login file where Gradio gives files away: in its own cache, under the working folder
and under the temporary one.
"""

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from gradio.utils import is_allowed_file

import app
from tests.servers import ROOT, Server
from tests.test_advisories import raw

PASSWORD = "curie-Axolotl-1867"
OPTIONS = ("--mode", "class", "--limits", "joins=10000,joins_address=10000")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A class page; its file of users is `users` in its cache."""
    here = tmp_path_factory.mktemp("here").resolve()
    for part in ("app.py", "playground", "tabs", "assets", "docs"):
        (here / part).symlink_to(ROOT / part)
    users = here / "data" / "gradio" / "users"
    users.parent.mkdir(parents=True)
    users.write_text(f"marie:{PASSWORD}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(here))
        server = Server(here / "data", *OPTIONS, "--auth", "data/gradio/users", root=here)
    server.web.get("/")
    assert server.web.post("/login", data={"username": "marie", "password": PASSWORD}).json() == {"success": True}
    yield server
    server.end()


@pytest.fixture(scope="module")
def users(page):
    return page.data / "gradio" / "users"


@pytest.mark.parametrize("spelling", [
    "{users}", "data/gradio/users", "./data//gradio/./users", "{cache}/../gradio/users", "{cache}/%2e%2e/gradio/users",
    "{cache}/uploads/../users", "{escaped}", "{upper}", "{users}/", "{users}?x=.png", "{users}%00.png", "/{users}",
    "{cache}/..%2fgradio%2fusers"])
@pytest.mark.parametrize("route", ["/gradio_api/file=", "/file=", "/gradio_api/file/", "/gradio_api//file=", "/static/",
                                   "/gradio_api/%66ile="])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_spelling_serves_the_file_of_users(page, users, method, route, spelling):
    path = route + spelling.format(users=users, cache=users.parent, escaped=quote(str(users), safe=""),
                                   upper=str(users).upper())
    status, headers, text = raw(page.web, path, method)
    assert PASSWORD not in text
    assert status in (400, 401, 403, 404, 405) or "etag" not in headers, path


def test_a_file_of_the_cache_that_is_nobodys_secret_is_served(page, users):
    """Or the test above would prove nothing."""
    (users.parent / "picture.txt").write_text("seen")
    assert raw(page.web, f"/gradio_api/file={users.parent}/picture.txt")[::2] == (200, "seen")


@pytest.mark.parametrize("spelling", ["{users}", "data/gradio/users", "{cache}/uploads/../users"])
def test_no_event_reads_the_file_of_users(page, users, spelling):
    """As an upload, in every event, at each of its places at once."""
    file = {"path": spelling.format(users=users, cache=users.parent), "orig_name": "own.txt", "size": 1,
            "meta": {"_type": "gradio.FileData"}}
    config = page.web.get("/config").json()
    parts = {item["id"]: item for item in config["components"]}

    def given(item):
        if item["type"] not in ("file", "uploadbutton", "image", "gallery", "video", "imageeditor"):
            return item["props"].get("value")
        return [file] if item["props"].get("file_count") == "multiple" or item["type"] == "gallery" else file

    tried = 0
    for each in config["dependencies"]:
        inputs = [parts[number] for number in each["inputs"]]
        if not each["backend_fn"] or not any(given(item) in (file, [file]) for item in inputs):
            continue
        tried += 1
        body = {"data": [given(item) for item in inputs], "fn_index": each["id"], "session_hash": f"own-{each['id']}"}
        joined = page.web.post("/gradio_api/queue/join", json=body)
        assert joined.status_code in (200, 403)
        if joined.status_code == 200:
            assert PASSWORD not in json.dumps(page.answer(body["session_hash"]))
    assert tried >= 8
    assert users.read_text() == f"marie:{PASSWORD}\n"
    copies = [path for path in users.parent.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert copies == [users]


def allowed(path, settings):
    """Whether Gradio would give a file of the page's cache away, or one that an event's answer names."""
    return is_allowed_file(path, app.launch_options(settings)["blocked_paths"], [str(settings.data_dir.parent)], [])[0]


@pytest.fixture
def settings(settings, tmp_path):
    """A data folder with the folders that it has."""
    for name in ("gradio", "models", "jobs", "visitors"):
        (tmp_path / "data" / name).mkdir(parents=True)
    return replace(settings, data_dir=tmp_path / "data", models_dir=None)


@pytest.mark.parametrize("place", ["users", "data/users", "data/gradio/users", "a folder/users"])
def test_the_file_of_users_is_blocked_where_it_lies(settings, tmp_path, monkeypatch, place):
    path, link = tmp_path / place, tmp_path / "link"
    path.parent.mkdir(exist_ok=True)
    path.write_text("ada:x")
    link.symlink_to(path)
    assert allowed(path, settings)
    monkeypatch.chdir(tmp_path)
    for named in (path, Path(place), link):
        assert not allowed(path, replace(settings, auth=named))
        assert not allowed(link, replace(settings, auth=named))


def test_own_models_are_blocked_and_the_pages_cache_is_not(settings, tmp_path):
    cached = settings.data_dir / "gradio" / "a.png"
    for folder in (tmp_path / "own", settings.data_dir / "models", settings.data_dir, tmp_path, tmp_path / "nowhere"):
        (folder / "gpt2").mkdir(parents=True, exist_ok=True)
        model = folder / "gpt2" / "config.json"
        model.write_text("{}")
        assert not allowed(model, replace(settings, models_dir=folder)), folder
        assert allowed(cached, replace(settings, models_dir=folder)), folder


def test_what_is_blocked_is_named_absolutely(settings, tmp_path, monkeypatch):
    """Gradio's own words: must be absolute paths."""
    monkeypatch.chdir(tmp_path)
    given = replace(settings, data_dir=Path("data"), auth=Path("users"), models_dir=Path("own"))
    assert all(Path(path).is_absolute() for path in app.launch_options(given)["blocked_paths"])
