"""A page in public mode, attacked with raw requests: what is off is off behind every door, all that is made is marked.

The page is a process of its own, on a data folder in which a class left trainings and a run that asked an endpoint.
"""

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from PIL import Image

from playground import marks
from playground.diffusion import models
from playground.job_table import DONE, PAUSED, QUEUED, JobTable
from playground.jobs import Jobs
from playground.processes import LocalRunner
from playground.settings import Settings
from tests.lora import kept_jobs
from tests.raw_browser import RawBrowser
from tests.servers import picture, serving, until

pytestmark = [pytest.mark.models, pytest.mark.slow]
MANY = "joins=100000,joins_address=100000,uploads=100000,uploads_address=100000"
OFF = "switched off"
LOSS = 64  # of 255: the colours of a GIF are few
MARKED = marks.Mark("", visible=True)


class Outside(BaseHTTPRequestHandler):
    """What must never be asked."""

    def do_POST(self):
        self.server.asked.append(self.path)
        self.send_error(500)

    do_GET = do_POST


@pytest.fixture(scope="module")
def outside():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Outside)
    made.asked = []
    made.url = f"http://127.0.0.1:{made.server_port}/v1"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def left(data_dir, tmp_path_factory, outside):
    """What a class left: a training that was stopped, one that is done, a run that an endpoint was to answer."""
    from playground.evaluation.plan import Case, Plan, Prompt, Provider

    data = tmp_path_factory.mktemp("public") / "data"
    data.mkdir()
    (data / "models").symlink_to((data_dir / "models").resolve(), target_is_directory=True)
    done = kept_jobs.training(data, DONE)
    kept_jobs.with_adapter(data, done, Settings(device="cpu", offline=True, data_dir=data))
    asked = Plan((Prompt("Hello"),), (Provider("openai:gpt", base_url=outside.url),), (Case(),))
    table, run = JobTable(data / "jobs"), "R" * 22
    table.add(run, "evaluation", "of-before", {"plan": asked.to_json(), "issues": [], "settings": {
        "device": "cpu", "offline": False, "memory_budget": None, "models_dir": None, "endpoints": "private",
        "share": False}}, 3600)
    table.change(run, QUEUED, state=PAUSED)
    return SimpleNamespace(data=data, table=table, stopped=kept_jobs.training(data, PAUSED), done=done, run=run)


@pytest.fixture(scope="module")
def server(left):
    with serving(left.data, "--mode", "public", "--limits", MANY) as made:
        yield made


@pytest.fixture
def visit(server):
    """Opens a browser, by a link if need be."""
    opened = []

    def visit(tab: str = "") -> RawBrowser:
        opened.append(RawBrowser(server.url, tab))
        return opened[-1]

    yield visit
    for each in opened:
        each.close()


def words(answer):
    """The error of an answer that must be one."""
    assert answer["success"] is False, answer
    assert answer["output"]["error"], "an error without words"
    return answer["output"]["error"]


def trainings(left):
    """The states of all trainings on pictures."""
    with left.table.rows() as rows:
        return sorted(row["state"] for row in rows.execute("SELECT state FROM jobs WHERE kind='lora'"))


def resident(browser):
    """The models in memory."""
    return {each["name"] for each in browser.call("cache_status")["output"]["data"][0]["models"]}


def test_no_training_begins_by_its_name_for_scripts(visit, left):
    """And asking for one takes no model from those who use it."""
    browser = visit()
    assert browser.call("generate_faces", 1, 1, 1.0)["success"] is True
    before = resident(browser)
    files = [browser.upload(picture(seed)) for seed in range(4)]
    assert OFF in words(browser.call("start_training", files, "joshug", 2, 2, 1e-3, 1, models.POCKET, True))
    assert before <= resident(browser)
    assert browser.web.get(f"/gradio_api/file={files[0]['path']}").status_code in (403, 404), "the photo is kept"
    assert trainings(left) == [DONE, PAUSED]


@pytest.mark.parametrize("button", ["Train", "Estimate time and memory"])
def test_no_training_begins_by_a_click(visit, left, button):
    """Nor the real steps of an estimate."""
    browser = visit("?tab=personal-lora")
    token, *_ = browser.click("Sample: made-up person")[0]["output"]["data"]
    assert len(token) == 22
    (answer,) = browser.click(button, browserstate=token, checkbox=True, Trigger="joshug", Steps=2)
    assert OFF in words(answer)
    assert "Measuring" not in str(answer["before"])
    assert trainings(left) == [DONE, PAUSED]


def test_no_photo_is_kept_where_nobody_may_train(visit, left):
    browser, before = visit("?tab=personal-lora"), set((left.data / "visitors").rglob("*.png"))
    sent = browser.upload(picture(5))
    (answer,) = browser.click("Add photos", uploadbutton=[sent], browserstate="t" * 22)
    assert OFF in words(answer)
    assert browser.web.get(f"/gradio_api/file={sent['path']}").status_code in (403, 404)
    assert set((left.data / "visitors").rglob("*.png")) == before


def test_no_training_of_before_goes_on(visit, left):
    browser = visit(f"?tab=personal-lora&job={left.stopped}")
    assert OFF in words(browser.call("resume_training", left.stopped))
    assert browser.click("Personal LoRA", browserstate="")[0]["success"] is True
    assert OFF in words(browser.click("Resume")[0])
    assert trainings(left) == [DONE, PAUSED]


def test_what_was_learnt_before_can_be_drawn_with_and_is_marked(visit, left):
    browser = visit()
    answer = browser.call("generate_personal", left.done, "a photo of a face, [trigger]", 3, 1.0)
    (drawn,) = browser.pictures(answer["output"]["data"])
    assert marked(drawn)


