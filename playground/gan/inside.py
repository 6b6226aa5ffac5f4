"""What happens inside the generator for one face: noise in, feature maps layer by layer, picture out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from playground.context import Context
from playground.gan import faces

SHOWN = 16  # feature maps of a layer that are shown, those that vary most


@dataclass(frozen=True)
class Layer:
    """The output of a layer: its name, its shape in words, and maps (N, H, W) scaled to 0..1 each."""

    name: str
    shape: str
    maps: np.ndarray


@dataclass(frozen=True)
class Inside:
    """z (10, 10), the layers in order, and the picture (64, 64, 3) uint8."""

    z: np.ndarray
    layers: tuple[Layer, ...]
    picture: np.ndarray


def trace(context: Context, seed: int, truncation: float = 1.0) -> Inside:
    """One forward pass with every activation after a ReLU kept. Raises BadInput for a bad seed or truncation."""
    z = faces.latent(faces.check_seed(seed), faces.check_truncation(truncation))
    with context.cache.lease(faces.spec(context)) as model, context.gate.turn("GAN faces, layers"):
        kept, picture = activations(model, z)
    layers = tuple(
        Layer(f"layer {number + 1}", f"{maps.shape[0]} maps of {maps.shape[1]} x {maps.shape[2]}", most_varied(maps))
        for number, maps in enumerate(kept))
    return Inside(z.reshape(10, 10).numpy(), layers, picture)


def activations(model: Any, z: Any) -> tuple[list[np.ndarray], np.ndarray]:
    """The activations (C, H, W) after each ReLU, and the picture, for z (100,).

    Walks the layers itself instead of hooking them: the module is shared, and a hook would be too.
    """
    import torch

    kept = []
    with torch.inference_mode():
        value = z[None, :, None, None].to(next(model.parameters()).device)
        for layer in model.main:
            value = layer(value)
            if isinstance(layer, torch.nn.ReLU):
                kept.append(value[0].float().cpu().numpy())
        return kept, faces.to_bytes(value)[0]


def most_varied(maps: np.ndarray, count: int = SHOWN) -> np.ndarray:
    """The `count` maps (C, H, W) with the largest variance over their pixels, largest first, each scaled to 0..1."""
    order = np.argsort(-maps.var(axis=(1, 2)), kind="stable")[:count]
    chosen = maps[order]
    low = chosen.min(axis=(1, 2), keepdims=True)
    span = chosen.max(axis=(1, 2), keepdims=True) - low
    return (chosen - low) / np.where(span > 0, span, 1)
