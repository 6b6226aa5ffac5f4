"""What a run has so far, in one SQLite file of its folder: outputs by generation key, scores, thumbs and ticks by
cell; pictures beside it.

Finished outputs are kept whatever happens to the run, so that a resumed one goes on where it stopped, and a run
made from another one takes over what is the same.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playground import storage
from playground.errors import StorageTrouble
from playground.evaluation.outputs import Output
from playground.evaluation.pictures import Album

NAME = "run.db"
SCHEMA = """
CREATE TABLE IF NOT EXISTS outputs (key TEXT PRIMARY KEY, output TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS scores (cell TEXT PRIMARY KEY, score TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS thumbs (cell TEXT PRIMARY KEY, up INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ticks (cell TEXT, item TEXT, seen INTEGER NOT NULL, PRIMARY KEY (cell, item));
"""


class Store:
    """One run's results. A connection each call, so that any thread or process may call."""

    def __init__(self, folder: Path) -> None:
        self.path = storage.ensure_folder(folder) / NAME
        self.album = Album(folder / "pictures")
        with self._rows() as rows:
            rows.execute("PRAGMA journal_mode=WAL")
            rows.executescript(SCHEMA)

    @contextmanager
    def _rows(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                yield connection
        except sqlite3.OperationalError as problem:
            raise StorageTrouble(f"The results of the run cannot be kept ({problem}).",
                                 "Is the disk of the data folder full or read-only?") from problem

    def add_outputs(self, outputs: Iterable[tuple[str, Output]]) -> None:
        """Keeps outputs by their keys."""
        with self._rows() as rows:
            rows.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?)",
                             [(key, json.dumps(asdict(output))) for key, output in outputs])

    def outputs(self) -> dict[str, Output]:
        """All outputs by key."""
        with self._rows() as rows:
            return {key: Output(**json.loads(text)) for key, text in rows.execute("SELECT key, output FROM outputs")}

    def adopt(self, other: "Store", keys: Iterable[str]) -> int:
        """Takes over the outputs of another run that this one needs and that are no errors; returns how many."""
        wanted = set(keys)
        found = [(key, output) for key, output in other.outputs().items() if key in wanted and not output.error]
        self.album.take(other.album, [output.picture for _, output in found if output.picture])
        found = [(key, output) for key, output in found if not output.picture or self.album.has(output.picture)]
        self.add_outputs(found)
        return len(found)

    def add_scores(self, scores: Iterable[tuple[str, dict]]) -> None:
        """Keeps scores by their cells."""
        with self._rows() as rows:
            rows.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)",
                             [(cell, json.dumps(score)) for cell, score in scores])

    def scores(self) -> dict[str, Any]:
        """All scores by cell."""
        with self._rows() as rows:
            return {cell: json.loads(text) for cell, text in rows.execute("SELECT cell, score FROM scores")}

    def thumb(self, cell: str, up: bool | None) -> None:
        """Keeps the visitor's own judgement of a cell; None takes it back."""
        with self._rows() as rows:
            if up is None:
                rows.execute("DELETE FROM thumbs WHERE cell=?", (cell,))
            else:
                rows.execute("INSERT OR REPLACE INTO thumbs VALUES (?, ?)", (cell, int(up)))

    def thumbs(self) -> dict[str, bool]:
        """The visitor's judgements by cell."""
        with self._rows() as rows:
            return {cell: bool(up) for cell, up in rows.execute("SELECT cell, up FROM thumbs")}

    def tick(self, cell: str, item: str, seen: bool | None) -> None:
        """Keeps whether the visitor sees an item of the check list in a cell; None takes it back."""
        with self._rows() as rows:
            if seen is None:
                rows.execute("DELETE FROM ticks WHERE cell=? AND item=?", (cell, item))
            else:
                rows.execute("INSERT OR REPLACE INTO ticks VALUES (?, ?, ?)", (cell, item, int(seen)))

    def ticks(self) -> dict[str, dict[str, bool]]:
        """What the visitor ticked: by cell, then by item."""
        found: dict[str, dict[str, bool]] = {}
        with self._rows() as rows:
            for cell, item, seen in rows.execute("SELECT cell, item, seen FROM ticks"):
                found.setdefault(cell, {})[item] = bool(seen)
        return found
