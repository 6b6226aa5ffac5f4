"""Which weights of a folder in diffusers' layout are loaded, and how many parameters they hold.

A copy may hold every part twice: in full and in half precision, or whole and cut into shards. from_pretrained loads
one of them; this module follows its choice (diffusers' models/modeling_utils.py and _identify_model_variants,
transformers' modeling_utils.py), so that what is counted is what will be in memory.
"""

import json
import logging
import math
import re
import struct
from collections.abc import Collection
from pathlib import Path

from playground import logs
from playground.errors import DamagedWeights

LONGEST = 100_000_000  # bytes of a header, the limit of safetensors itself
AGAIN = "Remove that copy and get it again."
log = logging.getLogger(__name__)


def variant(folder: Path, wanted: str | None, parts: Collection[str]) -> str | None:
    """The variant to ask from_pretrained for: `wanted` ('fp16', say) where any of these parts has it, else None."""
    if wanted is None:
        return None
    named = re.compile(rf".*\.{wanted}(-\d{{5}}-of-\d{{5}})?\.safetensors")
    found = (path.name for part in parts for path in (folder / part).glob("*.safetensors"))
    return wanted if any(map(named.fullmatch, found)) else None


def parameters(folder: Path, parts: Collection[str], wanted: str | None = None) -> dict[str, int]:
    """Parameters of each of these parts, from the headers of the files that are loaded.

    `wanted` is the variant that is preferred. Raises DamagedWeights where a part is missing or cannot be read.
    """
    chosen = variant(folder, wanted, parts)
    return {part: sum(map(_header_parameters, weights(folder / part, chosen))) for part in parts}


def weights(part: Path, chosen: str | None = None) -> list[Path]:
    """The safetensors files that from_pretrained loads for a part. Raises DamagedWeights if there are none."""
    marked = chosen if chosen and _has(part, chosen) else None
    for name in _names(part, marked):
        path = part / name
        if path.is_file():
            return _shards(path) if name.endswith(".json") else [path]
    log.error("No weights in %s", logs.shown(part))
    raise DamagedWeights(f"{part.parent.name} is not whole: its {part.name} has no weights.", AGAIN)


def _has(part: Path, chosen: str) -> bool:
    """Whether a part comes in a variant, as diffusers tells: by what stands between the first two dots of a name."""
    return any(".".join(path.name.split(".")[1:]).startswith(chosen) for path in part.glob("*.*"))


def _names(part: Path, marked: str | None) -> list[str]:
    """What is looked for, in order: diffusers asks for shards first, transformers for a whole file."""
    dot = f".{marked}" if marked else ""
    if part.name.startswith("text_encoder"):
        return [f"model{dot}.safetensors", f"model.safetensors.index{dot}.json"]
    name = "diffusion_pytorch_model"
    older = [f"{name}.safetensors{dot}.index.json"] if marked else []
    return [f"{name}.safetensors.index{dot}.json", *older, f"{name}{dot}.safetensors"]


def _shards(index: Path) -> list[Path]:
    """The files that an index names, each once."""
    try:
        return sorted({index.parent / name for name in json.loads(index.read_text())["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        log.error("Damaged: %s", logs.shown(index))
        raise DamagedWeights(f"The file {index.name} is damaged: it cannot be read as an index.", AGAIN) from problem


def _header_parameters(path: Path) -> int:
    """The numbers in a safetensors file: 8 bytes with the header's length, then JSON with every tensor's shape."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, LONGEST)))
        return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as problem:
        log.error("Damaged: %s", logs.shown(path))
        raise DamagedWeights(f"The file {path.name} is damaged: its header cannot be read.", AGAIN) from problem
