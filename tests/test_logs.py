"""What the page prints, driven by raw requests full of marks: nothing that a visitor sent, no secret, no address.

And what visitors read: no folder of the machine.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from playground import logs, storage
from playground.errors import BadInput, DamagedWeights, StorageTrouble
from playground.job_table import QUEUED, JobTable
from tests.servers import PATIENCE, ROOT, Server, picture

MARK = "Zanzibar-Quokka-4417"  # what a visitor sends; in no other text of this project
PASSWORD = "lovelace-Okapi-1815"
ADDRESS = "203.0.113.77"  # the visitor's, as the proxy tells it
JOB = "Okapi4417_-abcdefghijk"
OWN = {  # an operator's own models that cannot be read, by what asks for them
    "openai-community--gpt2": {"config.json": "{", "model.safetensors": "no weights", "tokenizer.json": "{"},
    "dcgan-faces-64": {"weights.tar": "no archive"},
    "glove-6b-50d": {"notes.txt": "no vectors"},
    "cl100k_base": {"cl100k_base.tiktoken": "no ranks !"},
}
SHAPES = [  # values that a component does not take
    MARK, {MARK: MARK}, {"path": f"/tmp/{MARK}.png", "orig_name": f"{MARK}.png", "meta": {"_type": "gradio.FileData"}},
    [MARK, [MARK]], {"path": [MARK], "meta": {"_type": "gradio.FileData"}}, MARK * 2000, None, 10**30]
LIMITS = "joins=100000,joins_address=100000,uploads=1000,uploads_address=1000,logins=50"


class Guest:
    """A visitor of a page in class mode, logged in, behind a proxy."""

    def __init__(self, server):
        self.server = server
        self.web = server.web = httpx.Client(base_url=server.url, timeout=PATIENCE,
                                             limits=httpx.Limits(max_keepalive_connections=0))
        self.web.headers["x-forwarded-for"] = ADDRESS
        assert self.web.get("/").status_code == 200
        assert self.web.post("/login", data={"username": "ada", "password": PASSWORD}).json() == {"success": True}
        self.config = self.web.get("/config").json()
        self.answers = []

    def send(self, number, data, session):
        """An event of a function by its number; its last message, or what was answered in its place."""
        body = {"data": data, "fn_index": number, "session_hash": session}
        joined = self.web.post("/gradio_api/queue/join", json=body)
        self.answers.append(joined.text if joined.status_code != 200 else json.dumps(self.server.answer(session)))
        return self.answers[-1]

    def ask(self, name, *data):
        """The text of the last message of a public function."""
        number = next(item["id"] for item in self.config["dependencies"] if item["api_name"] == name)
        return self.send(number, list(data), f"asks-{len(self.answers)}")

    def printed(self):
        """What the page printed so far."""
        return self.server.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def guest(tmp_path_factory, data_dir):
    """On a page whose operator has a login file and models of his own that cannot be read."""
    place = tmp_path_factory.mktemp("Operators Own")  # with a space, as many a folder has
    users, models, data = place / "users", place / "own models", place / "data"
    users.write_text(f"ada:{PASSWORD}\n")
    for name, files in OWN.items():
        (models / name).mkdir(parents=True)
        for file, content in files.items():
            (models / name / file).write_text(content)
    data.mkdir()
    (data / "models").symlink_to(data_dir / "models")  # what was converted
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONUNBUFFERED", "1")
        server = Server(data, "--mode", "class", "--auth", str(users), "--models-dir", str(models),
                        "--trusted-proxy", "127.0.0.1", "--limits", LIMITS)
    yield Guest(server)
    server.kill()  # before jobs that an attack started: their parent would keep their entries
    server.end()


def clean(guest):
    """Nothing that must not be printed was printed."""
    printed = guest.printed()
    for secret in (MARK, MARK.lower(), PASSWORD, ADDRESS, JOB, guest.web.cookies.get("playground", "no cookie")):
        assert secret not in printed, printed[max(0, printed.index(secret) - 2000):][:2400]
    return printed


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("turn", range(3))
def test_no_value_that_a_control_does_not_take_is_printed(guest, turn):
    """Every event of the page is sent three times: with one shape of value in all places."""
    events = [each for each in guest.config["dependencies"] if each["backend_fn"] and each["inputs"]]
    assert len(events) > 200
    for number, each in enumerate(events):
        if not each["api_name"].startswith("draw_example"):  # they read nothing that is sent, and draw for long
            data = [SHAPES[(number + 3 * turn) % len(SHAPES)]] * len(each["inputs"])
            guest.send(each["id"], data, f"turn-{turn}-{each['id']}")
    clean(guest)


@pytest.mark.parametrize("body", [
    {"data": MARK, "fn_index": 0, "session_hash": "odd"}, {"data": [MARK], "fn_index": MARK, "session_hash": "odd"},
    {"data": [MARK], "fn_index": 10**6, "session_hash": "odd"}, {"data": [MARK], "session_hash": "odd"}, [MARK], MARK,
    {"data": [], "fn_index": 0, "session_hash": MARK, "event_data": MARK, "trigger_id": MARK},
    {"data": [MARK], "fn_index": 0, "session_hash": "odd", "simple_format": MARK, "batched": MARK}])
@pytest.mark.parametrize("path", ["queue/join", "cancel", "reset", "component_server", "call/tokenize", f"call/{MARK}",
                                  f"stream/{MARK}", f"stream/{MARK}/close", f"upload_progress?upload_id={MARK}"])
def test_no_request_that_makes_no_sense_is_printed(guest, path, body):
    guest.answers.append(guest.web.post(f"/gradio_api/{path}", json=body).text)
    clean(guest)


@pytest.mark.parametrize("path", [f"queue/data?session_hash={MARK}", f"file={MARK}", f"heartbeat/{MARK}?x={MARK}",
                                  f"stream/{MARK}/{MARK}/1/playlist.m3u8", f"call/tokenize/{MARK}",
                                  f"custom_component/{MARK}/client/component/{MARK}", f"info?all={MARK}"])
def test_no_address_that_is_asked_for_is_printed(guest, path):
    with guest.web.stream("GET", f"/gradio_api/{path}", headers={"referer": MARK, "user-agent": MARK}):
        pass
    clean(guest)


@pytest.mark.parametrize("login", [{"username": MARK, "password": MARK}, {"username": MARK}, {MARK: MARK},
                                   {"username": MARK * 100, "password": "x"}])
def test_no_login_that_fails_is_printed(guest, login):
    assert guest.web.post("/login", data=login).status_code in (400, 413, 422)
    clean(guest)


@pytest.mark.parametrize("content", [b"no picture", picture()[:60], b"", b"<svg/>", b"GIF89a" + b"\xff" * 200,
                                     b"\xff\xd8\xff\xe0" + b"\x00" * 100])
def test_no_file_that_breaks_a_decoder_is_printed(guest, content):
    stored = guest.web.post("/gradio_api/upload", files=[("files", (f"{MARK}.png", content))]).json()
    file = {"path": stored[0], "orig_name": f"{MARK}.png", "meta": {"_type": "gradio.FileData"}}
    guest.ask("add_noise", file, 100)
    guest.ask("start_training", [file], MARK, 2, 2, 1e-3, 1, "pocket-diffusion-64", True)
    clean(guest)


def test_no_text_that_is_computed_with_is_printed(guest):
    for name, data in {"tokenize": [MARK, "o200k_base"], "babble": ["moby-dick", "letters", 3, MARK, 20, 1],
                       "ngram_next": ["moby-dick", "words", 2, MARK], "word_arithmetic": [f"{MARK} - {MARK}", 3, True],
                       "word_pair": [MARK, MARK], "sentence_similarity": [f"{MARK}\n{MARK} {MARK}"],
                       "evaluate_prompts": [f"prompts: ['{{{{{MARK}}}}}']\nproviders: [{MARK}]\ntests: []"],
                       "next_token": [MARK, MARK], "denoise": [MARK, 2, 3.0, 1, MARK, MARK]}.items():
        guest.ask(name, *data)
    clean(guest)


def test_no_jobs_id_is_printed_where_its_files_are_broken(guest):
    table = JobTable(guest.server.data / "jobs")
    table.add(JOB, "lora", MARK, {"plan": {"trigger": MARK}}, 3600.0)
    table.change(JOB, QUEUED, state="done", progress=json.dumps({"samples": [[1, [MARK]]], "adapters": [1]}))
    folder = guest.server.data / "jobs" / JOB
    folder.mkdir()
    (folder / "samples").write_text(MARK)  # a file where a folder should be
    codes = {guest.web.get(f"/private/{JOB}/{name}").status_code for name in (
        "grid.png", "steps.gif", "sample-000001-000.png", "adapter-000001.safetensors", MARK)}
    assert codes & {404, 500}
    for name in ("training_status", "resume_training", "cancel_training", "generate_personal", "delete_my_data"):
        guest.ask(name, JOB, MARK)
        guest.ask(name, JOB)
        guest.ask(name, MARK)
    clean(guest)


@pytest.mark.parametrize(("name", "data"), [
    ("next_token", ["a text", "openai-community/gpt2"]), ("generate_faces", [1, 1, 1.0]),
    ("word_arithmetic", ["king - man", 3, True]), ("tokenize", ["a text", "cl100k_base"]),
    ("tokenize", ["a text", "openai-community/gpt2"]),
    ("denoise", ["a face", 2, 3.0, 1, "DDIM", "stable-diffusion-v1-5/stable-diffusion-v1-5"])])
def test_no_folder_is_told_with_a_model_that_is_damaged_or_missing(guest, name, data):
    told = guest.ask(name, *data)
    assert '"success": false' in told
    assert '"error": "' in told  # with words
    placeless(guest, told)


def test_no_folder_is_told_where_nothing_can_be_written(guest):
    """A file where the page's cache should be, and one where visitors' folders are."""
    moved = [guest.server.data / name for name in ("gradio", "visitors")]
    for folder in moved:
        folder.rename(folder.with_suffix(".aside"))
        folder.write_text("in the way")
    try:
        drawn = guest.ask("denoise", "a face", 2, 3.0, 1, "DDIM", "pocket-diffusion-64")
        sent = guest.web.post("/gradio_api/upload", files=[("files", (f"{MARK}.png", picture()))])
    finally:
        for folder in moved:
            folder.unlink()
            folder.with_suffix(".aside").rename(folder)
    assert "a file stands where a folder should be" in drawn
    assert "--data-dir" in drawn
    placeless(guest, drawn + sent.text)
    assert f"{guest.server.data}/gradio" in clean(guest)  # for the operator


def placeless(guest, told):
    """No folder of the operator's is in an answer."""
    for place in (guest.server.data, guest.server.data.parent, ROOT):
        assert str(place) not in told
    assert not re.search(r"(/home|/tmp|/usr|/root|/var)/", told), told


