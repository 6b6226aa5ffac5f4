"""A training is its owner's alone: raw requests of somebody who does not know its id, for a real training's files."""

import http.client
import json
import secrets
import shutil
import time
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote, urlsplit

import httpx
import pytest
from gradio_client import handle_file

from playground.diffusion import models
from playground.lora import draft, sample_sets

pytestmark = [pytest.mark.models, pytest.mark.slow]
TRIGGER = "zzquokkawort"  # nowhere else in this project
NAME = "secret-holiday.png"
NAMES = ("grid.png", "steps.gif", "sample-0-0.png", "sample-2-5.png", "adapter-000002.safetensors",
         "adapter-2.safetensors")
ENDPOINTS = {"training_status": [], "cancel_training": [], "resume_training": [], "delete_my_data": [],
             "generate_personal": ["a photo of a face, [trigger]", 42, 1.0]}


@pytest.fixture(scope="module")
def job(client, context, tmp_path_factory):
    """A training of two steps that its owner ran to the end."""
    folder, files = tmp_path_factory.mktemp("photos"), []
    for number, photo in enumerate(sample_sets.pictures(context, sample_sets.PERSON, count=4)):
        photo.picture.save(folder / f"{number}-{NAME}")
        files.append(handle_file(str(folder / f"{number}-{NAME}")))
    made = client.predict(files, TRIGGER, 2, 2, 1e-3, 1, models.POCKET, api_name="/start_training")
    deadline = time.monotonic() + 280
    while (now := context.jobs.get(made)).state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert now.state == "done", (now.state, now.error)
    yield now
    if now.folder.exists():
        context.jobs.delete(made)


@pytest.fixture(scope="module")
def owned(job, context):
    """What must reach nobody: the training's id and words, the beginning of each of its files, the table of jobs."""
    contents = [path.read_bytes() for path in job.folder.rglob("*") if path.is_file() and path.name != "log"]
    assert len(contents) > 15
    return [job.id.encode(), TRIGGER.encode(), NAME.encode(), b"SQLite format 3", *filter(None, contents)]


class Stranger:
    """Another browser: no cookies, a session of its own, no id of anything."""

    def __init__(self, url):
        self.url, self.session = url, secrets.token_hex(8)
        self.http = httpx.Client(base_url=url, timeout=120)

    def get(self, path):
        """A request whose path goes out byte by byte as it stands: httpx would tidy it up."""
        line = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        line._validate_path = lambda path: None  # control characters too
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()

    def event(self, number, data, query=""):
        """Everything that the page says to an event of a number; its success is that of the last message."""
        body = {"data": data, "fn_index": number, "session_hash": self.session, "trigger_id": None}
        joined = self.http.post(f"/gradio_api/queue/join{query}", json=body)
        if joined.status_code != 200:
            return False, joined.text
        lines, last = [], {}
        with self.http.stream("GET", f"/gradio_api/queue/data?session_hash={self.session}") as stream:
            for line in stream.iter_lines():
                lines.append(line)
                if line.startswith("data:") and json.loads(line[5:])["msg"] == "process_completed":
                    last = json.loads(line[5:])
                    break
        return last["success"], "\n".join(lines)

    def call(self, name, data):
        """An event by its public name."""
        return self.event(next(each["id"] for each in self.config["dependencies"] if each["api_name"] == name), data)

    @cached_property
    def config(self):
        return self.http.get("/config").json()


@pytest.fixture
def stranger(url):
    made = Stranger(url)
    yield made
    made.http.close()


def tells_nothing(content, owned):
    content = content if isinstance(content, bytes) else content.encode()
    return not [secret[:40] for secret in owned if secret in content]


def copied(context, job, **changes):
    """The same training once more under another id, as a row and a folder."""
    made = secrets.token_urlsafe(16)
    shutil.copytree(job.folder, job.folder.parent / made)
    with context.jobs.table.rows() as rows:
        names = [row["name"] for row in rows.execute("PRAGMA table_info(jobs)")]
        values = ", ".join("?" if name == "id" or name in changes else name for name in names)
        given = [{"id": made, **changes}[name] for name in names if name == "id" or name in changes]
        rows.execute(f"INSERT INTO jobs SELECT {values} FROM jobs WHERE id=?", (*given, job.id))
    return replace(job, id=made, key=made, folder=job.folder.parent / made)


def guesses(job):
    """Ids near to the real one, and what other languages take for a wildcard or a path."""
    other = "A" if job.id[-1] != "A" else "B"
    return [job.id[:-1] + other, job.id.swapcase(), job.id[::-1], job.id[:-1], job.id + "A", "A" * 22, "%" * 22,
            "_" * 22, "*" * 22, "..", ".", "", "null", "jobs.db", "' OR 1=1 --", job.visitor, job.visitor[:22]]


def test_the_owner_has_all_of_it(job, stranger):
    for name in NAMES:
        status, content = stranger.get(f"/private/{job.id}/{name}")
        assert (status, len(content) > 100) == (200, True), name


