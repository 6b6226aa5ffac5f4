"""The files of a run in its job's folder: the newest frame, the film, the checkpoint. No pickle anywhere.

    live.npz                 the newest frame of each lane, its series, and what is real, with keys `LANE.name`
    film/LANE-STEP.npz       frames kept for the scrubber
    checkpoint.safetensors   weights, optimizers and random generators of each lane, `LANE.name`; JSON as metadata
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import storage
from playground.errors import DamagedWeights

if TYPE_CHECKING:
    import torch

LIVE, FILM, CHECKPOINT = "live.npz", "film", "checkpoint.safetensors"


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes arrays so that a reader sees either the old file or the new one."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    storage.write_file(path, file.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file."""
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
        return dict(file)


def film_path(folder: Path, lane: int, step: int) -> Path:
    """Where a lane's frame of an update is kept."""
    return folder / FILM / f"{lane}-{step}.npz"


def filmed(folder: Path, lane: int) -> list[int]:
    """The updates of a lane that are on film, in order."""
    return sorted(int(path.stem.partition("-")[2]) for path in (folder / FILM).glob(f"{lane}-*.npz"))


def decoded(frame: Mapping[str, np.ndarray], name: str) -> dict:
    """JSON that lies in a frame as bytes: "numbers" of a lane, "plan" of a live frame."""
    return json.loads(frame[name].tobytes())


def write_checkpoint(folder: Path, tensors: dict[str, "torch.Tensor"], about: dict[str, Any]) -> None:
    """Writes a checkpoint in one file."""
    from safetensors.torch import save

    storage.write_file(folder / CHECKPOINT, save(tensors, {"about": json.dumps(about)}))


def read_checkpoint(path: Path) -> tuple[dict[str, "torch.Tensor"], dict[str, Any]]:
    """The tensors and the JSON of a checkpoint; DamagedWeights if it is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            return {key: file.get_tensor(key) for key in file.keys()}, about  # noqa: SIM118 (no mapping)
    except (SafetensorError, KeyError, ValueError, OSError) as problem:
        raise DamagedWeights(f"{path.name} is not a checkpoint of the lab ({type(problem).__name__}).",
                             "Start the run again, or use another file.") from problem
