"""Running a plan: render every prompt, generate what is not there yet, score every cell.

A generator, so that a page and a job's process can both follow it, stop between any two steps, and go on later.
What is finished is in the store before it is told of.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from playground.context import Context
from playground.errors import BadInput
from playground.evaluation import judging, plan, providers, render, scores
from playground.evaluation.drawing import drawing_time
from playground.evaluation.outputs import Check, Output, Request, never
from playground.evaluation.plan import Cell, Plan
from playground.evaluation.store import Store

KEEP_EVERY = 0.5  # seconds between two writes of finished outputs
SCORED_AT_ONCE = 200  # cells
SPEED = {"cpu": 60.0, "cuda": 3000.0}  # tokens a second to expect before anything was measured


@dataclass(frozen=True)
class Progress:
    """How far a run is: `phase` "writing" or "scoring", outputs and cells finished of all, and tokens a second."""

    phase: str
    outputs: int
    all_outputs: int
    cells: int
    all_cells: int
    speed: float = 0.0


@dataclass(frozen=True)
class Sheet:
    """A plan with its prompts filled in: the request of every cell."""

    plan: Plan
    requests: dict[Cell, Request]

    def keys(self, provider: int | None = None) -> dict[str, Request]:
        """The distinct generations, of one provider or all."""
        return {request.key: request for cell, request in self.requests.items() if provider in (None, cell.provider)}


@dataclass(frozen=True)
class Estimate:
    """What a run costs at most: generations to make, tokens to write, seconds on this machine, `drawing` of them for
    pictures."""

    cells: int
    generations: int
    tokens: int
    seconds: float
    drawing: float = 0.0


def sheet(asked: Plan) -> Sheet:
    """Fills in all prompts. BadInput names the cell whose prompt or assertions cannot be filled in."""
    texts: dict[tuple[int, int], str] = {}
    for number, case in enumerate(asked.cases):
        at = f"Case {number + 1} ({case.name(number)})"
        try:
            scores.check_values(case, asked.pictures)
            for place, prompt in enumerate(asked.prompts):
                at = f"Prompt {place + 1} ({prompt.name}), case {number + 1} ({case.name(number)})"
                texts[place, number] = render.render(prompt.text, case.variables)
                if not texts[place, number].strip():
                    raise BadInput("The prompt is empty when it is filled in.", "Fill in the case's variables.")
        except BadInput as problem:
            raise BadInput(f"{at}: {problem.what}", problem.remedy) from None
    requests = {}
    for cell in asked.cells():
        text, seed = texts[cell.prompt, cell.case], asked.seed + cell.repeat
        requests[cell] = Request(plan.generation_key(asked.providers[cell.provider], text, seed), text, seed)
    return Sheet(asked, requests)


def estimate(context: Context, filled: Sheet) -> Estimate:
    """What a run costs at most, before any of it is done."""
    counts = [len(filled.keys(number)) for number in range(len(filled.plan.providers))]
    writers = [(count, each) for count, each in zip(counts, filled.plan.providers, strict=True) if not each.draws]
    models = sum(count * each.max_tokens for count, each in writers if not each.id.startswith("ngram:"))
    speed = SPEED.get(context.device.partition(":")[0], SPEED["cpu"])
    drawing = sum(count * drawing_time(context.device, each)
                  for count, each in zip(counts, filled.plan.providers, strict=True) if each.draws)
    return Estimate(filled.plan.size, sum(counts), sum(count * each.max_tokens for count, each in writers),
                    models / speed + drawing, drawing)


def steps(context: Context, filled: Sheet, store: Store, key: str = "", check: Check = never) -> Iterator[Progress]:
    """Does what is left of a run. `key` is for endpoints; `check` may raise to stop it."""
    known = store.outputs()
    wanted = filled.keys()
    done = {each for each in wanted if each in known and not known[each].error}
    yield Progress("writing", len(done), len(wanted), 0, filled.plan.size)
    for number, provider in enumerate(filled.plan.providers):
        left = [request for each, request in filled.keys(number).items() if each not in done]
        if left:
            source = providers.generator(context, provider, key, store.album).generate(left, check)
            for finished, speed in kept(source, store):
                done |= finished
                yield Progress("writing", len(done), len(wanted), 0, filled.plan.size, speed)
    yield from scoring(context, filled, store, check)


def kept(source: Iterator[tuple[str, Output]], store: Store) -> Iterator[tuple[set[str], float]]:
    """Writes outputs as they come, some at a time: the keys of each lot, and tokens a second so far."""
    start = last = time.monotonic()
    tokens, lot = 0, []
    try:
        for key, output in source:
            tokens += output.tokens
            lot.append((key, output))
            if time.monotonic() - last > KEEP_EVERY:
                store.add_outputs(lot)
                yield {each for each, _ in lot}, tokens / (time.monotonic() - start)
                last, lot = time.monotonic(), []
    finally:
        store.add_outputs(lot)  # also what came before the run was stopped
    yield {each for each, _ in lot}, tokens / max(1e-9, time.monotonic() - start)


def scoring(context: Context, filled: Sheet, store: Store, check: Check) -> Iterator[Progress]:
    """Scores the cells that are not scored yet."""
    outputs, scored = store.outputs(), store.scores()
    cells = [cell for cell in filled.requests if cell.id not in scored]
    total = len(filled.keys())
    for start in range(0, len(cells), SCORED_AT_ONCE):
        check()
        part = cells[start:start + SCORED_AT_ONCE]
        work = [(scores.with_prompt(filled.plan.cases[cell.case], filled.requests[cell].prompt),
                 outputs[filled.requests[cell].key]) for cell in part]
        measures = judging.measure(context, work, filled.plan.judge, check, album=store.album,
                                   references=filled.plan.pictures)
        store.add_scores((cell.id, scores.score(case, output, measures).to_json())
                         for cell, (case, output) in zip(part, work, strict=True))
        yield Progress("scoring", total, total, len(scored) + start + len(part), filled.plan.size)
