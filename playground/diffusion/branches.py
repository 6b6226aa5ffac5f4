"""What if: another prompt or guidance from the middle of a run, and several settings side by side from one seed."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from playground import checks
from playground.context import Context
from playground.diffusion import models, requests, trace, wording
from playground.diffusion.requests import Request
from playground.diffusion.trace import Frame, Run, Trace
from playground.errors import BadInput

MOST_SIDE_BY_SIDE = 6
LONGEST_LIST = 200  # characters of a list of guidances


def fork(context: Context, origin: Trace, at: int, *, prompt: Any = None,
         guidance: Any = None) -> Iterator[Frame | Trace]:
    """Goes on from a trace's state before step `at` (0 .. N - 1) with another prompt or guidance.

    Sampler and seed stay, and so do the random numbers to come: with nothing changed it is the same run again,
    bit for bit.
    """
    at = checks.whole(at, "The step to fork at", 0, origin.steps - 1)
    old = origin.request
    request = requests.check(
        old.prompt if prompt is None else prompt, old.negative, steps=old.steps, seed=old.seed, model=old.model,
        scheduler=old.scheduler, guidance=old.guidance if guidance is None else guidance)
    spec = models.spec(context, request.model)
    told = wording.listen(context, request, spec)
    runs: list[Run] = []
    while not runs or not runs[0].done:
        trace.advance(context, spec, runs, [(request, told, origin, at)])
        yield runs[0].frame
    yield trace.complete(context, spec, runs)[0]


def side_by_side(context: Context, requested: Sequence[Request]) -> Iterator[list[Frame] | list[Trace]]:
    """Runs of one model in lockstep, a step of each in turn; yields their frames, then their traces."""
    if not 2 <= len(requested) <= MOST_SIDE_BY_SIDE:
        raise BadInput(f"There are {len(requested)} settings to compare.", f"Give 2 to {MOST_SIDE_BY_SIDE}.")
    spec = models.spec(context, requested[0].model)
    wanted = [(request, wording.listen(context, request, spec), None, 0) for request in requested]
    runs: list[Run] = []
    while not runs or not all(run.done for run in runs):
        trace.advance(context, spec, runs, wanted)
        yield [run.frame for run in runs]
    yield trace.complete(context, spec, runs)


def guidances(request: Request, values: str) -> list[Request]:
    """A request with each guidance of a text such as '1, 3, 7.5'. Raises BadInput for what is no number."""
    checks.text(values, "The list of guidances", LONGEST_LIST, empty=True)
    parts = [part for part in values.replace(";", ",").split(",") if part.strip()]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise BadInput(f"{values!r:.60} is not a list of numbers.", "Write it like 1, 3, 7.5.") from None
    return [dataclasses.replace(request, guidance=checks.real(number, "The guidance", 0, requests.MAX_GUIDANCE))
            for number in numbers]
