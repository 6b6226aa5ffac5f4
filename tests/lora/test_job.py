"""A whole training as a job in a process of its own, on a small random pipeline: done, killed and resumed, deleted."""

import json
import os
import signal
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from playground import storage
from playground.context import build_context
from playground.errors import NoRoom
from playground.lora import adapters, drawing, job, learning, plan
from tests.diffusion import tiny_pipelines


@pytest.fixture(scope="module")
def small(settings, tmp_path_factory):
    """A context with a small pocket model, whose jobs are its own."""
    root = tmp_path_factory.mktemp("models")
    tiny_pipelines.save_pocket(root)
    return build_context(replace(settings, models_dir=root, data_dir=tmp_path_factory.mktemp("data")))


def start(context, **values):
    wanted = plan.check({"trigger": "joshug", "steps": 6, "rank": 2, "alpha": 2, "batch": 2, "sample_every": 3,
                         "sample_steps": 2, "prompts": ["a photo of a face, [trigger]"], **values})
    photos = [Image.fromarray(np.random.default_rng(number).integers(0, 256, (80, 70, 3), dtype=np.uint8))
              for number in range(4)]
    return job.submit(context, wanted, photos, ["a photo of a face, [trigger]"] * 4, context.visitors.new())


def wait(context, job_id, condition, seconds=240):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = context.jobs.get(job_id)
        if condition(now):
            return now
        time.sleep(0.1)
    raise AssertionError(f"{now.state} {now.progress} {now.error} {(now.folder / 'log').read_text()[-2000:]}")


def ended(now):
    return now.state in ("done", "failed", "interrupted", "cancelled", "paused")


class Bare(job.Training):
    """A training of which only the files and the words to the page are real."""

    def __init__(self, folder):
        self.told = {}
        self.plan = plan.check({"trigger": "joshug", "steps": 40})
        self.work = SimpleNamespace(folder=folder, report=self.told.update, progress={}, ready=lambda: None)
        self.learner = SimpleNamespace(step=0, loss=0.5, rate=1e-3, save=lambda folder: None)
        self.family, self.scores, self.losses, self.first = None, [], [], 10


def test_of_the_checkpoints_without_samples_only_the_newest_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(adapters, "save", lambda path, *given: storage.write_file(path, b"adapter"))
    training = Bare(tmp_path)
    training.scores = [(0, None), (3, None)]
    for step in (2, 3, 4, 5):
        training.learner.step = step
        training.keep()
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == [
        "adapter-000003.safetensors", "adapter-000005.safetensors"]


def test_the_time_left_counts_from_the_first_step_after_a_start_or_a_resume(tmp_path, monkeypatch):
    training = Bare(tmp_path)
    training.started, training.learner.step = 1000.0, 20  # ten steps since the start
    monkeypatch.setattr(job.time, "monotonic", lambda: 1005.0)
    training.report()
    assert training.told["eta_seconds"] == 0.5 * 20


class Stopping(Bare):
    """A training that finds no room in its first turn, after what comes before it was left out."""

    requests = priors = lambda self: []

    def samples_at(self, step):
        return np.zeros((learning.COPIES, 1))

    def keep(self):
        self.kept = self.learner.step

    def turn(self):
        self.learner.step += 1
        self.look_for_room()


def test_a_training_for_which_the_disk_has_no_room_keeps_what_it_learnt_and_says_so(tmp_path, monkeypatch):
    training = Stopping(tmp_path)
    training.work.job = SimpleNamespace(visitor="ada")
    monkeypatch.setattr(learning, "lesson", lambda *given: None)
    monkeypatch.setattr(learning, "Learner", lambda *given: SimpleNamespace(step=0, resume=lambda folder: True))
    monkeypatch.setattr(job.measure, "Ruler", lambda *given: None)

    def refuse(visitor):
        raise NoRoom(f"There is no room for {visitor}.")

    training.context = SimpleNamespace(jobs=SimpleNamespace(check_room=refuse))
    training.looked = time.monotonic() - job.SAVE_SECONDS - 1
    with pytest.raises(NoRoom, match="for ada"):
        training.run(np.zeros((4, 8, 8, 3), np.uint8), [])
    assert training.kept == 1


@pytest.mark.slow
def test_a_training_is_done_when_its_adapter_has_drawn(small):
    done = wait(small, start(small, prior_weight=0.5).id, ended)
    assert (done.state, done.error) == ("done", "")
    assert done.progress["samples"] == [0, 3, 6]
    assert done.progress["best"] in (3, 6)
    assert done.progress["adapter"] == "adapter.safetensors"
    assert Image.open(done.folder / "proof.png").size == (64, 64)
    assert adapters.read_card(done.folder / "adapter.safetensors").trigger == "joshug"
    rows = sorted(path.name for path in (done.folder / "samples").iterdir())
    assert rows == ["000000", "000003", "000006"]
    assert len(list((done.folder / "samples" / "000003").glob("*.png"))) == 4  # two prompts, two seeds
    assert json.dumps(done.progress)
    small.jobs.delete(done.id)
    assert not done.folder.exists()


@pytest.mark.slow
def test_a_training_killed_midway_gives_the_adapter_of_one_that_ran_through(small):
    from safetensors.torch import load_file

    whole = wait(small, start(small, steps=9).id, ended)
    begun = start(small, steps=9)
    running = wait(small, begun.id, lambda now: (now.folder / "resume.safetensors").exists() or ended(now))
    os.kill(int(running.process.partition(":")[0]), signal.SIGKILL)
    assert wait(small, begun.id, ended).state == "interrupted"
    small.jobs.resume(begun.id)
    resumed = wait(small, begun.id, ended)
    assert (whole.state, resumed.state) == ("done", "done"), resumed.error
    first, second = (load_file(each.folder / "adapter.safetensors") for each in (whole, resumed))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        np.testing.assert_allclose(tensor.numpy(), second[name].numpy(), atol=1e-5)


@pytest.mark.slow
def test_a_training_gives_way_and_goes_on_by_itself(small):
    begun = start(small, steps=500, sample_every=500)  # no other checkpoint is due
    wait(small, begun.id, lambda now: now.progress.get("step", 0) >= 1 or ended(now))
    small.jobs.table.ask(begun.id, "yield")
    step = wait(small, begun.id, lambda now: now.started != begun.started).progress["step"]
    further = wait(small, begun.id, lambda now: now.progress["step"] > step or ended(now))
    assert (further.state, further.error) == ("running", "")
    assert further.progress["losses"][0][0] <= step  # it went on, and did not begin anew
    small.jobs.delete(begun.id)


@pytest.mark.slow
@pytest.mark.parametrize(("ask", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_a_training_that_is_stopped_keeps_what_it_learnt(small, ask, state):
    begun = start(small, steps=500, sample_every=500)  # no other checkpoint is due
    wait(small, begun.id, lambda now: now.progress.get("step", 0) >= 1 or ended(now))
    getattr(small.jobs, ask)(begun.id)
    kept = wait(small, begun.id, ended)
    assert (kept.state, kept.error) == (state, "")
    (step,) = drawing.checkpoints(kept)
    assert step == kept.progress["step"]
    small.jobs.resume(begun.id)
    further = wait(small, begun.id, lambda now: now.progress["step"] > step or ended(now))
    assert further.state == "running"
    assert further.progress["losses"][0][0] <= step  # it went on, and did not begin anew
    small.jobs.delete(begun.id)
