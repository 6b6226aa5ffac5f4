"""A training as it lies in a data folder when it has ended, made without training: a row, samples, an adapter."""

import json
import secrets
import sys
from pathlib import Path

from PIL import Image

from playground.diffusion import families, models
from playground.job_table import DONE, QUEUED, JobTable
from playground.lora import adapters, plan, sheet
from playground.lora.learning import COPIES
from playground.settings import Settings

STEPS = (0, 1)
COLOURS = ("navy", "darkgreen")  # of the samples of each step


def training(data: Path, state: str = DONE, visitor: str = "of-before", kept: float = 3600.0) -> str:
    """A training's row and folder with samples in one colour a step; its id."""
    wanted = plan.check({"trigger": "joshug", "steps": 1, "sample_every": 1, "rank": 2, "alpha": 2, "prompts": [
        "a photo of [trigger]"]})
    table, made = JobTable(data / "jobs"), secrets.token_urlsafe(16)
    given = {"mode": "private", "limits": "", "device": "cpu", "offline": True, "memory_budget": None,
             "data_dir": str(data), "models_dir": None}
    table.add(made, "lora", visitor, {"plan": plan.as_dict(wanted), "settings": given}, kept)
    job = table.read(made)
    for step, colour in zip(STEPS, COLOURS, strict=True):
        for number in range(len(wanted.samples) * COPIES):
            path = sheet.sample(job, step, number)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 64), colour).save(path)
    progress = {"step": 1, "steps": 1, "samples": list(STEPS), "scores": [], "losses": []}
    table.change(made, QUEUED, progress=json.dumps(progress), state=state)
    return made


def with_adapter(data: Path, job_id: str, settings: Settings) -> Path:
    """Gives a training an untrained adapter for the pocket model; its file."""
    from playground.context import build_context

    job = JobTable(data / "jobs").read(job_id)
    family = families.wrap(models.spec(build_context(settings), models.POCKET).load(), "pocket", 64)
    wanted = plan.check(job.spec["plan"])
    adapters.attach(family, wanted)
    path = job.folder / "checkpoints" / "adapter-000001.safetensors"
    adapters.save(path, family, wanted)
    return path


if __name__ == "__main__":  # python -m tests.lora.kept_jobs DATA: a training with an adapter; prints its id
    folder = Path(sys.argv[1])
    done = training(folder)
    with_adapter(folder, done, Settings(device="cpu", offline=True, data_dir=folder))
    print(done)
