"""The tokens of a text with their places in it."""

from dataclasses import dataclass

import numpy as np

from playground.text.tokenizing.base import Encoded, Encoding, Token


@dataclass(frozen=True, slots=True)
class Piece:
    """A token at its place: characters and bytes of the text, from `start` to before `end`.

    A token that the model adds has an empty place. Several tokens may share a character that they split.
    `covers` is the text of those characters.
    """

    token: Token
    start: int
    end: int
    byte_start: int
    byte_end: int
    covers: str

    @property
    def added(self) -> bool:
        """Whether it stands for nothing in the text."""
        return self.start == self.end


def is_split(data: bytes) -> bool:
    """Whether bytes are not whole characters."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


class Ruler:
    """Between characters and bytes of a text."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        leading = (np.frombuffer(self.data, dtype=np.uint8) & 0xC0) != 0x80
        self._starts = np.append(np.flatnonzero(leading), len(self.data))  # (characters + 1,)

    def byte(self, character: int) -> int:
        """The first byte of a character; the length of the bytes for the character after the last."""
        return int(self._starts[character])

    def characters(self, start: int, end: int) -> tuple[int, int]:
        """The characters that the bytes from `start` to before `end` touch."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        return first, max(first, int(np.searchsorted(self._starts, end, side="left")))


def pieces(encoding: Encoding, encoded: Encoded, most: int) -> list[Piece]:
    """The first `most` tokens with their places.

    Where the bytes of the tokens are those of the text, they tell the place to the byte. Elsewhere (a
    normaliser changed the text) the characters that the library reports do.
    """
    ruler = Ruler(encoded.text)
    spans = encoding.spans(encoded)
    cursor, placed = 0, []
    for at, number in enumerate(encoded.ids[:most]):
        token = encoding.token(number)
        if encoding.exact and (spans is None or spans[at][0] < spans[at][1]) \
                and ruler.data.startswith(token.data, cursor):
            start, end = cursor, cursor + len(token.data)
            first, last = ruler.characters(start, end)
        elif spans is not None:
            first, last = spans[at]
            start, end = ruler.byte(first), ruler.byte(last)
        else:
            raise AssertionError(f"{encoding.name} gave tokens that are not the text")
        placed.append(Piece(token, first, last, start, end, encoded.text[first:last]))
        cursor = max(cursor, end)
    return placed
