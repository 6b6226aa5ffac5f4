"""One text in several encodings, as the page shows it."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.context import Context
from playground.errors import PlaygroundError
from playground.text.tokenizing import encodings
from playground.text.tokenizing.pieces import Piece, pieces
from playground.weights import Progress, silent


@dataclass(frozen=True)
class Overview:
    """One encoding of the text: `count` tokens, the first of them as pieces; or why there are none."""

    name: str
    size: int = 0
    count: int = 0
    unknown: int = 0
    pieces: Sequence[Piece] = ()
    trouble: PlaygroundError | None = None

    @property
    def title(self) -> str:
        """The encoding's name for people."""
        return encodings.title(self.name)


@dataclass(frozen=True)
class Comparison:
    """A text and its encodings. `shown` is how many of its characters the pieces of all of them reach."""

    text: str
    columns: Sequence[Overview]
    shown: int

    @property
    def whole(self) -> bool:
        """Whether the pieces reach the end of the text."""
        return all(len(column.pieces) == column.count for column in self.columns)


def compare(context: Context, text: Any, names: Any, special: bool = False, most: int = 2000,
            progress: Progress = silent) -> Comparison:
    """A text in one to four encodings, at most `most` pieces of each; counts are of the whole text.

    Raises BadInput for a text or names that cannot be used. An encoding that is not to be had is told in its
    place, so that the others still show.
    """
    text, names = encodings.check_text(text), encodings.check_names(names)
    columns = [_overview(context, text, name, special, most, progress) for name in names]
    cut = [column.pieces[-1].end for column in columns if len(column.pieces) < column.count]
    shown = min(cut, default=len(text))
    if cut:
        columns = [_clipped(column, shown) for column in columns]
    return Comparison(text, columns, shown)


def _overview(context: Context, text: str, name: str, special: bool, most: int, progress: Progress) -> Overview:
    try:
        with encodings.lease(context, name, progress) as encoding:
            encoded = encoding.encode(text, special)
            placed = pieces(encoding, encoded, most)
            unknown = 0 if encoding.unknown is None else list(encoded.ids).count(encoding.unknown)
            return Overview(name, encoding.size, len(encoded.ids), unknown, placed)
    except PlaygroundError as problem:
        return Overview(name, trouble=problem)


def _clipped(column: Overview, shown: int) -> Overview:
    """The overview with only the pieces up to the first that ends after `shown`."""
    kept = list(itertools.takewhile(lambda piece: piece.end <= shown, column.pieces))
    return Overview(column.name, column.size, column.count, column.unknown, kept, column.trouble)
