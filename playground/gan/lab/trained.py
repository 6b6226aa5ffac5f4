"""The networks of a run outside their training: more samples, walks, D's verdict on a picture, a file to keep.

Only the run's checkpoint is read; networks come through the cache like every model. A generator's file holds its
weights (safetensors) and its shape; one from a visitor is checked before anything is built from it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import checks, devices, storage
from playground.context import Context
from playground.errors import BadInput, DamagedWeights
from playground.gan import faces
from playground.gan.lab import data as sets
from playground.gan.lab import files, nets
from playground.gan.lab.settings import MAX_SEED, RunSettings, read_plan
from playground.specs import ModelKey, ModelSpec

if TYPE_CHECKING:
    from torch import nn

FILE_BYTES = 20_000_000  # a lab's generator has less than 2 MB
SIDES, COLOURS = (8, 32), (1, 3)
MAX_SAMPLES, MAX_FRAMES = 64, 24
FILMSTRIP = faces.FILMSTRIP


@dataclass(frozen=True)
class Networks:
    """G, and D with the settings it was trained by, or None twice for a generator from a file."""

    shape: nets.Shape
    g: "nn.Module"
    d: "nn.Module | None" = None
    run: RunSettings | None = None


def spec(path: Path, lane: int = 0) -> ModelSpec:
    """How the cache gets the networks of a checkpoint or of a generator's file; a newer file is another model."""
    stamp = path.stat()
    key = ModelKey(f"{title(path.parent)} {lane}", revision=str(stamp.st_mtime_ns), variant=path.name)
    return ModelSpec(key, lambda: load(path, lane), max(stamp.st_size, 1), measure)


def title(folder: Path) -> str:
    """The beginning of the names in the cache of networks whose file lies in a folder."""
    return f"gan-lab {folder.name[:6]}"


def forget(context: Context, folder: Path) -> None:
    """Drops the networks of a folder's files from the cache; one that computes now goes later, by age."""
    context.cache.drop_idle(named=title(folder) + " ")


def measure(networks: Networks) -> int:
    """Bytes of the networks."""
    return sum(devices.module_bytes(module) for module in (networks.g, networks.d) if module is not None)


def load(path: Path, lane: int) -> Networks:
    """The networks in a file. DamagedWeights if they are not of the lab."""
    tensors, about = files.read_checkpoint(path)
    try:
        shape = nets.Shape(*(int(value) for value in about["shape"]))
        run = read_plan(about["plan"]).runs[lane] if "plan" in about else None
        g, d = nets.build(shape, 0, run is not None and run.spectral)
        start = f"{lane}." if run else ""
        own = {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
        for name, module in (("g", g), ("d", d) if run else ("", None)):
            if module is not None:
                module.load_state_dict({key.removeprefix(f"{name}."): value for key, value in own.items()
                                        if key.startswith(f"{name}.")})
                module.eval().requires_grad_(False)
    except (RuntimeError, KeyError, TypeError, ValueError, IndexError) as problem:
        raise DamagedWeights(f"{path.name} holds no networks of the lab ({type(problem).__name__}).",
                             "Use a file that was saved here.") from problem
    return Networks(shape, g, d if run else None, run)


def of_pictures(networks: Networks) -> None:
    """BadInput where the networks are of points."""
    if networks.shape.side == 0:
        raise BadInput("This run is of points.", "Train on faces, digits or own pictures for this.")


def latent(seed: int, length: int) -> Any:
    """z (length,) of a seed."""
    import torch

    return torch.randn(length, generator=torch.Generator().manual_seed(seed))


def render(context: Context, path: Path, lane: int, latents: Any) -> np.ndarray:
    """Pictures (B, H, W, C) uint8 of latents: a function from the length of z to (B, length)."""
    import torch

    with context.cache.lease(spec(path, lane)) as networks, context.gate.turn("GAN lab"), torch.inference_mode():
        of_pictures(networks)
        return sets.to_array(networks.g(latents(networks.shape.latent)))


def samples(context: Context, path: Path, lane: int, seed: Any, count: Any = 36) -> np.ndarray:
    """Pictures of the seeds from `seed` on."""
    import torch

    first = checks.whole(seed, "The seed", 0, MAX_SEED - MAX_SAMPLES)
    number = checks.whole(count, "The number of pictures", 1, MAX_SAMPLES)
    return render(context, path, lane, lambda length: torch.stack([latent(first + at, length) for at in range(number)]))


def filmstrip(context: Context, path: Path, lane: int, seed: Any) -> np.ndarray:
    """One latent at each truncation of FILMSTRIP."""
    import torch

    first = checks.whole(seed, "The seed", 0, MAX_SEED)
    return render(context, path, lane, lambda length: torch.stack([latent(first, length) * psi for psi in FILMSTRIP]))


def walk(context: Context, path: Path, lane: int, seeds: Sequence[Any], frames: int = 12) -> np.ndarray:
    """The pictures on the way along the sphere from one seed to another, both ends included."""
    import torch

    first, last = (checks.whole(seed, "The seed", 0, MAX_SEED) for seed in seeds)
    number = checks.whole(frames, "The number of frames", 2, MAX_FRAMES)

    def way(length: int) -> Any:
        ends = latent(first, length), latent(last, length)
        return torch.stack([faces.slerp(*ends, at / (number - 1)) for at in range(number)])

    return render(context, path, lane, way)


def scores(context: Context, path: Path, lane: int, pictures: np.ndarray) -> np.ndarray:
    """D's raw scores (B,) of pictures (B, side, side, C) uint8; above 0 it takes a picture for real."""
    import torch

    with context.cache.lease(spec(path, lane)) as networks, context.gate.turn("GAN lab"), torch.inference_mode():
        of_pictures(networks)
        if networks.d is None:
            raise BadInput("This file holds a generator alone.", "Ask the discriminator of a run.")
        return networks.d(sets.to_tensor(pictures)).numpy()


def export(context: Context, path: Path, lane: int) -> bytes:
    """A file of the generator alone."""
    from safetensors.torch import save

    with context.cache.lease(spec(path, lane)) as networks:
        of_pictures(networks)
        shape, run = networks.shape, networks.run
        tensors = {f"g.{name}": value.contiguous() for name, value in networks.g.state_dict().items()}
    about = {"shape": [shape.side, shape.channels, shape.latent], "data": run.data if run else "", "generator": True}
    return save(tensors, {"about": json.dumps(about)})


def keep(content: bytes, path: Path) -> Path:
    """Writes a visitor's file of a generator to `path`, once it has been found to be one. BadInput, DamagedWeights."""
    if len(content) > FILE_BYTES:
        raise BadInput(f"This file has {len(content) / 1e6:.0f} MB.", "A generator of the lab has less than 2 MB.")
    aside = path.with_name("unchecked.safetensors")
    storage.write_file(aside, content)
    try:
        _, about = files.read_checkpoint(aside)
        shape = about.get("shape") if isinstance(about, dict) else None
        known = [[side, colours, nets.picture(side, colours).latent] for side in SIDES for colours in COLOURS]
        if shape not in known or "plan" in about:
            raise DamagedWeights("This is not a generator of the lab.", "Use a file that was saved here.")
        load(aside, 0)
        storage.write_file(path, content)
    finally:
        aside.unlink()
    return path
