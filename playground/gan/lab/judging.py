"""D as a judge: of a picture that a visitor offers, and against the visitor in a quiz, real or generated."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from playground import checks, images
from playground.context import Context
from playground.errors import BadInput
from playground.gan.lab import client, files, trained
from playground.gan.lab import data as sets
from playground.gan.lab.settings import DIGITS, FACES, LABELLED, LEAST_SQUARES, MAX_SEED, PICTURES, read_plan
from playground.job_table import Job

COMPARED = 200  # real and generated pictures that a verdict is compared with
ASKED = 10  # pictures of a quiz


@dataclass(frozen=True)
class Verdict:
    """D's word on a picture: its raw score, the probability it means (None for a critic), and its rank.

    `picture` is what D saw (side, side, C) uint8; the ranks are shares of pictures that score lower, 0 to 1.
    """

    picture: np.ndarray
    score: float
    probability: float | None
    above_real: float
    above_made: float


@dataclass(frozen=True)
class Quiz:
    """Pictures (N, H, W, C), which of them are real, and which D takes for real."""

    pictures: np.ndarray
    real: tuple[bool, ...]
    d_says: tuple[bool, ...]


def real_pictures(context: Context, job: Job) -> np.ndarray:
    """The pictures (N, side, side, C) that a run learns from. BadInput for a run of points."""
    name = read_plan(job.progress.get("plan") or job.spec).runs[0].data
    if name == FACES:
        return files.read_arrays(Path(job.spec["faces"]))["faces"]
    if name == DIGITS:
        return sets.digits().pictures
    if name == PICTURES:
        return files.read_arrays(job.folder / client.SET)["pictures"]
    raise BadInput("This run is of points.", "Train on faces, digits or own pictures for this.")


def drawn(context: Context, job_id: Any, lane: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, Path]:
    """`count` real pictures, as many generated ones, and the checkpoint they are of."""
    job = client.get(context, job_id)
    real = real_pictures(context, job)
    path = client.checkpoint(context, job.id)
    which = np.random.default_rng(seed).choice(len(real), min(count, len(real)), replace=False)
    made = np.concatenate([trained.samples(context, path, lane, 1_000_000 + seed * 1000 % 10**6 + start,
                                           min(trained.MAX_SAMPLES, count - start))
                           for start in range(0, count, trained.MAX_SAMPLES)])
    return real[which], made, path


def judge(context: Context, job_id: Any, lane: int, content: bytes | np.ndarray) -> Verdict:
    """D's verdict on a file's bytes, or on a picture of the right size. Raises BadInput."""
    real, made, path = drawn(context, job_id, lane, COMPARED, 0)
    picture = fitted(content, real.shape[1], real.shape[3]) if isinstance(content, bytes) else content
    scores = trained.scores(context, path, lane, np.concatenate([picture[None], real, made]))
    own, of_real, of_made = scores[0], scores[1:1 + len(real)], scores[1 + len(real):]
    return Verdict(picture, float(own), meant(context, path, lane, float(own)), float((of_real < own).mean()),
                   float((of_made < own).mean()))


def fitted(content: bytes, side: int, channels: int) -> np.ndarray:
    """A file's picture as D sees pictures (side, side, C)."""
    square = images.square(images.read(content, 1024), side)
    array = np.asarray(square if channels == 3 else square.convert("L"))
    return array.reshape(side, side, channels)


def meant(context: Context, path: Path, lane: int, score: float) -> float | None:
    """The probability of being real that a score stands for, where the loss gives it that meaning."""
    with context.cache.lease(trained.spec(path, lane)) as networks:
        loss = networks.run.loss
    if loss not in LABELLED:
        return None
    return min(1.0, max(0.0, score)) if loss == LEAST_SQUARES else float(1 / (1 + np.exp(-np.clip(score, -60, 60))))


def quiz(context: Context, job_id: Any, lane: int, seed: Any) -> Quiz:
    """Ten pictures in random order, five real. D takes for real what scores above the middle of many of both."""
    number = checks.whole(seed, "The seed", 0, MAX_SEED)
    real, made, path = drawn(context, job_id, lane, COMPARED, number)
    scores = trained.scores(context, path, lane, np.concatenate([real, made]))
    middle = float(np.median(scores))
    half = ASKED // 2
    chosen = np.concatenate([np.arange(half), len(real) + np.arange(half)])
    np.random.default_rng(number + 1).shuffle(chosen)
    return Quiz(np.concatenate([real, made])[chosen], tuple(bool(at < len(real)) for at in chosen),
                tuple(bool(scores[at] > middle) for at in chosen))
