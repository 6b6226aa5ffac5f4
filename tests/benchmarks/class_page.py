"""The page as a server process of its own in class mode, for the load of a class: starts it, measures and ends it."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.benchmarks.bench_start import free_port
from tests.raw_browser import Form

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / ".cache" / "test-data" / "models"  # where the tests keep converted ones
USER, PASSWORD = "class", "a-password-for-the-load-alone"
BUDGET = "2.5GB"  # for models; those that a class uses take less


@dataclass
class Served:
    """A page in a process of its own: its address, what it consists of, and all that it ever answered.

    `job` is the training that runs beside, `drawn` one with an adapter that was there before.
    """

    url: str
    process: subprocess.Popen
    numbers: dict[str, int] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    job: str = ""
    drawn: str = ""
    form: Form | None = None
    links: dict[str, str] = field(default_factory=dict)  # of runs of the lab: whose

    def memory(self) -> tuple[int, int]:
        """Bytes in RAM of the web process, and of its children together."""
        web = psutil.Process(self.process.pid)
        children = 0
        for child in web.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                children += child.memory_info().rss
        return web.memory_info().rss, children


@contextlib.contextmanager
def served(models: Path = MODELS) -> Iterator[Served]:
    """Starts the page with a data folder of its own over converted models; ends it and all that it started."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        (data / "models").symlink_to(models, target_is_directory=True)
        drawn = subprocess.run([sys.executable, "-m", "tests.lora.kept_jobs", data], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout.split()[-1]
        users, output = Path(folder) / "users", Path(folder) / "output"
        users.write_text(f"{USER}:{PASSWORD}\n")
        port = free_port()
        command = [sys.executable, "app.py", "--mode", "class", "--auth", str(users), "--port", str(port), "--offline",
                   "--device", "cpu", "--data-dir", str(data), "--memory-budget", BUDGET]
        with output.open("wb") as told:
            process = subprocess.Popen(command, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)
        page = Served(f"http://127.0.0.1:{port}", process, drawn=drawn)
        try:
            wait_for(page, output)
            yield page
        finally:
            end(process)


def wait_for(page: Served, output: Path, seconds: float = 180.0) -> None:
    """Until the page answers; RuntimeError with what it printed if it does not."""
    deadline = time.monotonic() + seconds
    while page.process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(page.url, timeout=10).status_code == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"The page did not start.\n{output.read_text(errors='replace')[-2000:]}")


def end(process: subprocess.Popen) -> None:
    """Ends a process and its children."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
    process.kill()
    process.wait()
