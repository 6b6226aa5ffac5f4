"""Values from outside, checked as from a script that goes past the sliders: BadInput names the range."""

import math
from collections.abc import Collection
from typing import Any

from playground.errors import BadInput


def real(value: Any, name: str, low: float, high: float) -> float:
    """A finite number from low to high."""
    number = _number(value, name, f"a number from {low:g} to {high:g}")
    if not low <= number <= high:
        raise BadInput(f"{name} is {number:g}.", f"Give a number from {low:g} to {high:g}.")
    return number


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number from low to high; 3.0 counts as 3."""
    number = _number(value, name, f"a whole number from {low} to {high}")
    if number != int(number) or not low <= number <= high:
        raise BadInput(f"{name} is {value!s:.40}.", f"Give a whole number from {low} to {high}.")
    return int(value)


def text(value: Any, name: str, longest: int, empty: bool = False) -> str:
    """A string of at most `longest` characters, without lone surrogates, and not blank unless `empty`."""
    if not isinstance(value, str):
        raise BadInput(f"{name} is not text.", f"Give a text of up to {longest:,} characters.")
    if len(value) > longest:
        raise BadInput(f"{name} has {len(value):,} characters.", f"Give at most {longest:,}.")
    if not empty and not value.strip():
        raise BadInput(f"{name} is empty.", "Type something first.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise BadInput(f"{name} holds half a character at position {problem.start} (a lone surrogate).",
                       "Remove it or paste the text again.") from None
    return value


def choice(value: Any, name: str, known: Collection[str]) -> str:
    """One of the known names."""
    if not isinstance(value, str) or value not in known:
        raise BadInput(f"{name} {value!s:.60} is not known.", f"Choose one of: {', '.join(known)}.")
    return value


def _number(value: Any, name: str, wanted: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{name} is not a number.", f"Give {wanted}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadInput(f"{name} is {number}.", f"Give {wanted}.")
    return number
