"""Whether a model may be downloaded: its size, what the operator allows for a visitor's choice, room on the disk.

`python -m playground.fetch KEY` gets a model beforehand, whatever its size.
"""

import math
from pathlib import Path

from playground.access import PLENTY
from playground.catalog import MB, Entry, Hub, Source
from playground.errors import ModelMissing, NoRoom
from playground.room import free
from playground.settings import Settings


def check(settings: Settings, entry: Entry, source: Source, folder: Path) -> None:
    """Raises ModelMissing for a download that is larger than allowed, NoRoom where `folder` has no room for it.

    Where sizes are bounded the hub is asked for the true one; its errors are passed on.
    """
    most, size = settings.most, float(entry.download)
    if most.download_mb < PLENTY:
        _check_size(entry, size, most.download_mb)
        if isinstance(source, Hub):
            size = hub_size(source)
            _check_size(entry, size, most.download_mb)
    if most.disk_free and free(folder) - size < most.disk_free * MB:
        raise NoRoom(f"The disk of this page has no room for {entry.title} ({size / MB:,.0f} MB); {most.disk_free:,} "
                     "MB of it stay free.", "Choose a smaller model, or try again when the operator has made room.")


def hub_size(source: Hub) -> float:
    """Bytes of what would be fetched of a repository, as the hub says; infinite where it does not."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import filter_repo_objects

    files = HfApi().model_info(source.repo, revision=source.revision, files_metadata=True).siblings or []
    wanted = filter_repo_objects(files, allow_patterns=list(source.patterns), key=lambda file: file.rfilename)
    sizes = [file.size for file in wanted]
    return math.inf if not sizes or None in sizes else float(sum(sizes))


def _check_size(entry: Entry, size: float, most: int) -> None:
    if size <= most * MB:
        return
    large = f"{size / MB:,.0f} MB" if size < math.inf else "of unknown size"
    allowed = f"models up to {most:,} MB are" if most else "none is"
    raise ModelMissing(
        f"{entry.title} ({entry.key}, {large}) is not on this machine, and {allowed} downloaded for visitors here.",
        f"Its operator can get it (python -m playground.fetch {entry.key}), or allow more with --limits download_mb.")
