"""What both trainings share: randomness by step, learning rate, checkpoints, progress, grids.

Every step's randomness is a function of (seed, step) alone, so that a resumed training needs no
saved generator state and gives the same weights as one that was never interrupted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Run:
    """How long and how a training runs."""

    steps: int  # the learning rate has fallen to nothing at this step
    batch: int  # pictures a step
    peak: float  # highest learning rate
    seconds: float = float("inf")  # stop (with a checkpoint) after this long, whatever the step
    warmup: int = 100  # steps
    cooldown: float = 0.25  # last part of the steps in which the rate falls, 0..1
    seed: int = 0
    save_every: int = 100  # steps
    grid_every: int = 500  # steps
    keep: tuple[int, ...] = ()  # steps whose checkpoint is kept beside the latest
    offset: int = 0  # pictures seen by step s are offset + s * batch: not 0 after another batch
    begun: int = 0  # step at which the optimizer began: more than 0 after `adopt`
    bf16: bool = False  # networks compute in bfloat16: 1.7 times as fast where the CPU has it

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or not 0 <= self.cooldown <= 1:
            raise ValueError(f"steps and batch must be positive, cooldown within 0..1: {self}")

    def rate(self, step: int) -> float:
        """Warm up, stay, fall linearly: a run can be made longer before its cooldown begins."""
        rising = min(1.0, (step + 1 - self.begun) / self.warmup) if self.warmup else 1.0
        left = (self.steps - step) / max(1.0, self.steps * self.cooldown)
        return self.peak * min(rising, max(0.0, min(1.0, left)))

    def precision(self) -> torch.autocast:
        """The context a network computes in; weights, losses and updates stay in float32."""
        import torch

        return torch.autocast("cpu", torch.bfloat16, enabled=self.bf16)


def step_rngs(seed: int, step: int) -> tuple[np.random.Generator, torch.Generator]:
    """Generators for one step: numpy's chooses pictures, torch's draws noise."""
    import torch

    rng = np.random.default_rng([seed, step])
    return rng, torch.Generator().manual_seed(int(rng.integers(2**62)))


def save_checkpoint(path: Path, state: dict) -> None:
    """Whole or not at all: a killed writer leaves the previous file."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path) -> dict:
    """A dict of tensors and plain numbers; nothing in the file is executed."""
    import torch

    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}: make it first")
    return torch.load(path, map_location="cpu", weights_only=True)


def checkpoint_to_resume(path: Path, resume: bool) -> dict | None:
    """The checkpoint a training goes on from; None where it begins, which is said if it should have gone on."""
    if resume and not path.is_file():
        print(f"no checkpoint at {path} yet: from step 0")
        return None
    return load_checkpoint(path) if resume else None


def new_optimizer(model: torch.nn.Module, rate: float) -> torch.optim.AdamW:
    """The same for both trainings; fused, since its many small updates cost a tenth of a step."""
    import torch

    return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4, fused=True)


def restore(
    saved: dict, model: torch.nn.Module, optimizer: torch.optim.Optimizer, run: Run
) -> tuple[int, Run]:
    """Put a checkpoint back; returns the steps it had done, and the run that goes on from there."""
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    seen = saved.get("pictures", saved["step"] * saved["batch"])
    offset = seen - saved["step"] * run.batch
    return saved["step"], replace(run, begun=saved.get("begun", 0), offset=offset)


class Ema:
    """A running mean of a model's weights; what is exported and sampled from.

    The decay grows with the step, min(decay, (1 + step) / (10 + step)), so that the random
    initial weights are forgotten early.
    """

    def __init__(
        self, model: torch.nn.Module, decay: float = 0.999, weights: dict | None = None
    ) -> None:
        self.decay = decay
        self.weights = weights or {k: v.detach().clone() for k, v in model.state_dict().items()}

    def update(self, model: torch.nn.Module, step: int) -> None:
        import torch

        pull = 1 - min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                self.weights[name].lerp_(value, pull)


@dataclass
class Progress:
    """Prints step, loss, pictures a second and the time left, at most every `every` seconds."""

    run: Run
    first: int  # the step training started from
    every: float = 15.0  # seconds
    started: float = field(default_factory=time.monotonic)
    printed: float = 0.0
    means: dict[str, float] = field(default_factory=dict)

    def update(self, step: int, losses: dict[str, float]) -> None:
        for name, value in losses.items():
            self.means[name] = 0.98 * self.means.get(name, value) + 0.02 * value
        now = time.monotonic()
        if now - self.printed >= self.every or step + 1 == self.run.steps:
            self.printed = now
            print(self.line(step, now - self.started), flush=True)

    def line(self, step: int, elapsed: float) -> str:
        pace = (step + 1 - self.first) / elapsed if elapsed else 0.0  # steps a second
        left = min((self.run.steps - step - 1) / pace if pace else 0, self.run.seconds - elapsed)
        losses = " ".join(f"{name} {value:.4f}" for name, value in self.means.items())
        return (
            f"step {step + 1}/{self.run.steps} {losses} rate {self.run.rate(step):.1e} "
            f"{pace * self.run.batch:.1f} pictures/s eta {left / 60:.1f} min"
        )

    def out_of_time(self) -> bool:
        return time.monotonic() - self.started >= self.run.seconds


@dataclass
class Training:
    """The loop: `update(step)` learns from one batch and returns its losses by name."""

    run: Run
    update: Callable[[int], dict[str, float]]
    state: Callable[[], dict]  # what a checkpoint holds beside the step
    grid: Callable[[int], None]  # writes a picture of what the model does now
    checkpoint: Path

    def go(self, first: int) -> int:
        """Train from step `first`; returns the number of steps done in all."""
        progress = Progress(self.run, first)
        step = first
        while step < self.run.steps and not progress.out_of_time():
            progress.update(step, self.update(step))
            step += 1
            if step % self.run.save_every == 0:
                self.save(step)
            if step % self.run.grid_every == 0:
                self.grid(step)
        self.save(step)
        self.grid(step)
        return step

    def save(self, step: int) -> None:
        seen = {"pictures": self.run.offset + step * self.run.batch, "batch": self.run.batch}
        state = {"step": step, "begun": self.run.begun, **seen, **self.state()}
        save_checkpoint(self.checkpoint, state)
        if step in self.run.keep:
            kept = f"{self.checkpoint.stem}-{step}{self.checkpoint.suffix}"
            save_checkpoint(self.checkpoint.with_name(kept), state)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def save_grid(pictures: np.ndarray, columns: int, path: Path, scale: int = 2) -> None:
    """[N, H, W, 3] uint8 -> one picture of N / columns rows."""
    count, height, width, _ = pictures.shape
    rows = count // columns
    sheet = pictures[: rows * columns].reshape(rows, columns, height, width, 3)
    sheet = sheet.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = (columns * width * scale, rows * height * scale)
    Image.fromarray(sheet).resize(size, Image.Resampling.NEAREST).save(path)