@pytest.mark.parametrize("provider", [
    {"id": "openai:gpt-4.1"}, {"id": "openai:chat:gpt-4.1", "config": {"apiBaseUrl": "URL"}},
    {"id": "openai:gpt-4.1", "config": {"apiBaseUrl": "http://127.0.0.1:1/v1", "apiKeyEnvar": "PATH"}},
    {"id": "openai:gpt", "config": {"base_url": "URL"}}, {"id": "gemma-3-270m", "config": {"apiBaseUrl": "URL"}},
    {"id": "URL"}, {"id": "https:URL"}, {"id": "webhook:URL"}, {"id": "exec:id"}, {"id": "file://provider.py"}])
def test_no_endpoint_is_asked(visit, outside, provider):
    config = json.dumps({"prompts": ["Hello"], "providers": [provider], "tests": [{}]}).replace("URL", outside.url)
    browser = visit()
    answer = browser.call("evaluate_prompts", config)
    told = answer["output"]["data"][0]["issues"] if answer["success"] else words(answer)
    assert told
    assert "R" * 22 not in str(answer)
    for each in browser.click("Run this YAML", YAML=config):
        assert each["success"] is True or words(each)
    assert outside.asked == []


def test_no_endpoint_is_asked_by_the_form(visit, outside):
    browser = visit("?tab=prompt-evaluation")
    said = [words(each) for each in browser.click("Run", Address=outside.url)
            if not each["success"]]  # other tabs have such a button too
    assert any("does not go there" in each for each in said)
    assert outside.asked == []


def test_a_run_of_before_asks_none_when_it_goes_on(visit, left, outside):
    browser = visit(f"?tab=prompt-evaluation&run={left.run}")
    assert left.run in str(browser.click("Prompt evaluation")[0]["output"])
    (answer,) = browser.click("Go on with this run")
    assert "does not go there" in str(answer)
    assert outside.asked == []


def test_one_lab_trains_at_a_time_whoever_starts_it(visit, server, left, request):
    """Two browsers, and a script without a cookie that is another visitor each time."""
    browsers = [visit("?tab=gan-faces") for _ in range(2)]
    for each in browsers:
        started = each.click("Two moons")[0]["output"]["data"]
        assert started
    assert until(lambda: running(left)) == 1
    request.addfinalizer(lambda: calm(left))
    with httpx.Client(base_url=server.url, timeout=60) as script:
        (number,) = (each["id"] for each in browsers[0].called("Two moons"))
        for session in range(8):
            body = {"data": [""], "fn_index": number, "session_hash": f"script-{session}"}
            assert script.post("/gradio_api/queue/join", json=body).status_code == 200
            with script.stream("GET", f"/gradio_api/queue/data?session_hash=script-{session}") as stream:
                assert "process_completed" in "".join(stream.iter_lines())
            assert running(left) <= 1
    with left.table.rows() as rows:
        assert rows.execute("SELECT COUNT(*) FROM jobs WHERE kind='gan-lab' AND state='queued'").fetchone()[0] <= 6


def calm(left):
    """Ends what the lab does and what waits for it, as its visitors would."""
    jobs = Jobs(left.data / "jobs", LocalRunner(), Settings(mode="public").job_limits)
    with left.table.rows() as rows:
        started = [row["id"] for row in rows.execute("SELECT id FROM jobs WHERE kind='gan-lab' ORDER BY state DESC")]
    for each in started:
        jobs.cancel(each)
    until(lambda: not running(left))


def running(left):
    """How many trainings of the lab run."""
    return sum(job.kind == "gan-lab" for job in left.table.running())


def marked(image):
    """Whether the visible mark stands on a picture: its pixels are between those of a marked black and white one."""
    seen = np.asarray(image.convert("RGB")).astype(int)
    darkest, lightest = (np.asarray(marks.labelled(np.full_like(seen, grey, np.uint8), MARKED)).astype(int)
                         for grey in (0, 255))
    assert darkest.any()
    return bool((seen >= darkest - LOSS).all() and (seen <= lightest + LOSS).all())


def test_the_mark_is_told_from_a_picture_without_it():
    face = np.asarray(Image.open(io.BytesIO(picture(side=192))).convert("RGB"))
    assert marked(marks.labelled(face, MARKED))
    assert not marked(Image.fromarray(face))


@pytest.mark.parametrize(("name", "data"), [
    ("generate_faces", (3, 7, 1.0)), ("face_walk", (1, 2, 3)),
    ("denoise", ("a photo of a face", 2, 3.0, 5, "DDIM", models.POCKET))])
def test_every_generated_picture_of_a_script_is_marked(visit, name, data):
    browser = visit()
    drawn = browser.pictures(browser.call(name, *data, False, [])["output"]["data"])
    assert len(drawn) >= 3
    assert all(map(marked, drawn))


@pytest.mark.parametrize("button", [
    "New faces", "Wild (ψ 1.5)", "Walk", "Compute", "Truncation filmstrip: one face from average to wild",
    "Inside the generator: noise in, picture out"])
@pytest.mark.parametrize("look", [[], ["true pixels"], None, ["visible mark", "unmarked"]])
def test_every_face_on_the_page_is_marked_whatever_is_sent_for_its_look(visit, button, look):
    browser = visit("?tab=gan-faces")
    drawn = [found for answer in browser.click(button, Display=look) if answer["success"]
             for found in browser.pictures(answer["output"]["data"])]
    assert drawn or look not in ([], ["true pixels"])  # what the page has no box for is refused
    assert all(map(marked, drawn))
