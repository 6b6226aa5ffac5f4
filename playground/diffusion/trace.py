"""A run of the denoising loop that keeps every step: what was there, what the network answered, what follows from it.

A Run advances under a lease and a turn at the gate that last a fraction of a second; between them nothing is held,
so a visitor who stops, or leaves, leaves nothing behind. States and answers are kept as latents in the network's own
type, 48 times smaller than pictures: from them every view follows, and a branch can go on from any step exactly.
"""

import contextlib
import dataclasses
import inspect
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.context import Context
from playground.diffusion import families, models, schedulers, wording
from playground.diffusion.pictures import Film, shrink
from playground.diffusion.requests import Request
from playground.diffusion.schedulers import Level
from playground.diffusion.wording import Conditioning, Wording
from playground.errors import PlaygroundError
from playground.specs import ModelSpec
from playground.weights import Progress, silent

if TYPE_CHECKING:
    import torch

WHO = wording.WHO
TURN_SECONDS = 0.3  # of steps under one turn at the gate


@dataclass(eq=False)
class Trace:
    """Every step of a run of N steps: states x_T .. x_0 (N + 1), the network's answers (N), their levels (N).

    `kind` is what the answers are (schedulers.prediction); `seconds` is the time in the loop alone.
    """

    request: Request
    wording: Wording
    kind: str
    timesteps: list[float]
    levels: list[Level]
    states: list["torch.Tensor"]
    answers: list["torch.Tensor"] = field(default_factory=list)
    seconds: float = 0.0
    film: Film | None = None
    negative: Wording | None = None  # how the negative prompt was read, where it was

    @property
    def steps(self) -> int:
        """Steps in all; Heun asks the network twice for most, which counts."""
        return len(self.timesteps)

    def clean(self, step: int) -> "torch.Tensor":
        """The clean latents x0 that the network's answer at a step implies."""
        return schedulers.unmix(self.states[step], self.answers[step], self.levels[step], self.kind)[0]

    def noise(self, step: int) -> "torch.Tensor":
        """The noise eps that the network's answer at a step implies."""
        return schedulers.unmix(self.states[step], self.answers[step], self.levels[step], self.kind)[1]

    def balanced(self, step: int) -> "torch.Tensor":
        """The state before a step (or the last one) at unit variance, as the network and a decoder can read it."""
        if step == self.steps or self.kind == schedulers.FLOW:
            return self.states[step]
        at = self.levels[step]
        return self.states[step] / max(1.0, (at.signal**2 + at.noise**2) ** 0.5)

    def changes(self) -> list[float]:
        """Root mean square change of x0 from each step to the next (N - 1), in latent units."""
        clean = [self.clean(step) for step in range(self.steps)]
        return [float((b - a).square().mean().sqrt()) for a, b in itertools.pairwise(clean)]


@dataclass(frozen=True, eq=False)
class Frame:
    """A run as far as it is: steps done, steps in all, the last guess at the picture (H, W, 3)."""

    step: int
    steps: int
    preview: np.ndarray


class Run:
    """A request on its way. `origin` and `at`: go on from another trace's state before step `at`."""

    def __init__(self, family: families.StableDiffusion, request: Request, told: Conditioning,
                 origin: Trace | None = None, at: int = 0) -> None:
        start = family.start(request, told)
        self.told = told.to(start.latents.device, family.network.dtype)
        self.x, self.scheduler, self.generator = start.latents, start.scheduler, start.generator
        self.timesteps = list(self.scheduler.timesteps)
        levels = [schedulers.level(self.scheduler, i, float(t)) for i, t in enumerate(self.timesteps)]
        self.trace = Trace(request, told.wording, schedulers.prediction(self.scheduler),
                           [float(t) for t in self.timesteps], levels, [self.x.cpu()], negative=told.negative)
        self.guesses: list[np.ndarray] = []
        if origin is not None:
            self._replay(origin, at)

    @property
    def done(self) -> bool:
        """Whether every step is done."""
        return len(self.trace.answers) == self.trace.steps

    @property
    def frame(self) -> Frame:
        """Where the run stands."""
        return Frame(len(self.trace.answers), self.trace.steps, self.guesses[-1])

    def step(self, family: families.StableDiffusion) -> None:
        """One step. Raises PlaygroundError where the numbers overflow."""
        number, request = len(self.trace.answers), self.trace.request
        timestep = self.timesteps[number]
        answer = family.answer(self.x, timestep, self.scheduler, self.told, request.guidance)
        self.x = self._next(answer, timestep, self.x)
        check_numbers(self.x, f"at step {number + 1}")
        self.trace.answers.append(answer.cpu())
        self.trace.states.append(self.x.cpu())

    def develop(self, family: families.StableDiffusion) -> None:
        """Decodes the guesses of the steps done since the last time, in one batch; no guess is decoded twice."""
        import torch

        due = range(len(self.guesses), len(self.trace.answers))
        if due:
            pictures = glance(family, torch.cat([self.trace.clean(step) for step in due]))
            self.guesses.extend(shrink(picture) for picture in pictures)

    def finish(self, family: families.StableDiffusion) -> Trace:
        """Decodes the picture, and hands the trace over with all but its noisy states decoded."""
        final = self.picture(family)
        noises = np.concatenate([self.trace.noise(step).numpy() for step in range(self.trace.steps)])
        self.trace.film = Film(final, np.stack(self.guesses), noises.astype(np.float16))  # to look at
        return self.trace

    def picture(self, family: families.StableDiffusion) -> np.ndarray:
        """The picture (H, W, 3) where the run stands. Raises PlaygroundError where it came out black."""
        drawn = family.decode(self.x)[0]
        check_picture(drawn, family)
        return drawn

    def _next(self, answer: "torch.Tensor", timestep: Any, x: "torch.Tensor") -> "torch.Tensor":
        takes = inspect.signature(self.scheduler.step).parameters
        random = {"generator": self.generator} if "generator" in takes else {}
        return self.scheduler.step(answer, timestep, x, return_dict=False, **random)[0]

    def _replay(self, origin: Trace, at: int) -> None:
        """Brings scheduler and random numbers to where they were before step `at`; the network is not asked."""
        device = self.x.device
        for number in range(at):
            answer, state = origin.answers[number].to(device), origin.states[number].to(device)
            self._next(answer, self.timesteps[number], state)
        self.x = origin.states[at].to(device)
        self.trace.states, self.trace.answers = origin.states[:at + 1], origin.answers[:at]
        self.guesses = list(origin.film.clean[:at])


