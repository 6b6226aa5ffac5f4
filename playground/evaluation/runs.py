"""Runs that are kept: each is a job with a folder, found again by its secret id, whoever did the work.

A small run is done in the web process, with the models that are in memory anyway; its row stays "paused" until it
is done, so that what is left of it can be resumed. A larger one is queued and done by a process of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playground import checks, storage
from playground.context import Context
from playground.errors import BadInput
from playground.evaluation import exports, plan, results, work
from playground.evaluation.plan import Plan
from playground.evaluation.results import Run
from playground.evaluation.store import Store
from playground.evaluation.work import Estimate, Progress, Sheet
from playground.job_table import DONE, PAUSED, Job

KIND = "evaluation"
SMALL_TOKENS, SMALL_DRAWING = 8_000, 120  # tokens of language models, seconds of drawing: the web process does it
SCRIPT_TOKENS, SCRIPT_DRAWING = 40_000, 600  # a script's run is done while it waits, up to here


@dataclass(frozen=True)
class Kept:
    """A run by its id: the job, the filled-in plan, its results in SQLite, what its file had that is not supported."""

    job: Job
    sheet: Sheet
    store: Store
    issues: tuple[str, ...]

    @property
    def id(self) -> str:
        """The secret id."""
        return self.job.id

    def run(self) -> Run:
        """What there is of it now."""
        return results.load(self.sheet, self.store)


def sized(context: Context, asked: Plan, agreed: bool = False) -> tuple[Sheet, Estimate]:
    """A plan filled in, and what it costs. BadInput for one that cannot run, or is large and was not agreed to."""
    filled = work.sheet(plan.checked(asked))
    cost = work.estimate(context, filled)
    if filled.plan.size > plan.ASK_CELLS and not agreed:
        raise BadInput(f"This run has {cost.cells:,} cells, {cost.generations:,} of them to be written, up to "
                       f"{cost.tokens:,} tokens: about {duration(cost.seconds)} at most.",
                       "Tick “Run large plans too” to start it, or use fewer cases or repeats.")
    return filled, cost


def add(context: Context, filled: Sheet, visitor: str, *, here: bool, issues: tuple[str, ...] = (),
        previous: str = "") -> Kept:
    """Keeps a new run: for this process, or queued for one of its own. Outputs it shares with `previous` are taken."""
    settings = context.settings
    spec = {"plan": filled.plan.to_json(), "issues": list(issues), "settings": {
        "device": settings.device, "offline": settings.offline, "memory_budget": settings.memory_budget,
        "models_dir": str(settings.models_dir) if settings.models_dir else None,
        "endpoints": settings.endpoints, "share": settings.share, "mode": settings.who, "limits": settings.limits}}
    jobs = context.jobs
    if not here:
        job = jobs.submit(KIND, spec, visitor)
    else:
        job = added_here(context, spec, visitor)
    kept = Kept(job, filled, Store(job.folder), issues)
    if previous:
        kept.store.adopt(find(context, previous).store, filled.keys())
    return kept


def added_here(context: Context, spec: dict, visitor: str) -> Job:
    """A row that no process of its own works on: paused from the start."""
    import secrets

    context.jobs.check_room(visitor if visitor != "script" else "")  # all scripts have that name
    key = secrets.token_urlsafe(16)
    context.jobs.table.add(key, KIND, visitor, spec, context.jobs.limits.kept, state=PAUSED)
    return context.jobs.table.read(key)


def here(context: Context, kept: Kept, key: str = "") -> Iterator[Progress]:
    """Does a run in this process; when it was closed before the end, it can be resumed."""
    try:
        yield from work.steps(context, kept.sheet, kept.store, key)
    finally:
        if kept.job.key not in context.jobs.table.known():  # deleted meanwhile: what was written since then goes too
            storage.remove_folder(kept.job.folder)
    context.jobs.table.change(kept.job.key, PAUSED, state=DONE)


def find(context: Context, run_id: Any) -> Kept:
    """A run by its id. BadInput if there is none."""
    job = context.jobs.get(checks.text(run_id, "The id of a run", 100).strip())
    if job.kind != KIND:
        raise BadInput("This is not the id of an evaluation.", "Copy the whole link again.")
    return Kept(job, work.sheet(Plan.of(job.spec["plan"])), Store(job.folder), tuple(job.spec["issues"]))


def for_script(context: Context, asked: Plan, issues: tuple[str, ...], visitor: str = "script") -> dict:
    """A run from beginning to end, as JSON. BadInput for one that is too large to wait for."""
    filled, cost = sized(context, asked)
    if cost.tokens > SCRIPT_TOKENS:
        raise BadInput(f"This run may write {cost.tokens:,} tokens, too many to wait for.",
                       f"Give at most {SCRIPT_TOKENS:,} here, or start it on the page.")
    if cost.drawing > SCRIPT_DRAWING:
        raise BadInput(f"This run may draw for {duration(cost.drawing)}, too long to wait for.",
                       "Start it on the page, or draw fewer pictures.")
    kept = add(context, filled, visitor, here=True, issues=issues)
    for _ in here(context, kept):
        pass
    return {"id": kept.id, **exports.to_data(kept.run(), issues)}


def is_small(cost: Estimate, filled: Sheet) -> bool:
    """Whether a run is done in the web process: little to write, or an endpoint whose key only this process has."""
    if cost.drawing > SMALL_DRAWING:
        return False
    return cost.tokens <= SMALL_TOKENS or any(each.id.startswith("openai:") for each in filled.plan.providers)


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
