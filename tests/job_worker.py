"""A worker with kinds of its own for the tests of jobs: `python -m tests.job_worker FOLDER JOB_ID`."""

import sys
import time
from pathlib import Path

from playground import storage, worker
from playground.errors import BadInput

KINDS = {"count": "tests.job_worker:count", "bad": "tests.job_worker:bad", "bug": "tests.job_worker:bug"}


def count(work):
    """Counts to spec["to"] with a checkpoint at each step, from where it was."""
    checkpoint = work.folder / "checkpoint"
    done = int(checkpoint.read_text()) if checkpoint.exists() else 0
    starts = [*work.progress.get("starts", []), done]
    while done < work.spec["to"]:
        work.check(kept=True)
        done += 1
        storage.write_file(checkpoint, str(done).encode())
        work.report(step=done, steps=work.spec["to"], starts=starts)
        time.sleep(work.spec["pause"])


def bad(work):
    """Fails with words for the visitor."""
    raise BadInput("Three photos are too few.", "Add some.")


def bug(work):
    """Fails as a bug does."""
    raise KeyError("secret")


if __name__ == "__main__":
    worker.run(Path(sys.argv[1]), sys.argv[2], KINDS)
