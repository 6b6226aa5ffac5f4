"""About how much memory a value takes, for bounds on what is kept for visitors. Exact for arrays, text and pictures."""

import sys
from collections import deque
from types import ModuleType
from typing import Any

PARTS = 64  # of a long collection that are looked at
DEEPEST = 10  # objects within objects


def in_memory(value: Any, depth: int = 0) -> int:
    """Bytes of a value with all that it holds; of a long collection PARTS parts stand for all of them.

    What is held twice is counted twice. Functions, classes and modules count as nothing much.
    """
    size = sys.getsizeof(value)
    plain = isinstance(value, str | bytes | int | float | type(None) | type | ModuleType)
    if plain or callable(value) or depth >= DEEPEST:
        return size
    if isinstance(held := getattr(value, "nbytes", None), int):  # numpy's arrays and torch's tensors
        return max(size, held)
    if hasattr(value, "getbands"):  # a PIL picture
        return size + value.width * value.height * len(value.getbands())
    if isinstance(value, dict):
        return size + in_memory(list(value.values()), depth)
    if isinstance(value, list | tuple | set | frozenset | deque):
        parts = list(value)
        seen = parts if len(parts) <= PARTS else parts[::-(-len(parts) // PARTS)]
        return size + sum(in_memory(part, depth + 1) for part in seen) * len(parts) // max(1, len(seen))
    return size + (in_memory(vars(value), depth + 1) if hasattr(value, "__dict__") else 0)
