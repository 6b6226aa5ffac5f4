"""The job of a training: `lora` in playground/worker.py. Writes progress, samples, checkpoints, and the adapter.

In the job's folder: plan in the spec; photos/NN.png with captions.json; samples/STEP/PROMPT-COPY.png;
checkpoints/adapter-STEP.safetensors; resume.safetensors; adapter.safetensors. Done means: the adapter was read
back onto a fresh base and drew proof.png.
"""

import io
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from playground import storage
from playground.context import Context, build_context
from playground.diffusion import families, models
from playground.errors import BadInput, NoRoom, PlaygroundError
from playground.job_table import Job
from playground.lora import adapters, learning, measure, plan, quantised
from playground.lora.measure import Scores
from playground.lora.plan import Plan
from playground.settings import Settings
from playground.worker import Stopped, Work

TURN_SECONDS = 0.3  # of steps under one turn at the gate, so that the tabs stay alive
SAVE_SECONDS = 30.0  # between two checkpoints, beside those at samples and at the end
PRIORS = 16  # pictures of the untouched model that prior preservation learns from
WHO = learning.WHO
KIND = "lora"


def settings_for(context: Context) -> dict[str, Any]:
    """What a trainer's process has to know of the settings, in JSON types."""
    own = context.settings
    return {"mode": own.who, "limits": own.limits, "device": context.device,
            "offline": own.offline, "memory_budget": own.memory_budget,
            "data_dir": str(own.data_dir), "models_dir": str(own.models_dir) if own.models_dir else None}


def submit(context: Context, wanted: Plan, photos: list[Image.Image], captions: list[str], token: str) -> Job:
    """A new training for a visitor. Its photos go into the job's own folder, as pixels alone.

    Raises PlaygroundError when the queue or the visitor's share is full, BadInput for too few or too many photos.
    """
    if not plan.FEWEST <= len(photos) <= plan.MOST or len(photos) != len(captions):
        raise BadInput(f"There are {len(photos)} pictures and {len(captions)} captions.",
                       f"Give {plan.FEWEST} to {plan.MOST} pictures, each with a caption.")
    spec = {"plan": plan.as_dict(wanted), "settings": settings_for(context)}

    def fill(folder: Path) -> None:
        names = [f"{number:02d}.png" for number in range(len(photos))]
        for name, photo in zip(names, photos, strict=True):
            storage.write_file(folder / "photos" / name, to_png(np.asarray(photo.convert("RGB"))))
        storage.write_file(folder / "captions.json", json.dumps(dict(zip(names, captions, strict=True))).encode())

    made = context.jobs.submit(KIND, spec, context.visitors.name(token), fill)
    context.cache.drop_idle()  # its process needs the room; a training that was refused does not
    return made


def check_open(context: Context) -> None:
    """PlaygroundError where nobody may train, before any of it costs the machine something."""
    if KIND in context.jobs.limits.closed:
        raise PlaygroundError("Training on pictures is switched off on this page.",
                              "Run the playground on a machine of your own: it is one command (make run).")


def run(work: Work) -> None:
    """Trains to the end, or to the visitor's word; a checkpoint is written in either case."""
    given = dict(work.spec["settings"])
    given["data_dir"] = Path(given["data_dir"])
    given["models_dir"] = Path(given["models_dir"]) if given["models_dir"] else None
    context = build_context(Settings(**given))
    wanted = plan.check(work.spec["plan"])
    pictures, captions = read_photos(work.folder, wanted)
    train(work, context, wanted, pictures, captions)
    prove(work, context, wanted)


def train(work: Work, context: Context, wanted: Plan, pictures: np.ndarray, captions: list[str]) -> None:
    """The steps. Its own function, so that nothing holds this base when prove() loads a fresh one."""
    with context.cache.lease(quantised.spec(context, wanted.model, wanted.quantise)) as pipe:
        family = families.wrap(pipe, models.find(wanted.model).family, wanted.resolution)
        Training(work, context, wanted, family).run(pictures, captions)


