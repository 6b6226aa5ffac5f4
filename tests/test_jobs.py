"""Jobs in real processes: they end, fail, stop, are killed, go on where they were, and leave nothing behind."""

import os
import signal
import time

import pytest

from playground.errors import BadInput, PlaygroundError
from playground.jobs import Jobs
from playground.processes import LocalRunner
from playground.settings import JobLimits


@pytest.fixture
def jobs(tmp_path):
    made = Jobs(tmp_path / "jobs", LocalRunner("tests.job_worker"), JobLimits(waiting_each=2, waiting=3))
    yield made
    for job in made.table.running():
        made.runner.kill(job.process)


def counting(jobs, to=10_000, pause=0.01, visitor="ada"):
    return jobs.submit("count", {"to": to, "pause": pause}, visitor)


def wait(jobs, job_id, condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = jobs.get(job_id)
        if condition(job):
            return job
        time.sleep(0.05)
    raise AssertionError(f"still {jobs.get(job_id)}")


def steps(number):
    return lambda job: job.progress.get("step", 0) >= number


def state(name):
    return lambda job: job.state == name


def test_a_job_reports_and_is_done(jobs):
    job = wait(jobs, counting(jobs, to=3).id, state("done"))
    assert job.progress == {"step": 3, "steps": 3, "starts": [0]}
    assert job.process == ""
    assert job.ended >= job.started >= job.created


def test_a_failure_that_can_be_mended_keeps_its_words(jobs):
    job = wait(jobs, jobs.submit("bad", {}, "ada").id, state("failed"))
    assert job.error == "Three photos are too few. Add some."


def test_a_bug_is_in_the_log_and_not_on_the_page(jobs):
    job = wait(jobs, jobs.submit("bug", {}, "ada").id, state("failed"))
    assert "secret" not in job.error
    assert "secret" in (job.folder / "log").read_text()


def test_a_cancelled_job_stops_and_keeps_what_it_has(jobs):
    job = counting(jobs)
    wait(jobs, job.id, steps(2))
    jobs.cancel(job.id)
    ended = wait(jobs, job.id, state("cancelled"))
    assert int((ended.folder / "checkpoint").read_text()) == ended.progress["step"] >= 2


def test_a_stop_is_not_lost_behind_an_answer_nor_outbid_by_a_wish(jobs):
    job = counting(jobs)
    wait(jobs, job.id, steps(1))
    table = jobs.table
    table.change(job.id, "running", request="sample")
    table.change(job.id, "running", request="cancel")  # while the sample is drawn
    table.answer(job.id, "sample")
    with pytest.raises(BadInput, match=r"stopping|cancelled"):
        jobs.request(job.id, "sample")
    assert wait(jobs, job.id, state("cancelled")).error == ""


def test_what_was_answered_is_forgotten(jobs):
    job = counting(jobs)
    wait(jobs, job.id, steps(1))
    assert jobs.request(job.id, "sample").request == "sample"
    jobs.table.answer(job.id, "sample")
    assert jobs.get(job.id).request == ""
    jobs.cancel(job.id)


def test_a_paused_job_goes_on_where_it_was(jobs):
    job = counting(jobs, to=40, pause=0.02)
    wait(jobs, job.id, steps(2))
    jobs.pause(job.id)
    paused = wait(jobs, job.id, state("paused"))
    jobs.resume(job.id)
    done = wait(jobs, job.id, state("done"))
    assert done.progress["starts"] == [0, paused.progress["step"]]


def test_a_killed_job_says_so_and_can_be_resumed(jobs):
    job = counting(jobs, to=60, pause=0.02)
    running = wait(jobs, job.id, steps(3))
    os.kill(int(running.process.partition(":")[0]), signal.SIGKILL)
    killed = wait(jobs, job.id, state("interrupted"))
    assert "ended from outside" in killed.error
    jobs.resume(job.id)
    done = wait(jobs, job.id, state("done"))
    assert done.progress["starts"][1] >= 3
    assert done.error == ""


def test_a_job_outlives_the_web_process(jobs):
    job = counting(jobs)
    wait(jobs, job.id, steps(1))
    restarted = Jobs(jobs.folder, LocalRunner("tests.job_worker"))
    before = restarted.get(job.id).progress["step"]
    assert wait(restarted, job.id, steps(before + 1)).state == "running"
    restarted.cancel(job.id)
    wait(restarted, job.id, state("cancelled"))


def test_a_waiting_job_has_a_place_and_starts_when_there_is_room(jobs):
    first, second, third = (counting(jobs, visitor=name) for name in ("a", "b", "c"))
    assert [jobs.get(job.id).place for job in (first, second, third)] == [0, 1, 2]
    assert jobs.get(second.id).state == "queued"
    jobs.cancel(second.id)
    assert jobs.get(second.id).state == "cancelled"
    assert jobs.get(third.id).place == 1
    jobs.cancel(first.id)
    wait(jobs, third.id, state("running"))


def test_kinds_do_not_wait_for_each_other(jobs):
    counting(jobs)
    other = wait(jobs, jobs.submit("bad", {}, "ada").id, state("failed"))
    assert other.started is not None


def test_a_visitor_and_the_queue_have_limits(jobs):
    for _ in range(3):  # one runs, two wait
        counting(jobs, visitor="ada")
    with pytest.raises(PlaygroundError, match="You have 2 jobs waiting"):
        counting(jobs, visitor="ada")
    counting(jobs, visitor="bob")
    with pytest.raises(PlaygroundError, match="3 jobs wait already"):
        counting(jobs, visitor="eve")


def test_a_deleted_job_is_gone_with_its_process_and_folder(jobs):
    job = counting(jobs)
    running = wait(jobs, job.id, steps(1))
    jobs.delete(job.id)
    assert not jobs.runner.alive(running.process)
    assert not running.folder.exists()
    with pytest.raises(BadInput, match="no job"):
        jobs.get(job.id)


@pytest.mark.parametrize("stranger", ["", "x", "../../etc", None, 7, "A" * 22, "' OR 1=1 --", ["a"]])
def test_a_strangers_id_opens_nothing(jobs, stranger):
    counting(jobs, to=1)
    for call in (jobs.get, jobs.cancel, jobs.pause, jobs.resume, jobs.delete):
        with pytest.raises(BadInput):
            call(stranger)


def test_ids_are_not_guessable(jobs):
    ids = {counting(jobs, to=0, visitor=str(number)).id for number in range(3)}
    assert len(ids) == 3
    assert all(len(job_id) == 22 for job_id in ids)  # 128 bits in base64


def test_a_job_that_is_not_ended_cannot_be_resumed(jobs):
    job = counting(jobs)
    with pytest.raises(BadInput, match="running"):
        jobs.resume(job.id)


def test_expired_jobs_and_orphaned_folders_are_swept(jobs, tmp_path):
    job = wait(jobs, counting(jobs, to=1).id, state("done"))
    orphan = tmp_path / "jobs" / "orphan"
    orphan.mkdir()
    os.utime(orphan, (1, 1))
    assert jobs.sweep() == 1
    assert not orphan.exists()
    jobs.table.change(job.id, "done", expires=1.0)
    assert jobs.sweep() == 1
    assert not job.folder.exists()


def test_a_request_of_its_own_kind_reaches_only_a_running_job(jobs):
    job = wait(jobs, counting(jobs, to=1).id, state("done"))
    with pytest.raises(BadInput, match="done"):
        jobs.request(job.id, "sample")
    other = counting(jobs)
    wait(jobs, other.id, steps(1))
    assert jobs.request(other.id, "sample").request == "sample"
