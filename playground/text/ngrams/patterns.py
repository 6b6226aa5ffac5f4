"""Figures by which two texts can be compared: how rich their words are and how often they repeat themselves."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from playground.text.ngrams import symbols


@dataclass(frozen=True)
class Patterns:
    """Of a text: words, the share of them that differ, of 4-grams that repeat, and of words that the corpus holds.

    `distinct` is the type-token ratio, which falls with length: compare texts of equal length. `repeated` is
    1 - distinct 4-grams / 4-grams of words (seq-rep-4, Welleck et al. 2019, arXiv:1908.04319); None below four words.
    """

    words: int
    distinct: float | None
    repeated: float | None
    known: float | None
    commonest: tuple[tuple[str, int], ...]


def patterns(text: str, known: Collection[str], longest: int | None = None) -> Patterns:
    """The figures of a text (of its first `longest` words); `known` are the words of the corpus, in small letters."""
    words = words_of(text)[:longest]
    if not words:
        return Patterns(0, None, None, None, ())
    grams = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    return Patterns(
        len(words), len(set(words)) / len(words), 1 - len(grams) / grams.total() if grams else None,
        sum(word in known for word in words) / len(words), tuple(Counter(words).most_common(5)))


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, marks left out."""
    return [word for word in symbols.cut(text, symbols.WORDS) if any(character.isalnum() for character in word)]
