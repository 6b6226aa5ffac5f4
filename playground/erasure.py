"""Everything that a visitor has here, gone at once: jobs of every kind, the private folder, networks in memory.

Only who has the visitor's token gets here; an id of a job alone removes that job (Jobs.delete) and nothing else.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.context import Context
from playground.errors import BadInput
from playground.gan.lab import client, own, trained
from playground.job_table import Job
from playground.lora import draft, drawing
from playground.lora import job as training


@dataclass(frozen=True)
class Gone:
    """What was removed: files in all, how many jobs of each kind, and photos that waited in a draft."""

    files: int = 0
    jobs: Mapping[str, int] = field(default_factory=dict)
    photos: int = 0


def everything(context: Context, token: Any) -> Gone:
    """Ends and removes all that belongs to a visitor's token. BadInput for what is no token, StorageTrouble."""
    place = context.visitors.folder / context.visitors.name(token)
    done = of_jobs(context, token)
    if not place.exists():
        return done
    files = sum(path.is_file() for path in place.rglob("*"))
    photos = draft.clear(context, token)  # waits for a change of the list that is under way
    trained.forget(context, place)
    drawing.forget(context, [path for path in place.rglob("*.safetensors") if path.parent.name == draft.FOLDER])
    context.visitors.delete(token)
    return Gone(done.files + files, done.jobs, photos)


def of_lab(context: Context, token: Any) -> Gone:
    """The same of the GAN lab alone: the visitor's runs, pictures, drawings, and a generator brought along."""
    done = of_jobs(context, token, lambda job: job.kind == client.KIND)
    return Gone(done.files + own.forget(context, token), done.jobs)


def of_jobs(context: Context, token: Any, wanted: Callable[[Job], bool] = lambda job: True) -> Gone:
    """A visitor's jobs."""
    jobs = [job for job in context.jobs.table.of_visitor(context.visitors.name(token)) if wanted(job)]
    files = sum(remove(context, job) for job in jobs)
    return Gone(files, Counter(job.kind for job in jobs))


def remove(context: Context, job: Job) -> int:
    """Ends a job and removes all its files, and its networks from memory; returns how many files."""
    files = sum(path.is_file() for path in job.folder.rglob("*"))
    if job.kind == training.KIND:
        drawing.forget(context, drawing.checkpoints(job).values())
    with contextlib.suppress(BadInput):  # deleted in another window at this moment
        context.jobs.remove(job)
    if job.kind == client.KIND:
        trained.forget(context, job.folder)
    return files
