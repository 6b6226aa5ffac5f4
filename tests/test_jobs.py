"""Jobs in real processes: they end, fail, stop, are killed, go on where they were, and leave nothing behind."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest

from playground.errors import BadInput, PlaygroundError
from playground.jobs import Jobs
from playground.processes import LocalRunner
from playground.settings import JobLimits
from playground.worker import Stopped, Work


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


def test_a_process_that_its_parent_has_not_waited_for_has_ended(jobs):
    """As after the page's own end: its children are then another's to wait for."""
    command = [sys.executable, "-c", "import time; time.sleep(600)", "J" * 22]
    starting = f"subprocess.Popen({command!r}, stdout=subprocess.DEVNULL)"
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, time; print({starting}.pid, flush=True); time.sleep(600)"],
        stdout=subprocess.PIPE, text=True)
    note = f"{parent.stdout.readline().strip()}:{'J' * 22}"
    try:
        deadline = time.monotonic() + 60
        while not jobs.runner.alive(note):  # its command line is there a moment after its number
            assert time.monotonic() < deadline
            time.sleep(0.01)
        jobs.runner.kill(note)
        assert not jobs.runner.alive(note)
    finally:
        parent.kill()
        parent.communicate()


def test_a_child_is_known_before_it_has_a_command_line(jobs, monkeypatch):
    monkeypatch.setattr(psutil.Process, "cmdline", lambda process: [])
    job = counting(jobs, to=100_000)
    try:
        assert jobs.runner.alive(job.process)
        assert not jobs.runner.alive(f"{job.process.partition(':')[0]}:{'J' * 22}")
    finally:
        jobs.runner.kill(job.process)
    assert not jobs.runner.alive(job.process)


def test_what_waits_of_a_kind_that_was_switched_off_is_not_started(tmp_path):
    class Full(Idle):
        def start(self, job):
            raise AssertionError("started")

    before = Jobs(tmp_path / "jobs", Idle(), JobLimits(running={"count": 1}))
    counting(before)
    waiting = counting(before)
    assert before.get(waiting.id).state == "queued"
    after = Jobs(tmp_path / "jobs", Full(), JobLimits(running={"count": 2}, closed=frozenset({"count"})))
    assert after.get(waiting.id).state == "queued"
    assert after.cancel(waiting.id).state == "cancelled"


class Idle:
    """A runner whose jobs do nothing and never end."""

    def start(self, job):
        return job.id

    def alive(self, process):
        return True

    def kill(self, process):
        pass


@pytest.fixture
def crowd(tmp_path):
    """Jobs that never end, and who sends the next one."""
    made = Jobs(tmp_path / "crowd", Idle(), JobLimits(waiting_each=2, waiting=8, address=5, shared=True))

    def send(name, sender, address, **more):
        made.sender = lambda: (sender, address)
        return made.submit("count", {}, name, **more)

    made.send = send
    return made


def test_whoever_invents_names_has_one_share(crowd):
    for number in range(3):  # one runs, two wait
        crowd.send(f"name {number}", "eve", "6.6.6.6")
    with pytest.raises(PlaygroundError, match="You have 2 jobs waiting"):
        crowd.send("another name", "eve", "7.7.7.7")
    assert crowd.send("ada", "ada", "1.1.1.1").place == 1


def test_whoever_invents_visitors_leaves_places_to_other_addresses(crowd):
    for number in range(5):
        crowd.send(f"name {number}", f"visitor {number}", "6.6.6.6")
    with pytest.raises(PlaygroundError, match="5 jobs from your address wait or run"):
        crowd.send("name 5", "visitor 5", "6.6.6.6")
    jobs = [crowd.send(f"ada {number}", f"ada {number}", "1.1.1.1") for number in range(3)]
    assert [crowd.get(job.id).place for job in jobs] == [1, 3, 5]  # in turn with the four that wait over there
    crowd.table.change(next(job.id for job in crowd.table.running()), "running", state="done")
    assert crowd.get(jobs[0].id).state == "running"


@pytest.fixture
def turns(tmp_path):
    """Jobs of which one runs at a time, for 60 seconds while others wait; who sends the next one."""
    made = Jobs(tmp_path / "turns", Idle(), JobLimits(waiting_each=2, shared=True, turn=60))

    def send(sender, address):
        made.sender = lambda: (sender, address)
        return made.submit("count", {}, sender)

    def later(job, seconds):
        with made.table.rows() as rows:
            rows.execute("UPDATE jobs SET started=started-? WHERE id=?", (seconds, job.id))
        return made.get(job.id)

    made.send, made.later = send, later
    return made


def test_who_had_his_turn_lets_another_go_first(turns):
    first, second = turns.send("eve", "6.6.6.6"), turns.send("ada", "1.1.1.1")
    assert turns.later(first, 50).request == ""
    assert turns.later(first, 11).request == "yield"
    turns.table.give_way(first.id, 600)  # as its process does
    assert [turns.get(job.id).state for job in (first, second)] == ["queued", "running"]
    assert turns.later(second, 61).request == "yield"  # and the other way round


def test_nobody_stops_for_his_own_next_job_nor_for_nobody(turns):
    first = turns.send("eve", "6.6.6.6")
    assert turns.later(first, 1000).request == ""
    turns.send("eve", "6.6.6.6")
    assert turns.get(first.id).request == ""
    turns.send("ada", "6.6.6.6")
    assert turns.get(first.id).request == "yield"


def test_one_place_is_asked_for_at_a_time(tmp_path):
    jobs = Jobs(tmp_path / "jobs", Idle(), JobLimits(running={"count": 2}, shared=True, turn=60))
    for name in ("eve", "joe", "ada", "bob"):
        jobs.sender = lambda name=name: (name, name)
        jobs.submit("count", {}, name)
    with jobs.table.rows() as rows:
        rows.execute("UPDATE jobs SET started=started-1000")
    for _ in range(3):
        jobs.tick()
    assert [job.request for job in jobs.table.running()].count("yield") == 1


@pytest.mark.parametrize(("ask", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_what_a_visitor_asks_counts_more_than_a_turn_that_is_over(turns, ask, state):
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    assert turns.later(first, 61).request == "yield"
    assert getattr(turns, ask)(first.id).request == ask
    turns.table.give_way(first.id, 600)  # its process read "yield" a moment before
    ended = turns.get(first.id)
    assert (ended.state, ended.process) == (state, "")
    assert ended.ended


@pytest.mark.parametrize(("ask", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_a_job_that_gives_way_between_two_looks_is_stopped_all_the_same(turns, monkeypatch, ask, state):
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    change = type(turns.table)._set

    def late(table, rows, job_id, before, values):
        """As if the process gave way when the table was asked for the first time."""
        monkeypatch.setattr(type(turns.table), "_set", change)
        done = change(table, rows, job_id, before, values)
        with pytest.raises(PlaygroundError, match="locked"):
            give_way_at_once(turns, first.id)
        return done

    monkeypatch.setattr(type(turns.table), "_set", late)
    getattr(turns, ask)(first.id)
    turns.table.give_way(first.id, 600)
    assert turns.get(first.id).state == state


def give_way_at_once(jobs, job_id):
    """Another process's give_way(), which does not wait for its place at the table."""
    with sqlite3.connect(jobs.table.path, timeout=0) as rows:
        try:
            rows.execute("UPDATE jobs SET state='queued' WHERE id=?", (job_id,))
        except sqlite3.OperationalError as problem:
            raise PlaygroundError(str(problem)) from problem


