"""Encodings of OpenAI: byte-pair encoding on bytes, from a rank file, through the library tiktoken.

The rank file holds a token and its rank a line; a token's rank is also its id, and of two neighbours the pair
whose joint token has the lowest rank is merged first (Sennrich et al. 2016, arXiv:1508.07909; on bytes:
Radford et al. 2019, GPT-2). Before that a pattern cuts the text into words that are never merged across.
The patterns and special tokens are the published ones (openai/tiktoken, tiktoken_ext/openai_public.py).
The Encoding is built here by hand, since tiktoken.get_encoding would import whatever plugin is installed.
"""

import base64
import binascii
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from playground.errors import BadInput, DamagedWeights
from playground.text.tokenizing.base import BPE, Encoded, Encoding, Token, Word, show

GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
CL100K_PATTERN = (r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"""
                  r"""|\s++$|\s*[\r\n]|\s+(?!\S)|\s""")
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K_PATTERN = "|".join((
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_ENDING}", rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_ENDING}",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"))

PATTERNS = {"cl100k_base": CL100K_PATTERN, "o200k_base": O200K_PATTERN,
            "p50k_base": GPT2_PATTERN, "r50k_base": GPT2_PATTERN}
SPECIAL = {
    "cl100k_base": {"<|endoftext|>": 100257, "<|fim_prefix|>": 100258, "<|fim_middle|>": 100259,
                    "<|fim_suffix|>": 100260, "<|endofprompt|>": 100276},
    "o200k_base": {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    "p50k_base": {"<|endoftext|>": 50256},
    "r50k_base": {"<|endoftext|>": 50256},
}
BYTES_A_TOKEN = 410  # measured: the ranks as a Python dict and tiktoken's two tables, 41 MB for cl100k_base


def read_ranks(path: Path) -> dict[bytes, int]:
    """Tokens with their ranks from a file of lines "base64 rank"; DamagedWeights if it is something else."""
    try:
        pairs = (line.split() for line in path.read_bytes().splitlines() if line)
        return {base64.b64decode(token, validate=True): int(rank) for token, rank in pairs}
    except (ValueError, binascii.Error) as problem:
        raise DamagedWeights(f"The file {path.name} holds no tiktoken ranks ({problem}).",
                             "Delete it or put the right one there.") from problem


class RankEncoding(Encoding):
    """One of OpenAI's encodings, by its name."""

    method = BPE
    exact = True

    def __init__(self, name: str, ranks: dict[bytes, int]) -> None:
        import tiktoken

        self.name = name
        self._ranks = ranks
        self._special = {number: text for text, number in SPECIAL[name].items()}
        self._core = tiktoken.Encoding(name, pat_str=PATTERNS[name], mergeable_ranks=ranks,
                                       special_tokens=SPECIAL[name])
        self.size = self._core.n_vocab
        self.bytes = len(ranks) * BYTES_A_TOKEN

    @cached_property
    def _pattern(self) -> Any:
        import regex  # as tiktoken itself uses for its teaching example: re knows no \p{L}

        return regex.compile(PATTERNS[self.name])

    def encode(self, text: str, special: bool = False) -> Encoded:
        """The ids of a text. BadInput for the rare text on which the library's pattern gives up."""
        try:
            ids = self._core.encode(text, allowed_special="all") if special else self._core.encode_ordinary(text)
        except BaseException as problem:
            # the pattern's stack overflows on about a million blanks in a row; Rust's panic is no Exception
            if type(problem).__name__ != "PanicException":
                raise
            raise BadInput(f"{self.name} cannot cut this text: it has too long a run of blanks.",
                           "Remove some of them.") from problem
        return Encoded(text, ids)

    def token(self, number: int) -> Token:
        """The token of an id; KeyError if there is none."""
        if number in self._special:
            name = self._special[number]
            return Token(number, name.encode(), name, special=True)
        if not 0 <= number < self.size:  # a wider number would not fit into the library's type
            raise KeyError(number)
        data = self._core.decode_single_token_bytes(number)
        return Token(number, data, show(data))

    def spans(self, encoded: Encoded) -> None:
        """None: the bytes tell the place."""

    def words(self, encoded: Encoded, most: int) -> list[Word]:
        """The pieces that the pattern cuts, and special tokens on their own."""
        words: list[Word] = []
        tokens = [self.token(number) for number in encoded.ids[:most]]
        first = 0
        while first < len(tokens):
            last = first + 1
            if tokens[first].special:
                words.append(Word(first, (tokens[first].id,), (), tokens[first].text))
            else:
                while last < len(tokens) and not tokens[last].special:
                    last += 1
                words += self._cut(tokens, first, last)
            first = last
        return words if len(encoded.ids) <= most else words[:-1]  # the last one may have been cut short

    def _cut(self, tokens: Sequence[Token], first: int, last: int) -> list[Word]:
        """Words of the tokens first to last - 1, none of them special.

        The pattern runs here on another library than in tiktoken; should the two differ on a new character,
        words are joined until they end where a token ends.
        """
        whole = b"".join(token.data for token in tokens[first:last])
        ends, at = {0: first}, 0
        for number in range(first, last):
            at += len(tokens[number].data)
            ends[at] = number + 1
        words, start, at = [], 0, 0
        for match in self._pattern.finditer(whole.decode("utf-8", "ignore")):
            at += len(match.group().encode())
            if at in ends and at > start:
                words.append(self._word(tokens, ends[start], ends[at]))
                start = at
        if start < len(whole):
            words.append(self._word(tokens, ends[start], last))
        return words

    def _word(self, tokens: Sequence[Token], first: int, last: int) -> Word:
        data = b"".join(token.data for token in tokens[first:last])
        ids = tuple(token.id for token in tokens[first:last])
        return Word(first, ids, tuple(data[at:at + 1] for at in range(len(data))), show(data))

    def data(self, part: bytes) -> bytes:
        """A part is its bytes."""
        return part

    def rank(self, left: bytes, right: bytes) -> int | None:
        """The rank of the joint token."""
        return self._ranks.get(left + right)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        return show(b"".join(self.token(number).data for number in ids))
