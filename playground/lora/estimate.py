"""What a training will cost, measured before it starts: a few real steps and one real sample on a pipeline of its own.

The pipeline is another variant in the cache than the one the tabs share, since an adapter is put onto it, and is
dropped afterwards. Steps after the warm-up count; the whole is reckoned from them, with the samples, the pictures of
prior preservation and the proof at the end. What else runs on the machine meanwhile is in the numbers.
"""

import itertools
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import devices
from playground.context import Context
from playground.diffusion import families, models
from playground.errors import NotEnoughMemory
from playground.lora import job, learning, quantised
from playground.lora.plan import Plan
from playground.slots import gigabytes
from playground.specs import ModelSpec

if TYPE_CHECKING:
    from playground.lora.learning import Learner

WARM_UP, TIMED = 2, 3  # steps
PATIENCE = 40.0  # seconds after which no further step is begun; one is always measured
WATCH = 0.01  # seconds between two looks at the memory
WHO = "estimate"
REMEDY = "Take a smaller batch, resolution or rank, or a smaller model."
NUMBER = itertools.count(1)  # of estimates in this process: no two share a pipeline


@dataclass(frozen=True)
class Estimate:
    """Seconds of the whole training, of a step and of a sample; memory in bytes at the peak; whether it fits."""

    seconds: float
    seconds_step: float
    seconds_sample: float
    memory: int
    fits: bool
    reason: str


@dataclass(frozen=True)
class Timed:
    """Seconds: to load the pipeline, to read the pictures and captions, of a step, of a sample; and bytes."""

    load: float
    lesson: float
    step: float
    sample: float
    memory: int


def measure(context: Context, plan: Plan, pictures: np.ndarray, captions: Sequence[str]) -> Estimate:
    """Trains a few steps on pictures (N, size, size, 3) uint8 and draws once; keeps nothing of it.

    Takes turns at the gate, so it may wait for others. What does not fit the memory is an answer and no error;
    ModelMissing, DamagedWeights and a loss that is no number are raised.
    """
    try:
        spec = own_spec(context, plan)
    except NotEnoughMemory as problem:
        return too_large(str(problem))
    try:
        timed = _measured(context, spec, plan, pictures, captions)
        return reckoned(context, plan, timed)
    except NotEnoughMemory as problem:
        reason = str(problem)
    except Exception as problem:
        if not devices.is_out_of_memory(problem):
            raise
        reason = f"{models.entry(plan.model).title} ran out of memory in the first steps. " + REMEDY
    finally:
        context.cache.drop_idle(key=spec.key)  # not before the lease and the traceback's frames are gone
    return too_large(reason)


def own_spec(context: Context, plan: Plan) -> ModelSpec:
    """How the cache gets a pipeline that nobody else is given."""
    shared = quantised.spec(context, plan.model, plan.quantise)
    return replace(shared, key=replace(shared.key, variant=f"{shared.key.variant}, estimate {next(NUMBER)}"))


def too_large(reason: str) -> Estimate:
    """The answer that it does not fit."""
    return Estimate(0.0, 0.0, 0.0, 0, False, reason)


def reckoned(context: Context, plan: Plan, timed: Timed) -> Estimate:
    """The whole training from its measured parts."""
    rows, drawn = len(plan.at()), len(plan.samples) * learning.COPIES
    priors = job.PRIORS if plan.prior_weight else 0
    samples = rows * drawn + priors + 1  # the one of the proof
    seconds = 2 * timed.load + timed.lesson + plan.steps * timed.step + samples * timed.sample
    budget = _budget(context)
    fits = timed.memory <= budget
    reason = "" if fits else (f"The training takes {gigabytes(timed.memory)}; models may take {gigabytes(budget)} on "
                              f"{context.device}. {REMEDY}")
    return Estimate(seconds, timed.step, timed.sample, timed.memory, fits, reason)


def _measured(context: Context, spec: ModelSpec, plan: Plan, pictures: np.ndarray, captions: Sequence[str]) -> Timed:
    start = time.perf_counter()
    with context.cache.lease(spec) as pipe:
        load = time.perf_counter() - start
        weights = spec.measure(pipe)
        family = families.wrap(pipe, models.find(plan.model).family, plan.resolution)
        with Growth(context.device) as growth:
            start = time.perf_counter()
            lesson = learning.lesson(context, family, plan, pictures, captions)
            lesson_seconds = time.perf_counter() - start
            learner = learning.Learner(family, plan, lesson, lesson if plan.prior_weight else None)
            if plan.batch > 1 and context.device == "cpu":
                _try_one(context, learner, weights)
            step = _step_seconds(context, learner)
            sample = _sample_seconds(context, learner)
        return Timed(load, lesson_seconds, step, sample, weights + max(growth.bytes, trained_bytes(learner)))


def _try_one(context: Context, learner: "Learner", weights: int) -> None:
    """A step with one picture, and NotEnoughMemory if a batch of as much each could not fit.

    A GPU that is out of memory says so; a machine that is out of RAM ends the process without a word.
    """
    whole = learner.plan
    learner.plan = replace(whole, batch=1)
    with Growth(context.device) as growth, context.gate.turn(WHO):
        learner.learn()
    learner.plan = whole
    needed = weights + whole.batch * max(0, growth.bytes - trained_bytes(learner))
    budget = _budget(context)
    if needed > budget:
        raise NotEnoughMemory(f"A batch of {whole.batch} takes about {gigabytes(needed)}; models may take "
                              f"{gigabytes(budget)} on {context.device}.", REMEDY)


def _budget(context: Context) -> int:
    return context.cache.stats()["devices"][context.device]["budget"]


def _step_seconds(context: Context, learner: "Learner") -> float:
    """The median of the steps after the warm-up; fewer where steps are slow."""
    seconds: list[float] = []
    while len(seconds) < WARM_UP + TIMED and sum(seconds) < PATIENCE:
        with context.gate.turn(WHO):
            start = time.perf_counter()
            learner.learn()
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[WARM_UP:] or seconds[-1:])


def _sample_seconds(context: Context, learner: "Learner") -> float:
    asked = learning.request(learner.plan, learner.plan.samples[0])
    told = learning.listen(context, asked, learner.family.pipe)
    with context.gate.turn(WHO):
        start = time.perf_counter()
        next(learner.sample([(asked, told)]))
        return time.perf_counter() - start


def trained_bytes(learner: "Learner") -> int:
    """Bytes of the adapter, its gradients and the optimizer's moments."""
    adapter = sum(parameter.numel() * parameter.element_size() for parameter in learner.parameters)
    moments = sum(value.numel() * value.element_size() for state in learner.optimizer.state.values()
                  for value in state.values())
    return 2 * adapter + moments


class Growth:
    """By how many bytes the memory in use grew at most within the block: of a GPU's allocator, else of the process."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.bytes = 0
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Growth":
        if self.device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(self.device)
            self._before = torch.cuda.memory_allocated(self.device)
        else:
            self._before = resident()
            self._watcher.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(WATCH):
            self.bytes = max(self.bytes, resident() - self._before)

    def __exit__(self, *problem: Any) -> None:
        if self.device.startswith("cuda"):
            import torch

            self.bytes = torch.cuda.max_memory_allocated(self.device) - self._before
        else:
            self._stop.set()
            self._watcher.join()


def resident() -> int:
    """Bytes of RAM that this process holds."""
    import psutil

    return int(psutil.Process().memory_info().rss)
