"""Several encodings of one text, laid side by side where all of them can be cut."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from playground.text.tokenizing.pieces import Piece


@dataclass(frozen=True)
class Segment:
    """Characters `start` to before `end`, and for each encoding which of its pieces lie there (first, after last)."""

    start: int
    end: int
    pieces: tuple[tuple[int, int], ...]


def align(columns: Sequence[Sequence[Piece]], characters: int) -> list[Segment]:
    """The shortest segments of the first `characters` characters that no piece of any encoding crosses.

    Tokens that a model adds before or after the text go into an empty segment of their own there.
    """
    segments, taken = [], [0] * len(columns)
    heads = [_count_added(column) for column in columns]
    ends = [len(column) - (_count_added(column[::-1]) if head < len(column) else 0)
            for column, head in zip(columns, heads, strict=True)]
    for start, end in itertools.pairwise([0, *_cuts(columns, characters), characters]):
        upto = [_upto(column, at, last, end) for column, at, last in zip(columns, taken, ends, strict=True)]
        if start == end:
            upto = heads if end == 0 else [len(column) for column in columns]
        if start < end or upto != taken:
            segments.append(Segment(start, end, tuple(zip(taken, upto, strict=True))))
        taken = upto
    return segments


def _count_added(column: Sequence[Piece]) -> int:
    """How many tokens at the beginning stand for nothing in the text."""
    return sum(1 for _ in itertools.takewhile(lambda piece: piece.added, column))


def _cuts(columns: Sequence[Sequence[Piece]], characters: int) -> list[int]:
    """The places, both ends included, where a piece begins or ends and none goes on."""
    blocked = bytearray(characters + 1)
    edges = {0, characters}
    for piece in itertools.chain.from_iterable(columns):
        blocked[piece.start + 1:piece.end] = b"\x01" * max(0, piece.end - piece.start - 1)
        edges.update((piece.start, piece.end))
    return sorted(edge for edge in edges if not blocked[edge])


def _upto(column: Sequence[Piece], at: int, last: int, end: int) -> int:
    """The number after the last piece that ends by `end`."""
    while at < last and column[at].end <= end:
        at += 1
    return at
