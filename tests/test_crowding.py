"""A class page behind a proxy, crowded by one visitor with raw requests: others keep their pages, places and logins."""

import io
import json
from dataclasses import replace

import httpx
import pytest
from PIL import Image

from tests.test_jobs import Idle

TRAINING = ["joshug", 2, 2, 1e-3, 1, "pocket-diffusion-64", True]
LIMITS = "sessions=4,jobs=7,jobs_each=1,jobs_address=4,logins=5"
JOIN = "/gradio_api/queue/join"


@pytest.fixture(scope="module")
def page(settings, tmp_path_factory):
    """The page, whose trainings only seem to run."""
    import app

    data = tmp_path_factory.mktemp("crowded")
    (data / "users").write_text("ada:lovelace\neve:apple\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(data))
        patch.setattr("playground.context.LocalRunner", Idle)
        page = app.start(replace(settings, data_dir=data, mode="class", auth=data / "users", trusted_proxy="127.0.0.1",
                                 limits=LIMITS))
        yield page
        page.close()


class Visitor:
    """A browser at an address, as the proxy tells it; it may leave its cookie out."""

    def __init__(self, page, address, user="", password=""):
        headers = {"x-forwarded-for": address}
        self.http = httpx.Client(base_url=page.local_url.rstrip("/"), headers=headers, timeout=60)
        self.http.get("/")
        if user:
            assert self.log_in(user, password) == 200

    def log_in(self, user, password):
        return self.http.post("/login", data={"username": user, "password": password}).status_code

    def forget_browser(self):
        for name in [name for name in self.http.cookies if name.startswith("playground")]:
            del self.http.cookies[name]

    def call(self, name, data, session):
        """The last message of a public function's event."""
        functions = {item["api_name"]: item["id"] for item in self.http.get("/config").json()["dependencies"]}
        body = {"data": data, "fn_index": functions[name], "session_hash": session}
        joined = self.http.post(JOIN, json=body)
        assert joined.status_code == 200, joined.text
        with self.http.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as stream:
            for line in stream.iter_lines():
                if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                    return message
        raise AssertionError("The stream ended without an answer.")

    def train(self, session):
        """A training's id, or the words of the refusal."""
        files = [("files", (f"{number}.png", picture(number))) for number in range(4)]
        sent = [{"path": path, "meta": {"_type": "gradio.FileData"}}
                for path in self.http.post("/gradio_api/upload", files=files).json()]
        done = self.call("start_training", [sent, *TRAINING], session)
        return done["output"]["data"][0] if done["success"] else done["output"]["error"]

    def status(self, job):
        return self.call("training_status", [job], "looking")["output"]["data"][0]


def picture(number):
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 10 + number).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def test_invented_sessions_push_out_nobodys_page(page):
    ada, eve = Visitor(page, "1.1.1.1", "ada", "lovelace"), Visitor(page, "6.6.6.6", "eve", "apple")
    ada.call("tokenize", ["mine", "cl100k_base"], "ada-open")
    for number in range(12):
        if number == 6:
            eve.forget_browser()
        eve.call("tokenize", ["x", "cl100k_base"], f"eve-{number}")
    assert "ada-open" in page.state_holder
    assert len(page.state_holder.session_data) == 4


def test_invented_sessions_take_nobodys_place_among_trainings(page):
    ada, eve = Visitor(page, "1.1.1.1", "ada", "lovelace"), Visitor(page, "6.6.6.6", "eve", "apple")
    assert len(eve.train("eve-a")) == len(eve.train("eve-b")) == 22  # one runs, one waits
    assert "You have 1 jobs waiting" in eve.train("eve-c")
    eve.forget_browser()
    assert len(eve.train("eve-d")) == len(eve.train("eve-e")) == 22
    assert "4 jobs from your address" in eve.train("eve-f")
    job = ada.train("ada-a")
    assert len(job) == 22, job
    assert ada.status(job)["place"] == 1


def test_failed_logins_lock_out_nobody_who_was_here(page):
    ada, eve = Visitor(page, "1.1.1.1", "ada", "lovelace"), Visitor(page, "1.1.1.1")
    assert [eve.log_in("ada", f"guess {number}") for number in range(7)][-1] == 429
    assert ada.log_in("ada", "lovelace") == 200
    assert ada.log_in("eve", "apple") == 429