def test_who_gave_way_may_send_as_many_others_as_before(turns):
    turns.limits = replace(turns.limits, waiting_each=1)
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    turns.later(first, 61)
    turns.table.give_way(first.id, 600)
    assert turns.send("eve", "6.6.6.6").state == "queued"
    with pytest.raises(PlaygroundError, match="You have 1 jobs waiting"):
        turns.send("eve", "6.6.6.6")


def test_one_who_was_paused_and_resumed_counts_as_waiting(turns):
    turns.limits = replace(turns.limits, waiting_each=1)
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    turns.pause(first.id)
    turns.table.give_way(first.id, 600)
    assert turns.resume(first.id).state == "queued"
    with pytest.raises(PlaygroundError, match="You have 1 jobs waiting"):
        turns.send("eve", "6.6.6.6")


def test_nobody_stops_for_his_own_job_after_the_page_was_started_again(turns, tmp_path):
    first = turns.send("eve", "6.6.6.6")
    turns.later(first, 1000)
    again = Jobs(tmp_path / "turns", Idle(), turns.limits)  # its marks of senders are others
    again.sender = lambda: ("eve", "6.6.6.6")
    again.submit("count", {}, "eve")
    assert again.get(first.id).request == ""


def test_a_turn_counts_from_when_the_work_begins(turns):
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    assert turns.later(first, 1000).request == "yield"
    Work(turns.table, first).ready()
    assert turns.get(first.id).request == ""


def test_who_goes_on_asking_makes_way_as_well(turns):
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    turns.request(first.id, "sample")
    assert turns.later(first, 61).request == "yield"
    with pytest.raises(BadInput, match="stopping"):
        turns.request(first.id, "sample")


def test_work_that_is_not_kept_yet_is_not_given_up_for_others(turns):
    first = turns.send("eve", "6.6.6.6")
    turns.send("ada", "1.1.1.1")
    turns.later(first, 61)
    work = Work(turns.table, first)
    work.check()
    with pytest.raises(Stopped):
        work.check(kept=True)
    turns.cancel(first.id)
    with pytest.raises(Stopped):
        work.check()