def test_no_answer_of_this_module_that_failed_told_a_folder(guest):
    guest.ask("denoise", "a face", 2, 3.0, 1, "DDIM", "no such model")  # one at least, also where this test runs alone
    failed = [told for told in guest.answers if '"success": false' in told or "detail" in told]
    assert failed
    for told in failed:
        placeless(guest, told.replace(f"/tmp/{MARK}.png", ""))


SPOKEN = f"""
import asyncio, logging, threading, traceback, warnings
from playground import logs
from playground.errors import BadInput
logs.install()
words = {MARK!r}

class Dropped:
    def __del__(self):
        raise ValueError(words)

def fail():
    try:
        int(words)
    except ValueError as problem:
        raise RuntimeError(words) from problem

async def forgotten():
    asyncio.get_running_loop().call_soon(fail)
    task = asyncio.create_task(asyncio.to_thread(fail))
    await asyncio.sleep(0.2)
    del task

own, library = logging.getLogger("playground.test"), logging.getLogger("diffusers.pipelines")
library.addHandler(logging.StreamHandler())  # as libraries have their own
try:
    fail()
except RuntimeError:
    traceback.print_exc()
    own.exception("Ours")
    library.exception("cut off: " + words)
try:
    raise ExceptionGroup(words, [OSError(28, "No space left on device", words), BadInput(words)])
except ExceptionGroup:
    traceback.print_exc()
library.warning("cut off: %s", words)
warnings.warn(f"not in the list: {{words}}")
threading.Thread(target=fail).start()
Dropped()
asyncio.run(forgotten())
own.info("the end")
"""


