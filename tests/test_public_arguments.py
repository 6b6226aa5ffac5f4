"""Every name for scripts of a public page, given what no page sends: answers or words, within bounds, and it lives on.

Also what is too large, and what belongs to somebody else.
"""

import json

import httpx
import psutil
import pytest

from playground.diffusion import models
from playground.text import language_model
from tests.raw_browser import RawBrowser
from tests.servers import picture, serving

pytestmark = [pytest.mark.models, pytest.mark.slow]
MANY = "joins=100000,joins_address=100000,uploads=100000,uploads_address=100000"
TEXT, DRAWS, FILE, JOB = language_model.MODEL, models.POCKET, object(), "A" * 22
CONFIG = json.dumps({"prompts": ["a"], "tests": [{}], "providers": [
    {"id": "ngram:moby-dick:words:3", "config": {"max_tokens": 2}}]})
NAMES = {
    "generate_faces": [2, 42, 1.0], "face_walk": [1, 2, 3], "add_noise": [FILE, 300],
    "denoise": ["a face", 2, 3.0, 5, "DDIM", DRAWS],
    "start_training": [[FILE], "joshug", 2, 2, 1e-3, 1, DRAWS, True],
    "training_status": [JOB], "cancel_training": [JOB], "resume_training": [JOB], "delete_my_data": [JOB],
    "generate_personal": [JOB, "a", 42, 1.0],
    "ngram_next": ["moby-dick", "letters", 2, "TH"], "babble": ["moby-dick", "letters", 3, "the", 30, 1],
    "word_arithmetic": ["king - man + woman", 5, True], "word_pair": ["king", "queen"],
    "sentence_similarity": ["a\nb"], "tokenize": ["hello", "cl100k_base"], "next_token": ["hello", TEXT, 1.0, 0, 1.0],
    "continue_text": ["hello", TEXT, 1.0, 0, 1.0, 4, 0], "evaluate_prompts": [CONFIG], "cache_status": []}
STRANGE = [10**9, -1, 10**400, float("nan"), float("inf"), "x" * 10**6, "9" * 10**6, [], {"a": 1}, None, True, "", "\0",
           "\ud800", {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "1e9", [[[[None] * 9]]]]
GROWTH = 500e6  # bytes of memory that all strange calls of a name may leave behind
LONGEST = 100_000  # characters of an answer
WORDS = 2000  # characters of an error


@pytest.fixture(scope="module")
def server(context, data_dir, tmp_path_factory):
    with context.cache.lease(language_model.spec(context)):
        pass  # converted before, not by the page
    data = tmp_path_factory.mktemp("arguments") / "data"
    data.mkdir()
    (data / "models").symlink_to((data_dir / "models").resolve(), target_is_directory=True)
    with serving(data, "--mode", "public", "--limits", MANY) as made:
        yield made


@pytest.fixture(scope="module")
def browser(server):
    made = RawBrowser(server.url)
    yield made
    made.close()


def filled(browser, value):
    """A value with a picture that was just sent in each place of FILE."""
    if isinstance(value, list):
        return [filled(browser, each) for each in value]
    return browser.upload(picture()) if value is FILE else value


def test_every_name_is_in_the_table(browser):
    assert set(NAMES) == set(browser.numbers)


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_sent_is_answered_within_bounds(browser, server, name):
    process = psutil.Process(server.process.pid)
    usual = NAMES[name]
    browser.call(name, *filled(browser, usual))
    before = process.memory_info().rss
    calls = [[], [None] * len(usual), [*usual, *usual]]
    calls += [[*usual[:place], strange, *usual[place + 1:]] for place in range(len(usual)) for strange in STRANGE]
    for data in calls:
        answer = browser.call(name, *filled(browser, data))
        about = f"{name}{[str(each)[:40] for each in data]}: {str(answer)[:500]}"
        assert len(str(answer)) < LONGEST, about
        if not answer["success"]:
            words = answer["output"]["error"]
            assert words, about
            assert "broke on our side" not in words, about
            assert "<img" not in words and len(words) < WORDS, about
    assert process.memory_info().rss - before < GROWTH
    assert browser.call("tokenize", "hello", "cl100k_base")["output"]["data"][0]["count"] == 1


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b'{"data": {}}', b'{"data": null, "fn_index": 0}', b'{"data": [], "fn_index": 1e99}',
    b'{"data": [], "fn_index": -1, "session_hash": "s"}', b'{"data": [], "fn_index": 0, "session_hash": [1]}',
    b'{"data": [], "fn_index": "x", "session_hash": "s"}', b"[" * 100_000, b'{"data": [' + b"[" * 50_000, b"\xff\xfe"])
