"""How a word became its tokens, step by step, from the real merges.

Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) starts from single bytes or characters. Of all
neighbours that may be merged it merges the pair of the lowest rank, the leftmost where two are equal, until
none is left. WordPiece (Schuster and Nakajima 2012; as in BERT, Devlin et al. 2019, arXiv:1810.04805) takes the
longest entry of the vocabulary that begins the word, then the longest that begins the rest.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playground.errors import BadInput
from playground.text.tokenizing.base import UNIGRAM, WORDPIECE, Encoding, Word
from playground.text.tokenizing.files import FileEncoding

MOST_PARTS = 120


@dataclass(frozen=True)
class State:
    """The parts at one moment, the rank of each pair of neighbours, and the pair that is merged next (None: done)."""

    parts: tuple[bytes, ...]
    ranks: tuple[int | None, ...]
    chosen: int | None


@dataclass(frozen=True)
class Match:
    """One step of WordPiece: what was tried at a place, longest first, and which entry matched (None: none did)."""

    start: int
    tried: tuple[str, ...]
    found: str | None


@dataclass(frozen=True)
class Replay:
    """All steps of a word, of one kind or the other."""

    encoding: str
    word: Word
    states: tuple[State, ...] = ()
    matches: tuple[Match, ...] = ()

    @property
    def steps(self) -> int:
        """How many steps there are to go."""
        return len(self.states) - 1 if self.states else len(self.matches)


def replay(encoding: Encoding, word: Word) -> Replay:
    """The steps of a word. BadInput where nothing is merged, or the word is too long to look at."""
    if encoding.method == UNIGRAM:
        raise BadInput(f"{encoding.name} is a unigram model: it takes the most probable cut and merges nothing.",
                       "Choose another encoding to see merges.")
    if len(word.parts) > MOST_PARTS:
        raise BadInput(f"This word starts from {len(word.parts):,} parts.",
                       f"Choose one of at most {MOST_PARTS}.")
    if encoding.method == WORDPIECE and isinstance(encoding, FileEncoding):
        return Replay(encoding.name, word, matches=tuple(match(encoding, "".join(word.parts))))
    return Replay(encoding.name, word, states=tuple(merge(encoding, word.parts)))


def merge(encoding: Encoding, parts: Sequence[Any]) -> list[State]:
    """The states of a word from its single parts to its tokens."""
    states, parts = [], list(parts)
    while True:
        ranks = [encoding.rank(left, right) for left, right in itertools.pairwise(parts)]
        possible = [(rank, at) for at, rank in enumerate(ranks) if rank is not None]
        chosen = min(possible)[1] if possible else None
        states.append(State(tuple(encoding.data(part) for part in parts), tuple(ranks), chosen))
        if chosen is None:
            return states
        parts[chosen:chosen + 2] = [parts[chosen] + parts[chosen + 1]]


def match(encoding: FileEncoding, word: str) -> list[Match]:
    """The steps of WordPiece on a word (already lowered and stripped of accents, as the encoding does)."""
    steps, start = [], 0
    if len(word) > encoding.longest_word:
        return [Match(0, (), None)]
    while start < len(word):
        mark = "##" if start else ""
        candidates = [mark + word[start:end] for end in range(len(word), start, -1)]
        found = next((name for name in candidates if encoding.piece(name) is not None), None)
        tried = candidates[:candidates.index(found) + 1] if found else candidates
        steps.append(Match(start, tuple(tried), found))
        if found is None:
            break
        start += len(found) - len(mark)
    return steps


def most_telling(words: Sequence[Word]) -> int | None:
    """Which word is most worth a look: of most tokens, then of most parts, that can be shown; None if none can."""
    fit = [(len(word.ids), len(word.parts), -at) for at, word in enumerate(words) if 0 < len(word.parts) <= MOST_PARTS]
    return -max(fit)[2] if fit else None