def read_photos(folder: Path, wanted: Plan) -> tuple[np.ndarray, list[str]]:
    """The pictures (N, resolution, resolution, 3) and their captions. BadInput if there are too few."""
    captions = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    paths = sorted((folder / "photos").glob("*.png"))
    if not plan.FEWEST <= len(paths) <= plan.MOST:
        raise BadInput(f"There are {len(paths)} pictures.", f"Give {plan.FEWEST} to {plan.MOST}.")
    size = (wanted.resolution, wanted.resolution)
    pictures = [np.asarray(Image.open(path).convert("RGB").resize(size, Image.Resampling.LANCZOS)) for path in paths]
    return np.stack(pictures), [captions[path.name] for path in paths]


class Training:
    """A training under way: the learner, the ruler, and what was measured so far."""

    def __init__(self, work: Work, context: Context, wanted: Plan, family: families.StableDiffusion) -> None:
        self.work, self.context, self.plan, self.family = work, context, wanted, family
        self.scores: list[tuple[int, Scores]] = [
            (row["step"], Scores(row["likeness"], row["leak"], row["copy_risk"]))
            for row in work.progress.get("scores", [])]
        self.losses: list[list[float]] = work.progress.get("losses", [])
        self.saved = self.looked = time.monotonic()

    def run(self, pictures: np.ndarray, captions: list[str]) -> None:
        """Samples of the untouched model, then steps with samples between, until the plan's last."""
        before = self.work.progress.get("step", 0)  # of one that goes on
        self.work.report(state_words="Reading the pictures", step=before, steps=self.plan.steps)
        self.told = [(asked, learning.listen(self.context, asked, self.family.pipe)) for asked in self.requests()]
        lesson = learning.lesson(self.context, self.family, self.plan, pictures, captions)
        self.learner = learning.Learner(self.family, self.plan, lesson, self.priors())
        resumed = self.learner.resume(self.work.folder)
        untouched = self.samples_at(0)
        self.ruler = measure.Ruler(pictures, untouched[:-learning.COPIES], untouched[-learning.COPIES:])
        if not resumed:
            self.judge(0, untouched)
        self.first, self.started = self.learner.step, time.monotonic()
        self.losses = [row for row in self.losses if row[0] <= self.first]  # a killed run may have reported further
        self.work.ready()
        try:
            while self.learner.step < self.plan.steps:
                self.turn()
        except (Stopped, NoRoom):  # there is room for a last checkpoint: what stays free of the disk
            self.keep()
            raise
        self.keep()

    def requests(self) -> list[Any]:
        """Every prompt of a row of samples, the control last, each COPIES times."""
        return [learning.request(self.plan, prompt, copy)
                for prompt in self.plan.samples for copy in range(learning.COPIES)]

    def priors(self) -> learning.Lesson | None:
        """Pictures that the untouched model draws for the control prompt, to keep what it knew."""
        if not self.plan.prior_weight:
            return None
        asked = [learning.request(self.plan, self.plan.control, 1000 + number) for number in range(PRIORS)]
        told = learning.listen(self.context, asked[0], self.family.pipe)
        drawing, drawn = learning.draw_plain(self.family, [(each, told) for each in asked]), []
        while len(drawn) < len(asked):  # a turn each: all of them together would keep the tabs waiting for a minute
            with self.context.gate.turn(WHO, polite=True):
                drawn.append(next(drawing))
            self.work.check()
        return learning.lesson(self.context, self.family, self.plan, np.stack(drawn), [self.plan.control] * PRIORS,
                               self.plan.prior_weight)

    def turn(self) -> None:
        """Some steps under one turn at the gate, then progress, requests, and what is due."""
        until = min(step for step in self.plan.at() if step > self.learner.step)
        with self.context.gate.turn(WHO, polite=True):
            start = time.monotonic()
            while self.learner.step < until and time.monotonic() - start < TURN_SECONDS:
                self.learner.learn()
        self.losses.append([self.learner.step, round(self.learner.loss, 5)])
        self.report()
        asked = self.work.request()
        if self.learner.step == until or asked == "sample":
            self.write_adapter()  # before its samples are judged: the best checkpoint is always there
            self.judge(self.learner.step, self.samples_at(self.learner.step))
            self.keep()
        if asked == "sample":
            self.work.answered(asked)
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self.keep()
        self.look_for_room()
        self.work.check(kept=True)

    def look_for_room(self) -> None:
        """Raises NoRoom, now and then, where the disk or what visitors may take of it is full."""
        if time.monotonic() - self.looked > SAVE_SECONDS:
            self.looked = time.monotonic()
            self.context.jobs.check_room(self.work.job.visitor)

    def report(self) -> None:
        """What the page shows of the steps."""
        done = self.learner.step - self.first
        each = (time.monotonic() - self.started) / max(1, done)
        self.work.report(step=self.learner.step, steps=self.plan.steps, loss=round(self.learner.loss, 5),
                         learning_rate=self.learner.rate, losses=self.losses[-2000:], state_words="Learning",
                         eta_seconds=round(each * (self.plan.steps - self.learner.step), 1))

    def samples_at(self, step: int) -> np.ndarray:
        """The samples (prompts * copies, H, W, 3) of a step, read if they were drawn before."""
        folder = self.work.folder / "samples" / f"{step:06d}"
        paths = [folder / f"{number:02d}.png" for number in range(len(self.told))]
        if not all(path.is_file() for path in paths):
            self.work.report(state_words="Drawing samples")
            with storage.trouble(folder):
                folder.mkdir(parents=True, exist_ok=True)
            for path, told in zip(paths, self.told, strict=True):
                with self.context.gate.turn(WHO, polite=True):
                    picture = next(self.learner.sample([told]))
                storage.write_file(path, to_png(picture))
        return np.stack([np.asarray(Image.open(path)) for path in paths])

    def judge(self, step: int, samples: np.ndarray) -> None:
        """Measures the samples of a step and marks the best checkpoint."""
        control = len(samples) - learning.COPIES
        self.scores = [pair for pair in self.scores if pair[0] != step]
        self.scores.append((step, self.ruler.scores(samples[:control], samples[control:])))
        rows = [{"step": number, **{name: round(value, 4) for name, value in asdict(each).items()}}
                for number, each in sorted(self.scores, key=lambda pair: pair[0])]
        self.work.report(scores=rows, samples=[row["step"] for row in rows], best=measure.best(self.scores))

    def keep(self) -> None:
        """Writes the adapter of this step, the newest one, and what a resume needs; drops older ones without samples.

        Slow trainings write one every half minute, and nobody could tell those apart that have no samples.
        """
        if self.learner.step > 0:
            newest = self.write_adapter()
            adapters.save(self.work.folder / "adapter.safetensors", self.family, self.plan)
            sampled = {adapter_path(self.work.folder, step) for step, _ in self.scores}
            for path in set(newest.parent.glob("adapter-*.safetensors")) - sampled - {newest}:
                path.unlink(missing_ok=True)
        self.learner.save(self.work.folder)
        self.saved = time.monotonic()

    def write_adapter(self) -> Path:
        """The adapter of this step into its file."""
        path = adapter_path(self.work.folder, self.learner.step)
        adapters.save(path, self.family, self.plan)
        return path


def adapter_path(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies in a job's folder."""
    return folder / "checkpoints" / f"adapter-{step:06d}.safetensors"


def prove(work: Work, context: Context, wanted: Plan) -> None:
    """Reads the adapter onto a fresh base and draws with it; only then is a training done."""
    context.cache.drop_idle()
    asked = learning.request(wanted, wanted.samples[0])
    with context.cache.lease(quantised.spec(context, wanted.model, wanted.quantise)) as pipe:
        told = learning.listen(context, asked, pipe)
        with context.gate.turn(WHO):
            family = families.wrap(pipe, models.find(wanted.model).family, wanted.resolution)
            adapters.load(work.folder / "adapter.safetensors", family, wanted.model)
            picture = next(learning.draw_plain(family, [(asked, told)]))
    storage.write_file(work.folder / "proof.png", to_png(picture))
    work.report(state_words="Done", adapter="adapter.safetensors", eta_seconds=0)


def to_png(picture: np.ndarray) -> bytes:
    """A picture (H, W, 3) uint8 as PNG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()
