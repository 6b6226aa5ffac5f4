"""Whose job begins next, and whose turn is over, decided in one step for all processes that share the table."""

import sqlite3
import time

from playground import turns
from playground.job_table import RUNNING, STOPPING, YIELD, Job, JobTable


class JobQueue(JobTable):
    """The table as a queue for each kind of job. Its order: playground/turns.py."""

    def claim_next(self, kind: str, most: int, most_each: int | None = None) -> Job | None:
        """The next of a kind, marked as running, while fewer than `most` of it run; atomic between processes.

        A sender has no more than `most_each` of them, not counting those that were asked to stop.
        """
        with self.rows() as rows:
            rows.execute("BEGIN IMMEDIATE")
            busy = rows.execute("SELECT COUNT(*) FROM jobs WHERE state=? AND kind=?", (RUNNING, kind)).fetchone()[0]
            full = self._full(rows, kind, most_each)
            waiting = self._in_turn(rows, kind, full)
            if not waiting or busy >= most or waiting[0].sender in full:
                return None
            self._note_turn(rows, waiting[0])
            rows.execute("UPDATE jobs SET state=?, request='', process='', started=? WHERE id=?",
                         (RUNNING, time.time(), waiting[0].key))
        return waiting[0]

    def press(self, kind: str, most: int, most_each: int | None, turn: float) -> None:
        """Asks the longest running job of a kind, if it has worked for `turn` seconds, to go back into the queue.

        Only where another sender's waits and could begin in its place; one job at a time. What its own visitor asked
        for just now, but to stop, is overwritten: else it would never be free of requests.
        """
        with self.rows() as rows:
            rows.execute("BEGIN IMMEDIATE")
            busy = [self._job(row) for row in rows.execute(
                "SELECT * FROM jobs WHERE state=? AND kind=? ORDER BY started", (RUNNING, kind))]
            full = self._full(rows, kind, most_each)
            waiting = self._in_turn(rows, kind, full)
            if not waiting or waiting[0].sender in full or len(busy) < most or YIELD in (job.request for job in busy):
                return
            due = [job for job in busy if job.process and job.request not in STOPPING
                   and job.visitor != waiting[0].visitor and job.sender != waiting[0].sender
                   and time.time() - max(job.started, job.progress.get("ready", 0)) > turn]
            if due:
                self._set(rows, due[0].key, RUNNING, {"request": YIELD})

    def _note_turn(self, rows: sqlite3.Connection, job: Job) -> None:
        number = rows.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM turns WHERE kind=?", (job.kind,)).fetchone()[0]
        rows.executemany("INSERT OR REPLACE INTO turns (kind, who, number) VALUES (?,?,?)",
                         [(job.kind, who, number) for who in turns.who(job)])
        rows.execute("DELETE FROM turns WHERE kind=? AND number<=?", (job.kind, number - turns.KEPT))
