"""Pictures with an adapter, and without it in lockstep: the same noise, the same steps, one answer apart.

The pipeline that carries the adapter has a place of its own in the cache, so that the shared one stays untouched
and nobody else's picture ever comes from somebody's adapter.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from playground import checks
from playground.context import Context
from playground.diffusion import families, models, schedulers
from playground.diffusion.requests import Request
from playground.diffusion.trace import Run
from playground.errors import BadInput, NotEnoughMemory
from playground.job_table import Job
from playground.lora import adapters, learning, quantised
from playground.lora.plan import NONE, TRIGGER, spoken
from playground.marks import Mark
from playground.specs import ModelKey, ModelSpec

WHO = "Personal LoRA"
MAX_STRENGTH = 2.0


@dataclass(frozen=True, eq=False)
class Pair:
    """After `step` of `steps`: what the picture would be without and with the adapter (H, W, 3) uint8."""

    step: int
    steps: int
    without: np.ndarray
    told: np.ndarray


def spec(context: Context, path: Path) -> ModelSpec:
    """How the cache gets the adapter's base with the adapter on it. BadInput if the file is none of ours."""
    card = adapters.read_card(path)
    base = fitting(context, card)

    def load() -> Any:
        pipe = base.load()
        family = families.wrap(pipe, models.find(card.model).family, models.find(card.model).size)
        adapters.load(path, family, card.model)
        return pipe

    return replace(base, key=replace(base.key, variant=variant(path)), load=load)


def variant(path: Path) -> str:
    """The name in the cache of a base that carries this file's adapter."""
    return f"adapter-{sha256(path.read_bytes()).hexdigest()[:16]}"


def forget(context: Context, paths: Iterable[Path]) -> None:
    """Drops pipelines that carry one of these adapters from the cache; one that draws now goes later, by age."""
    own = {variant(path) for path in paths}
    for row in context.cache.stats()["models"]:
        if row["variant"] in own:
            context.cache.drop_idle(key=ModelKey(row["name"], dtype=row["dtype"], device=context.device,
                                                 variant=row["variant"]))


def fitting(context: Context, card: adapters.Card) -> ModelSpec:
    """The adapter's base in full where it fits, else in the precision that it was trained with. NotEnoughMemory."""
    try:
        return models.spec(context, card.model, adapters=True)
    except NotEnoughMemory:
        if card.plan["quantise"] == NONE:
            raise
        return quantised.spec(context, card.model, card.plan["quantise"])


def request(path: Path, prompt: Any, seed: Any, **values: Any) -> Request:
    """The request of a prompt with the adapter's model; [trigger] in it becomes the adapter's trigger word."""
    card = adapters.read_card(path)
    own = models.find(card.model)
    words = checks.text(prompt, "The prompt", 2000)
    return Request(spoken(words, card.trigger), model=card.model, scheduler=schedulers.names(own.family)[0],
                   seed=checks.whole(seed, "The seed", 0, 2**31 - 1),
                   steps=checks.whole(values.get("steps") or min(own.steps, 20), "The number of steps", 1, 100),
                   guidance=checks.real(values.get("guidance") or own.guidance, "The guidance", 0, 20))


def pairs(context: Context, path: Path, asked: Request, strength: Any = 1.0) -> Iterator[Pair]:
    """Both pictures after every step, the last pair being the result. PlaygroundError where one came out black."""
    import torch

    much = checks.real(strength, "The strength", 0, MAX_STRENGTH)
    wanted = spec(context, path)
    with context.cache.lease(wanted) as pipe:
        told = learning.listen(context, asked, pipe)
        family = families.wrap(pipe, models.find(asked.model).family, models.find(asked.model).size)
        runs = [Run(family, asked, told) for _ in range(2)]
        while not runs[0].done:
            with context.gate.turn(WHO), torch.inference_mode():
                for run, value in zip(runs, (0.0, much), strict=True):
                    adapters.strength(family, value)
                    run.step(family)
                    run.develop(family)
            yield Pair(len(runs[0].guesses), runs[0].trace.steps, runs[0].guesses[-1], runs[1].guesses[-1])
        with context.gate.turn(WHO), torch.inference_mode():
            without, with_adapter = (run.picture(family) for run in runs)
    yield Pair(runs[0].trace.steps, runs[0].trace.steps, without, with_adapter)


def mark(asked: Request, visible: bool = False) -> Mark:
    """What is said of a picture drawn with an adapter; neither its prompt nor the trigger word."""
    return Mark(f"{asked.model} with an adapter", asked.seed, visible)


def checkpoints(job: Job) -> dict[int, Path]:
    """A training's adapters by step."""
    return {int(path.stem.partition("-")[2]): path
            for path in sorted((job.folder / "checkpoints").glob("adapter-*.safetensors"))}


def adapter(job: Job, step: int | None = None) -> Path:
    """A training's adapter: of a step, else the best one, else the newest. BadInput if there is none yet."""
    found = checkpoints(job)
    if not found:
        raise BadInput("This training has no adapter yet.", "Wait for its first checkpoint.")
    if step is None:
        step = job.progress.get("best") or max(found)
    if step not in found:
        raise BadInput(f"There is no checkpoint of step {step}.", f"There are: {', '.join(map(str, found))}.")
    return found[step]


def uses_trigger(prompt: str, trigger: str) -> bool:
    """Whether a prompt calls what the adapter learnt."""
    return TRIGGER in prompt or trigger.lower() in prompt.lower()
