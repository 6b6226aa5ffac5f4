"""The lab's job in a real process: it trains, obeys, goes on after a pause, and stays within bounds."""

import dataclasses
import itertools
import os
import time

import numpy as np
import pytest

from playground.errors import BadInput, DamagedWeights, PlaygroundError
from playground.gan.lab import client, files, judging, trained
from playground.gan.lab import job as lab_job
from playground.gan.lab.presets import PRESETS
from playground.gan.lab.settings import Plan, RunSettings
from playground.job_queue import JobQueue
from playground.worker import Stopped, Work

RUN = RunSettings(batch=16, updates=20_000)
PLAN = Plan((RUN, dataclasses.replace(RUN, loss="hinge")), ("A", "B"))
DIGITS = Plan((RunSettings(data="digits", batch=16, updates=6),), ("digits",))


@pytest.fixture
def token(context):
    made = context.visitors.new()
    yield made
    for job in client.mine(context, context.visitors.name(made)):
        context.jobs.delete(job.id)
    context.visitors.delete(made)


def wait(context, job_id, condition, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        look = client.look(context, job_id)
        if condition(look):
            return look
        time.sleep(0.05)
    raise AssertionError(f"still {context.jobs.get(job_id)}")


def step(look, lane=0):
    return files.decoded(client.lane(look.frame, lane), "numbers")["step"] if look.frame else -1


def test_a_run_trains_obeys_and_goes_on_after_a_pause(context, token):
    job = client.start(context, token, PLAN)
    wait(context, job.id, lambda look: step(look) >= 20 and step(look, 1) >= 20)
    client.command(context, job.id, "hold")
    wait(context, job.id, lambda look: look.job.progress["held"])
    held = step(wait(context, job.id, lambda look: step(look) >= look.job.progress["step"]))
    time.sleep(0.5)
    assert step(client.look(context, job.id)) == held

    before = client.lane(client.look(context, job.id).frame, 0)
    client.command(context, job.id, "d")
    after = client.lane(wait(context, job.id, lambda look: (
        client.lane(look.frame, 0)["field"] != before["field"]).any()).frame, 0)
    assert (after["made"] == before["made"]).all()  # D moved, G did not
    client.command(context, job.id, "g")
    wait(context, job.id, lambda look: (client.lane(look.frame, 0)["made"] != before["made"]).any())
    assert step(client.look(context, job.id)) == held

    context.jobs.pause(job.id)
    wait(context, job.id, lambda look: look.job.state == "paused")
    client.command(context, job.id, "go")
    wait(context, job.id, lambda look: step(look) > held)
    client.command(context, job.id, "speed 1")
    client.command(context, job.id, "reset")
    wait(context, job.id, lambda look: 0 <= step(look) < held)
    assert client.start(context, token, DIGITS).id == job.id  # the same process trains something else
    wait(context, job.id, lambda look: look.frame and look.frame["data"].ndim == 4)


@pytest.fixture
def player(tmp_path):
    """A run under control, without a process of its own."""
    table = JobQueue(tmp_path)
    table.add("run", client.KIND, "visitor", PLAN.as_dict(), 60)
    (tmp_path / "run").mkdir()
    return lab_job.Player(Work(table, table.claim_next(client.KIND, 1)))


@pytest.mark.parametrize(("now", "state"), [("trains", "queued"), ("held", "paused"), ("ended", "done")])
def test_a_run_whose_turn_is_over_waits_for_another_if_it_has_a_use_for_it(player, now, state, monkeypatch):
    for _ in range(3):
        player.turn()
    player.held = now == "held"
    if now == "ended":
        monkeypatch.setattr(type(player.session), "ended", True)
    player.work.table.ask("run", "yield")
    player.listened = 0
    with pytest.raises(Stopped) as told:
        player.turn()
    assert told.value.state == state
    assert files.read_checkpoint(player.work.folder / files.CHECKPOINT)[1]["lanes"]


def test_a_turn_counts_from_when_its_data_and_networks_stand(tmp_path, monkeypatch):
    made = JobQueue(tmp_path)
    made.add("run", client.KIND, "visitor", PLAN.as_dict(), 60)
    (tmp_path / "run").mkdir()
    work = Work(made, made.claim_next(client.KIND, 1))
    made.ask("run", "yield")  # while it prepared them
    lab_job.Player(work)
    now = made.read("run")
    assert now.request == ""
    assert now.progress["ready"] >= now.started


def test_what_is_asked_of_a_run_whose_turn_is_just_over_is_said_or_waits_in_its_place(context, token, monkeypatch):
    job = client.start(context, token, PLAN)
    wait(context, job.id, lambda look: step(look) > 0)
    context.jobs.pause(job.id)
    wait(context, job.id, lambda look: look.job.state == "paused")
    queued = dataclasses.replace(context.jobs.get(job.id), state="queued", place=2)
    running = dataclasses.replace(queued, state="running")
    monkeypatch.setattr(type(context.jobs), "get", lambda jobs, job_id: queued)
    with pytest.raises(PlaygroundError, match="waits for a free place"):
        client.ask(context, job.id, "hold")
    states = itertools.chain([running], itertools.repeat(queued))
    monkeypatch.setattr(type(context.jobs), "get", lambda jobs, job_id: next(states))
    monkeypatch.setattr(client, "mine", lambda context, visitor: [running])
    sent = []
    monkeypatch.setattr(type(context.jobs), "submit", lambda jobs, *what: sent.append(what))
    client.start(context, token, DIGITS)
    assert sent and sent[0][0] == client.KIND
    monkeypatch.undo()


def test_a_run_that_nobody_watches_pauses(player):
    work = player.work
    client.mark_watched(work.folder / client.WATCHED)
    player.started -= 1000
    for _ in range(3):
        player.turn()
    os.utime(work.folder / client.WATCHED, (time.time() - 2 * lab_job.UNWATCHED,) * 2)
    with pytest.raises(Stopped) as told:
        player.turn()
    assert told.value.state == "paused"
    assert files.read_checkpoint(work.folder / files.CHECKPOINT)[1]["lanes"]


def test_a_run_stops_at_its_bound_and_its_networks_can_be_used(context, token, tmp_path):
    job = client.start(context, token, DIGITS)
    wait(context, job.id, lambda look: look.job.progress.get("ended") and step(look) == 6)
    verdict = judging.judge(context, job.id, 0, np.zeros((8, 8, 1), np.uint8))
    assert verdict.probability == pytest.approx(1 / (1 + np.exp(-verdict.score)))
    asked = judging.quiz(context, job.id, 0, 5)
    assert (sum(asked.real), len(asked.real)) == (5, 10)
    assert (judging.quiz(context, job.id, 0, 5).pictures == asked.pictures).all()

    path = client.checkpoint(context, job.id)
    pictures = trained.samples(context, path, 0, 3, 4)
    kept = trained.keep(trained.export(context, path, 0), tmp_path / "mine.safetensors")
    assert (trained.samples(context, kept, 0, 3, 4) == pictures).all()
    assert (trained.samples(context, kept, 0, 5, 1)[0] == pictures[2]).all()
    way = trained.walk(context, kept, 0, (3, 4), 5)
    assert np.abs(way[[0, -1]].astype(int) - pictures[:2]).max() <= 1
    assert (trained.filmstrip(context, kept, 0, 3)[4] == pictures[0]).all()  # psi 1 changes nothing
    with pytest.raises(BadInput, match="generator alone"):
        trained.scores(context, kept, 0, pictures)
    with pytest.raises(DamagedWeights):
        trained.keep(path.read_bytes(), tmp_path / "checkpoint.safetensors")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_file_that_is_no_generator_is_refused_and_leaves_nothing(tmp_path, content):
    with pytest.raises(DamagedWeights):
        trained.keep(content, tmp_path / "mine.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_generator_of_another_shape_is_refused(tmp_path):
    import torch

    files.write_checkpoint(tmp_path, {"g.1.weight": torch.zeros(2)}, {"shape": [32, 3, 64], "generator": True})
    content = (tmp_path / files.CHECKPOINT).read_bytes()
    with pytest.raises(DamagedWeights):
        trained.keep(content, tmp_path / "mine.safetensors")
    files.write_checkpoint(tmp_path, {"g.1.weight": torch.zeros(2)}, {"shape": [2**20, 3, 64], "generator": True})
    with pytest.raises(DamagedWeights):
        trained.keep((tmp_path / files.CHECKPOINT).read_bytes(), tmp_path / "mine.safetensors")


def test_a_visitor_has_one_run_at_a_time_and_few_are_kept(context, token):
    jobs = []
    for _ in range(4):
        jobs.append(client.start(context, token, PLAN))
        context.jobs.cancel(jobs[-1].id)
        wait(context, jobs[-1].id, lambda look: look.job.state in ("cancelled", "interrupted"))
    left = client.mine(context, context.visitors.name(token))
    assert len(left) <= client.KEPT_EACH
    assert left[0].id == jobs[-1].id


def test_a_job_of_another_kind_is_not_a_run(context, token):
    job = context.jobs.table
    job.add("A" * 22, "other", context.visitors.name(token), {}, 60.0)
    context.jobs.table.change("A" * 22, "queued", state="done")
    with pytest.raises(BadInput, match="not a run"):
        client.look(context, "A" * 22)
    context.jobs.table.remove("A" * 22)


def test_own_pictures_become_small_squares(context, token):
    import io

    from PIL import Image

    from playground.gan.lab import own

    def picture(colour):
        file = io.BytesIO()
        Image.new("RGB", (90, 60), colour).save(file, "JPEG")
        return file.getvalue()

    with pytest.raises(BadInput, match="no pictures of yours"):
        own.place(context, token)
    with pytest.raises(BadInput, match="too few"):
        own.keep(context, token, [picture("red")])
    with pytest.raises(BadInput, match="Picture 2"):
        own.keep(context, token, [picture("red"), b"<svg/>"])
    assert own.keep(context, token, [picture((10 * at, 0, 0)) for at in range(20)]) == 20
    kept = files.read_arrays(own.place(context, token))["pictures"]
    assert kept.shape == (20, 32, 32, 3)


def test_every_preset_has_words_and_a_key_of_its_own():
    assert len({preset.key for preset in PRESETS}) == len({preset.title for preset in PRESETS}) == len(PRESETS)
    assert all(len(preset.watch) > 20 for preset in PRESETS)