def test_processes_take_turns_and_lose_nothing(tmp_path):
    jobs = Jobs(tmp_path / "jobs", LocalRunner("tests.job_worker"), JobLimits(shared=True, turn=0.5))
    made = []
    for name in ("eve", "ada"):
        jobs.sender = lambda name=name: (name, name)
        made.append(counting(jobs, to=200, visitor=name))
    done = [wait(jobs, job.id, state("done")) for job in made]
    for job in done:
        starts = job.progress["starts"]
        assert job.progress["step"] == 200
        assert len(starts) > 1  # it gave way
        assert starts == sorted(set(starts))  # and went on further each time


def test_many_at_once_are_as_many(crowd):
    crowd.send("first", "first", "2.2.2.2")
    crowd.sender = lambda: ("eve", "6.6.6.6")
    ready = threading.Barrier(6)

    def one(number):
        try:
            return crowd.submit("count", {}, f"name {number}", fill=lambda folder: ready.wait(30))
        except PlaygroundError:
            return None

    with ThreadPoolExecutor(6) as pool:
        taken = [job for job in pool.map(one, range(6)) if job]
    assert len(taken) == len(crowd.table.waiting()) == 2
    assert len([path for path in crowd.folder.iterdir() if path.is_dir()]) == 3


def test_a_job_that_is_resumed_counts_for_who_resumes_it(crowd):
    crowd.send("first", "first", "2.2.2.2")
    ended = [crowd.send(f"{n}", f"v{n}", f"1.1.1.{n}") for n in range(3)]
    for job in ended:
        crowd.cancel(job.id)
    crowd.sender = lambda: ("eve", "6.6.6.6")
    for job in ended[:2]:
        assert crowd.resume(job.id).state == "queued"
    with pytest.raises(PlaygroundError, match="You have 2 jobs waiting"):
        crowd.resume(ended[2].id)
    assert crowd.get(ended[2].id).state == "cancelled"


def test_no_file_holds_who_sent_a_job(crowd):
    crowd.send("a name", "cookie-of-eve", "203.0.113.77")
    held = b"".join(path.read_bytes() for path in crowd.folder.rglob("*") if path.is_file())
    assert b"a name" in held
    assert b"cookie-of-eve" not in held
    assert b"203.0.113.77" not in held


def test_a_deleted_job_is_gone_with_its_process_and_folder(jobs):
    job = counting(jobs)
    running = wait(jobs, job.id, steps(1))
    jobs.delete(job.id)
    assert not jobs.runner.alive(running.process)
    assert not running.folder.exists()
    with pytest.raises(BadInput, match="no job"):
        jobs.get(job.id)


def test_a_job_that_began_anew_while_it_was_deleted_is_gone_as_well(jobs):
    job = counting(jobs)
    first = wait(jobs, job.id, steps(1))
    kill, begun = jobs.runner.kill, []

    def kill_late(process):  # its turn is over, and its next one begins, before its process is ended
        if process == first.process and jobs.table.read(job.key).process == first.process:
            kill(process)
            jobs.table.change(job.key, "running", state="queued", process="")
            jobs.tick()
            begun.append(jobs.table.read(job.key).process)
        kill(process)

    jobs.runner.kill = kill_late
    jobs.delete(job.id)
    assert begun == [first.process], "nothing began any more"
    assert not jobs.runner.alive(first.process)
    assert not first.folder.exists()


def test_a_new_link_takes_the_old_one_back_while_the_job_runs_on(jobs):
    job = counting(jobs)
    before = wait(jobs, job.id, steps(1))
    renewed = jobs.renew(job.id, "ada")
    assert renewed.id != job.id
    assert len(renewed.id) == 22
    for call in (jobs.get, jobs.cancel, jobs.pause, jobs.resume, jobs.delete):
        with pytest.raises(BadInput, match="new link"):
            call(job.id)
    now = wait(jobs, renewed.id, steps(before.progress["step"] + 2))
    assert (now.process, now.folder, now.progress["starts"]) == (before.process, before.folder, [0])
    again = jobs.renew(renewed.id, "ada")
    os.utime(now.folder, (0, 0))
    assert jobs.sweep() == 0
    jobs.pause(again.id)
    wait(jobs, again.id, state("paused"))
    jobs.resume(again.id)
    assert len(wait(jobs, again.id, lambda each: len(each.progress["starts"]) == 2).progress["starts"]) == 2
    jobs.delete(again.id)
    assert not now.folder.exists()


def test_only_its_own_visitor_gives_a_job_a_new_link(jobs):
    job = counting(jobs, to=1)
    with pytest.raises(BadInput, match="another browser"):
        jobs.renew(job.id, "eve")
    assert jobs.get(job.id).id == job.id


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
