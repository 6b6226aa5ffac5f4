"""What was found about the photos of a draft, kept beside them: a change of one costs no second look at the others.

Remembered by a photo's content, the subject and the resolution, so nothing stale is shown. It lies in the visitor's
own folder and goes with the photos. Two windows at once may look twice at a photo; they find the same.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from playground import storage
from playground.context import Context
from playground.lora import draft, measure, photos, plan
from playground.lora.draft import Item
from playground.lora.photos import Finding, Look, Review

MOST = 4 * plan.MOST  # looks that are kept, of about 4 kB each: as after a change of model and of subject


def review(context: Context, token: str, items: Sequence[Item], subject: str, size: int) -> Review:
    """What is to be said of a visitor's photos for a subject, trained at `size` x `size` pixels.

    BadInput for an unknown subject or a size that no training takes.
    """
    size, finder = photos.check_size(size), photos.finder_for(subject)
    keys = [f"{item.digest} {subject} {size}" for item in items]
    path = draft.folder(context, token) / draft.LOOKS
    known = _read(path)
    fresh = {key: item for key, item in zip(keys, items, strict=True) if key not in known}
    if fresh:
        known |= {key: photos.look(draft.picture(context, token, item), size, finder) for key, item in fresh.items()}
        _write(path, known, keys)
    return photos.together([item.name for item in items], [known[key] for key in keys])


def _read(path: Path) -> dict[str, Look]:
    try:
        rows = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return {key: _look(row) for key, row in rows.items()}


def _look(row: Mapping[str, Any]) -> Look:
    pixels = np.frombuffer(base64.b64decode(row["thumbnail"]), np.uint8)
    return Look(pixels.reshape(measure.COARSE, measure.COARSE, 3), tuple(Finding(**each) for each in row["findings"]),
                tuple(row["crop"]) if row["crop"] else None)


def _write(path: Path, known: Mapping[str, Look], wanted: Sequence[str]) -> None:
    """Keeps what was wanted last, and of the others the newest."""
    order = [*(key for key in known if key not in set(wanted)), *dict.fromkeys(wanted)]
    rows = {key: {"thumbnail": base64.b64encode(known[key].thumbnail.tobytes()).decode(),
                  "findings": [asdict(each) for each in known[key].findings], "crop": known[key].crop}
            for key in order[-MOST:]}
    storage.write_file(path, json.dumps(rows).encode())
