"""Models in the hub's cache: whether one is whole. The hub's library gives whatever part of a download is there."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from playground import storage
from playground.catalog import Hub


def mark(models: Path, source: Hub) -> Path:
    """The file that says that a download of ours has begun and not ended."""
    return models / f".{source.repo.replace('/', '--')}.part"


@contextlib.contextmanager
def downloading(models: Path, source: Hub) -> Iterator[None]:
    """Leaves the mark where the block does not end well, the process's own end included."""
    path = mark(models, source)
    storage.write_file(path, b"")
    yield
    with storage.trouble(path):
        path.unlink(missing_ok=True)


def is_whole(folder: Path, models: Path, source: Hub) -> bool:
    """Whether a snapshot has all that is loaded: no download of ours broke off, its weights are there, every shard is.

    Other programs that share the cache may have fetched a tokenizer alone.
    """
    if mark(models, source).exists():
        return False
    weights = any(pattern.endswith(".safetensors") for pattern in source.patterns)
    return not (weights and next(folder.rglob("*.safetensors"), None) is None) and not missing_shards(folder)


def missing_shards(folder: Path) -> Sequence[Path]:
    """Files that an index of sharded weights names and that are not there."""
    named = [index.parent / name for index in folder.rglob("*.safetensors.index*.json") for name in shards(index)]
    return [path for path in named if not path.exists()]


def shards(index: Path) -> set[str]:
    """The files that an index names; none for one that cannot be read, which its loader says."""
    try:
        return set(json.loads(index.read_text()).get("weight_map", {}).values())
    except (OSError, ValueError, AttributeError):
        return set()
