"""A text as a row of symbols: letters, characters or words.

letters     the lecture's 27 symbols: A to Z and the space. Small letters count as capitals, a letter with an accent
            as the letter without, and every run of other characters as one space (Shannon 1948 used the same 27).
characters  Unicode code points as they are.
words       words in small letters, and punctuation marks, each a symbol. Scripts written without spaces (Han, kana)
            give one symbol a character.

Codes run from 1 to V in the order of the vocabulary; 0 stands for what the vocabulary does not hold.
"""

import functools
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.errors import BadInput

LETTERS, CHARACTERS, WORDS = UNITS = ("letters", "characters", "words")
ALPHABET = (" ", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
SPACE = 1  # the code of " " among letters
UNKNOWN = 0

CLOSING = frozenset(".,;:!?)]}’”…%")
OPENING = frozenset("([{‘“$£€")


@dataclass(frozen=True)
class Symbols:
    """A text cut into N symbols: codes (N,) int32 from 1 to V, and the place (N,) in the text where each starts."""

    unit: str
    vocabulary: tuple[str, ...]
    codes: np.ndarray
    starts: np.ndarray

    @functools.cached_property
    def numbers(self) -> dict[str, int]:
        """The code of each symbol of the vocabulary."""
        return {symbol: code for code, symbol in enumerate(self.vocabulary, 1)}

    def encode(self, text: str) -> list[int]:
        """The codes of a text, 0 where the vocabulary lacks a symbol. Unlike a corpus, it keeps spaces at its ends."""
        if self.unit == LETTERS:
            return letter_codes(code_points(text), keep_ends=True)[0].tolist()
        return [self.numbers.get(symbol, UNKNOWN) for symbol in cut(text, self.unit)]

    def name(self, code: int) -> str:
        """The symbol of a code."""
        return self.vocabulary[code - 1]

    def end(self, index: int) -> int:
        """The place in the text just after the symbol number `index`."""
        length = len(self.name(int(self.codes[index]))) if self.unit == WORDS else 1
        return int(self.starts[index]) + length


def read(text: str, unit: str) -> Symbols:
    """Cuts a corpus into symbols. Raises BadInput if it holds none."""
    if unit == LETTERS:
        codes, starts = letter_codes(code_points(text))
        vocabulary = ALPHABET
    elif unit == CHARACTERS:
        vocabulary, codes = dense(code_points(text))
        starts = np.arange(len(codes), dtype=np.int32)
    else:
        vocabulary, codes, starts = read_words(text)
    if not len(codes):
        raise BadInput(f"The text holds no {unit}.",
                       "Choose characters." if text.strip() and unit != CHARACTERS else "Give a longer text.")
    return Symbols(unit, vocabulary, codes, starts)


def code_points(text: str) -> np.ndarray:
    """The code points (N,) uint32 of a text without lone surrogates."""
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def letter_codes(points: np.ndarray, keep_ends: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Code points (M,) as letters: codes (N,) and the index in `points` at which each symbol starts (N,).

    Runs of other characters are one space; at the ends of the text they are dropped unless `keep_ends`.
    """
    codes = letter_table(points)[points] if len(points) else np.zeros(0, np.uint8)
    kept = codes != DROPPED
    codes, places = codes[kept], np.flatnonzero(kept).astype(np.int32)
    spaces = codes == SPACE
    first = np.ones(len(codes), bool)
    first[1:] = ~(spaces[1:] & spaces[:-1])
    codes, places = codes[first].astype(np.int32), places[first]
    if not keep_ends and len(codes):
        begin, end = int(codes[0] == SPACE), len(codes) - int(len(codes) > 1 and codes[-1] == SPACE)
        codes, places = codes[begin:end], places[begin:end]
    return codes, places


DROPPED = 255  # part of the letter before it: a combining mark, a soft hyphen, a joiner
MARKS = frozenset({"Mn", "Mc", "Me", "Cf"})


def letter_table(points: np.ndarray) -> np.ndarray:
    """The letter code of every code point up to the largest in `points`; only those that occur are filled in."""
    seen = np.flatnonzero(np.bincount(points))
    table = np.full(int(points.max()) + 1, SPACE, np.uint8)
    for point in seen.tolist():
        table[point] = letter_code(chr(point))
    return table


def letter_code(character: str) -> int:
    """2 to 27 for what begins with a letter from A to Z when taken apart (é, ß, ﬁ), 255 for marks, else 1."""
    if unicodedata.category(character) in MARKS:
        return DROPPED
    letter = unicodedata.normalize("NFKD", character)[:1].upper()[:1]
    return ord(letter) - ord("A") + 2 if "A" <= letter <= "Z" else SPACE


def dense(points: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """The distinct characters in order, and codes (N,) int32 from 1 on, of code points (N,)."""
    if not len(points):
        return (), np.zeros(0, np.int32)
    seen = np.flatnonzero(np.bincount(points))
    table = np.zeros(int(seen[-1]) + 1, np.int32)
    table[seen] = np.arange(1, len(seen) + 1)
    return tuple(map(chr, seen.tolist())), table[points]


def read_words(text: str) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Vocabulary, codes (N,) and starts (N,) of the words and marks of a text."""
    found = [(match.group().lower(), match.start()) for match in word_pattern().finditer(text)]
    vocabulary = tuple(sorted({word for word, _ in found}))
    numbers = {word: code for code, word in enumerate(vocabulary, 1)}
    codes = np.fromiter((numbers[word] for word, _ in found), np.int32, len(found))
    return vocabulary, codes, np.fromiter((start for _, start in found), np.int32, len(found))


def cut(text: str, unit: str) -> list[str]:
    """The symbols of a text, as strings, for characters and words."""
    return list(text) if unit == CHARACTERS else [word.lower() for word in word_pattern().findall(text)]


@functools.cache
def word_pattern() -> Any:
    """One ideograph or kana; a word with its apostrophes, hyphens and vowel signs; or one mark (a whole cluster)."""
    import regex  # knows scripts, vowel signs and clusters, which re does not

    alone = r"\p{Han}\p{Hiragana}\p{Katakana}"
    part = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{alone}]]+"
    return regex.compile(rf"(?V1)[{alone}]|{part}(?:['’-]{part})*|(?!\s)\X")


def pieces(symbols: Symbols, codes: list[int]) -> list[str]:
    """What each symbol adds to the text when written: for words, with the space before it where one belongs."""
    names = [symbols.name(code) for code in codes]
    if symbols.unit != WORDS:
        return names
    before = ["", *names][:len(names)]
    return [name if not last or name in CLOSING or last in OPENING else f" {name}"
            for last, name in zip(before, names, strict=True)]
