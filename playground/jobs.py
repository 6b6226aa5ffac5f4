"""Long work outside the web process: submit, progress, cancel, pause, resume, delete.

A job is a row in SQLite and a folder. Its process (playground/worker.py) writes progress into the row and
checkpoints into the folder; the page polls the row and may be closed or reloaded meanwhile. Whoever has a
job's id has the job: ids are secret, drawn from 128 bits, and its visitor can have a new one drawn in place of the old.

    queued -> running -> done | failed | cancelled | paused | interrupted
    failed, cancelled, paused and interrupted ones can be resumed: back to queued, then from their last checkpoint
    a running one goes back to queued, with a checkpoint, when it had its turn (JobLimits.turn) and others wait

A job whose process is gone without a last word is interrupted; that is found whenever anyone asks, also after
the web process was started again. Each kind of job has a queue of its own, in which one runs at a time by
default: two trainings on one device are slower than one after the other. Behind the Runner protocol a
distributed engine can stand in place of local processes.
"""

import contextlib
import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from playground import logs, storage
from playground.access import PLENTY
from playground.errors import BadInput, PlaygroundError
from playground.job_queue import JobQueue
from playground.job_table import (
    CANCEL,
    CANCELLED,
    DONE,
    FAILED,
    INTERRUPTED,
    PAUSE,
    PAUSED,
    QUEUED,
    RUNNING,
    Job,
)
from playground.room import Room
from playground.settings import JobLimits

RESUMABLE = (FAILED, CANCELLED, PAUSED, INTERRUPTED)
ENDED = (DONE, *RESUMABLE)
NOBODY = ("", "")
STARTING = 60.0  # seconds after which a job without a process is taken for lost


class Runner(Protocol):
    """Starts a job's process somewhere and knows whether it lives. `process` is the runner's own note of it."""

    def start(self, job: Job) -> str:
        """Starts the job; returns the note. OSError if it cannot."""

    def alive(self, process: str) -> bool:
        """Whether the process of a note is still there."""

    def kill(self, process: str) -> None:
        """Ends the process of a note and waits until it is gone."""


