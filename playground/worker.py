"""The process of one job: `python -m playground.worker FOLDER KEY`.

It runs the function that KINDS names for the job's kind with a Work, through which the function reports
progress and learns of requests. What the function raises becomes the job's last word.
"""

import importlib
import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from playground.errors import PlaygroundError
from playground.job_table import (
    CANCEL,
    CANCELLED,
    DONE,
    FAILED,
    PAUSE,
    PAUSED,
    QUEUED,
    RUNNING,
    STOPPING,
    YIELD,
    Job,
    JobTable,
)

KINDS: dict[str, str] = {  # kind -> "module:function", called with a Work
    "evaluation": "playground.evaluation.job:run",
    "gan-lab": "playground.gan.lab.job:run",
    "lora": "playground.lora.job:run",
}
ENDING = {CANCEL: CANCELLED, PAUSE: PAUSED, YIELD: QUEUED}  # requests that end the process -> the state it leaves
NICENESS = 10
PATIENCE = 120.0  # seconds in which the last word of a job must have been written
log = logging.getLogger("playground.worker")


class Stopped(Exception):
    """Raised by Work.check() when the process is to end; carries the state that it leaves its job in."""

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(state)


class Work:
    """What a job's function works with: its spec, its folder, progress out, requests in."""

    def __init__(self, table: JobTable, job: Job) -> None:
        self.table = table
        self.job = job
        self.spec = job.spec
        self.folder = job.folder
        self.progress = dict(job.progress)

    def report(self, **values: Any) -> None:
        """Merges values into the job's progress, which the page reads. JSON types only."""
        self.progress.update(values)
        self.table.change(self.job.key, RUNNING, progress=json.dumps(self.progress))

    def request(self) -> str:
        """What the visitor asked for and was not yet answered; '' for nothing."""
        return self.table.read(self.job.key).request

    def answered(self, words: str) -> None:
        """Forgets the request that was answered; one that came meanwhile stays."""
        self.table.answer(self.job.key, words)

    def check(self, kept: bool = False) -> None:
        """Raises Stopped if the visitor asked to cancel or to pause. Write a checkpoint before you let it through.

        Where all that was done is `kept`, or will be, it also raises it if others are to go first for a while.
        """
        asked = self.request()
        if asked in STOPPING or (kept and asked == YIELD):
            raise Stopped(ENDING[asked])

    def ready(self) -> None:
        """Tells that what comes before the work itself is done: the job's turn counts from now."""
        self.report(ready=time.time())
        self.answered(YIELD)


def run(folder: Path, key: str, kinds: dict[str, str] = KINDS) -> str:
    """Runs a job to its end and writes its last word; returns the state it ended in."""
    table = JobTable(folder)
    work = Work(table, table.read(key))
    state, error = DONE, ""
    try:
        module, _, function = kinds[work.job.kind].partition(":")
        getattr(importlib.import_module(module), function)(work)
    except Stopped as stop:
        state = stop.state
    except PlaygroundError as problem:
        log.exception("The job failed")
        state, error = FAILED, str(problem)
    except Exception as problem:
        log.exception("The job failed")
        state, error = FAILED, f"Something broke in the job ({type(problem).__name__}); its log has the details."
    say_last_word(table, work.job, state, error)
    return state


def say_last_word(table: JobTable, job: Job, state: str, error: str, patience: float = PATIENCE) -> None:
    """Writes how a job ended, or that it waits again; from then on it is kept its time.

    Tries for a while, as the disk may be full just now.
    """
    deadline = time.monotonic() + patience
    while True:
        now = time.time()
        try:
            if state == QUEUED:
                table.give_way(job.key, job.kept)
            else:
                table.change(job.key, RUNNING, state=state, error=error, process="", request="", ended=now,
                             expires=now + job.kept)
            return
        except PlaygroundError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(1)


def main() -> int:
    """The command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    return 0 if run(Path(sys.argv[1]), sys.argv[2]) in (DONE, *ENDING.values()) else 1


if __name__ == "__main__":
    # jobs import this module by its name: run as a script it is another one, with a Stopped that none of them catches
    sys.exit(importlib.import_module("playground.worker").main())