def test_a_process_prints_kinds_and_places_and_no_words():
    shown = subprocess.run([sys.executable, "-c", SPOKEN], capture_output=True, text=True, cwd=ROOT, check=True)
    printed = shown.stdout + shown.stderr
    assert MARK not in printed
    for told in ("RuntimeError", "ValueError", "BadInput", "OSError: No space left on device", "ERROR playground.test",
                 "WARNING diffusers.pipelines: said something at <string>:", "UserWarning at <string>:",
                 "A thread ended", "Nobody could catch this", "ERROR asyncio", "INFO playground.test: the end"):
        assert told in printed, printed


def test_a_trace_leads_to_the_line_of_a_bug():
    def broken(text):
        return json.loads(text)

    try:
        broken(MARK)
    except ValueError as problem:
        trace = logs.trace(problem)
    assert MARK not in trace
    assert re.search(rf"{re.escape(__file__)}:\d+ in broken: return json.loads\(text\)", trace)
    assert trace.splitlines()[-1] == "json.decoder.JSONDecodeError"


def test_a_traceback_written_elsewhere_is_whole(tmp_path):
    with (tmp_path / "file").open("w+") as file:
        try:
            int(MARK)
        except ValueError:
            logs.print_exc(file=file)
        file.seek(0)
        assert MARK in file.read()


