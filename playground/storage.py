"""Files written so that a crash or a full disk leaves either the old one or the new one, never half of one."""

import contextlib
import errno
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playground import logs
from playground.errors import PlaygroundError, StorageTrouble

REASONS = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up",
           errno.EROFS: "the disk is read-only", errno.EACCES: "it may not be written by this user",
           errno.EPERM: "it may not be written by this user", errno.ENOTDIR: "a file stands where a folder should be"}
REMEDY = ("Whoever runs the page can free some space or name another folder with --data-dir (PLAYGROUND_DATA_DIR); "
          "its log names the place.")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # what a disk says to whoever writes, whatever is written
log = logging.getLogger(__name__)


@contextlib.contextmanager
def trouble(path: Path) -> Iterator[None]:
    """Turns an OSError about writing into a StorageTrouble with reason and remedy. The place is for the log alone."""
    try:
        yield
    except OSError as problem:
        reason = REASONS.get(problem.errno or 0, problem.strerror or type(problem).__name__)
        log.error("Cannot write to %s: %s", logs.shown(path), reason)
        raise StorageTrouble(f"This page cannot write its files: {reason}.", REMEDY) from problem


def ensure_folder(path: Path) -> Path:
    """The folder, made if need be; StorageTrouble if it cannot be."""
    with trouble(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_file(path: Path, content: bytes) -> None:
    """Writes a file aside and renames it into place; StorageTrouble if that fails."""
    ensure_folder(path.parent)
    with trouble(path.parent):
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(aside, path)
        except BaseException:
            os.unlink(aside)
            raise


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `path` when the block ends well and removed when it does not.

    Where another process put its own there meanwhile, that one stays.
    """
    ensure_folder(path.parent)
    with trouble(path.parent):
        aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        with trouble(path.parent):
            yield aside
            try:
                aside.rename(path)
            except OSError:
                if not path.is_dir():
                    raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_folder(path: Path) -> None:
    """Removes a folder with all that is in it; it may be gone already. StorageTrouble if it cannot be."""
    with trouble(path), contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def attempt(work: Callable[..., object], *values: Any) -> bool:
    """Whether a piece of cleaning up succeeded; what stopped it is logged, so that the rest goes on."""
    try:
        work(*values)
    except (PlaygroundError, OSError) as problem:
        log.error("Not cleaned up: %s", logs.told(problem))
        return False
    return True


def age(path: Path) -> float:
    """Seconds since a file or folder was written; 0 for one that is gone meanwhile.

    One from the future was written before the clock was set back: it counts as written now, or it would live for ever.
    """
    try:
        seconds = time.time() - path.stat().st_mtime
        if seconds < 0:
            os.utime(path)
    except FileNotFoundError:
        return 0.0
    return max(0.0, seconds)
