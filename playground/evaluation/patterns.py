"""Regular expressions of visitors, with a time limit: some take longer than the universe lasts."""

import math
import re
from typing import Any

from playground.errors import BadInput

SECONDS = 0.5  # for one search
LONGEST = 2000  # characters of a pattern
MOST_REPEATS = 100_000  # product of the counts in braces: compiling unrolls those that are nested


class TooSlow(Exception):
    """A search that went on past its limit."""


def compiled(pattern: str) -> Any:
    """The pattern, compiled. BadInput for what is none."""
    import regex

    if len(pattern) > LONGEST:
        raise BadInput(f"The regular expression has {len(pattern):,} characters.", f"Give at most {LONGEST:,}.")
    if math.prod(max(1, int(each)) for each in re.findall(r"(\d{1,9})\}", pattern)) > MOST_REPEATS:
        raise BadInput(f"The counts in braces of {pattern!r:.100} multiply past {MOST_REPEATS:,}.", "Use smaller ones.")
    try:
        return regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError, MemoryError) as problem:
        raise BadInput(f"{pattern!r:.100} is not a regular expression ({problem!s:.120}).",
                       "Put a backslash before . * + ? ( ) [ ] to mean the character itself.") from None


def search(pattern: str, text: str) -> str | None:
    """What of a text the pattern finds first, or None. TooSlow past the limit."""
    try:
        found = compiled(pattern).search(text, timeout=SECONDS)
    except TimeoutError:
        raise TooSlow(f"the expression took longer than {SECONDS} s") from None
    return found[0] if found else None
