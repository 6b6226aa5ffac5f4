"""The rows of jobs: an older version's file, turns between senders, nothing left of what was deleted."""

import sqlite3

import pytest

from playground.errors import PlaygroundError
from playground.job_queue import JobQueue
from playground.job_table import Job

OLD = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, visitor TEXT NOT NULL, state TEXT NOT NULL, spec TEXT NOT NULL,
    progress TEXT NOT NULL DEFAULT '{}', request TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    process TEXT NOT NULL DEFAULT '', created REAL NOT NULL, queued REAL NOT NULL, started REAL, ended REAL,
    expires REAL NOT NULL);
INSERT INTO jobs (id, kind, visitor, state, spec, created, queued, expires)
    VALUES ('old', 'lora', 'ada', 'queued', '{"steps": 3}', 1, 1, 9e9);
"""


@pytest.fixture
def table(tmp_path):
    return JobQueue(tmp_path)


def add(table, name, sender="", address="", kind="lora", **more):
    table.add(name, kind, "somebody", {}, 60, sender=sender, address=address, **more)


def test_an_older_versions_jobs_are_taken_over(tmp_path):
    with sqlite3.connect(tmp_path / "jobs.db") as rows:
        rows.executescript(OLD)
    for _ in range(2):
        table = JobQueue(tmp_path)
    assert table.read("old").spec == {"steps": 3}
    add(table, "new", "s", "x")
    assert [table.read(name).place for name in ("old", "new")] == [1, 2]
    assert table.claim_next("lora", 1).id == "old"
    assert table.read("new").sender == "s"


def test_a_newer_versions_columns_disturb_nobody(table):
    with table.rows() as rows:
        rows.execute("ALTER TABLE jobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'")
    add(table, "a")
    assert isinstance(table.read("a"), Job)


def test_the_order_of_starts_is_the_order_of_the_places(table):
    for name, sender, address in (("a1", "a", "x"), ("a2", "a", "x"), ("a3", "b", "x"), ("b1", "c", "y")):
        add(table, name, sender, address)
    begun = []
    while table.waiting():
        places = {job.id: table.read(job.id).place for job in table.waiting()}
        assert sorted(places.values()) == list(range(1, len(places) + 1))
        begun.append(table.claim_next("lora", 9).id)
        assert places[begun[-1]] == 1
    assert begun == ["a1", "b1", "a3", "a2"]


def test_deleting_ones_jobs_brings_no_earlier_turn(table):
    add(table, "first", "a", "x")
    table.claim_next("lora", 1)
    table.remove("first")
    add(table, "again", "a", "x")
    add(table, "other", "b", "y")
    assert table.claim_next("lora", 1).id == "other"


def test_a_sender_has_his_share_of_the_places_and_those_that_stop_do_not_count(table):
    for name in ("a1", "a2"):
        add(table, name, "a", "x")
    assert table.claim_next("lora", 2, 1).id == "a1"
    assert table.claim_next("lora", 2, 1) is None
    add(table, "b1", "b", "y")
    assert [table.find(name, lambda kind: 1).place for name in ("b1", "a2")] == [1, 2]
    table.ask("a1", "cancel")
    assert table.claim_next("lora", 3, 1).id == "b1"
    assert table.claim_next("lora", 3, 1).id == "a2"


def test_who_is_refused_leaves_no_row(table):
    def never(busy):
        assert [job.id for job in busy] == ["a"]
        raise PlaygroundError("No.", "Never.")

    add(table, "a")
    with pytest.raises(PlaygroundError):
        add(table, "b", admit=never)
    assert table.known() == {"a"}


def test_turns_that_are_long_past_are_forgotten(table, monkeypatch):
    monkeypatch.setattr("playground.turns.KEPT", 3)
    for number in range(10):
        add(table, str(number), f"s{number}", f"x{number}")
        table.claim_next("lora", 99)
    with table.rows() as rows:
        assert rows.execute("SELECT COUNT(*), MAX(number) FROM turns").fetchone()[:] == (6, 10)


def test_nothing_of_a_deleted_job_stays_in_the_files(table, tmp_path):
    secret = "Zanzibar-Quokka"
    for number in range(20):
        table.add(f"j{number}", "lora", "ada", {"trigger": f"{secret} {number} " * 300}, 60)
    table.change("j3", "queued", progress=f'{{"words": "{secret}"}}')

    def holding():
        return [path.name for path in tmp_path.iterdir() if secret.encode() in path.read_bytes()]

    assert holding()
    for number in range(20):
        table.remove(f"j{number}")
    assert holding() == []
