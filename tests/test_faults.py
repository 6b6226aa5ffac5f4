"""Faults that the page survives, as a process of its own, killed, starved and lied to: docs/sharing.md, "Faults".

The tests of one page follow each other in the order below, since starting one takes seconds.
"""

import contextlib
import os
import re
import shutil
import socket
import sqlite3
import struct
import time
from pathlib import Path

import psutil
import pytest

from playground.diffusion import models
from playground.janitor import SERVED
from tests.servers import ROOT, Server, pixels, status, submit, until

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(900)]  # it starts the page again and again
CONNECTIONS = 10_000
SLOW = 5  # seconds in which a body must have arrived
PARTS = ("app.py", "playground", "tabs", "assets", "docs")
UNET = Path("assets/models") / models.POCKET / "unet" / "diffusion_pytorch_model.safetensors"


class Living:
    """A page on a copy of the program whose files a test may damage; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.root, self.data = folder / "program", folder / "data"
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            self.root.mkdir(exist_ok=True)
            copy(ROOT / part, self.root / part)
        self.server = self.start()

    def start(self) -> Server:
        return Server(self.data, "--limits", f"slow={SLOW}", root=self.root)

    def restart(self) -> Server:
        """Kills the page and starts it again."""
        self.server.kill()
        self.server = self.start()
        return self.server


@pytest.fixture(scope="module")
def living(tmp_path_factory):
    page = Living(tmp_path_factory.mktemp("living"))
    yield page
    page.server.end()


def test_a_training_goes_on_when_the_page_is_killed(living):
    job = submit(living.server)
    samples = living.data / "jobs" / job / "samples"
    until(lambda: list(samples.rglob("*.png")))
    server = living.restart()
    known = status(server, job)
    assert known["state"] == "running"
    drawn = len(list(samples.rglob("*.png")))
    # by the process that the killed page had started: first the other samples, then steps
    until(lambda: len(list(samples.rglob("*.png"))) > drawn or status(server, job)["step"] > known["step"])
    assert server.ask("delete_my_data", job)[0]["deleted"]
    assert not samples.exists()


def test_what_a_killed_page_was_doing_leaves_nothing_behind(living):
    server, served = living.server, living.data / "gradio"
    server.join("denoise", ["a photo of a face", 100, 3.0, 1, "DDIM", models.POCKET], "drawing")
    until(lambda: server.ask("cache_status")[0]["computing"])
    before = set(served.rglob("*"))
    with half_an_upload(server):
        until(lambda: any(path.stat().st_size for path in set(served.rglob("*")) - before if path.is_file()))
        server.kill()
    orphans = [path for path in served.rglob("*") if path.is_file()]
    leftovers = [living.data / ".verified.json.a1b2c3d4", living.data / "gate.waits-4194304"]
    for path in leftovers:
        path.touch()
    for path in (*orphans, *leftovers):
        age(path, SERVED + 60)
    server = living.restart()
    until(lambda: not any(path.exists() for path in (*orphans, *leftovers)))
    with contextlib.closing(sqlite3.connect(living.data / "jobs" / "jobs.db")) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert pixels(server).startswith(b"\x89PNG")  # the gate is open


@contextlib.contextmanager
def half_an_upload(server: Server):
    """A connection that sent the first 100 kB of a file of 1 MB."""
    head = (b'--x\r\nContent-Disposition: form-data; name="files"; filename="face.png"\r\n'
            b"Content-Type: image/png\r\n\r\n" + b"x" * 100_000)
    with server.connect() as line:
        line.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
                     b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + head)
        yield line


def age(path: Path, seconds: float) -> None:
    """Makes a file look as if it had been written so long ago."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_an_upload_that_drips_is_ended(living):
    before = files_open(living.server)
    with half_an_upload(living.server) as line:
        start = time.monotonic()
        line.settimeout(0.5)
        answer = b""
        while time.monotonic() - start < 10 * SLOW and b"\r\n\r\n" not in answer:
            with contextlib.suppress(TimeoutError):
                answer += line.recv(10_000)
            with contextlib.suppress(ConnectionError):
                line.sendall(b"x")
    assert answer.startswith(b"HTTP/1.1 408"), answer
    until(lambda: files_open(living.server) <= before)


