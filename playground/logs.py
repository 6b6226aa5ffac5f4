"""What the process prints for its operator: where something went wrong, and nothing that a visitor sent.

The words of an exception, of a warning and of a library's own log may quote a prompt, a file's name or an address, so
they are left out: printed are kinds of errors and places in the code. Lines of our own name no value of a visitor, and
paths through shown(), as the ids of jobs and the names of uploads are secrets.
Where nobody but the operator comes (private mode) the words are his own, and he gets them.
"""

import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playground.errors import PlaygroundError

OURS = ("playground", "tabs", "app", "__main__")
FRAMES = 16  # the innermost ones of a traceback; above them are the web server's own, always the same
SECRET = re.compile(r"(?<![\w-])([\w-]{6})([\w-]{16}|[0-9a-f]{26,58})(?![\w-])")  # a job's id; hashes, upload folders
FOLDERS = re.compile(r"(?<![\w.:/~])(?:~|[A-Za-z]:)?[/\\](?:[^/\\\s'\"<>|:]+[/\\])+")
LONGEST = 300  # characters of a library's words
log = logging.getLogger(__name__)


def install(quoting: bool = False) -> None:
    """Has the whole process print in this way: logs of all libraries, tracebacks, threads that end, warnings.

    `quoting` leaves them their words.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    if quoting:
        return
    logging.setLogRecordFactory(record)
    traceback.print_exc = print_exc
    threading.excepthook = lambda ended: log.error("A thread ended\n%s", trace(ended.exc_value))
    sys.unraisablehook = lambda ended: log.error("Nobody could catch this\n%s", trace(ended.exc_value))
    warnings.showwarning = show_warning


def record(name: str, level: int, path: str, line: int, message: Any, arguments: Any, problem: Any,
           *more: Any, **others: Any) -> logging.LogRecord:
    """A line of the log, made as logging makes it: our own as it is, a library's place in its code; no value."""
    if name.split(".")[0] not in OURS:
        message, arguments = "said something at %s:%s", (path, line)
    made = logging.LogRecord(name, level, path, line, message, arguments, None, *more[:1], **others)
    if isinstance(problem, tuple) and problem[1] is not None:
        made.exc_text = trace(problem[1])
    return made


def print_exc(limit: int | None = None, file: Any = None, chain: bool = True) -> None:
    """In place of traceback.print_exc(), with which Gradio prints what an event raises, a visitor's words included."""
    problem = sys.exception()
    if file is not None:
        traceback.print_exception(problem, limit=limit, file=file, chain=chain)
    elif problem is not None:
        log.error("An event failed\n%s", trace(problem))


def show_warning(message: Any, category: type[Warning], path: str, line: int, *more: Any) -> None:
    """In place of warnings.showwarning()."""
    log.warning("%s at %s:%s", category.__name__, path, line)


def trace(problem: BaseException | None) -> str:
    """The kinds of an error and of those that led to it, each with its places in the code; none of their words."""
    return "\n".join(reversed([part for each in chain(problem) for part in places(each)]))


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it, the last first."""
    seen: set[int] = set()
    left = [problem]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left.append(each.__cause__ or (None if each.__suppress_context__ else each.__context__))
        left.extend(each.exceptions if isinstance(each, BaseExceptionGroup) else ())


def places(problem: BaseException) -> Iterator[str]:
    """The lines of one error, the last first: its kind, then its frames. A frame of no file may be a visitor's text."""
    yield kind(problem)
    frames = traceback.extract_tb(problem.__traceback__)[-FRAMES:]
    for frame in reversed(frames):
        if Path(frame.filename).is_file():
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"


def kind(problem: BaseException) -> str:
    """The class of an error, and of one of the system its reason."""
    name = f"{type(problem).__module__}.{type(problem).__qualname__}".removeprefix("builtins.")
    return f"{name}: {problem.strerror}" if isinstance(problem, OSError) and problem.strerror else name


def told(problem: BaseException) -> str:
    """An error in a line: the words of a PlaygroundError; of any other its kind and, where it names a file, the folder.

    The file's own name may be one that a visitor chose.
    """
    if isinstance(problem, PlaygroundError):
        return str(problem)
    file = getattr(problem, "filename", None)
    return f"{kind(problem)} in {shown(Path(file).parent)}" if isinstance(file, str) else kind(problem)


def shown(path: Path) -> str:
    """A path for the log: where it holds the id of a job or of an upload, the first letters of that."""
    return SECRET.sub(r"\1…", str(path))


def pathless(words: object, *folders: Path | None) -> str:
    """The words of a library's error for a visitor: no folder of this machine, LONGEST characters at most."""
    text = str(words)
    for folder in filter(None, folders):
        text = text.replace(str(folder), Path(folder).name)
    return FOLDERS.sub("", text)[:LONGEST]
