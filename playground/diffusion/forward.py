"""Noise added to a picture, level by level, and the network's one-shot guess at what was there.

Level 0 is the picture; level t from 1 to 1000 is the training schedule's timestep t - 1:
x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) eps, eps ~ N(0, 1), in closed form (Ho et al. 2020, arXiv:2006.11239,
equation 4). Pictures count from -1 to 1. The schedule is the pocket model's: scaled-linear betas, as in Stable
Diffusion, from 0.00085, but up to 0.02, so that at level 1000 almost nothing of the picture is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from playground import checks, images
from playground.context import Context
from playground.diffusion import families, models, requests, schedulers, trace, wording
from playground.diffusion.schedulers import Level

if TYPE_CHECKING:
    import torch

LEVELS = 1000
BETAS = (0.00085, 0.02)
MOST_AT_ONCE = 16
GUESS_LEVELS = (100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)


@dataclass(frozen=True, eq=False)
class Guesses:
    """A picture as the network sees it at several levels (N, H, W, 3), and its guesses at the picture, one step each.

    `through` is the picture through the autoencoder alone: what no guess can better. `errors` are the root mean
    square differences of the guesses from it, in 0 .. 255. `wording` is how the prompt was read.
    """

    levels: tuple[int, ...]
    noisy: np.ndarray
    guesses: np.ndarray
    through: np.ndarray
    errors: tuple[float, ...]
    wording: wording.Wording


def alphas_cumprod() -> np.ndarray:
    """abar (1000,) of the schedule, float64: the products of 1 - beta, beta the squares of a straight line."""
    betas = np.linspace(BETAS[0] ** 0.5, BETAS[1] ** 0.5, LEVELS) ** 2
    return np.cumprod(1 - betas)


def level(number: int) -> Level:
    """How much picture and how much noise a level 0 .. 1000 holds."""
    if number == 0:
        return Level(1.0, 0.0)
    abar = float(alphas_cumprod()[number - 1])
    return Level(abar**0.5, (1 - abar) ** 0.5)


def add_noise(picture: np.ndarray, number: int, seed: int = 0) -> np.ndarray:
    """The picture (H, W, 3) uint8 at a level 0 .. 1000, clipped to what a screen shows.

    A seed is the same noise at every level, so that a slider makes one picture sink into one noise.
    """
    at = level(checks.whole(number, "The noise level", 0, LEVELS))
    if at.noise == 0:
        return picture
    noise = np.random.default_rng(seed).standard_normal(picture.shape)
    mixed = at.signal * (picture / 127.5 - 1) + at.noise * noise
    return ((np.clip(mixed, -1, 1) + 1) * 127.5).round().astype(np.uint8)


def guess(context: Context, picture: np.ndarray, levels: Sequence[int], *, prompt: str = "",
          guidance: float | None = None, seed: int = 0, model: str = models.POCKET) -> Guesses:
    """Noise of the same seed at each level (1 .. 1000) onto a picture (H, W, 3), and the network's guess from there.

    Without a guidance it is the model's usual one where there is a prompt, and none where there is not.
    Raises PlaygroundError where the numbers overflow or a guess comes out black.
    """
    levels = tuple(checks.whole(each, "The noise level", 1, LEVELS) for each in levels[:MOST_AT_ONCE])
    usual = models.find(model).guidance if (prompt or "").strip() else 1.0
    request = requests.check(prompt, guidance=usual if guidance is None else guidance, seed=seed, model=model)
    spec = models.spec(context, model)
    told = wording.listen(context, request, spec)
    with context.cache.lease(spec) as pipe, context.gate.turn(wording.WHO):
        return context.cache.retrying(lambda: _guess(pipe, picture, levels, request, told), context.device)


@dataclass(frozen=True, eq=False)
class _Scene:
    """A picture's latents, the one noise that every level uses, whom to ask, and what it is told."""

    family: families.StableDiffusion
    latents: "torch.Tensor"
    noise: "torch.Tensor"
    told: wording.Conditioning
    guidance: float

    def one_shot(self, number: int) -> tuple["torch.Tensor", "torch.Tensor"]:
        """(x_t, x0) for one level: noise added in closed form, the network asked once."""
        import torch

        scheduler = schedulers.make(self.family.pipe.scheduler.config, "DDIM")
        at = schedulers.training_level(scheduler.alphas_cumprod, number - 1)
        state = at.signal * self.latents + at.noise * self.noise
        timestep = torch.tensor(number - 1, device=state.device)
        answer = self.family.answer(state, timestep, scheduler, self.told, self.guidance)
        clean, _ = schedulers.unmix(state, answer, at, schedulers.prediction(scheduler))
        trace.check_numbers(clean, f"at level {number}")
        return state, clean.to(state.dtype)


def _guess(pipe: Any, picture: np.ndarray, levels: tuple[int, ...], request: requests.Request,
           told: wording.Conditioning) -> Guesses:
    """The work of guess() under a lease."""
    import torch

    model = models.find(request.model)
    with torch.inference_mode():
        family = families.wrap(pipe, model.family, model.size)
        sized = np.asarray(images.square(Image.fromarray(picture), family.size))
        latents = family.encode(sized[None])
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(request.seed)).to(latents)
        scene = _Scene(family, latents, noise, told.to(latents.device, latents.dtype), request.guidance)
        noisy, clean = zip(*(scene.one_shot(number) for number in levels), strict=True)
        pictures = family.decode(torch.cat([latents, *noisy, *clean]))
    through, seen, guesses = pictures[0], pictures[1:len(levels) + 1], pictures[len(levels) + 1:]
    if sized.any():  # what is black itself may be seen as black
        for drawn in (through, *guesses):
            trace.check_picture(drawn, family)
    errors = np.sqrt(((guesses.astype(float) - through) ** 2).mean(axis=(1, 2, 3)))
    return Guesses(levels, seen, guesses, through, tuple(float(error) for error in errors), told.wording)
