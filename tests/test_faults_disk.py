"""A disk that is full or read-only, under the page as a process of its own and under its parts."""

import contextlib
import errno
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from playground import janitor, worker
from playground.context import build_context
from playground.diffusion import models
from playground.errors import PlaygroundError, StorageTrouble
from playground.gate import Gate
from playground.job_queue import JobQueue
from playground.job_table import JobTable
from tests.servers import own_disk, picture, pixels, serving, status, submit, until

pytestmark = pytest.mark.timeout(900)  # a page is started, on a machine that may be busy


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with a disk of 24 MB of its own. Skipped, and said so, where no user may have one; in CI that fails."""
    if why := own_disk():
        if os.environ.get("CI"):
            pytest.fail(f"No disk of its own: {why}")
        pytest.skip(f"no disk of its own for a process here: {why}")
    with serving(tmp_path_factory.mktemp("disk") / "data", "--limits", "disk_free=0", disk="24m") as server:
        yield server


@contextlib.contextmanager
def full(server):
    """Not one byte is left."""
    filler = server.seen / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * (1 << 16)) == 1 << 16 or file.write(b"x")
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def read_only(server):
    """The folder is mounted over itself without writing. (Files that are open stay so: no system shuts those.)"""
    inside = ["nsenter", f"--target={server.process.pid}", "--user", "--mount", "--preserve-credentials", "sh", "-ec"]
    place = f"'{server.data}'"
    subprocess.run([*inside, f"mount --bind {place} {place} && mount -o remount,bind,ro {place}"], check=True)
    try:
        yield
    finally:
        subprocess.run([*inside, f"umount --lazy {place}"], check=True)


def words(message):
    """What a visitor reads of an event that failed."""
    assert not message["success"], message
    return message["output"]["error"]


def works_without_a_disk(server):
    """What needs none: text, and the list of models."""
    assert server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1
    assert server.ask("cache_status")[0]["device"] == "cpu"


@pytest.mark.slow
@pytest.mark.models
@pytest.mark.parametrize(("fault", "reason"), [(full, "the disk is full"), (read_only, "the disk is read-only")])
def test_a_disk_without_room_is_said_and_the_rest_goes_on(page, fault, reason):
    assert pixels(page).startswith(b"\x89PNG")
    with fault(page):
        refused = page.upload(picture(9, side=200))
        assert (refused.status_code, "disk" in refused.json()["detail"]) == (507, True)
        works_without_a_disk(page)
        assert reason in words(page.call("denoise", "a photo of a face", 2, 3.0, 2, "DDIM", models.POCKET))
    assert page.upload(picture(9, side=200)).status_code == 200
    assert pixels(page, seed=2).startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.models
def test_a_training_whose_disk_is_full_says_so_and_can_be_resumed(page):
    job = submit(page)
    folder = page.seen / "jobs" / job
    until(lambda: list((folder / "samples").rglob("*.png")))
    # the log keeps some room, or it could not tell what happened
    subprocess.run(["fallocate", "--keep-size", "--length", "65536", str(folder / "log")], check=True)
    with full(page):
        until(lambda: "disk is full" in (folder / "log").read_text() or status(page, job)["state"] == "failed")
    ended = until(lambda: (now := status(page, job))["state"] != "running" and now)
    assert ended["state"] == "failed"
    assert "the disk is full" in ended["error"]
    assert page.ask("resume_training", job)[0]["state"] in ("queued", "running")
    assert page.ask("delete_my_data", job)[0]["deleted"]


def test_a_job_says_its_last_word_when_there_is_room_again(tmp_path, monkeypatch):
    table = JobQueue(tmp_path)
    table.add("A" * 22, "count", "ada", {}, 60.0)
    table.claim_next("count", 1)
    tries, write = [], table.change

    def change(*values, **columns):
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise PlaygroundError("The list of jobs cannot be used (database or disk is full).")
        return write(*values, **columns)

    monkeypatch.setattr(table, "change", change)
    worker.say_last_word(table, table.read("A" * 22), "failed", "The disk is full.")
    assert table.read("A" * 22).state == "failed"
    with pytest.raises(PlaygroundError):
        tries.clear()
        worker.say_last_word(table, table.read("A" * 22), "failed", "", patience=0)


def test_what_cannot_be_swept_keeps_nothing_else(settings, tmp_path, monkeypatch, caplog):
    page = build_context(replace(settings, data_dir=tmp_path))
    old = page.visitors.place(page.visitors.new())
    os.utime(old, (1, 1))
    monkeypatch.setattr(JobTable, "expired", lambda self: (_ for _ in ()).throw(PlaygroundError("disk is full")))
    assert janitor.sweep(page) == 1
    assert not old.exists()
    assert "disk is full" in caplog.text


def test_one_job_that_cannot_be_deleted_keeps_no_other(settings, tmp_path, monkeypatch):
    from playground.jobs import QUEUED

    page = build_context(replace(settings, data_dir=tmp_path))
    for name in ("A" * 22, "B" * 22):
        page.jobs.table.add(name, "none", "ada", {}, -1.0)
        (page.jobs.folder / name).mkdir()
        page.jobs.table.change(name, QUEUED, state="done")
    remove = page.jobs.remove

    def refuse(job):
        if job.key.startswith("A"):
            raise StorageTrouble("Cannot write: the disk is read-only.")
        remove(job)

    monkeypatch.setattr(page.jobs, "remove", refuse)
    assert page.jobs.sweep() == 1
    assert page.jobs.table.known() == {"A" * 22}


def test_a_job_is_deleted_even_if_its_folder_went_before(settings, tmp_path):
    page = build_context(replace(settings, data_dir=tmp_path))
    page.jobs.table.add("A" * 22, "none", "ada", {}, -1.0)
    page.jobs.table.change("A" * 22, "queued", state="done")
    assert page.jobs.sweep() == 1
    assert page.jobs.table.known() == set()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_the_gate_opens_where_nothing_can_be_written(tmp_path, monkeypatch, code):
    def refuse(*values, **more):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "touch", refuse)
    gate = Gate(tmp_path / "gate.lock")
    with gate.turn("tab"):
        assert gate.state().busy == "tab"
    assert gate.state().busy == ""


def test_the_gate_hides_no_other_trouble(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "touch", lambda self: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    gate = Gate(tmp_path / "gate.lock")
    with pytest.raises(OSError, match="Input/output"), gate.turn("tab"):
        pass
    assert gate.state().busy == ""
