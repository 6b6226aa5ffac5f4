"""From ids back to tokens."""

import re
from dataclasses import dataclass
from typing import Any

from playground import checks
from playground.errors import BadInput
from playground.text.tokenizing.base import Encoding, Token

MOST_IDS = 64
NEIGHBOURS = 2


@dataclass(frozen=True)
class Found:
    """The tokens of some ids and the text they make; for a single id also those around it."""

    tokens: tuple[Token, ...]
    text: str
    around: tuple[Token, ...]


def look_up(encoding: Encoding, typed: Any) -> Found:
    """The tokens of ids as typed, apart by commas or blanks. BadInput for what is no id of the encoding."""
    typed = checks.text(typed, "The list of token ids", 1000)
    ids = [_number(word) for word in re.split(r"[\s,;\[\]]+", typed) if word]
    if not 1 <= len(ids) <= MOST_IDS:
        raise BadInput(f"There are {len(ids)} token ids.", f"Give 1 to {MOST_IDS}.")
    tokens = tuple(_token(encoding, number) for number in ids)
    around = _around(encoding, ids[0]) if len(ids) == 1 else ()
    return Found(tokens, encoding.decode(ids), around)


def _number(word: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", word):
        raise BadInput(f"{word[:40]!r} is no token id.", "Give whole numbers such as 11 or 1820, 374.")
    return int(word)


def _token(encoding: Encoding, number: int) -> Token:
    try:
        return encoding.token(number)
    except KeyError:
        raise BadInput(f"{encoding.name} has no token {number}.",
                       f"It has {encoding.size:,} tokens, counted from 0.") from None


def _around(encoding: Encoding, number: int) -> tuple[Token, ...]:
    found = []
    for other in range(max(0, number - NEIGHBOURS), number + NEIGHBOURS + 1):
        try:
            found.append(encoding.token(other))
        except KeyError:
            continue  # ids have gaps around special tokens
    return tuple(found)
