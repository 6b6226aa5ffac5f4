"""Trainings of the pocket model, two subjects, three seeds each: time, what was learnt, how the page answers meanwhile.

Peers of the likeness (playground/lora/measure.py): the untouched model at step 0, and the control prompt of the same
training. Peer of the page's answers: the same page before the training; taken during the first training, which is
also the one whose time counts, so let nothing else run beside it. BENCH_LORA_RESULTS names a file that takes a line
of JSON for each training; those found there are not run again. BENCH_LORA_STEPS: other than 300, for a try.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

STEPS, EVERY = 300, 50
SEEDS = (42, 43, 44)
ASKED = 30  # answers of the tokenizer before the first training
TEXT = "He devoured the orange, and then he sat down to write."
WAITING = ("queued", "running")


def bench() -> Iterator[dict]:
    """A row for each training as it ends, then those over all of them."""
    steps, path = int(os.environ.get("BENCH_LORA_STEPS", STEPS)), os.environ.get("BENCH_LORA_RESULTS")
    lines = []
    for line in results(steps, Path(path) if path else None):
        lines.append(line)
        yield row_of(line)
    yield from whole(lines)


# ---- the trainings


def results(steps: int, path: Path | None) -> Iterator[dict]:
    """A result for each subject and seed: of earlier runs from the file, else by training."""
    from playground.lora import sample_sets

    wanted = [(subject, seed) for subject in sample_sets.SETS for seed in SEEDS]
    before = earlier(path, steps)
    yield from before.values()
    missing = [each for each in wanted if each not in before]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as folder, Page(Path(folder)) as page:
        for subject, seed in missing:
            line = page.train(subject, seed, steps, answers=(subject, seed) == wanted[0])
            if path:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            yield line


def earlier(path: Path | None, steps: int) -> dict[tuple[str, int], dict]:
    """The results in a file, of trainings of as many steps, by subject and seed."""
    if path is None or not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(line["subject"], line["seed"]): line for line in lines if line["steps"] == steps}


class Page:
    """The page with a data folder of its own, a script's client, and the engine that submits to the same folder."""

    def __init__(self, folder: Path) -> None:
        from gradio_client import Client

        import app
        from playground.context import build_context
        from playground.settings import Settings

        settings = Settings(port=0, device="cpu", offline=True, data_dir=folder)
        self.context, self.page = build_context(settings), app.start(settings)
        self.client = Client(self.page.local_url, analytics_enabled=False, verbose=False)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *problem: Any) -> None:
        self.page.close()

    def answer_seconds(self) -> float:
        """One answer of /tokenize."""
        start = time.perf_counter()
        self.client.predict(TEXT, "cl100k_base", api_name="/tokenize")
        return time.perf_counter() - start

    def train(self, subject: str, seed: int, steps: int, answers: bool) -> dict:
        """A training of the balanced preset on a sample set; RuntimeError if it does not come to its end."""
        idle = statistics.median([self.answer_seconds() for _ in range(ASKED)]) if answers else None
        start, meanwhile = time.perf_counter(), []
        job = self.submit(subject, seed, steps)
        try:
            while (now := self.client.predict(job, api_name="/training_status"))["state"] in WAITING:
                if answers:
                    meanwhile.append(self.answer_seconds())
                time.sleep(1)
            seconds = time.perf_counter() - start
            if now["state"] != "done":
                raise RuntimeError(f"The training ended {now['state']}: {now['error']}")
        finally:
            self.context.jobs.delete(job)
        return {"subject": subject, "seed": seed, "steps": steps, "seconds": round(seconds, 1), "best": now["best"],
                "scores": now["scores"], "idle": idle, "busy": statistics.median(meanwhile) if meanwhile else None}

    def submit(self, subject: str, seed: int, steps: int) -> str:
        """The id of a new training."""
        from playground.diffusion import models
        from playground.lora import job, plan, sample_sets

        kind = "style" if subject == sample_sets.DRAWING else "person"
        preset = plan.as_dict(plan.preset("balanced", models.POCKET, "joshug", kind))
        wanted = plan.check({**preset, "seed": seed, "steps": steps, "sample_every": max(1, steps * EVERY // STEPS)})
        pictures = [photo.picture for photo in sample_sets.pictures(self.context, subject)]
        captions = [plan.caption(kind, pocket=True)] * len(pictures)
        return job.submit(self.context, wanted, pictures, captions, self.context.visitors.new()).id


# ---- what they say


def row_of(line: dict) -> dict:
    """One training: likeness at the best step beside the larger of its peers."""
    at = score(line, line["best"])
    peer = max(at["leak"], score(line, 0)["likeness"])
    what = f"{line['subject']}, seed {line['seed']}: likeness at step {line['best']} ({line['seconds']:.0f} s)"
    return {"what": what, "ours": f"{at['likeness']:.2f}", "peer": f"{peer:.2f}",
            "ratio": share(peer, at["likeness"]), "target": "< 1; peer: step 0 or control"}


def whole(lines: Sequence[dict]) -> Iterator[dict]:
    """Over all trainings: time, answers of the page, likeness at the best and at the last step, least margin."""
    first = next((line for line in lines if line["busy"] is not None), None)
    if first is not None:
        yield {"what": f"{first['steps']} steps, {len(first['scores'])} rows of samples, to the proof",
               "ours": f"{first['seconds']:.0f} s", "peer": "", "ratio": None, "target": "<= 300 s"}
        yield {"what": "an answer of the tokenizer meanwhile (peer: idle)", "ours": f"{1000 * first['busy']:.0f} ms",
               "peer": f"{1000 * first['idle']:.0f} ms", "ratio": first["busy"] / first["idle"], "target": "<= 2"}
    for name, at in (("best", [score(line, line["best"]) for line in lines]),
                     ("last", [score(line, line["scores"][-1]["step"]) for line in lines])):
        like = [each["likeness"] for each in at]
        for peer, values in (("untouched", [score(line, 0)["likeness"] for line in lines]),
                             ("control", [each["leak"] for each in at])):
            yield mean_row(f"likeness at the {name} step, mean of {len(lines)} (peer: {peer})", like, values)
            yield margin_row(f"likeness at the {name} step less {peer}, least of {len(lines)}", like, values)


def mean_row(what: str, ours: Sequence[float], peers: Sequence[float]) -> dict:
    """Both means."""
    mean, peer = statistics.mean(ours), statistics.mean(peers)
    return {"what": what, "ours": f"{mean:.2f}", "peer": f"{peer:.2f}", "ratio": share(peer, mean), "target": "< 1"}


def margin_row(what: str, ours: Sequence[float], peers: Sequence[float]) -> dict:
    """The smallest difference between the two of one training."""
    least = min(one - peer for one, peer in zip(ours, peers, strict=True))
    return {"what": what, "ours": f"{least:+.2f}", "peer": "", "ratio": None, "target": "> 0"}


def share(peer: float, ours: float) -> float | None:
    """peer / ours, the smaller the better; None where a likeness of 0 or less allows no ratio."""
    return peer / ours if ours > 0 else None


def score(line: dict, step: int) -> dict:
    """The scores at a step: likeness, leak, copy_risk."""
    return next(row for row in line["scores"] if row["step"] == step)