def test_a_body_that_is_no_event_is_refused(browser, server, body):
    answer = httpx.post(f"{server.url}/gradio_api/queue/join", content=body, timeout=60,
                        headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 600
    assert "Traceback" not in answer.text
    assert browser.call("tokenize", "hello", "cl100k_base")["success"] is True


def test_what_is_too_large_is_refused(browser):
    """Also where no length is told before."""
    joined = browser.web.post("/gradio_api/queue/join", content=(b"x" * 100_000 for _ in range(41)))
    assert joined.status_code == 413
    for number, size in ((1, 12_600_000), (5, 11_000_000)):
        files = [("files", (f"{each}.png", b"x" * size)) for each in range(number)]
        assert browser.web.post("/gradio_api/upload", files=files).status_code == 413
    assert browser.upload(picture())


def test_a_choice_that_there_is_not_is_quoted_harmlessly(browser):
    """Gradio's own words for it hold what was sent."""
    number, place = next((each["id"], each["inputs"].index(part)) for each in browser.events for part in each["inputs"]
                         if browser.parts[part]["type"] == "dropdown")
    event = next(each for each in browser.events if each["id"] == number)
    for sent, shown in (("<img src=x onerror=alert(1)>", "&lt;img"), ("half \ud800", "half ?"), ("y" * 10**6, "yyy")):
        data = [browser.value(part, {}) for part in event["inputs"]]
        data[place] = sent
        words = browser.event(number, data)["output"]["error"]
        assert shown in words
        assert "<img" not in words and len(words) < WORDS


def test_the_log_holds_nothing_of_what_could_not_be_read(browser, server):
    """Gradio prints all that it was sent where there is too little of it."""
    secret = "Quokka-Zanzibar-4821"
    for name, data in (("tokenize", [secret]), ("add_noise", [secret, 1]), ("denoise", [secret])):
        assert browser.call(name, *data)["success"] is False
    assert "could not be read" in server.log.read_text()
    assert secret not in server.log.read_text()


def test_nothing_of_another_visitor_is_had_by_its_name(browser, server):
    """A session, a file of a folder, a token that was made up from his name on the disk."""
    other = RawBrowser(server.url)
    token, *_ = browser.click("Sample: made-up person")[0]["output"]["data"]
    (folder,) = (server.data / "visitors").iterdir()
    assert other.join(other.numbers["tokenize"], ["a", "cl100k_base"], session=browser.session).status_code == 403
    for kept in [path for path in folder.rglob("*") if path.is_file()]:
        for path in (kept, f"{server.data}/gradio/../visitors/{folder.name}/{kept.relative_to(folder)}"):
            assert other.web.get(f"/gradio_api/file={path}").status_code in (403, 404)
            file = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
            assert other.call("add_noise", file, 0)["success"] is False
    for guess in (token.swapcase(), token + "=", folder.name, folder.name[:22], f"../{folder.name}", [token], ""):
        for answer in other.click("Remove all", browserstate=guess):
            assert "sample" not in str(answer["output"]).lower().replace("sample set", "")
    assert sum(path.is_file() for path in folder.rglob("*")) > 2
    other.close()
