"""A GAN against diffusion, on faces: seconds a picture, and how different the faces of one model are.

The lecture's statement, that diffusion is easier to train and slower to sample, half of it measured: sampling.
Diversity is the mean distance between two pictures of a set in a fixed feature space (outlines and colours,
playground/diffusion/pocket/features.py), with nothing learnt in it; it compares these two sets, nothing else.
"""

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checks
from playground.context import Context
from playground.diffusion import models, pictures, requests, trace, wording
from playground.gan import faces
from playground.specs import ModelSpec

MOST = 16
PROMPT = "a photo of a face"


@dataclass(frozen=True, eq=False)
class Side:
    """One model's pictures (N, 64, 64, 3), seconds each once it was loaded, network calls each, and diversity."""

    title: str
    pictures: np.ndarray
    seconds_each: float
    calls: int
    diversity: float


def hold(context: Context, count: Any, seed: Any = 42, *, steps: Any = 20, model: str = models.POCKET,
         prompt: str = PROMPT) -> Iterator[tuple[int, Side | None, Side | None]]:
    """(pictures drawn by diffusion so far, the GAN's side, diffusion's side); the sides as soon as they are done.

    Both draw one picture after the other, since that is what a visitor waits for; loading is not counted.
    """
    count = checks.whole(count, "The number of faces", 2, MOST)
    request = requests.check(prompt, steps=steps, seed=seed, model=model)
    gan = _gan(context, count, request.seed)
    yield 0, gan, None
    drawn, seconds = [], 0.0
    wanted = [requests.check(prompt, steps=steps, seed=(request.seed + n) % (requests.MAX_SEED + 1), model=model)
              for n in range(count)]
    spec = models.spec(context, model)
    told = wording.listen(context, request, spec)
    # Loaded and warm before the clock starts, as the GAN is.
    trace.picture(context, spec, _run(context, spec, dataclasses.replace(request, steps=1), told))
    for each in wanted:
        run = _run(context, spec, each, told)
        start = time.perf_counter()
        drawn.append(trace.picture(context, spec, run))
        seconds += run.trace.seconds + time.perf_counter() - start
        yield len(drawn), gan, None
    sized = np.stack([pictures.fit(picture, 64) for picture in drawn])
    calls = request.steps * (2 if request.guided else 1)
    yield count, gan, Side(f"Diffusion, {request.steps} steps", sized, seconds / count, calls, diversity(sized))


def _run(context: Context, spec: ModelSpec, request: requests.Request, told: wording.Conditioning) -> trace.Run:
    """A run with all its steps done, none of its guesses decoded."""
    runs: list[trace.Run] = []
    while not runs or not runs[0].done:
        trace.advance(context, spec, runs, [(request, told, None, 0)], guesses=False)
    return runs[0]


def _gan(context: Context, count: int, seed: int) -> Side:
    faces.generate(context, 1, seed)  # loaded and warm before the clock starts
    made = [faces.generate(context, 1, (seed + n) % (faces.MAX_SEED + 1)) for n in range(count)]
    drawn = np.concatenate([each.pictures for each in made])
    return Side("GAN", drawn, sum(each.seconds_each for each in made) / count, 1, diversity(drawn))


def diversity(drawn: np.ndarray) -> float:
    """Mean distance between two pictures of a set (N, 64, 64, 3), N at least 2."""
    from playground.diffusion.pocket import features

    return features.mean_distance(features.features(drawn))