class Jobs:
    """The jobs of one data folder. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, runner: Runner, limits: JobLimits | None = None,
                 room: Room | None = None) -> None:
        self.table = JobQueue(folder)
        self.folder = folder
        self.runner = runner
        self.limits = limits or JobLimits()
        self.room = room
        self.sender: Callable[[], tuple[str, str]] = lambda: NOBODY  # (visitor, address) of the request under way
        self._key = secrets.token_bytes(32)  # for the marks of senders: whoever reads the rows learns no address
        self._starting = threading.Lock()

    def submit(self, kind: str, spec: dict, visitor: str, fill: Callable[[Path], None] | None = None) -> Job:
        """A new job at the end of the queue; `fill` puts what it needs into its folder before it can start.

        `visitor` is whose it is, as he says. Shares are counted by him, and by who sends it as sender() knows him.
        Raises PlaygroundError when the kind is not taken here, or the queue, the visitor's share or the disk is full.
        """
        self._check_open(kind)
        marks = self._marks(visitor)
        admit = self._admission(visitor, marks)
        admit(self.table.busy())
        self.check_room(visitor)
        job_id = secrets.token_urlsafe(16)
        folder = storage.ensure_folder(self.folder / job_id)
        if fill is not None:
            fill(folder)
        try:
            self.table.add(job_id, kind, visitor, spec, self.limits.kept, **marks, admit=admit)
        except PlaygroundError:  # others came while it was filled
            storage.remove_folder(folder)
            raise
        return self.get(job_id)

    def get(self, job_id: Any) -> Job:
        """The job of an id, after a look at whether its process lives. BadInput if there is none."""
        if not isinstance(job_id, str) or not re.fullmatch(r"[A-Za-z0-9_-]{22}", job_id):
            raise BadInput("This is not the id of a job.", "Copy the whole link or id again.")
        self.tick()
        return self.table.find(job_id, self.limits.each)

    def cancel(self, job_id: Any) -> Job:
        """Asks a running job to stop, keeping what it has; takes a waiting one out of the queue."""
        return self._ask(job_id, CANCEL, CANCELLED)

    def pause(self, job_id: Any) -> Job:
        """Asks a running job to write a checkpoint and end; takes a waiting one out of the queue."""
        return self._ask(job_id, PAUSE, PAUSED)

    def request(self, job_id: Any, words: str) -> Job:
        """Asks a running job for something of its own kind, such as a sample now. BadInput if it does not run."""
        job = self.get(job_id)
        if not self.table.ask(job.key, words):
            state = "stopping" if job.state == RUNNING else job.state
            raise BadInput(f"This job is {state}.", "Only a running job can be asked.")
        return self.table.read(job.key)

    def resume(self, job_id: Any) -> Job:
        """Puts an ended job back into the queue, to go on from its last checkpoint. BadInput if it is not ended."""
        job = self.get(job_id)
        if job.state not in RESUMABLE:
            raise BadInput(f"This job is {job.state}.", "Only a stopped, failed or interrupted job can be resumed.")
        self._check_open(job.kind)
        marks = self._marks(job.visitor)
        self.check_room(job.visitor)
        now = time.time()
        self.table.requeue(job.key, job.state, self._admission(job.visitor, marks), request="", error="", queued=now,
                           started=None, ended=None, expires=now + self.limits.kept, **marks)
        return self.get(job.id)

    def renew(self, job_id: Any, visitor: str) -> Job:
        """Gives a visitor's own job a new secret id; whoever has the one before has the job no more. BadInput."""
        job = self.get(job_id)
        if job.visitor != visitor:
            raise BadInput("This was started in another browser, and only there it can get a new link.",
                           "Whoever started it can do it, or delete it.")
        self.table.renew(job.key, secrets.token_urlsafe(16))
        return self.table.read(job.key)

    def delete(self, job_id: Any) -> None:
        """Ends the job's process and removes its folder and its row. BadInput if there is no such job."""
        self.remove(self.get(job_id))

    def remove(self, job: Job) -> None:
        """Deletes a job at hand, whatever its id is by now. BadInput if it is gone, PlaygroundError if it cannot."""
        if process := self._held_back(job):
            self.runner.kill(process)
        storage.remove_folder(job.folder)  # first: on a full disk it makes the room that the row's change needs
        self.table.remove(job.key)
        self.tick()

    def _held_back(self, job: Job) -> str:
        """Sees to it that a job is not started any more; returns its process. BadInput if it is gone."""
        with self._starting:
            now = self.table.read(job.key)
            with contextlib.suppress(PlaygroundError):  # on a full disk nothing can be written before it is removed
                self.table.change(job.key, now.state, state=CANCELLED)
            return self.table.read(job.key).process

    def sweep(self) -> int:
        """Deletes expired jobs, and folders that belong to none; returns how many. What cannot be deleted stays."""
        gone = sum(storage.attempt(self.remove, job) for job in self.table.expired())
        storage.attempt(self.table.bound, self.limits.kept)
        storage.attempt(self.table.scrub)
        known = self.table.known()
        # a folder is made a moment before its row: only those that are old enough are orphans
        orphans = [path for path in self.folder.iterdir()
                   if path.is_dir() and path.name not in known and storage.age(path) > STARTING]
        return gone + sum(storage.attempt(storage.remove_folder, path) for path in orphans)

    def tick(self) -> None:
        """Marks jobs whose process is gone, then starts waiting ones while there is room, or asks for some."""
        with self._starting:
            for job in self.table.running():
                if self._is_lost(job):
                    now = time.time()
                    self.table.change(job.key, RUNNING, state=INTERRUPTED, process="", ended=now,
                                      expires=now + job.kept,
                                      error="Its process was ended from outside. It can be resumed.")
            # what waits from before is not started where its kind was switched off since
            for kind in {job.kind for job in self.table.waiting()} - self.limits.closed:
                most, each = self.limits.running.get(kind, 1), self.limits.each(kind)
                while job := self.table.claim_next(kind, most, each):
                    self._start(job)
                if self.limits.turn:
                    self.table.press(kind, most, each, self.limits.turn)

    def _is_lost(self, job: Job) -> bool:
        if job.process:
            return not self.runner.alive(job.process)
        return abs(time.time() - (job.started or 0)) > STARTING  # also after the clock was set back

    def _start(self, job: Job) -> None:
        try:
            process = self.runner.start(job)
        except OSError as problem:
            self.table.change(job.key, RUNNING, state=FAILED, ended=time.time(),
                              error=f"Its process could not be started ({logs.kind(problem)}).")
            return
        self.table.change(job.key, RUNNING, process=process)

    def _ask(self, job_id: Any, request: str, state: str) -> Job:
        job = self.get(job_id)
        self.table.stop(job.key, request, state)
        return self.get(job.id)

    def check_room(self, visitor: str, size: int = 0) -> None:
        """Raises NoRoom if `size` bytes more of a visitor find no room on the disk; '' is a visitor without a share."""
        if self.room is not None:
            shared = visitor and self.room.most.disk_each < PLENTY
            jobs = self.table.of_sender(visitor, self._marks(visitor)["sender"]) if shared else []
            own = [*(job.folder for job in jobs), self.room.data / "visitors" / visitor] if shared else []
            self.room.check(size, own)

    def _check_open(self, kind: str) -> None:
        if kind in self.limits.closed:
            raise PlaygroundError("Training is switched off on this page.",
                                  "Run the playground on a machine of your own: it is one command (make run).")

    def _marks(self, visitor: str) -> dict[str, str]:
        """The columns that tell senders and addresses apart, and nothing else of them."""
        who, address = self.sender()
        return {"sender": self._mark("visitor", who or visitor), "address": self._mark("address", address)}

    def _mark(self, kind: str, name: str) -> str:
        words = f"{kind} {name}".encode(errors="replace")
        return hashlib.blake2b(words, digest_size=16, key=self._key).hexdigest() if name else ""

    def _admission(self, visitor: str, marks: dict[str, str]) -> Callable[[list[Job]], None]:
        """Raises PlaygroundError, given the jobs that wait or run, where one more of this visitor is too many."""
        most = self.limits

        def admit(busy: list[Job]) -> None:
            waiting = [job for job in busy if job.state == QUEUED]
            if len(waiting) >= most.waiting:
                raise PlaygroundError(f"{len(waiting)} jobs wait already.", "Try again when some are done.")
            own = [job for job in waiting if job.visitor == visitor or job.sender == marks["sender"]]
            if sum(job.started is None for job in own) >= most.waiting_each:  # one that gave way has had its turn
                raise PlaygroundError(f"You have {most.waiting_each} jobs waiting already.",
                                      "Wait for one to start, or cancel one.")
            near = sum(job.address == marks["address"] for job in busy)
            if marks["address"] and near >= most.address:
                raise PlaygroundError(f"{near} jobs from your address wait or run already.",
                                      "Try again when some are done.")
        return admit
