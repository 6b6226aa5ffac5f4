"""The grid and the animation of a training, kept in the job's folder: drawn once for as many as ask for them.

A file's name tells what it was drawn from, so after a new sample it is drawn anew; the one before is removed then. All
of it goes with the job.
"""

import hashlib
import json
from pathlib import Path

from playground import storage
from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import sheet

FOLDER = "drawn"  # in the job's folder, apart from what the trainer writes
DRAWN = {"grid.png": sheet.grid, "steps.gif": sheet.animation}


def kept(job: Job, name: str, visible: bool) -> bytes | None:
    """A sheet by its name in DRAWN as it was drawn before; None if it has to be drawn."""
    try:
        return place(job, name, visible).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def drawn(job: Job, name: str, visible: bool) -> bytes:
    """A sheet drawn now, and kept if the disk takes it. BadInput while there are no samples, or no more."""
    path = place(job, name, visible)  # before the drawing: a sample that comes meanwhile belongs to the next one
    try:
        content = DRAWN[name](job, visible)
    except FileNotFoundError as problem:  # deleted while it waited for its turn
        raise BadInput("The samples are gone.", "The training may have been deleted.") from problem
    storage.attempt(keep, path, content)
    return content


def place(job: Job, name: str, visible: bool) -> Path:
    """Where a sheet is kept, by what it is drawn from: the samples, the words over them, the mark."""
    count = len(sheet.rows(job)) * sheet.COPIES
    samples = [[step, *map(stamp, (sheet.sample(job, step, number) for number in range(count)))]
               for step in sheet.steps(job)]
    told = json.dumps([samples, job.spec.get("plan"), visible], sort_keys=True).encode()
    return job.folder / FOLDER / f"{hashlib.sha256(told).hexdigest()[:32]}-{name}"


def stamp(path: Path) -> int:
    """When a sample was written, in ns; 0 for one that is not there."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def keep(path: Path, content: bytes) -> None:
    """Puts a sheet in the place of the one before. OSError or StorageTrouble if that fails."""
    path.parent.mkdir(exist_ok=True)  # no parents: the folder of a job that was deleted meanwhile stays away
    for old in path.parent.glob(f"*-{path.name.partition('-')[2]}"):
        old.unlink(missing_ok=True)
    storage.write_file(path, content)
