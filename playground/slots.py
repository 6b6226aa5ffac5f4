"""The cache's bookkeeping: a slot for each model, an account for each device."""

import gc
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from playground import heap
from playground.specs import RAM, ModelSpec


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

    def on(self, device: str) -> int:
        """Bytes that it holds on a device."""
        return (self.bytes if device == self.device else 0) + (self.spec.beside if device == RAM else 0)


@dataclass
class Account:
    """The account of one device, in bytes."""

    budget: int
    used: int = 0
    high_water: int = 0

    def add(self, amount: int) -> None:
        self.used += amount
        self.high_water = max(self.high_water, self.used)


def wanted(spec: ModelSpec, need: int) -> list[tuple[str, int]]:
    """The devices that a model takes room on, with the bytes; `need` is for its own."""
    return [(spec.key.device, need), *([(RAM, spec.beside)] if spec.beside else [])]


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