def test_the_id_opens_what_is_listed_and_nothing_else_of_the_folder(job, stranger):
    kept = [str(path.relative_to(job.folder)) for path in job.folder.rglob("*") if path.is_file()]
    for path in [*kept, "photos", "samples", "samples/000000", "../jobs.db", "../../jobs/jobs.db",
                 "adapter--1.safetensors", "sample-0-0.png/..", "sample-0-99.png", "sample-٠-٠.png", "grid.png%00",
                 "grid.png/", "GRID.PNG"]:
        for written in {quote(path), quote(path, safe=""), quote(quote(path, safe=""), safe="")}:
            status, _ = stranger.get(f"/private/{job.id}/{written}")
            assert status in (404, 307), written


def test_no_guessed_id_opens_a_file(job, owned, stranger):
    for guess in guesses(job):
        for name in NAMES:
            status, content = stranger.get(f"/private/{quote(guess, safe='')}/{name}")
            assert status in (404, 307), guess
            assert tells_nothing(content, owned)


def test_a_link_on_the_disk_under_another_id_opens_nothing(job, stranger):
    link = job.folder.parent / ("L" * 22)
    link.symlink_to(job.folder)
    try:
        for name in NAMES:
            assert stranger.get(f"/private/{'L' * 22}/{name}")[0] == 404
    finally:
        link.unlink()


def test_a_link_that_was_taken_back_opens_nothing(job, context, owned, stranger):
    own = copied(context, job)
    renewed = context.jobs.renew(own.id, own.visitor)
    try:
        for name in NAMES:
            status, content = stranger.get(f"/private/{own.id}/{name}")
            assert status == 404 and tells_nothing(content, owned)
            assert stranger.get(f"/private/{renewed.id}/{name}")[0] == 200
        for name, rest in ENDPOINTS.items():
            success, told = stranger.call(name, [own.id, *rest])
            assert not success or name == "delete_my_data", name
            assert tells_nothing(told, owned)
        assert context.jobs.get(renewed.id).folder == own.folder
    finally:
        context.jobs.delete(renewed.id)


def test_an_own_id_is_no_way_to_another_training(job, context, owned, stranger):
    own = copied(context, job)
    try:
        for step in ("..", "%2e%2e", "..%2f", "..%5c", "%2e%2e%2f", "%252e%252e%252f", "..;", "%c0%ae%c0%ae/", "...//"):
            for rest in ("", "/", f"/{job.id}/photos/00.png", f"%2f{job.id}%2fcaptions.json", f"{job.id}/photos"):
                status, content = stranger.get(f"/private/{own.id}/{step}{rest}")
                assert status in (404, 307), step + rest
                assert tells_nothing(content, owned)
    finally:
        context.jobs.delete(own.id)


@pytest.mark.parametrize("route", [
    "/gradio_api/file={0}", "/file={0}", "/gradio_api/file/{0}", "/static/{0}", "/assets/{0}", "/svelte/{0}", "/{0}",
    "/gradio_api/custom_component/x/client/component/{0}", "/custom_component/x/client/component/{0}",
    "/gradio_api/proxy={0}", "/gradio_api/stream/s/r/0/{0}", "/gradio_api/upload?path={0}", "/static/fonts/{0}"])
def test_no_route_of_the_page_gives_a_file_of_it(job, data_dir, owned, stranger, route):
    base = str(data_dir / "gradio")
    for file in ("photos/00.png", "captions.json", "../jobs.db"):
        path = str(job.folder / file)
        tail = f"jobs/{job.id}/{file}"
        for each in (path, quote(path, safe=""), quote(quote(path, safe=""), safe=""), "/" + path, f"{base}/../{tail}",
                     f"{base}/%2e%2e/{tail}", f"{base}/..%2f{tail}", f"{base}%2f..%2f{quote(tail, safe='')}",
                     f"{base}/..\\{tail}", path + "%00.png", path + "/.", "file://" + path, "../" * 12 + path,
                     quote("../" * 12 + path[1:], safe=""), f"http://{urlsplit(stranger.url).netloc}/private/x/grid.png"):
            status, content = stranger.get(route.format(each))
            assert status >= 300 or tells_nothing(content, owned), each
            assert tells_nothing(content, owned[1:]), each  # a refusal may repeat the address itself


def test_what_the_page_says_of_itself_names_no_training(job, owned, stranger):
    for path in ("/", "/config", "/gradio_api/info", "/gradio_api/info?all_endpoints=true", "/queue/status",
                 "/gradio_api/startup-events", "/gradio_api/queue/status", "/monitoring", "/gradio_api/app_id", "/docs",
                 "/openapi.json", "/?tab=personal-lora", f"/?tab=personal-lora&job={'A' * 22}", "/theme.css",
                 "/robots.txt", "/private", "/private/", f"/private/{'A' * 22}", "/metrics", "/health"):
        _, content = stranger.get(path)
        assert tells_nothing(content, owned), path