def test_what_is_not_cleaned_up_is_logged_without_the_jobs_id(tmp_path, monkeypatch, caplog):
    def refuse(path, *values, **more):
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(storage.shutil, "rmtree", refuse)
    assert not storage.attempt(storage.remove_folder, tmp_path / "jobs" / JOB)
    assert not storage.attempt(refuse, tmp_path / "gradio" / "uploads" / ("ab" * 16) / MARK)
    for part in (str(tmp_path / "jobs"), "Input/output error", JOB[:6], str(tmp_path / "gradio" / "uploads")):
        assert part in caplog.text
    for secret in (JOB, MARK, "ab" * 16):
        assert secret not in caplog.text


def test_storage_tells_the_visitor_the_reason_and_the_log_the_place(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageTrouble) as told:
        storage.ensure_folder(tmp_path / "file" / JOB)
    assert "a file stands where a folder should be" in str(told.value)
    assert str(tmp_path) not in str(told.value)
    assert str(tmp_path / "file") in caplog.text
    assert JOB not in caplog.text


@pytest.mark.parametrize(("words", "left"), [
    ("no file named config.json found in directory /home/op/own models/gpt2.", "no file named config.json found in "
     "directory gpt2."),
    ("Error in '/usr/lib/x y/a.py', C:\\Users\\op\\b.bin and ~/c/d.json", "Error in 'x y/a.py', b.bin and d.json"),
    ("read 3/4 of it; see https://huggingface.co/a/b", "read 3/4 of it; see https://huggingface.co/a/b")])
def test_a_librarys_words_lose_their_folders(words, left):
    assert logs.pathless(words, Path("/home/op/own models/gpt2")) == left


@pytest.mark.parametrize(("problem", "line"), [
    (BadInput("Too long.", "Cut it."), "Too long. Cut it."), (DamagedWeights("Broken."), "Broken."),
    (OSError(2, "No such file or directory", f"/d/{MARK}"), "FileNotFoundError: No such file or directory in /d"),
    (ValueError(MARK), "ValueError")])
def test_an_error_in_a_line(problem, line):
    assert logs.told(problem) == line
