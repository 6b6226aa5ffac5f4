"""The lab's job: trains on its own, does what it is asked within a blink, and ends itself when nobody asks any more.

Requests (Jobs.request): "hold", "go", "d" and "g" (one update), "speed N" (updates a second, 0 for full), "reset",
"save" (a checkpoint now), "new PLAN" (other runs, as JSON). "pause", "cancel" and "yield" are those of every job.
"""

import json
import logging
import os
import shutil
import time
from pathlib import Path
from typing import Any

from playground.gan.lab import client, face_set, files
from playground.gan.lab import data as sets
from playground.gan.lab.session import Session
from playground.gan.lab.settings import DRAWING, FACES, PICTURES, Plan, read_plan
from playground.job_table import DONE, PAUSED, YIELD
from playground.worker import ENDING, Stopped, Work

LISTEN = 0.05  # seconds between two looks at requests
SHOW = 1 / 6  # seconds between two frames
REPORT = 0.5  # seconds between two reports
IDLE = 120.0  # seconds on hold after which the process ends, to be resumed
UNWATCHED = 100.0  # seconds without a page that looks, after which a run pauses; one in the background looks each 60 s
log = logging.getLogger(__name__)


def run(work: Work) -> None:
    """Runs a job of the lab to its end."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read by torch: threads that wait leave the cores to the page
    player = Player(work)
    while not player.turn():
        pass


class Player:
    """A session under control from outside."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.held = False
        self.idle_since = self.started = time.monotonic()
        self.shown = self.reported = self.listened = 0.0
        self.counted, self.counted_at = 0, time.monotonic()
        self.changed = True
        self.session = self.open()
        work.ready()

    def open(self) -> Session:
        """The session of the checkpoint, or a new one of the job's spec."""
        path = self.work.folder / files.CHECKPOINT
        if path.exists():
            tensors, about = files.read_checkpoint(path)
            session = self.make(about["plan"])
            session.restore(tensors, about)
            return session
        session = self.make(self.work.spec)
        session.start()
        return session

    def make(self, values: dict[str, Any]) -> Session:
        """A session of a plan from the spec or from a request, with the threads that suit its data."""
        import torch

        plan = read_plan({"runs": values["runs"], "names": values["names"]})
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        torch.set_num_threads(cores if plan.runs[0].data in (FACES, PICTURES) else 1)  # small nets gain nothing by more
        self.work.report(plan=plan.as_dict(), words="Preparing", held=False, limit=plan.runs[0].updates)
        return Session(self.work.folder, plan, self.data(plan, values))

    def data(self, plan: Plan, values: dict[str, Any]) -> sets.Data:
        """The data of a plan; `values` says where faces and a visitor's own come from."""
        name = plan.runs[0].data
        if name == FACES:
            kept, weights = Path(self.work.spec["faces"]), Path(self.work.spec["weights"])
            return sets.Pictures(face_set.faces(kept, weights, lambda words: self.work.report(words=words)))
        if name == PICTURES:
            own = self.work.folder / client.SET
            if values.get("pictures"):
                shutil.copyfile(values["pictures"], own)
            return sets.pictures(files.read_arrays(own)["pictures"])
        if name == DRAWING:
            own = self.work.folder / "drawing.npz"
            if values.get("drawing"):
                files.write_arrays(own, {"mask": sets.unpacked(values["drawing"])})
            return sets.drawing(files.read_arrays(own)["mask"])
        return sets.named(name)

    def turn(self) -> bool:
        """Listens, trains or waits, shows; True when the bound is reached and nobody asked for more.

        Raises Stopped when it is told to end, when it was on hold for long, or when nobody looks any more; a
        checkpoint is written then.
        """
        self.listen()
        waits = self.held or self.session.ended
        if not waits and self.unwatched() > UNWATCHED:
            self.leave()
        if waits:
            time.sleep(LISTEN)
        else:
            self.advance()
        self.show()
        return waits and time.monotonic() - self.idle_since > IDLE and self.leave()

    def advance(self) -> None:
        """Trains for a moment."""
        self.idle_since = time.monotonic()
        done = self.session.train()
        self.counted += done
        self.changed |= done > 0
        self.session.keep_if_due()
        if self.session.pace and self.session.pace < 1 / LISTEN:
            self.rest(1 / self.session.pace)
        if self.session.ended:
            self.session.keep()
            self.report()

    def rest(self, seconds: float) -> None:
        """Slow motion: waits until the next update is due, and goes on listening."""
        until = time.monotonic() + seconds
        self.show()
        while time.monotonic() < until and not self.held and self.session.pace:
            time.sleep(LISTEN)
            self.listen()

    def unwatched(self) -> float:
        """Seconds since a page looked last; a run that was just started or resumed is waited for."""
        try:
            looked = abs(time.time() - (self.work.folder / client.WATCHED).stat().st_mtime)
        except FileNotFoundError:
            looked = float("inf")
        return min(looked, time.monotonic() - self.started)

    def leave(self) -> bool:
        """Nobody asked for long: True if the run is done, else it ends as paused."""
        self.session.keep()
        if not self.session.ended:
            raise Stopped(PAUSED)
        return True

    def listen(self) -> None:
        """Answers a request, if there is one."""
        if time.monotonic() - self.listened < LISTEN:
            return
        self.listened = time.monotonic()
        words = self.work.request()
        if not words:
            return
        if words in ENDING:
            self.session.keep()
            if words == YIELD and (self.held or self.session.ended):  # it has no use for another turn by itself
                raise Stopped(DONE if self.session.ended else PAUSED)
            raise Stopped(ENDING[words])
        self.idle_since = time.monotonic()
        self.answer(words)
        self.changed = True
        self.work.answered(words)
        self.report()

    def answer(self, words: str) -> None:
        """Does what is asked; what is not known is logged and left."""
        verb, _, rest = words.partition(" ")
        if verb in ("hold", "go"):
            self.held = verb == "hold"
        elif verb in ("d", "g"):
            self.held = True
            self.session.single(verb)
        elif verb == "speed":
            self.session.pace = float(rest) or None
        elif verb == "reset":
            self.held = False
            self.session.reset()
        elif verb == "save":
            self.session.keep()
        elif verb == "new":
            pace = self.session.pace
            self.session = self.make(json.loads(rest))
            self.session.pace, self.held = pace, False
            self.session.start()
            self.session.keep()
        else:
            log.error("Unknown request %r", words[:60])

    def show(self) -> None:
        """Writes a frame and a report when they are due and something changed."""
        now = time.monotonic()
        if self.changed and now - self.shown >= SHOW:
            self.session.show()
            self.shown, self.changed = now, False
        if now - self.reported >= REPORT and not self.held and not self.session.ended:
            self.report()

    def report(self) -> None:
        """Tells the page where the run stands."""
        now = time.monotonic()
        speed = self.counted / max(1e-6, now - self.counted_at)
        self.counted, self.counted_at, self.reported = 0, now, now
        ended = self.session.ended
        words = "Ended" if ended else "On hold" if self.held else "Training"
        self.work.report(plan=self.session.plan.as_dict(), step=self.session.step, limit=self.session.limit,
                         held=self.held, ended=ended, words=words, pace=self.session.pace or 0,
                         speed=0 if self.held or ended else round(speed, 1), trained=round(self.session.trained, 1))
