"""The rows of jobs in SQLite: what both the web process and a job's own process read and write.

Every change of state names the state it starts from, so that two writers cannot undo each other.
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playground import storage
from playground.errors import BadInput, PlaygroundError

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
CANCELLED, PAUSED, INTERRUPTED = "cancelled", "paused", "interrupted"
CANCEL, PAUSE = STOPPING = ("cancel", "pause")  # what a job can be asked for, beside words of its own kind

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, visitor TEXT NOT NULL, state TEXT NOT NULL, spec TEXT NOT NULL,
    progress TEXT NOT NULL DEFAULT '{}', request TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    process TEXT NOT NULL DEFAULT '', created REAL NOT NULL, queued REAL NOT NULL, started REAL, ended REAL,
    expires REAL NOT NULL)
"""


@dataclass(frozen=True)
class Job:
    """A job as its row says. Times in seconds since the epoch; `place` is 1 for the next of its kind in the queue."""

    id: str
    kind: str
    visitor: str
    state: str
    spec: dict
    progress: dict
    request: str
    error: str
    process: str
    created: float
    queued: float
    started: float | None
    ended: float | None
    expires: float
    folder: Path
    place: int = 0

    @property
    def kept(self) -> float:
        """Seconds that it is kept after its last use."""
        return self.expires - self.queued


class JobTable:
    """The table of one folder; a connection each call, so that any thread or process may call.

    One more stays open and unused: the last one to close would remove the files beside the database, and on a full
    disk they could not be made again, not even to read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = storage.ensure_folder(folder)
        self.path = self.folder / "jobs.db"
        with self.rows() as rows:
            rows.execute("PRAGMA journal_mode=WAL")
            rows.execute(SCHEMA)
            self._open = sqlite3.connect(self.path, check_same_thread=False)
            self._open.execute("SELECT COUNT(*) FROM jobs").fetchall()

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept when the block ends well. PlaygroundError if SQLite cannot."""
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection:
                connection.row_factory = sqlite3.Row
                with connection:
                    yield connection
        except sqlite3.OperationalError as problem:
            raise PlaygroundError(f"The list of jobs cannot be used ({problem}).",
                                  "Is the disk of the data folder full or read-only?") from problem
        except sqlite3.DatabaseError as problem:
            if type(problem) is not sqlite3.DatabaseError:  # a mistake in a statement: its children say so
                raise
            raise PlaygroundError(f"The list of jobs {self.path} is damaged ({problem}).",
                                  "Move it away to begin a new one; its jobs are lost.") from problem

    def add(self, job_id: str, kind: str, visitor: str, spec: dict, kept: float) -> None:
        """A new row at the end of the queue, to expire in `kept` seconds."""
        now = time.time()
        with self.rows() as rows:
            rows.execute(
                "INSERT INTO jobs (id, kind, visitor, state, spec, created, queued, expires) VALUES (?,?,?,?,?,?,?,?)",
                (job_id, kind, visitor, QUEUED, json.dumps(spec), now, now, now + kept))

    def read(self, job_id: Any) -> Job:
        """The job of an id. BadInput if there is none."""
        with self.rows() as rows:
            row = rows.execute("SELECT * FROM jobs WHERE id=?", (str(job_id),)).fetchone()
            if row is None:
                raise BadInput("There is no job with this id.", "It may have expired or been deleted.")
            place = 0
            if row["state"] == QUEUED:
                place = rows.execute("SELECT COUNT(*) FROM jobs WHERE state=? AND kind=? AND queued<=?",
                                     (QUEUED, row["kind"], row["queued"])).fetchone()[0]
        return self._job(row, place)

    def waiting(self) -> list[Job]:
        """The queued jobs, next first."""
        return self._where("state=? ORDER BY queued", (QUEUED,))

    def running(self) -> list[Job]:
        """The jobs that are marked as running."""
        return self._where("state=?", (RUNNING,))

    def of_visitor(self, visitor: str) -> list[Job]:
        """A visitor's jobs, newest first."""
        return self._where("visitor=? ORDER BY created DESC", (visitor,))

    def expired(self) -> list[Job]:
        """The jobs whose time is over and that do not run."""
        return self._where("expires<? AND state!=?", (time.time(), RUNNING))

    def ids(self) -> set[str]:
        """Every job's id."""
        with self.rows() as rows:
            return {row["id"] for row in rows.execute("SELECT id FROM jobs")}

    def claim_next(self, kind: str, most: int) -> Job | None:
        """The next of a kind, marked as running, while fewer than `most` of it run; atomic between processes."""
        with self.rows() as rows:
            rows.execute("BEGIN IMMEDIATE")
            busy = rows.execute("SELECT COUNT(*) FROM jobs WHERE state=? AND kind=?", (RUNNING, kind)).fetchone()[0]
            row = rows.execute("SELECT * FROM jobs WHERE state=? AND kind=? ORDER BY queued LIMIT 1",
                               (QUEUED, kind)).fetchone()
            if row is None or busy >= most:
                return None
            rows.execute("UPDATE jobs SET state=?, request='', process='', started=? WHERE id=?",
                         (RUNNING, time.time(), row["id"]))
        return self._job(row)

    def change(self, job_id: str, before: str, **values: Any) -> bool:
        """Sets columns of a job that is in the state `before`; False if it is not (any more)."""
        names = ", ".join(f"{name}=?" for name in values)
        with self.rows() as rows:
            done = rows.execute(f"UPDATE jobs SET {names} WHERE id=? AND state=?", (*values.values(), job_id, before))
            return done.rowcount > 0

    def ask(self, job_id: str, words: str) -> bool:
        """Puts a request to a running job; False if it does not run, or was asked to stop, which nothing outbids."""
        with self.rows() as rows:
            done = rows.execute(f"UPDATE jobs SET request=? WHERE id=? AND state=? AND request NOT IN {STOPPING}",
                                (words, job_id, RUNNING))
            return done.rowcount > 0

    def answer(self, job_id: str, words: str) -> None:
        """Takes back a request, if it is still the one."""
        with self.rows() as rows:
            rows.execute("UPDATE jobs SET request='' WHERE id=? AND state=? AND request=?", (job_id, RUNNING, words))

    def postpone(self, seconds: float) -> None:
        """Lets every job expire later, for a clock that was set forward."""
        with self.rows() as rows:
            rows.execute("UPDATE jobs SET expires=expires+?, queued=queued+?", (seconds, seconds))

    def bound(self, kept: float) -> None:
        """Lets no job be from later than now or expire after `kept` seconds from now, for a clock that was set back."""
        times = (time.time() + kept, time.time())
        with self.rows() as rows:
            rows.execute("UPDATE jobs SET expires=MIN(expires, ?), queued=MIN(queued, ?) WHERE expires>? OR queued>?",
                         (*times, *times))

    def remove(self, job_id: str) -> None:
        """Forgets a job."""
        with self.rows() as rows:
            rows.execute("DELETE FROM jobs WHERE id=?", (job_id,))

    def _where(self, condition: str, values: tuple) -> list[Job]:
        with self.rows() as rows:
            return [self._job(row) for row in rows.execute(f"SELECT * FROM jobs WHERE {condition}", values)]

    def _job(self, row: sqlite3.Row, place: int = 0) -> Job:
        values = dict(row)
        values["spec"], values["progress"] = json.loads(values["spec"]), json.loads(values["progress"])
        return Job(**values, folder=self.folder / values["id"], place=place)
