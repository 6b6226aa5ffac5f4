"""The list of jobs after its writers were killed, after half of a write, and after somebody wrote over it."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from playground.errors import PlaygroundError
from playground.job_table import JobTable
from playground.processes import ROOT

WRITER = """
import sys
from pathlib import Path
from playground.job_table import JobTable
table = JobTable(Path(sys.argv[1]))
for number in range(10**9):
    table.add(f"{number:022d}", "count", "ada", {"number": number}, 60.0)
    table.change(f"{number:022d}", "queued", progress='{"words": "' + "x" * 3000 + '"}')
    print(number, flush=True)
"""


def intact(folder):
    """Whether SQLite finds nothing wrong, and every row can be read; the ids."""
    with contextlib.closing(sqlite3.connect(folder / "jobs.db")) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return {job.id for job in JobTable(folder).waiting()}


@pytest.mark.parametrize("written", [1, 40, 100])
def test_a_writer_killed_in_the_midst_loses_nothing_that_was_written(tmp_path, written):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    said = [int(writer.stdout.readline()) for _ in range(written)]
    time.sleep(0.003 * written % 0.007)  # anywhere within a write
    writer.send_signal(signal.SIGKILL)
    rest = writer.communicate()[0].split()
    assert {f"{number:022d}" for number in (*said, *map(int, rest))} <= intact(tmp_path)


def test_half_of_a_write_is_as_if_it_had_not_been(tmp_path):
    table = JobTable(tmp_path / "jobs")
    for number in range(20):
        table.add(f"{number:022d}", "count", "ada", {}, 60.0)
    size = (tmp_path / "jobs" / "jobs.db-wal").stat().st_size
    assert size > 0
    for part in (0, 31, 4096, size // 2, size - 100, size):  # a power cut may leave any part of it
        copy = tmp_path / f"copy-{part}"
        copy.mkdir()
        for name in ("jobs.db", "jobs.db-wal"):
            shutil.copy(tmp_path / "jobs" / name, copy / name)
        os.truncate(copy / "jobs.db-wal", part)
        if part == 0 or part == 31:  # not even the table
            continue
        found = intact(copy)
        assert found == {f"{number:022d}" for number in range(len(found))}
    assert len(intact(tmp_path / f"copy-{size}")) == 20


def test_a_list_that_somebody_wrote_over_is_named_with_what_to_do(tmp_path, caplog):
    table = JobTable(tmp_path)
    table._open.close()
    for path in tmp_path.glob("jobs.db*"):
        path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(PlaygroundError, match="is damaged") as told:
        JobTable(tmp_path)
    assert f"{tmp_path.name}/jobs.db in the data folder" in str(told.value)
    assert str(tmp_path) not in str(told.value)
    assert str(tmp_path / "jobs.db") in caplog.text
    assert "Move it away" in told.value.remedy
