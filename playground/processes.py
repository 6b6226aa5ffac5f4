"""The Runner of one machine: a job's process is `python -m playground.worker`, in a session of its own.

The web process may end without it. A process is known by its number and by the job in its command line: numbers are
used again, and the time at which a process began moves with the clock.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import psutil

from playground.errors import PlaygroundError
from playground.job_table import Job

ROOT = Path(__file__).resolve().parent.parent
GRACE = 10.0  # seconds between asking a process to end and ending it


class LocalRunner:
    """Runs jobs as processes of this machine, at a low priority, so that the page stays quick."""

    def __init__(self, module: str = "playground.worker") -> None:
        self.module = module
        self._children: dict[str, subprocess.Popen] = {}  # by what `start` returned

    def start(self, job: Job) -> str:
        """Starts the worker; what it prints goes to `log` in the job's folder."""
        self._reap()
        command = [sys.executable, "-m", self.module, str(job.folder.parent), job.key]
        with (job.folder / "log").open("ab") as log:
            child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True)
        process = f"{child.pid}:{job.key}"
        self._children[process] = child
        return process

    def alive(self, process: str) -> bool:
        """Whether this very process still runs; one that ended and was not yet waited for does not."""
        self._reap()
        found = self._find(process)
        try:
            return found is not None and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # it ended between the two looks
            return False

    def kill(self, process: str) -> None:
        """Asks the process to end, then ends it. PlaygroundError for one that the system itself cannot end."""
        found = self._find(process)
        if found is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            found.terminate()
            if not self._ends(process):
                found.kill()
                if not self._ends(process):
                    raise PlaygroundError("The process of this job does not end.", "Try again in a minute.")

    def _ends(self, process: str) -> bool:
        """Whether a process ends within GRACE; one that its parent has not waited for yet has ended."""
        last = time.monotonic() + GRACE
        while self.alive(process) and time.monotonic() < last:
            time.sleep(0.02)
        return not self.alive(process)

    def _find(self, process: str) -> psutil.Process | None:
        number, _, key = process.partition(":")
        try:
            found = psutil.Process(int(number))
            # For a moment after its start a process has no command line to be known by: a child is known without.
            return found if process in self._children or key in found.cmdline() else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # the second: somebody else has the number now
            return None

    def _reap(self) -> None:
        """Waits for children that ended, which frees their entries."""
        for process, child in list(self._children.items()):
            if child.poll() is not None:
                self._children.pop(process, None)