@pytest.mark.parametrize("name", list(ENDPOINTS))
def test_no_name_for_scripts_gives_or_changes_it_without_the_id(job, owned, stranger, name):
    before = sorted((str(path), path.stat().st_mtime_ns) for path in job.folder.rglob("*"))
    strange = [None, 0, True, 1e9, [job.visitor], {"id": "x"}, {"path": str(job.folder / "captions.json")}]
    for guess in [*guesses(job), *strange]:
        success, told = stranger.call(name, [guess, *ENDPOINTS[name]])
        assert success is False, guess
        assert tells_nothing(told.replace(job.id + "A", "").replace(str(job.folder), ""), owned)
    assert sorted((str(path), path.stat().st_mtime_ns) for path in job.folder.rglob("*")) == before


def test_no_event_of_the_tab_gives_it_to_another_session(job, context, owned, stranger):
    """Every event of the tab, the private ones too, with the values of a fresh page."""
    token = context.visitors.new()  # the owner's photos before a training, under a name that would be seen
    draft.add(context, token, [replace(photo, name=NAME) for photo in
                               sample_sets.pictures(context, sample_sets.PERSON, count=3)], TRIGGER)
    config = stranger.config
    values = {each["id"]: each["props"].get("value") for each in config["components"]}
    inside = inside_of(config, "Personal LoRA")
    tried = 0
    for event in config["dependencies"]:
        named = event["api_name"] in ("start_training", *ENDPOINTS)
        if event["backend_fn"] and inside & {*event["inputs"], *event["outputs"]} and not named:
            query = f"?tab=personal-lora&job={guesses(job)[tried % 5]}"
            _, told = stranger.event(event["id"], [values.get(number) for number in event["inputs"]], query)
            assert tells_nothing(told.replace(job.id + "A", ""), owned), event
            tried += 1
    assert tried > 30
    assert context.jobs.get(job.id).state == "done"
    assert len(draft.items(context, token)) == 3
    context.visitors.delete(token)


def test_another_visitor_sees_no_photo_whatever_token_is_made_up(job, context, owned, stranger):
    token = context.visitors.new()
    draft.add(context, token, [replace(photo, name=NAME) for photo in
                               sample_sets.pictures(context, sample_sets.PERSON, count=3)], TRIGGER)
    config = stranger.config
    values = {each["id"]: each["props"].get("value") for each in config["components"]}
    inside = inside_of(config, "Personal LoRA")
    opening = [each for each in config["dependencies"] if len(each["outputs"]) > 8 and inside & {*each["outputs"]} and
               "browserstate" in [kind(config, number) for number in each["inputs"]]]
    made_up = [context.visitors.name(token), token[:-1] + ("A" if token[-1] != "A" else "B"), token.swapcase(), "",
               None, "../" + context.visitors.name(token), ["x"], {"a": 1}, 7, token + "A", "%" * 22, "_" * 22]
    for event in opening:
        for guess in made_up:
            data = [guess if kind(config, number) == "browserstate" else values.get(number)
                    for number in event["inputs"]]
            _, told = stranger.event(event["id"], data, "?tab=personal-lora")
            assert tells_nothing(told, owned)
    assert len(opening) >= 3  # both ways to open the tab, and "Delete my data"
    assert len(draft.items(context, token)) == 3
    context.visitors.delete(token)


def test_nothing_of_the_photos_stays_in_the_pages_own_cache(job, data_dir):
    photos = {path.read_bytes() for path in (job.folder / "photos").iterdir()}
    kept = [path for path in (data_dir / "gradio").rglob("*") if path.is_file()]
    assert not [path for path in kept if NAME in path.name or path.read_bytes() in photos]


@pytest.mark.parametrize("end", ["deleted", "expired"])
def test_a_training_that_is_gone_is_gone_everywhere(job, context, stranger, end):
    own = copied(context, job, **({"expires": 1.0} if end == "expired" else {}))
    for name in NAMES:
        assert stranger.get(f"/private/{own.id}/{name}")[0] == 200
    if end == "expired":
        context.jobs.sweep()
    else:
        success, told = stranger.call("delete_my_data", [own.id])
        assert success is True, told
    assert not own.folder.exists()
    for name in NAMES:
        assert stranger.get(f"/private/{own.id}/{name}")[0] == 404
    for name, rest in ENDPOINTS.items():
        success, told = stranger.call(name, [own.id, *rest])
        assert success is False
        assert TRIGGER not in told
    assert context.jobs.get(job.id).state == "done"  # and the other one is not


def walk(node):
    yield node
    for child in node.get("children", ()):
        yield from walk(child)


def props(config, number):
    return next((each for each in config["components"] if each["id"] == number), {"props": {}, "type": ""})


def inside_of(config, title):
    """The components of a tab."""
    tab = next(each for each in walk(config["layout"]) if props(config, each.get("id"))["props"].get("label") == title)
    return {each["id"] for each in walk(tab)}


def kind(config, number):
    return props(config, number)["type"]
