"""The runs of one job: trained in alternation, at a pace, held and stepped on request, shown, filmed and kept."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from playground.gan.lab import data as sets
from playground.gan.lab import files
from playground.gan.lab.lane import FILM, Lane
from playground.gan.lab.metrics import Yardstick
from playground.gan.lab.settings import Plan

SLICE = 0.04  # seconds of training between two looks at requests
MEASURE_EVERY, MEASURE_PICTURES = 0.5, 4.0  # seconds between two measurements, which cost time of the training
CHECKPOINT_EVERY = 15.0  # seconds
TIME_LIMIT = 900.0  # seconds of training


class Session:
    """The lanes of a plan, from their start or from a checkpoint."""

    def __init__(self, folder: Path, plan: Plan, data: sets.Data) -> None:
        self.folder, self.plan, self.data = folder, plan, data
        self.yardstick = Yardstick(data)
        self.trained = 0.0  # seconds
        self.pace: float | None = None  # joint updates a second; None: as fast as it goes
        self._measured = self._kept = 0.0
        self.lanes = self._fresh()

    def _fresh(self) -> list[Lane]:
        return [Lane(run, self.data, self.yardstick) for run in self.plan.runs]

    @property
    def step(self) -> int:
        """Joint updates of the slower lane."""
        return min(lane.trainer.step for lane in self.lanes)

    @property
    def limit(self) -> int:
        """Joint updates at which the runs end."""
        return min(run.updates for run in self.plan.runs)

    @property
    def ended(self) -> bool:
        """Whether the bound in updates or in time is reached."""
        return self.step >= self.limit or self.trained >= TIME_LIMIT

    def start(self) -> None:
        """Puts the moment before the first update on film."""
        for path in (self.folder / files.FILM).glob("*.npz"):
            path.unlink()
        self._film()

    def reset(self) -> None:
        """Back to the start, with the same seeds."""
        self.trained = 0.0
        self.lanes = self._fresh()
        self.start()

    def train(self, seconds: float = SLICE) -> int:
        """Joint updates for some time, at the pace; returns how many of each lane."""
        begin, done = time.perf_counter(), 0
        while not self.ended and time.perf_counter() - begin < seconds:
            turn = time.perf_counter()
            for lane in self.lanes:
                lane.update()
            self._film()
            done += 1
            if self.pace:
                rest = 1 / self.pace - (time.perf_counter() - turn)
                if rest > SLICE:  # slow motion: the wait belongs to whoever listens for requests
                    break
                time.sleep(max(0.0, rest))
        self.trained += time.perf_counter() - begin
        return done

    def single(self, which: str) -> None:
        """One update of D ("d") or of G ("g") in each lane."""
        for lane in self.lanes:
            if which == "d" or lane.trainer.last.real is None:  # before the first update there are no scores yet
                lane.trainer.update_d()
            if which == "g":
                lane.trainer.update_g()
            lane.note()

    def show(self, now: Callable[[], float] = time.monotonic) -> None:
        """Writes the newest frame."""
        every = MEASURE_PICTURES if self.data.shape.side else MEASURE_EVERY
        due = now() - self._measured >= every
        if due:
            self._measured = now()
        plan = np.frombuffer(json.dumps(self.plan.as_dict()).encode(), np.uint8)
        arrays: dict[str, np.ndarray] = {"data": self._real(), "plan": plan}
        for number, lane in enumerate(self.lanes):
            frame = lane.frame(due) | {"series": lane.series.array()}
            arrays |= {f"{number}.{name}": value for name, value in frame.items()}
        files.write_arrays(self.folder / files.LIVE, arrays)

    def keep(self) -> None:
        """Writes a checkpoint."""
        tensors, states = {}, []
        for number, lane in enumerate(self.lanes):
            tensors |= {f"{number}.{name}": value for name, value in lane.trainer.tensors().items()}
            states.append(lane.state())
        files.write_checkpoint(self.folder, tensors, self._about(states))
        self._kept = time.monotonic()

    def keep_if_due(self) -> None:
        """Writes a checkpoint every CHECKPOINT_EVERY seconds."""
        if time.monotonic() - self._kept >= CHECKPOINT_EVERY:
            self.keep()

    def restore(self, tensors: dict[str, Any], about: dict[str, Any]) -> None:
        """Goes on from a checkpoint of the same plan."""
        self.trained = about["trained"]
        for number, (lane, state) in enumerate(zip(self.lanes, about["lanes"], strict=True)):
            lane.restore({name.partition(".")[2]: value for name, value in tensors.items()
                          if name.startswith(f"{number}.")}, state)

    def _about(self, states: list[dict]) -> dict[str, Any]:
        shape = self.data.shape
        return {"plan": self.plan.as_dict(), "lanes": states, "trained": self.trained,
                "shape": [shape.side, shape.channels, shape.latent]}

    def _film(self) -> None:
        for number, lane in enumerate(self.lanes):
            step = lane.trainer.step
            if step in FILM and not files.film_path(self.folder, number, step).exists():
                files.write_arrays(files.film_path(self.folder, number, step), lane.frame(measured=True))

    def _real(self) -> np.ndarray:
        """Real data to show beside what G makes."""
        import torch

        count = 36 if self.data.shape.side else 600
        return sets.to_array(self.data.sample(count, torch.Generator().manual_seed(0)))
