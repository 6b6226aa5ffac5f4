"""Faces from seeds: latents, truncation, walks, arithmetic.

A face is its latent z, 100 numbers drawn from N(0, 1) by the generator of one seed; the faces of a request
have the seeds seed, seed + 1, and so on, so that each can be had again alone.

Sources. Truncation: z is scaled by psi toward the mean of its distribution, which is 0, as StyleGAN does with w
(Karras et al. 2019, arXiv:1812.04948, appendix B); psi = 1 changes nothing, psi = 0 gives the one mean face.
Walks: spherical interpolation, since Gaussian latents of high dimension lie near a sphere (White 2016,
arXiv:1609.04468). Arithmetic on latents: Radford et al. 2015 (arXiv:1511.06434), section 6.3.2.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import catalog, checks, devices
from playground.context import Context
from playground.specs import ModelKey, ModelSpec

if TYPE_CHECKING:
    import torch

MODEL = "dcgan-faces-64"
MAX_FACES = 64
MAX_FRAMES = 64
MAX_SEED = 2**31 - 1
FILMSTRIP = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # psi


@dataclass(frozen=True)
class Faces:
    """Pictures (B, 64, 64, 3) uint8, their seeds (-1 where a face has none), and what one cost in seconds."""

    pictures: np.ndarray
    seeds: tuple[int, ...]
    seconds_each: float


def spec(context: Context) -> ModelSpec:
    """How the cache gets the generator."""
    entry = catalog.find(MODEL)
    key = ModelKey(MODEL, device=context.device)

    def load() -> Any:
        located = context.weights.locate(entry)
        from playground.gan.dcgan import load_generator

        return load_generator(located.files["weights.tar"], context.device)

    return ModelSpec(key, load, entry.bytes, devices.module_bytes, lambda model, device: model.to(device))


def latent(seed: int, truncation: float = 1.0) -> "torch.Tensor":
    """z (100,) of a seed, scaled by the truncation; drawn on the CPU, so that every device makes the same face."""
    import torch

    return torch.randn(100, generator=torch.Generator().manual_seed(seed)) * truncation


def generate(context: Context, count: int, seed: int, truncation: float = 1.0) -> Faces:
    """`count` faces of the seeds from `seed` on. Raises BadInput for values out of range."""
    import torch

    count = checks.whole(count, "The number of faces", 1, MAX_FACES)
    seed = check_seed(seed)
    truncation = check_truncation(truncation)
    seeds = tuple((seed + number) % (MAX_SEED + 1) for number in range(count))
    return render(context, torch.stack([latent(each, truncation) for each in seeds]), seeds)


def walk(context: Context, seed_a: int, seed_b: int, frames: int = 12, truncation: float = 1.0) -> Faces:
    """The faces on the way from one seed to another, both ends included, in equal steps along the sphere."""
    import torch

    first, last = (latent(check_seed(seed), check_truncation(truncation)) for seed in (seed_a, seed_b))
    frames = checks.whole(frames, "The number of frames", 2, MAX_FRAMES)
    steps = [slerp(first, last, number / (frames - 1)) for number in range(frames)]
    return render(context, torch.stack(steps), (seed_a, *[-1] * (frames - 2), seed_b))


def filmstrip(context: Context, seed: int) -> Faces:
    """One face at each truncation of FILMSTRIP."""
    import torch

    seed = check_seed(seed)
    return render(context, torch.stack([latent(seed, psi) for psi in FILMSTRIP]), (seed,) * len(FILMSTRIP))


def arithmetic(context: Context, seed_a: int, seed_b: int, seed_c: int) -> Faces:
    """The faces A, B, C and A - B + C.

    The sum of three independent latents is longer than any the generator was trained on, so the result is
    brought back to the length of A.
    """
    import torch

    a, b, c = (latent(check_seed(seed)) for seed in (seed_a, seed_b, seed_c))
    mixed = a - b + c
    mixed = mixed * (a.norm() / mixed.norm().clamp_min(1e-6))
    return render(context, torch.stack([a, b, c, mixed]), (seed_a, seed_b, seed_c, -1))


def slerp(a: "torch.Tensor", b: "torch.Tensor", t: float) -> "torch.Tensor":
    """Spherical interpolation from a to b, both (100,), t from 0 to 1; straight where they point the same way."""
    import torch

    cosine = torch.dot(a, b) / (a.norm() * b.norm()).clamp_min(1e-12)
    angle = torch.arccos(cosine.clamp(-1, 1))
    if torch.sin(angle) < 1e-4:
        return torch.lerp(a, b, t)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def render(context: Context, z: "torch.Tensor", seeds: tuple[int, ...]) -> Faces:
    """The pictures of latents z (B, 100)."""
    with context.cache.lease(spec(context)) as model, context.gate.turn("GAN faces"):
        start = time.perf_counter()
        pictures = context.cache.retrying(lambda: forward(model, z), context.device)
        seconds = time.perf_counter() - start
    return Faces(pictures, seeds, seconds / len(z))


def forward(model: Any, z: "torch.Tensor") -> np.ndarray:
    """The generator's pictures of z (B, 100) as (B, 64, 64, 3) uint8."""
    import torch

    with torch.inference_mode():
        device = next(model.parameters()).device
        return to_bytes(model(z[:, :, None, None].to(device)))


def to_bytes(pictures: "torch.Tensor") -> np.ndarray:
    """(B, 3, H, W) in [-1, 1] as (B, H, W, 3) uint8."""
    scaled = ((pictures.float() + 1) * 127.5).round().clamp(0, 255)
    return scaled.byte().permute(0, 2, 3, 1).cpu().numpy()


def check_seed(seed: Any) -> int:
    """A seed that a face can have."""
    return checks.whole(seed, "The seed", 0, MAX_SEED)


def check_truncation(truncation: Any) -> float:
    """A truncation psi within the range of the page."""
    return checks.real(truncation, "The truncation", 0.0, 1.5)