def test_a_reader_that_never_reads_holds_up_nobody(living):
    server, before = living.server, files_open(living.server)
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(server.connect_to)
        line.sendall(b"GET /gradio_api/queue/data?session_hash=stalled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        for _ in range(30):  # 20 kB of tokens make some 300 kB of answer each
            server.join("tokenize", ["orange " * 2900, "cl100k_base"], "stalled")
        assert server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1
        assert pixels(server).startswith(b"\x89PNG")
    until(lambda: files_open(server) <= before)


def test_answers_that_are_never_read_fill_no_memory(living):
    """Some seventy answers of 21 MB in memory, half of them for sessions with an open stream that nobody reads."""
    server, before = living.server, files_open(living.server)
    page, text = psutil.Process(server.process.pid), "orange " * 90_000
    assert len(server.ask("tokenize", text, "cl100k_base")[0]["tokens"]) > 90_000
    memory = page.memory_info().rss
    with contextlib.ExitStack() as stack:
        for number in range(24):
            server.join("tokenize", [text, "cl100k_base"], f"unread-{number}")
            if number % 2:
                line = stack.enter_context(socket.socket())
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                line.connect(server.connect_to)
                line.sendall(f"GET /gradio_api/queue/data?session_hash=unread-{number} HTTP/1.1\r\n"
                             "Host: 127.0.0.1\r\n\r\n".encode())
            for _ in range(2):
                server.join("tokenize", [text, "cl100k_base"], f"unread-{number}")
        most = 0
        deadline = time.monotonic() + 2 * SLOW
        while time.monotonic() < deadline:
            most = max(most, page.memory_info().rss - memory)
            time.sleep(0.1)
        assert most < 900_000_000, f"{most / 1e6:.0f} MB more"
        until(lambda: files_open(server) <= before + 12)  # the page has closed what was not read
    assert server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1


def test_connections_held_in_silence_are_closed(living):
    before = files_open(living.server)
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(living.server.connect()) for _ in range(300)]
        for line in lines[::2]:
            line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # half of a head
        until(lambda: files_open(living.server) <= before)
        assert all(line.recv(100) == b"" for line in lines)
    assert living.server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1


def files_open(server: Server) -> int:
    """File descriptors of the page's process."""
    return psutil.Process(server.process.pid).num_fds()


def test_ten_thousand_dropped_connections_leave_no_trace(living):
    server, before = living.server, files_open(living.server)
    reset = struct.pack("ii", 1, 0)  # close with RST, as a machine that vanished and came back
    words = [b"", b"GET / HTTP/1.1\r\nHost: 127", b"GET /theme.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
             b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{"]
    for number in range(CONNECTIONS):
        with server.connect() as line:
            if number % 8 >= 4:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            line.sendall(words[number % 4])
    assert server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1
    until(lambda: files_open(server) <= before)


def test_a_damaged_model_goes_on_where_it_is_loaded_and_is_refused_where_it_is_not(living):
    before = pixels(living.server)
    weights = living.root / UNET
    with weights.open("r+b") as file:
        file.truncate(weights.stat().st_size // 2)
    assert pixels(living.server) == before
    server = living.restart()
    server.join("denoise", ["a photo of a face", 2, 3.0, 1, "DDIM", models.POCKET], "damaged")
    message = server.answer("damaged")
    assert not message["success"]
    assert "is damaged: its SHA-256 is" in message["output"]["error"]
    assert server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1
    shutil.copy(ROOT / UNET, weights)
    assert pixels(server) == before  # a failed load is not remembered


def test_every_fault_of_the_table_names_a_test_that_exists():
    text = (ROOT / "docs" / "sharing.md").read_text(encoding="utf-8")
    table = text.partition("## Faults")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(test_\w+)`", table))
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    missing = sorted(name for name in named if f"def {name}(" not in tests)
    assert len(named) >= 20
    assert not missing
