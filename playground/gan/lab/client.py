"""The web process's side of a run: start it, ask it for things, look at its newest frame. Computes nothing."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from playground import catalog, storage
from playground.context import Context
from playground.errors import BadInput, PlaygroundError
from playground.gan import faces
from playground.gan.lab import files
from playground.gan.lab.settings import FACES, Plan
from playground.job_table import QUEUED, RUNNING, Job
from playground.jobs import RESUMABLE

KIND = "gan-lab"
SET = "pictures.npz"  # a visitor's pictures, in the job's own folder, so that they go with it
WATCHED = "watched"  # a file in the job's folder, touched when a page looks
WATCH_EVERY = 5.0  # seconds between two touches
KEPT_EACH = 3  # ended runs of a visitor that are kept
PATIENCE = 3.0  # seconds to wait for a worker's answer; it listens every 0.05, slower while it prepares data


@dataclass(frozen=True)
class Look:
    """What there is to see: the job, its newest frame file's age stamp (0 before the first), and the frame."""

    job: Job
    stamp: int
    frame: dict[str, np.ndarray]


def start(context: Context, token: str, plan: Plan, extra: Mapping[str, Any] | None = None) -> Job:
    """Starts a plan: in the visitor's process if one runs, else as a new job. `extra` holds a drawing or pictures.

    Raises PlaygroundError when too many runs wait already.
    """
    visitor = context.visitors.name(token)
    spec = plan.as_dict() | dict(extra or {})
    for job in mine(context, visitor):
        if job.state == RUNNING and context.jobs.get(job.id).state == RUNNING and same_needs(job, plan):
            try:
                ask(context, job.id, "new " + json.dumps(spec))
                return context.jobs.get(job.id)
            except PlaygroundError:
                if context.jobs.get(job.id).state != QUEUED:
                    raise  # else its turn was just over: the new run waits in its place
    make_room(context, visitor)
    if plan.runs[0].data == FACES:
        weights = context.weights.locate(catalog.find(faces.MODEL)).files["weights.tar"]
        kept = context.settings.data_dir / "models" / "gan-lab-faces-32.npz"
        spec |= {"weights": str(weights), "faces": str(kept)}
    return context.jobs.submit(KIND, spec, visitor)


def same_needs(job: Job, plan: Plan) -> bool:
    """Whether the process of a job can run a plan: faces need the place of their generator in its spec."""
    return plan.runs[0].data != FACES or "faces" in job.spec


def mine(context: Context, visitor: str) -> list[Job]:
    """A visitor's runs, newest first."""
    return [job for job in context.jobs.table.of_visitor(visitor) if job.kind == KIND]


def make_room(context: Context, visitor: str) -> None:
    """Ends a visitor's run that is under way, as there is one at a time, and forgets the oldest ended ones."""
    for number, job in enumerate(mine(context, visitor)):
        if number >= KEPT_EACH - 1:
            context.jobs.delete(job.id)
        elif job.state in (RUNNING, QUEUED):
            context.jobs.cancel(job.id)


def get(context: Context, job_id: Any) -> Job:
    """The run of an id. BadInput if there is none."""
    job = context.jobs.get(job_id)
    if job.kind != KIND:
        raise BadInput("This is not a run of the lab.", "Copy the whole link again, or start a new run.")
    return job


def ask(context: Context, job_id: str, words: str) -> None:
    """Asks a running process, after its answer to what was asked before. PlaygroundError if it does not answer."""
    until, key = time.monotonic() + PATIENCE, context.jobs.get(job_id).key
    while context.jobs.table.read(key).request:
        if time.monotonic() > until:
            raise PlaygroundError("The run is busy and has not answered yet.", "Wait a moment and try again.")
        time.sleep(0.02)
    check_place(context.jobs.get(job_id))
    context.jobs.request(job_id, words)


def check_place(job: Job) -> None:
    """PlaygroundError for a run that waits in the queue."""
    if job.state == QUEUED:
        raise PlaygroundError(f"This run waits for a free place (number {job.place}).", "It starts by itself.")


def command(context: Context, job_id: Any, words: str) -> Job:
    """Asks a run for something; one that was paused or interrupted is resumed first."""
    job = get(context, job_id)
    if job.state in RESUMABLE:
        job = context.jobs.resume(job.id)
    check_place(job)
    if job.state != RUNNING:
        raise BadInput("This run has ended.", "Start a new one.")
    ask(context, job.id, words)
    return get(context, job.id)


def look(context: Context, job_id: Any, seen: int = 0) -> Look:
    """The job and its newest frame; an empty frame if `seen` is the stamp of the newest one."""
    job = get(context, job_id)
    if job.state == RUNNING:
        mark_watched(job.folder / WATCHED)
    path = job.folder / files.LIVE
    try:
        stamp = path.stat().st_mtime_ns
        return Look(job, stamp, files.read_arrays(path) if stamp != seen else {})
    except FileNotFoundError:  # before the first frame
        return Look(job, 0, {})


def mark_watched(path: Path) -> None:
    """Tells the run that somebody looks; one that nobody watches pauses, and leaves the cores to others."""
    try:
        if abs(time.time() - path.stat().st_mtime) < WATCH_EVERY:
            return
    except FileNotFoundError:
        pass
    with storage.trouble(path):
        path.touch()


def lane(frame: Mapping[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    """The arrays of one lane of a live frame."""
    start = f"{number}."
    return {name.removeprefix(start): value for name, value in frame.items() if name.startswith(start)}


def past(job: Job, number: int, step: int) -> dict[str, np.ndarray] | None:
    """A lane's frame on film at an update, or at the last one filmed before it; None if there is none."""
    steps = [each for each in files.filmed(job.folder, number) if each <= step]
    return files.read_arrays(files.film_path(job.folder, number, steps[-1])) if steps else None


def checkpoint(context: Context, job_id: Any) -> Path:
    """The file of a run's newest weights, written now if the run is under way. BadInput before there is one."""
    job = get(context, job_id)
    path = job.folder / files.CHECKPOINT
    if job.state == RUNNING:
        before = path.stat().st_mtime_ns if path.exists() else 0
        ask(context, job.id, "save")
        until = time.monotonic() + PATIENCE
        while (path.stat().st_mtime_ns if path.exists() else 0) == before and time.monotonic() < until:
            time.sleep(0.02)
    if not path.exists():
        raise BadInput("This run has no weights yet.", "Let it train for a moment.")
    return path
