"""Word vectors in memory: one matrix of unit vectors, their lengths, the words, and a fast look-up.

N words of D dimensions, in the order of their file, which for all sets here is by falling frequency.

Decisions. Everything that ranks by direction (arithmetic, odd one out, axes, analogies) works on vectors of
length 1, as gensim's KeyedVectors.most_similar does, so that a frequent word with a long vector does not
outweigh the others. The dot product of a pair is that of the vectors as they stand in the file.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from playground.errors import BadInput

SUGGESTIONS = 4
WORD_BYTES = 150  # a Python string, its place in the list and in the dictionary, on average


@dataclass(frozen=True, eq=False)
class Vectors:
    """`unit` (N, D) float32, each row of length 1 (or 0); `norms` (N,) float32, the lengths before that."""

    title: str
    words: list[str]
    index: dict[str, int]
    unit: np.ndarray
    norms: np.ndarray

    @property
    def dimensions(self) -> int:
        """D."""
        return self.unit.shape[1]

    @property
    def nbytes(self) -> int:
        """Bytes in memory: exact for the arrays, estimated for the words."""
        return self.unit.nbytes + self.norms.nbytes + len(self.words) * WORD_BYTES

    def raw(self, number: int) -> np.ndarray:
        """The vector (D,) float64 of the word with this number, as in the file up to float32's rounding."""
        return self.unit[number].astype(np.float64) * float(self.norms[number])

    def find(self, text: str) -> int | None:
        """The number of a word or of a phrase that is one entry; other capitals and joints are tried too."""
        return next((self.index[form] for form in spellings(text) if form in self.index), None)


@dataclass(frozen=True, eq=False)
class Item:
    """Something with a vector: a word, or a phrase whose vector is the mean of its words' vectors."""

    text: str
    numbers: tuple[int, ...]
    raw: np.ndarray  # (D,) float64
    unit: np.ndarray  # (D,) float64, length 1


def make(title: str, words: Sequence[str], raw: np.ndarray) -> Vectors:
    """A store of `words` and their `raw` vectors (N, D) float32, which is normalised in place."""
    norms = np.sqrt(np.einsum("nd,nd->n", raw, raw, dtype=np.float32))
    raw /= np.where(norms > 0, norms, 1)[:, None]  # a vector of zeros has no direction and stays as it is
    words = list(words)
    return Vectors(title, words, dict(zip(reversed(words), range(len(words) - 1, -1, -1), strict=True)), raw, norms)


def spellings(text: str) -> Iterator[str]:
    """The text as typed, then in small letters, Capitalised and CAPITALS; blanks as such, as _ and as -."""
    pieces = text.split()
    for change, joint in itertools.product((str, str.lower, str.title, str.upper), " _-"):
        yield joint.join(change(piece) for piece in pieces)


def lookup(vectors: Vectors, texts: Sequence[str]) -> list[Item]:
    """The items that these words and phrases mean. Raises BadInput that names all unknown words at once."""
    found: list[Item] = []
    unknown: list[str] = []
    for text in texts:
        numbers, strangers = _numbers(vectors, text)
        unknown += [word for word in strangers if word not in unknown]
        if not strangers:
            found.append(_item(vectors, text, numbers))
    if unknown:
        raise _unknown_words(vectors, unknown)
    return found


def suggest(vectors: Vectors, word: str, limit: int = SUGGESTIONS) -> list[str]:
    """The known words spelled most like this one: fewest edits (letters changed, added, left out, swapped)
    first, the more frequent first among equals. None where more than a third of the letters would change.
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    word = word.lower()
    most = max(1, min(3, len(word) // 3))
    hits = process.extract(word, vectors.words, scorer=OSA.distance, score_cutoff=most, limit=None)
    return [hit for hit, *_ in sorted(hits, key=lambda hit: (hit[1], hit[2]))[:limit]]


def _numbers(vectors: Vectors, text: str) -> tuple[tuple[int, ...], list[str]]:
    """The entries that a word or phrase stands for, and the words of it that have none."""
    whole = vectors.find(text)
    if whole is not None:
        return (whole,), []
    words = text.split()
    numbers = [vectors.find(word) for word in words]
    strangers = [word for word, number in zip(words, numbers, strict=True) if number is None]
    return tuple(number for number in numbers if number is not None), strangers


def _item(vectors: Vectors, text: str, numbers: tuple[int, ...]) -> Item:
    raw = np.mean([vectors.raw(number) for number in numbers], axis=0)
    if len(numbers) == 1:
        return Item(text, numbers, raw, vectors.unit[numbers[0]].astype(np.float64))
    return Item(text, numbers, raw, unit_vector(raw))


def unit_vector(vector: np.ndarray) -> np.ndarray:
    """The vector at length 1; zeros stay zeros."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def _unknown_words(vectors: Vectors, unknown: list[str]) -> BadInput:
    named = ", ".join(f"“{word[:40]}”" for word in unknown[:5])
    verb = "is" if len(unknown) == 1 else "are"
    hints = []
    for word in unknown[:5]:
        close = suggest(vectors, word[:40])
        if close:
            hints.append(f"for “{word[:40]}”: {', '.join(close)}")
    remedy = f"Nearest spellings {'; '.join(hints)}." if hints else "No known word is spelled nearly like that."
    return BadInput(f"{named} {verb} not among the {len(vectors.words):,} words of {vectors.title}.", remedy)
