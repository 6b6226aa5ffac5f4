"""The page as an operator starts it: `python app.py` in a process of its own, that a test may kill, and raw requests.

Where a test needs a disk that is full or read-only, the process gets a small one of its own (Linux: a tmpfs in a mount
namespace, which needs no administrator where the kernel lets users have namespaces).
"""

import contextlib
import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
from PIL import Image

from playground.diffusion import models
from playground.job_table import JobTable
from playground.processes import LocalRunner

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"Generative AI playground: (http://\S+)")
PATIENCE = 180.0  # seconds: two cores may do other things as well
SMALL = "mount -t tmpfs -o size={size} playground '{folder}' && exec \"$@\""


class Server:
    """One process of the app on a data folder; private mode, offline, on the CPU."""

    def __init__(self, data: Path, *options: str, root: Path = ROOT, disk: str = "") -> None:
        self.data, self.log, self.disk = data, data.parent / f"{data.name}.log", disk
        data.mkdir(exist_ok=True)
        before = ["unshare", "-rm", "sh", "-ec", SMALL.format(size=disk, folder=data), "sh"] if disk else []
        command = [sys.executable, "app.py", "--port", "0", "--offline", "--device", "cpu", "--data-dir", str(data)]
        self.command, self.root = [*before, *command, *options], root
        self.url = self._start() or self._start()  # Gradio gives up where its own page takes 3 s: a busy machine may
        self.web = httpx.Client(base_url=self.url, timeout=PATIENCE)
        self._functions: dict[str, int] = {}

    def _start(self) -> str:
        """Starts the process; its address, or nothing where it gave up because the machine was busy."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, cwd=self.root, stdout=log, stderr=log)
        until(lambda: ADDRESS.search(self.log.read_text()) or self.process.poll() is not None)
        found = ADDRESS.search(self.log.read_text())
        assert found or "localhost is not accessible" in self.log.read_text(), self.log.read_text()
        return found[1].rstrip("/") if found else ""

    @property
    def seen(self) -> Path:
        """The data folder as the process sees it."""
        if not self.disk:
            return self.data
        return Path(f"/proc/{self.process.pid}/root") / self.data.relative_to("/")

    def kill(self) -> None:
        """SIGKILL: no handler, no clean-up, as when the machine runs out of memory."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.web.close()

    def end(self) -> None:
        """Ends the process, and the jobs that it started."""
        if not self.disk:
            end_jobs(self.data / "jobs")
        if self.process.poll() is None:
            for worker in psutil.Process(self.process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
            self.kill()

    def join(self, name: str, data: list, session: str) -> None:
        """Puts an event of a public function into the queue, as a page does."""
        if not self._functions:
            self._functions = {each["api_name"]: each["id"] for each in self.web.get("/config").json()["dependencies"]}
        body = {"data": data, "fn_index": self._functions[name], "session_hash": session}
        joined = self.web.post("/gradio_api/queue/join", json=body)
        assert joined.status_code == 200, joined.text

    def call(self, name: str, *data: object, session: str = "caller") -> dict:
        """The last message of an event."""
        self.join(name, list(data), session)
        return self.answer(session)

    def answer(self, session: str) -> dict:
        """The last message of the event that a session waits for."""
        with self.web.stream("GET", f"/gradio_api/queue/data?session_hash={session}") as stream:
            for line in stream.iter_lines():
                if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                    return message
        raise AssertionError("The stream ended without an answer.")

    def ask(self, name: str, *data: object) -> list:
        """What an event answers; it must succeed."""
        message = self.call(name, *data)
        assert message["success"], message
        return message["output"]["data"]

    def upload(self, *files: bytes) -> httpx.Response:
        """Files as a page sends them."""
        return self.web.post("/gradio_api/upload", files=[("files", (f"{n}.png", each))
                                                          for n, each in enumerate(files)])

    @property
    def connect_to(self) -> tuple[str, int]:
        """Host and port."""
        address = urlsplit(self.url)
        return str(address.hostname), int(address.port or 80)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(self.connect_to, timeout=PATIENCE)


def submit(server: Server) -> str:
    """Starts a training on four pictures; its id."""
    files = [{"path": path, "meta": {"_type": "gradio.FileData"}}
             for path in server.upload(*(picture(seed) for seed in range(4))).json()]
    return server.ask("start_training", files, "joshug", 3000, 2, 1e-3, 3000, models.POCKET, True)[0]


def status(server: Server, job: str) -> dict:
    """What the page says of a training."""
    return server.ask("training_status", job)[0]


def pixels(server: Server, seed: int = 1) -> bytes:
    """A picture that the page draws, as it serves it."""
    drawn = server.ask("denoise", "a photo of a face", 2, 3.0, seed, "DDIM", models.POCKET)[0]
    return server.web.get(drawn["url"].partition(server.url)[2]).content


def until(condition, seconds: float = PATIENCE, every: float = 0.05):
    """What a condition gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds:.0f} s")


def picture(seed: int = 0, side: int = 64) -> bytes:
    """A PNG of noise."""
    file = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def end_jobs(folder: Path) -> None:
    """Ends the processes of the jobs of a folder."""
    if (folder / "jobs.db").is_file():
        for job in JobTable(folder).running():
            LocalRunner().kill(job.process)


def own_disk() -> str:
    """Why processes can have no small disk of their own here; nothing where they can."""
    if shutil.which("unshare") is None:
        return "unshare (util-linux) is not there"
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    return tried.stderr.strip()


@contextlib.contextmanager
def serving(data: Path, *options: str, **more: object) -> Iterator[Server]:
    """A server for the block."""
    server = Server(data, *options, **more)
    try:
        yield server
    finally:
        server.end()
