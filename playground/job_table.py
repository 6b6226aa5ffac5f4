"""The rows of jobs in SQLite: what both the web process and a job's own process read and write.

Every change of state names the state it starts from, so that two writers cannot undo each other.
"""

import json
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from playground import storage, turns
from playground.errors import BadInput, PlaygroundError

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
CANCELLED, PAUSED, INTERRUPTED = "cancelled", "paused", "interrupted"
CANCEL, PAUSE = STOPPING = ("cancel", "pause")  # what a job can be asked for, beside words of its own kind
YIELD = "yield"  # a request as well: to write a checkpoint and go back into the queue, as others wait
ENDING = (CANCEL, PAUSE, YIELD)
log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, visitor TEXT NOT NULL, state TEXT NOT NULL, spec TEXT NOT NULL,
    progress TEXT NOT NULL DEFAULT '{}', request TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '',
    process TEXT NOT NULL DEFAULT '', created REAL NOT NULL, queued REAL NOT NULL, started REAL, ended REAL,
    expires REAL NOT NULL, sender TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '',
    renewed TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS turns (kind TEXT NOT NULL, who TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (kind, who));
"""
ADDED = ("sender", "address", "renewed")  # columns that an older version's table lacks


@dataclass(frozen=True)
class Job:
    """A job as its row says. Times in seconds since the epoch; `place` is 1 for the next of its kind in the queue.

    `id` is the secret by which visitors have it, `key` what it is called here: its row, its folder, its process. They
    are the same until its visitor asks for a new secret. `sender` and `address` are marks of who put it there, made
    with a secret that is on no disk.
    """

    id: str
    key: str
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
    sender: str = ""
    address: str = ""

    @property
    def kept(self) -> float:
        """Seconds that it is kept after its last use."""
        return self.expires - self.queued


KNOWN = {each.name for each in fields(Job)}  # a newer version's table may hold more
Admit = Callable[[list[Job]], None]


class JobTable:
    """The table of one folder; a connection each call, so that any thread or process may call. Jobs by their key.

    One more stays open and unused: the last one to close would remove the files beside the database, and on a full
    disk they could not be made again, not even to read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = storage.ensure_folder(folder)
        self.path = self.folder / "jobs.db"
        with self.rows() as rows:
            rows.execute("PRAGMA journal_mode=WAL")
            rows.executescript(SCHEMA)
            self._open = sqlite3.connect(self.path, check_same_thread=False)
            self._open.execute("SELECT COUNT(*) FROM jobs").fetchall()
        self._migrate()

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept when the block ends well. PlaygroundError if SQLite cannot."""
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection:
                connection.row_factory = sqlite3.Row
                connection.execute("PRAGMA secure_delete=ON")  # a deleted row's pictures are overwritten, not unlinked
                with connection:
                    yield connection
        except sqlite3.OperationalError as problem:
            raise PlaygroundError(f"The list of jobs cannot be used ({problem}).",
                                  "Is the disk of the data folder full or read-only?") from problem
        except sqlite3.DatabaseError as problem:
            if type(problem) is not sqlite3.DatabaseError:  # a mistake in a statement: its children say so
                raise
            log.error("Damaged: %s", self.path)
            place = f"{self.folder.name}/{self.path.name}"
            raise PlaygroundError(f"The list of jobs, {place} in the data folder, is damaged ({problem}).",
                                  "Move it away to begin a new one; its jobs are lost.") from problem

    def _migrate(self) -> None:
        """Gives an older version's table the columns that it lacks."""
        with self.rows() as rows:
            if self._lacking(rows):
                rows.execute("BEGIN IMMEDIATE")
                for name in self._lacking(rows):  # another process may have done it meanwhile
                    rows.execute(f"ALTER TABLE jobs ADD COLUMN {name} TEXT NOT NULL DEFAULT ''")
            rows.execute("CREATE INDEX IF NOT EXISTS jobs_by_renewed ON jobs (renewed)")

    def _lacking(self, rows: sqlite3.Connection) -> list[str]:
        there = {row["name"] for row in rows.execute("PRAGMA table_info(jobs)")}
        return [name for name in ADDED if name not in there]

    def add(self, key: str, kind: str, visitor: str, spec: dict, kept: float, *, state: str = QUEUED,
            sender: str = "", address: str = "", admit: Admit | None = None) -> None:
        """A new row at the end of the queue, to expire in `kept` seconds.

        `admit` is given the jobs that wait or run and raises what refuses this one; nobody comes between.
        """
        now = time.time()
        with self.rows() as rows:
            self._ask_in(rows, admit)
            rows.execute("INSERT INTO jobs (id, kind, visitor, state, spec, created, queued, expires, sender, address) "
                         "VALUES (?,?,?,?,?,?,?,?,?,?)",
                         (key, kind, visitor, state, json.dumps(spec), now, now, now + kept, sender, address))

    def read(self, key: str) -> Job:
        """The job of a key. BadInput if there is none."""
        return self._read("id=:name", key)

    def find(self, job_id: str, each: Callable[[str], int | None] = lambda kind: None) -> Job:
        """The job of a secret id, its place as claim_next() has it with each(kind). BadInput if there is none."""
        return self._read("(id=:name AND renewed='') OR renewed=:name", job_id, each)

    def renew(self, key: str, job_id: str) -> None:
        """Gives a job another secret id; the one before opens nothing any more."""
        with self.rows() as rows:
            rows.execute("UPDATE jobs SET renewed=? WHERE id=?", (job_id, key))

    def _read(self, condition: str, name: str, each: Callable[[str], int | None] = lambda kind: None) -> Job:
        with self.rows() as rows:
            row = rows.execute(f"SELECT * FROM jobs WHERE {condition}", {"name": name}).fetchone()
            if row is None:
                raise BadInput("There is no job with this id.",
                               "It may have expired, been deleted, or been given a new link.")
            place = 0
            if row["state"] == QUEUED:
                line = self._in_turn(rows, row["kind"], self._full(rows, row["kind"], each(row["kind"])))
                place = 1 + [job.key for job in line].index(row["id"])
        return self._job(row, place)

    def busy(self) -> list[Job]:
        """The jobs that wait or run."""
        return self._where("state IN (?,?)", (QUEUED, RUNNING))

    def waiting(self) -> list[Job]:
        """The queued jobs, oldest first."""
        return self._where("state=? ORDER BY queued", (QUEUED,))

    def running(self) -> list[Job]:
        """The jobs that are marked as running."""
        return self._where("state=?", (RUNNING,))

    def of_visitor(self, visitor: str) -> list[Job]:
        """A visitor's jobs, newest first."""
        return self._where("visitor=? ORDER BY created DESC", (visitor,))

    def of_sender(self, visitor: str, sender: str) -> list[Job]:
        """A visitor's jobs, and those of the same sender under whatever other name."""
        return self._where("visitor=? OR (sender=? AND sender!='')", (visitor, sender))

    def expired(self) -> list[Job]:
        """The jobs whose time is over and that do not run."""
        return self._where("expires<? AND state!=?", (time.time(), RUNNING))

    def known(self) -> set[str]:
        """Every job's key."""
        with self.rows() as rows:
            return {row["id"] for row in rows.execute("SELECT id FROM jobs")}

    def give_way(self, key: str, kept: float) -> None:
        """Puts a running job at the end of the queue; one that was asked to stop meanwhile stops."""
        now = time.time()
        with self.rows() as rows:
            rows.execute("BEGIN IMMEDIATE")
            asked = rows.execute("SELECT request FROM jobs WHERE id=?", (key,)).fetchone()
            state = {CANCEL: CANCELLED, PAUSE: PAUSED}.get(asked and asked["request"], QUEUED)
            self._set(rows, key, RUNNING, {"state": state, "process": "", "request": "", "queued": now,
                                           "ended": None if state == QUEUED else now, "expires": now + kept})

    def _in_turn(self, rows: sqlite3.Connection, kind: str, full: set[str]) -> list[Job]:
        """The queued jobs of a kind, next first."""
        found = rows.execute("SELECT * FROM jobs WHERE state=? AND kind=? ORDER BY queued", (QUEUED, kind))
        served = dict(tuple(row) for row in rows.execute("SELECT who, number FROM turns WHERE kind=?", (kind,)))
        return turns.in_turn([self._job(row) for row in found], served, full)

    def _full(self, rows: sqlite3.Connection, kind: str, most_each: int | None) -> set[str]:
        """The senders of whom as many run as may."""
        if most_each is None:
            return set()
        running = Counter(row["sender"] for row in rows.execute(
            f"SELECT sender FROM jobs WHERE state=? AND kind=? AND sender!='' AND request NOT IN {STOPPING}",
            (RUNNING, kind)))
        return {sender for sender, number in running.items() if number >= most_each}

    def requeue(self, key: str, before: str, admit: Admit, **values: Any) -> bool:
        """change() of a job into the queue, if `admit` lets it; see add()."""
        with self.rows() as rows:
            self._ask_in(rows, admit)
            return self._set(rows, key, before, {**values, "state": QUEUED})

    def _ask_in(self, rows: sqlite3.Connection, admit: Admit | None) -> None:
        rows.execute("BEGIN IMMEDIATE")
        if admit is not None:
            busy = rows.execute("SELECT * FROM jobs WHERE state IN (?,?)", (QUEUED, RUNNING))
            admit([self._job(row) for row in busy])

    def change(self, key: str, before: str, **values: Any) -> bool:
        """Sets columns of a job that is in the state `before`; False if it is not (any more)."""
        with self.rows() as rows:
            return self._set(rows, key, before, values)

    def _set(self, rows: sqlite3.Connection, key: str, before: str, values: dict[str, Any]) -> bool:
        names = ", ".join(f"{name}=?" for name in values)
        done = rows.execute(f"UPDATE jobs SET {names} WHERE id=? AND state=?", (*values.values(), key, before))
        return done.rowcount > 0

    def ask(self, key: str, words: str) -> bool:
        """Puts a request to a running job; False if it does not run, or was asked to stop, which nothing outbids."""
        with self.rows() as rows:
            done = rows.execute(f"UPDATE jobs SET request=? WHERE id=? AND state=? AND request NOT IN {ENDING}",
                                (words, key, RUNNING))
            return done.rowcount > 0

    def stop(self, key: str, request: str, state: str) -> None:
        """Asks a running job to stop, or takes one out of the queue, which is then in `state`."""
        with self.rows() as rows:
            rows.execute("BEGIN IMMEDIATE")  # a running job may go back into the queue at any moment
            if not self._set(rows, key, QUEUED, {"state": state, "ended": time.time()}):
                self._set(rows, key, RUNNING, {"request": request})

    def answer(self, key: str, words: str) -> None:
        """Takes back a request, if it is still the one."""
        with self.rows() as rows:
            rows.execute("UPDATE jobs SET request='' WHERE id=? AND state=? AND request=?", (key, RUNNING, words))

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

    def remove(self, key: str) -> None:
        """Forgets a job, and what the file beside the database still has of it."""
        with self.rows() as rows:
            rows.execute("DELETE FROM jobs WHERE id=?", (key,))
        storage.attempt(self.scrub)  # on a full disk it fails, and the next sweep does it

    def scrub(self) -> None:
        """Empties the file beside the database, in which deleted rows stand until they are overwritten."""
        with self.rows() as rows:
            rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _where(self, condition: str, values: tuple) -> list[Job]:
        with self.rows() as rows:
            return [self._job(row) for row in rows.execute(f"SELECT * FROM jobs WHERE {condition}", values)]

    def _job(self, row: sqlite3.Row, place: int = 0) -> Job:
        values = {name: row[name] for name in row.keys() if name in KNOWN}  # noqa: SIM118  # a row's names
        values["spec"], values["progress"] = json.loads(values["spec"]), json.loads(values["progress"])
        values |= {"key": row["id"], "id": row["renewed"] or row["id"]}
        return Job(**values, folder=self.folder / row["id"], place=place)
