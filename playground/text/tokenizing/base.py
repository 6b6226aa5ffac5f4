"""What every encoding can do, whichever library computes it.

An encoding turns text into token ids. Characters are Unicode code points, counted from 0 as Python does;
bytes are those of the text in UTF-8.
"""

import codecs
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BPE, WORDPIECE, UNIGRAM = "BPE", "WordPiece", "Unigram"


@dataclass(frozen=True, slots=True)
class Token:
    """One entry of a vocabulary. `text` shows the bytes of split characters as <0xE5>; never U+FFFD for them."""

    id: int
    data: bytes
    text: str
    special: bool = False


@dataclass(frozen=True)
class Encoded:
    """A text as ids, with what the library says besides (`detail`, for the encoding that made it)."""

    text: str
    ids: Sequence[int]
    detail: Any = None


@dataclass(frozen=True)
class Word:
    """A stretch of text that is cut into tokens on its own: `ids`, the first of them token number `first`.

    `parts` are what the merging starts from, in the vocabulary's own alphabet; empty where nothing is merged
    (special tokens).
    """

    first: int
    ids: tuple[int, ...]
    parts: tuple[Any, ...]
    text: str

    def holds(self, token: int) -> bool:
        """Whether a token of the text, by its number there, is one of the word's."""
        return self.first <= token < self.first + len(self.ids)


class Encoding(ABC):
    """One tokenizer. Safe to use from several threads; `bytes` is the memory it takes.

    `exact` says whether the bytes of the tokens, joined, are the bytes of the text.
    """

    name: str
    method: str
    exact: bool
    size: int
    bytes: int
    unknown: int | None = None  # the id of what cannot be spelled, where an encoding has one

    @abstractmethod
    def encode(self, text: str, special: bool = False) -> Encoded:
        """The ids of a text. With `special`, names of special tokens count as those, and the model's own are added."""

    @abstractmethod
    def token(self, number: int) -> Token:
        """The token of an id; KeyError if there is none."""

    @abstractmethod
    def spans(self, encoded: Encoded) -> Sequence[tuple[int, int]] | None:
        """The characters (start, end) of each token as the library tells them; None if it does not."""

    @abstractmethod
    def words(self, encoded: Encoded, most: int) -> list[Word]:
        """The stretches that the first `most` tokens come from."""

    @abstractmethod
    def data(self, part: Any) -> bytes:
        """The bytes of a part of a word."""

    @abstractmethod
    def rank(self, left: Any, right: Any) -> int | None:
        """When two neighbours are merged: the lowest number first, None for never."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, bytes of split characters shown as <0xE5>."""


def show(data: bytes) -> str:
    """Bytes as text, those that are not whole characters as <0xE5><0x90>.

    >>> show(b" \\xe5\\x90")
    ' <0xE5><0x90>'
    """
    return data.decode("utf-8", "playground.bytes")


def _bytes_by_name(problem: UnicodeError) -> tuple[str, int]:
    assert isinstance(problem, UnicodeDecodeError)
    return "".join(f"<0x{byte:02X}>" for byte in problem.object[problem.start:problem.end]), problem.end


codecs.register_error("playground.bytes", _bytes_by_name)
