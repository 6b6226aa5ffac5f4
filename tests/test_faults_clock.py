"""The clock is set forward or back: no running job is lost, nothing goes before its time, nothing lives for ever."""

import os
import time
from dataclasses import replace

import psutil
import pytest

from playground import janitor
from playground.context import build_context
from playground.gate import Gate
from playground.jobs import STARTING, Jobs
from playground.processes import LocalRunner
from tests.servers import end_jobs, until

HOUR = 3600.0


class Wall:
    """The clock on the wall, which a test sets; and hours that go by on every clock."""

    def __init__(self, monkeypatch) -> None:
        true, self.ahead, self.passed = time.time, 0.0, 0.0
        monkeypatch.setattr(time, "time", lambda: true() + self.ahead + self.passed)
        self.clock = janitor.Clock(time.time, lambda: time.monotonic() + self.passed)


@pytest.fixture
def wall(monkeypatch):
    return Wall(monkeypatch)


@pytest.fixture
def page(settings, tmp_path):
    """A context whose jobs are those of tests/job_worker.py."""
    made = build_context(replace(settings, data_dir=tmp_path))
    limits = replace(settings.job_limits, running={"count": 2})
    yield replace(made, jobs=Jobs(tmp_path / "jobs", LocalRunner("tests.job_worker"), limits))
    end_jobs(tmp_path / "jobs")


def job(page, to=1_000_000):
    """A job that counts; running, or done where it counts to 0."""
    made = page.jobs.submit("count", {"to": to, "pause": 0.01}, "ada")
    return until(lambda: (now := page.jobs.get(made.id)).state == ("running" if to else "done") and now)


def sweep(page, wall):
    """What the janitor does every ten minutes."""
    janitor.postpone(page, wall.clock.jump())
    return janitor.sweep(page)


@pytest.mark.parametrize("jump", [30 * HOUR, 365 * 24 * HOUR])
def test_nothing_goes_before_its_time_when_the_clock_is_set_forward(page, wall, jump):
    running, done, folder = job(page), job(page, to=0), page.visitors.place(page.visitors.new())
    wall.ahead = jump
    assert sweep(page, wall) == 0
    assert (page.jobs.get(running.id).state, page.jobs.get(done.id).state) == ("running", "done")
    assert folder.exists()
    wall.passed = 25 * HOUR  # not set: gone by
    assert sweep(page, wall) == 2
    assert page.jobs.get(running.id).state == "running"
    assert not folder.exists()


def test_nothing_lives_for_ever_when_the_clock_is_set_back(page, wall):
    wall.ahead = 365 * 24 * HOUR
    done, folder = job(page, to=0), page.visitors.place(page.visitors.new())
    upload = page.settings.data_dir / "gradio" / "x"
    upload.parent.mkdir()
    upload.touch()
    for path in (folder, upload, done.folder):
        os.utime(path, (time.time(), time.time()))
    wall.ahead = 0.0
    assert sweep(page, wall) == 0  # counts from now on
    assert page.jobs.get(done.id).kept == pytest.approx(24 * HOUR, abs=60)
    wall.passed = 25 * HOUR
    assert sweep(page, wall) == 3
    assert not any(path.exists() for path in (folder, upload, done.folder))


def test_a_job_that_ran_past_its_time_is_kept_after_its_end(page, wall):
    running = job(page)
    page.jobs.table.change(running.id, "running", expires=time.time() - 1, queued=time.time() - 1 - 24 * HOUR)
    page.jobs.cancel(running.id)
    ended = until(lambda: (now := page.jobs.get(running.id)).state == "cancelled" and now)
    assert ended.expires == pytest.approx(time.time() + 24 * HOUR, abs=60)
    assert sweep(page, wall) == 0


def test_a_running_job_is_known_whatever_the_clock_says(page, monkeypatch):
    running = job(page)
    began = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: began(self) + HOUR)  # as after a clock set forward
    assert Jobs(page.jobs.folder, LocalRunner("tests.job_worker")).get(running.id).state == "running"


def test_a_stranger_with_a_jobs_number_is_not_the_job(page):
    assert not LocalRunner().alive(f"{os.getpid()}:{'A' * 22}")
    assert not LocalRunner().alive("1:7")


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_a_job_that_never_got_a_process_is_found_on_either_side(page, wall, ahead, monkeypatch):
    monkeypatch.setattr(page.jobs, "_start", lambda job: None)  # the page was killed at this moment
    lost = page.jobs.submit("count", {"to": 1, "pause": 0}, "ada")
    assert page.jobs.get(lost.id).state == "running"
    wall.ahead = ahead + (STARTING if ahead > 0 else -STARTING)
    assert page.jobs.get(lost.id).state == "interrupted"


def test_a_sign_from_the_future_keeps_no_trainer_waiting(tmp_path):
    (tmp_path / "gate.waits-4194304").touch()
    os.utime(tmp_path / "gate.waits-4194304", (time.time() + HOUR,) * 2)
    gate = Gate(tmp_path / "gate.lock")
    assert not gate._others_show("waits")
    with gate.turn("training", timeout=5, polite=True):
        assert gate.state().busy == "training"
