"""The cache's bookkeeping: a slot for each model, an account for each device."""

import gc
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from playground import heap
from playground.specs import ModelSpec


@dataclass
class Slot:
    """A model in the cache, or one on its way in (busy)."""

    spec: ModelSpec
    device: str
    bytes: int
    model: Any = None
    busy: bool = True
    leases: int = 0
    last_used: float = field(default_factory=time.monotonic)
    error: BaseException | None = None


@dataclass
class Account:
    """The account of one device, in bytes."""

    budget: int
    used: int = 0
    high_water: int = 0

    def add(self, amount: int) -> None:
        self.used += amount
        self.high_water = max(self.high_water, self.used)


def gigabytes(count: int) -> str:
    """Bytes for people: '1.15 GB' or '95 MB'."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def release_memory() -> None:
    """Collects cycles, and gives back freed RAM and, if torch is in use at all, the GPU's cached blocks."""
    gc.collect()
    heap.trim()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
