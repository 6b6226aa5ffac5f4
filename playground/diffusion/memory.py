"""Whether and how a text-to-image model fits the memory at hand, decided before anything is loaded.

In order of preference: everything on the device; on a GPU the parts of the pipeline one after the other, the
rest waiting in RAM (Accelerate's model offload); on a CPU bfloat16 in place of float32. Sizes in bytes.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from playground import devices
from playground.errors import DamagedWeights, NotEnoughMemory
from playground.slots import gigabytes

WIDTH = {"float32": 4, "float16": 2, "bfloat16": 2}
LONGEST = 100_000_000  # bytes of a header, the limit of safetensors itself


@dataclass(frozen=True)
class Plan:
    """How to load: the dtype, whether parts wait in RAM, and the bytes that the weights take on the device."""

    dtype: str
    offload: bool
    bytes: int


def parameters(folder: Path) -> dict[str, int]:
    """Parameters of each part of a diffusers folder, read from the headers of its safetensors files.

    Raises DamagedWeights where one cannot be read.
    """
    counts: dict[str, int] = {}
    for path in sorted(folder.glob("*/*.safetensors")):
        try:
            counts[path.parent.name] = counts.get(path.parent.name, 0) + _header_parameters(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as problem:
            raise DamagedWeights(f"The file {path} is damaged: its header cannot be read.",
                                 "Remove that copy and get it again.") from problem
    return counts


def _header_parameters(path: Path) -> int:
    """The numbers in a safetensors file: 8 bytes with the header's length, then JSON with every tensor's shape."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(min(length, LONGEST)))
    total = 0
    for name, tensor in header.items():
        if name != "__metadata__":
            count = 1
            for side in tensor["shape"]:
                count *= side
            total += count
    return total


def plan(title: str, parts: Mapping[str, int], room: int, device: str, budget: int) -> Plan:
    """The best way to load `parts` (parameters by name) with `room` bytes left to compute in; NotEnoughMemory if none.

    `budget` is what models may take on the device.
    """
    total = sum(parts.values())
    if not device.startswith("cuda"):
        return _in_ram(title, total, room, budget, device)
    dtype = devices.default_dtype(device)
    whole, largest = total * WIDTH[dtype], max(parts.values()) * WIDTH[dtype]
    if whole + room <= budget:
        return Plan(dtype, False, whole)
    ram = devices.memory("cpu").free
    if largest + room <= budget and whole <= ram:
        return Plan(dtype, True, largest)
    raise NotEnoughMemory(
        f"{title} needs {gigabytes(whole)} for its weights and about {gigabytes(room)} to compute in; models may "
        f"take {gigabytes(budget)} on {device}. Its largest part alone has {gigabytes(largest)}, and {gigabytes(ram)} "
        "of RAM are free for the rest.",
        "Choose a smaller model, or a machine with more memory.")


def _in_ram(title: str, total: int, room: int, budget: int, device: str) -> Plan:
    choices = ("float16",) if device == "mps" else ("float32", "bfloat16")
    for dtype in choices:
        if total * WIDTH[dtype] + room <= budget:
            return Plan(dtype, False, total * WIDTH[dtype])
    raise NotEnoughMemory(
        f"{title} needs {gigabytes(total * WIDTH[choices[-1]])} for its weights and about {gigabytes(room)} to compute "
        f"in; models may take {gigabytes(budget)} here.",
        "Choose a smaller model, raise --memory-budget if the machine has more, or use a GPU.")