def glance(family: families.StableDiffusion, latents: "torch.Tensor") -> np.ndarray:
    """The pictures (N, H, W, 3) of latents on the way, to look at: within a few of 255 levels of family.decode().

    On a processor they cost half as much in this order in memory, and in bfloat16 where it computes in that. The
    picture that a run ends with is decoded as the pipeline does it.
    """
    import torch

    if latents.ndim == 4:
        latents = latents.contiguous(memory_format=torch.channels_last)
    half = family.network.dtype == torch.float32 and family.pipe._execution_device.type == "cpu" and has_bfloat16()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        return family.decode(latents)


def has_bfloat16() -> bool:
    """Whether this machine's processor computes in bfloat16 itself; elsewhere that would be slower."""
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def check_numbers(x: "torch.Tensor", where: str) -> None:
    """Raises PlaygroundError where numbers overflowed."""
    import torch

    if not bool(torch.isfinite(x).all()):
        raise PlaygroundError(
            f"The numbers overflowed {where} (not a number in {x.dtype}).",
            "Lower the guidance, choose another scheduler, or use a device that computes in bfloat16 or float32.")


def check_picture(drawn: np.ndarray, family: families.StableDiffusion) -> None:
    """Raises PlaygroundError for a black picture from half precision, in which an autoencoder may overflow."""
    import torch

    if drawn.max() == 0 and family.network.dtype != torch.float32:
        raise PlaygroundError(f"The picture came out black, as happens in {family.network.dtype}.",
                              "Try another seed, or a device that computes in bfloat16 or float32.")


def draw(context: Context, request: Request, progress: Progress = silent) -> Iterator[Frame | Trace]:
    """Frames while the picture forms, then the Trace. Raises PlaygroundError (memory, missing model, overflow)."""
    spec = models.spec(context, request.model, progress)
    told = wording.listen(context, request, spec)
    runs: list[Run] = []
    while not runs or not runs[0].done:
        advance(context, spec, runs, [(request, told, None, 0)])
        yield runs[0].frame
    made = complete(context, spec, runs)[0]
    yield Frame(made.steps, made.steps, made.film.final)
    yield develop(context, spec, made)


def advance(context: Context, spec: ModelSpec, runs: list[Run], wanted: list[tuple], guesses: bool = True) -> None:
    """A turn at the gate: starts what is not started yet, then steps of all runs side by side, then their guesses.

    `wanted` has a (request, conditioning, origin, at) a run, as Run takes them.
    """
    with _family(context, spec) as family:
        start = time.perf_counter()
        if not runs:
            runs.extend(Run(family, *each) for each in wanted)
        due = [run for run in runs if not run.done]
        while due:  # at least one step, however late it is
            for run in due:
                _timed_step(context, run, family)
            due = [run for run in due if not run.done]
            if time.perf_counter() - start > TURN_SECONDS:
                break
        for run in runs if guesses else ():
            context.cache.retrying(lambda run=run: run.develop(family), context.device)


def _timed_step(context: Context, run: Run, family: families.StableDiffusion) -> None:
    start = time.perf_counter()
    context.cache.retrying(lambda: run.step(family), context.device)
    run.trace.seconds += time.perf_counter() - start


def complete(context: Context, spec: ModelSpec, runs: list[Run]) -> list[Trace]:
    """The traces of runs that are done, with their pictures and guesses."""
    with _family(context, spec) as family:
        made = [context.cache.retrying(lambda run=run: run.finish(family), context.device) for run in runs]
        family.finish()
        return made


def develop(context: Context, spec: ModelSpec, made: Trace) -> Trace:
    """The trace with its noisy states decoded, in one batch, after the picture was shown: they cost as much as
    the guesses, and nobody waits for them."""
    import torch

    with _family(context, spec) as family:
        balanced = torch.cat([made.balanced(step) for step in range(made.steps)])
        decoded = context.cache.retrying(lambda: glance(family, balanced), context.device)
        family.finish()
    made.film = dataclasses.replace(made.film, noisy=np.stack([shrink(picture) for picture in decoded]))
    return made


def picture(context: Context, spec: ModelSpec, run: Run) -> np.ndarray:
    """Only the picture (H, W, 3) of a run that is done. Raises PlaygroundError where it came out black."""
    with _family(context, spec) as family:
        drawn = context.cache.retrying(lambda: run.picture(family), context.device)
        family.finish()
        return drawn


@contextlib.contextmanager
def _family(context: Context, spec: ModelSpec) -> Iterator[families.StableDiffusion]:
    """The family over the leased pipeline, in a turn at the gate, without gradients."""
    import torch

    model = models.find(spec.key.name)
    with context.cache.lease(spec) as pipe, context.gate.turn(WHO), torch.inference_mode():
        yield families.wrap(pipe, model.family, model.size)
