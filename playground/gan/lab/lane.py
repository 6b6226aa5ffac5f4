"""One run with everything that is shown of it: its trainer, the figures over time, and frames for the page.

A frame is a dict of arrays. The page's scrubber goes through frames kept at the updates of FILM.
"""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.gan.lab import data as sets
from playground.gan.lab import metrics
from playground.gan.lab.series import Series
from playground.gan.lab.settings import LABELLED, LEAST_SQUARES, RunSettings
from playground.gan.lab.trainer import Trainer

if TYPE_CHECKING:
    import torch

FILM = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 4000, 5000,
        6000, 8000, 10_000, 12_500, 15_000, 17_500, 20_000)
SHOWN_POINTS, SHOWN_PICTURES = 600, 36
FIELD = 40  # cells a side of D's field
REACH = 1.5  # the plane is shown from -REACH to REACH
BINS = 24
FIXED, MEASURED = 1_000_003, 2_000_003  # added to the seed: latents shown, latents measured


class Lane:
    """A run in progress."""

    def __init__(self, settings: RunSettings, data: sets.Data, yardstick: metrics.Yardstick) -> None:
        self.settings, self.data, self.yardstick = settings, data, yardstick
        self.trainer = Trainer(settings, data)
        self.series = Series()
        count = SHOWN_PICTURES if data.shape.side else SHOWN_POINTS
        self.shown = latents(count, data.shape.latent, settings.seed + FIXED)
        self.measured = latents(yardstick.count, data.shape.latent, settings.seed + MEASURED)
        self.figures: dict = {}

    def update(self) -> None:
        """One joint update, with its row in the series."""
        self.trainer.update()
        self.note()

    def note(self) -> None:
        """Writes the last update into the series."""
        last = self.trainer.last
        apart = metrics.separation(last.real.numpy(), last.fake.numpy())
        self.series.add(self.trainer.step, last.loss_d, last.loss_g, last.gradient_g, apart)

    def measure(self) -> dict:
        """The figures of what G makes now; also kept for the next frames."""
        self.figures = self.yardstick.measure(sets.to_array(self.trainer.generate(self.measured)))
        return self.figures

    def frame(self, measured: bool = False) -> dict[str, np.ndarray]:
        """What is shown of this moment, all but the series."""
        if measured or not self.figures:
            self.measure()
        real, fake, edges = self.histograms()
        numbers = {**self.figures, "step": self.trainer.step, "runaway": self.series.runaway,
                   "loss_d": self.trainer.last.loss_d, "loss_g": self.trainer.last.loss_g,
                   "gradient_g": self.trainer.last.gradient_g}
        frame = {"made": sets.to_array(self.trainer.generate(self.shown)), "real": real, "fake": fake, "edges": edges,
                 "numbers": np.frombuffer(json.dumps(numbers).encode(), np.uint8)}
        if self.data.shape.side == 0:
            frame["field"] = self.field()
        return frame

    def verdict(self, scores: "torch.Tensor") -> np.ndarray:
        """D's scores as it means them: a probability where it was trained to give one, else the raw score."""
        if self.settings.loss in LABELLED and self.settings.loss != LEAST_SQUARES:
            return scores.sigmoid().numpy()
        return scores.numpy()

    def histograms(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Counts of D's verdicts on real and on generated data, and the edges of their bins."""
        random = latent_random(self.settings.seed + MEASURED)
        real = self.verdict(self.trainer.score(self.data.sample(200, random)))
        fake = self.verdict(self.trainer.score(self.trainer.generate(self.measured[:200]).clone()))
        both = np.nan_to_num(np.concatenate([real, fake]))
        low, high = (0.0, 1.0) if self.settings.loss in LABELLED else (float(both.min()), float(both.max()) + 1e-6)
        edges = np.linspace(low, high, BINS + 1)
        counts = [np.histogram(np.nan_to_num(values).clip(low, high), edges)[0] for values in (real, fake)]
        return counts[0].astype(np.int32), counts[1].astype(np.int32), edges.astype(np.float32)

    def field(self) -> np.ndarray:
        """D's verdict over the plane (FIELD, FIELD) uint8, first row on top: 0 surely generated, 255 surely real."""
        import torch

        ticks = (torch.arange(FIELD) + 0.5) / FIELD * 2 * REACH - REACH
        y, x = torch.meshgrid(-ticks, ticks, indexing="ij")
        values = np.nan_to_num(self.verdict(self.trainer.score(torch.stack([x.ravel(), y.ravel()], 1))))
        if self.settings.loss not in LABELLED:
            values = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
        return (values.clip(0, 1) * 255).round().astype(np.uint8).reshape(FIELD, FIELD)

    def state(self) -> dict[str, Any]:
        """JSON types beside the trainer's tensors, for a checkpoint."""
        return {"series": self.series.state(), "figures": self.figures}

    def restore(self, tensors: dict[str, "torch.Tensor"], state: dict[str, Any]) -> None:
        """What trainer.tensors() and state() gave."""
        self.trainer.restore(tensors)
        self.series.restore(state["series"])
        self.figures = state["figures"]


def latent_random(seed: int) -> "torch.Generator":
    """A generator apart from the training's, so that looking changes nothing."""
    import torch

    return torch.Generator().manual_seed(seed)


def latents(count: int, length: int, seed: int) -> "torch.Tensor":
    """z (count, length) of a seed."""
    import torch

    return torch.randn(count, length, generator=latent_random(seed))
