"""What the cache is asked for: the key that makes a model the same, and how to get it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

RAM = "cpu"


@dataclass(frozen=True)
class ModelKey:
    """What makes two models the same. A trainer takes its own variant, since adapters change shared modules."""

    name: str
    revision: str = "main"
    dtype: str = "float32"
    device: str = RAM
    variant: str = "inference"


@dataclass(frozen=True)
class ModelSpec:
    """How to get a model: `load()` makes it on its device, `measure(model)` gives its bytes there.

    `estimate` is in bytes and reserved before the load. `move(model, device)` returns the model on another
    device; without it a model is dropped rather than parked in RAM. `beside` are bytes that it holds in RAM all
    the while, as one of a GPU does whose parts wait there for their turn.
    """

    key: ModelKey
    load: Callable[[], Any] = field(compare=False)
    estimate: int = field(compare=False)
    measure: Callable[[Any], int] = field(compare=False)
    move: Callable[[Any, str], Any] | None = field(default=None, compare=False)
    beside: int = field(default=0, compare=False)
