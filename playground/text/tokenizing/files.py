"""Encodings of models that come with a tokenizer.json, through the library tokenizers.

Three alphabets are known. Byte-level BPE (GPT-2, Qwen, SmolLM) writes each byte as one printable character.
SentencePiece BPE (Gemma) writes a space as U+2581 and a character it has no token for as its bytes, <0xE5>.
WordPiece (BERT) marks a piece that continues a word with ## and has [UNK] for what it cannot spell; its
normaliser drops blanks and accents, so its tokens do not add up to the text.
"""

import json
import re
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from playground import logs
from playground.errors import DamagedWeights
from playground.text.tokenizing.base import BPE, UNIGRAM, WORDPIECE, Encoded, Encoding, Token, Word, show

SPACE = "\u2581"
BYTE = re.compile(r"<0x([0-9A-F]{2})>")
MEMORY_A_FILE = 9  # measured: 304 MB for Gemma's 33 MB of tokenizer.json
BYTE_LEVEL, SENTENCEPIECE = "byte-level", "sentencepiece"


def byte_alphabet() -> dict[str, int]:
    """The character that byte-level BPE writes for each of the 256 bytes (Radford et al. 2019).

    Printable Latin-1 characters stand for themselves, the other bytes in order for U+0100, U+0101, ...
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + at): byte for at, byte in enumerate(others)}


class MergeTable:
    """Ranks of pairs of ids: sorted keys (left << 32 | right) and their ranks, 12 bytes a pair."""

    def __init__(self, pairs: Sequence[tuple[int, int]]) -> None:
        keys = np.array([left << 32 | right for left, right in pairs], dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        self._keys, self._ranks = keys[order], order.astype(np.int32)

    def rank(self, left: int, right: int) -> int | None:
        """The rank of a pair, None if it is never merged."""
        key = left << 32 | right
        at = int(np.searchsorted(self._keys, key))
        return int(self._ranks[at]) if at < len(self._keys) and self._keys[at] == key else None


def read_merges(path: Path) -> list[tuple[str, str]]:
    """The merges of a tokenizer.json in their order.

    Read one by one: parsing the whole file at once would hold up every other thread for a second.
    """
    text = path.read_text(encoding="utf-8")
    found = re.search(r'"merges":\s*\[', text)
    merges: list[tuple[str, str]] = []
    if found is None:
        return merges
    decoder, gap = json.JSONDecoder(), re.compile(r"[\s,]*")
    at = gap.match(text, found.end()).end()
    while text[at] != "]":
        pair, at = decoder.raw_decode(text, at)
        left, right = pair.split(" ") if isinstance(pair, str) else pair
        merges.append((left, right))
        at = gap.match(text, at).end()
    return merges


class FileEncoding(Encoding):
    """The encoding of a tokenizer.json."""

    def __init__(self, name: str, path: Path) -> None:
        from tokenizers import Tokenizer

        self.name, self._path = name, path
        try:
            self._core = Tokenizer.from_file(str(path))
        except Exception as problem:  # the library raises nothing more precise
            raise DamagedWeights(f"The file {path.name} is no tokenizer.json ({logs.pathless(problem, path.parent)}).",
                                 "Replace it.") from problem
        self._core.no_truncation()  # a sentence model's file cuts at its length and fills up to it
        self._core.no_padding()
        self._encoding = threading.Lock()  # whether special tokens count is a property of the shared object
        self.method = {"BPE": BPE, "WordPiece": WORDPIECE}.get(type(self._core.model).__name__, UNIGRAM)
        self.alphabet = self._find_alphabet()
        self.exact = self.alphabet in (BYTE_LEVEL, SENTENCEPIECE)
        self._added = self._core.get_added_tokens_decoder()
        self.size = self._core.get_vocab_size()
        self.bytes = path.stat().st_size * MEMORY_A_FILE
        name_of_unknown = getattr(self._core.model, "unk_token", None)
        self.unknown = self._core.token_to_id(name_of_unknown) if name_of_unknown else None

    def _find_alphabet(self) -> str:
        parts = (self._core.normalizer, self._core.pre_tokenizer, self._core.decoder)
        told = " ".join(part.__getstate__().decode() for part in parts if part is not None)
        if '"ByteLevel"' in told:
            return BYTE_LEVEL
        return SENTENCEPIECE if '"Metaspace"' in told or SPACE in told else "plain"

    def encode(self, text: str, special: bool = False) -> Encoded:
        """The ids of a text."""
        with self._encoding:
            self._core.encode_special_tokens = not special
            # as a batch of one, since that lets other threads run meanwhile, and encode() does not
            (detail,) = self._core.encode_batch([text], add_special_tokens=special)
        return Encoded(text, detail.ids, detail)

    def token(self, number: int) -> Token:
        """The token of an id; KeyError if there is none."""
        if number in self._added:
            added = self._added[number]
            return Token(number, added.content.encode(), added.content, added.special)
        name = self._core.id_to_token(number) if 0 <= number < 2**32 else None
        if name is None:
            raise KeyError(number)
        if self.method == WORDPIECE:
            return Token(number, name.removeprefix("##").encode(), name)
        data = self.data(name)
        return Token(number, data, show(data))

    def data(self, part: str) -> bytes:
        """The bytes of a part in the vocabulary's alphabet."""
        if self.alphabet == BYTE_LEVEL and all(letter in self._bytes for letter in part):
            return bytes(self._bytes[letter] for letter in part)
        if self.alphabet == SENTENCEPIECE:
            byte = BYTE.fullmatch(part)
            return bytes([int(byte[1], 16)]) if byte else part.replace(SPACE, " ").encode()
        return part.encode()

    @cached_property
    def _bytes(self) -> dict[str, int]:
        return byte_alphabet()

    def spans(self, encoded: Encoded) -> Sequence[tuple[int, int]]:
        """The characters of each token."""
        return encoded.detail.offsets

    def words(self, encoded: Encoded, most: int) -> list[Word]:
        """The pieces that the library cut first; of SentencePiece's, those between which nothing can merge."""
        detail, words, first = encoded.detail, [], 0
        numbers, names = detail.word_ids[:most + 1], detail.tokens[:most + 1]
        for last in range(1, min(most, len(names)) + 1):
            if last < len(names) and numbers[last] == numbers[first] and numbers[last] is not None \
                    and not self._apart(names[last - 1], names[last]):
                continue
            words.append(self._word(first, tuple(encoded.ids[first:last]), names[first:last]))
            first = last
        return words

    def _word(self, first: int, ids: tuple[int, ...], names: Sequence[str]) -> Word:
        text = show(b"".join(self.token(number).data for number in ids))
        if any(number in self._added for number in ids):
            return Word(first, ids, (), text)
        if self.method == WORDPIECE:
            return Word(first, ids, tuple("".join(name.removeprefix("##") for name in names)), text)
        parts = [part for name in names for part in ([name] if self._is_byte(name) else name)]
        return Word(first, ids, tuple(parts), text)

    def _is_byte(self, name: str) -> bool:
        return self.alphabet == SENTENCEPIECE and BYTE.fullmatch(name) is not None

    def _apart(self, left: str, right: str) -> bool:
        """Whether a word of SentencePiece's ends between two tokens: before a space that no token has inside."""
        crosses = left[-1] in self._crossing and not self._is_byte(left)
        return self.alphabet == SENTENCEPIECE and right.startswith(SPACE) and not crosses

    @cached_property
    def _crossing(self) -> set[str]:
        """The characters that some token has before an inner space (Gemma: only the > of one token)."""
        return {SPACE, *(name[at - 1] for name in self._core.get_vocab() for at in range(1, len(name))
                         if name[at] == SPACE)}

    def rank(self, left: str, right: str) -> int | None:
        """The rank of a pair of parts in the list of merges."""
        ids = self._core.token_to_id(left), self._core.token_to_id(right)
        return None if None in ids else self._merges.rank(*ids)

    @cached_property
    def _merges(self) -> MergeTable:
        number = self._core.token_to_id
        return MergeTable([(number(left), number(right)) for left, right in read_merges(self._path)])

    def piece(self, text: str) -> int | None:
        """The id of an entry of the vocabulary as it is written there."""
        return self._core.token_to_id(text)

    @property
    def longest_word(self) -> int:
        """Characters beyond which WordPiece does not try to spell a word."""
        return self._core.model.max_input_chars_per_word

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        if not self.exact:
            return self._core.decode(list(ids), skip_special_tokens=False)
        return show(b"".join(self.token(number).data for number in ids))
