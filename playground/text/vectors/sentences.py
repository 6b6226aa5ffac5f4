"""Sentences and documents as vectors: all-MiniLM-L6-v2, and how alike they are.

Source: Reimers, Gurevych 2019, "Sentence-BERT" (arXiv:1908.10084); the model averages the token states of a
small BERT (Wang et al. 2020, MiniLM, arXiv:2002.10957) and brings the mean to length 1, so that the dot
product of two sentences is their cosine. It reads 256 word pieces, its two special ones among them, and no more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from playground import catalog, checks, devices
from playground.context import Context
from playground.errors import BadInput
from playground.specs import ModelKey, ModelSpec
from playground.weights import Progress, silent

MODEL = "all-minilm-l6-v2"
DIMENSIONS = 384
MOST_TEXTS = 200
LONGEST = 100_000  # characters of all texts
BATCH = 32  # texts a turn at the processor


@dataclass(frozen=True)
class Reading:
    """How much of a text the model reads: word pieces in all and read, and the characters up to where it reads."""

    pieces: int
    read: int
    characters: int

    @property
    def truncated(self) -> bool:
        """Whether the end of the text is not read."""
        return self.read < self.pieces


@dataclass(frozen=True)
class Likeness:
    """Two texts by their numbers, counted from 0, and the cosine of their vectors."""

    first: int
    second: int
    cosine: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """N texts, their cosines (N, N) float32, how much was read of each, and every pair, the most alike first."""

    texts: list[str]
    cosines: np.ndarray
    readings: list[Reading]
    limit: int
    pairs: list[Likeness]


def spec(context: Context, progress: Progress = silent) -> ModelSpec:
    """How the cache gets the model."""
    entry = catalog.find(MODEL)
    key = ModelKey(MODEL, device=context.device)

    def load() -> Any:
        located = context.weights.locate(entry, progress)
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(located.folder), device=context.device, local_files_only=True)
        return devices.own_memory(model.eval())

    return ModelSpec(key, load, entry.bytes, devices.module_bytes, lambda model, device: model.to(device))


def embed(context: Context, texts: Sequence[str]) -> np.ndarray:
    """The vectors (N, 384) float32 of N texts, each of length 1. Text past the model's 256 pieces is not read."""
    texts = list(texts)
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    with context.cache.lease(spec(context)) as model:
        batches = [_encode(context, model, texts[start:start + BATCH]) for start in range(0, len(texts), BATCH)]
    return np.concatenate(batches)


def read(context: Context, texts: Sequence[str]) -> tuple[list[Reading], int]:
    """How much of each text the model reads, and its limit in word pieces."""
    with context.cache.lease(spec(context)) as model, context.gate.turn("Sentence similarity"):
        # in the turn: switching truncation off changes the tokenizer, which others use
        encoded = model.tokenizer(list(texts), truncation=False, padding=False, return_offsets_mapping=True,
                                  verbose=False)
        limit = int(model.max_seq_length)
    return [_reading(offsets, limit) for offsets in encoded["offset_mapping"]], limit


def compare(context: Context, texts: Sequence[str]) -> Comparison:
    """Each text against each. Raises BadInput for fewer than two texts, too many or too long ones."""
    texts = check_texts(texts)
    vectors = embed(context, texts)
    readings, limit = read(context, texts)
    cosines = np.clip(vectors @ vectors.T, -1.0, 1.0)
    pairs = [Likeness(a, b, float(cosines[a, b])) for a, b in combinations(range(len(texts)), 2)]
    return Comparison(texts, cosines, readings, limit, sorted(pairs, key=lambda pair: -pair.cosine))


def split(text: Any, documents: bool = False) -> list[str]:
    """The texts of a field: one a line, or, for documents, parted by blank lines."""
    checks.text(text, "The text", LONGEST)
    parts = re.split(r"\n[^\S\n]*\n", text.replace("\r\n", "\n")) if documents else text.splitlines()
    return [" ".join(part.split()) for part in parts if part.strip()]


def check_texts(texts: Sequence[str]) -> list[str]:
    """The texts, if they can be compared."""
    texts = list(texts)
    if not 2 <= len(texts) <= MOST_TEXTS:
        raise BadInput(f"There {'is' if len(texts) == 1 else 'are'} {len(texts)} to compare.",
                       f"Give 2 to {MOST_TEXTS} sentences, one a line, or documents with a blank line between them.")
    for number, text in enumerate(texts, 1):
        checks.text(text, f"Text {number}", LONGEST)
    if sum(map(len, texts)) > LONGEST:
        raise BadInput(f"The texts have {sum(map(len, texts)):,} characters.", f"Give at most {LONGEST:,} in all.")
    return texts


def _encode(context: Context, model: Any, texts: list[str]) -> np.ndarray:
    def forward() -> np.ndarray:
        return model.encode(texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True,
                            normalize_embeddings=True)

    with context.gate.turn("Sentence similarity"):
        return context.cache.retrying(forward, context.device).astype(np.float32)


def _reading(offsets: Sequence[tuple[int, int]], limit: int) -> Reading:
    """From the places (start, end) of all pieces; the special ones at both ends have the place (0, 0)."""
    pieces = len(offsets)
    if pieces <= limit:
        return Reading(pieces, pieces, max((end for _, end in offsets), default=0))
    return Reading(pieces, limit, offsets[limit - 2][1])  # the last place read is the closing special piece
