"""One denoising step of each family of pipelines, written out: scale, ask the network, guide, step.

A Family wraps a diffusers pipeline for the time of a lease and holds no state of a run. It does what the
pipeline's own call does between its parts, so that a run can be watched, stopped and branched between steps;
tests hold the last picture equal to the pipeline's.

Shapes: latents x (1, C, h, w), for FLUX packed (1, h/2 * w/2, 4 C); pictures (N, H, W, 3) uint8.
Guidance: Ho & Salimans 2022 (arXiv:2207.12598), answer = without + g (with - without).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.diffusion import schedulers
from playground.diffusion.memory import PIXELS_AT_ONCE
from playground.diffusion.requests import Request
from playground.diffusion.wording import Conditioning

if TYPE_CHECKING:
    import torch


@dataclass(eq=False)
class Start:
    """What a run begins with: x_T, a scheduler whose timesteps are set, and the random numbers it goes on with."""

    latents: "torch.Tensor"
    scheduler: Any
    generator: "torch.Generator"


class StableDiffusion:
    """Stable Diffusion 1.x, and the pocket model, which has the same networks."""

    part = "unet"

    def __init__(self, pipe: Any, size: int) -> None:
        self.pipe, self.size = pipe, size
        self.network = getattr(pipe, self.part)  # which predicts the noise

    def start(self, request: Request, conditioning: Conditioning) -> Start:
        """x_T drawn on the CPU, so that a seed is the same picture on every device."""
        import torch

        scheduler = schedulers.make(self.pipe.scheduler.config, request.scheduler)
        scheduler.set_timesteps(request.steps, device=self.pipe._execution_device)
        generator = torch.Generator().manual_seed(request.seed)
        side = self.size // self.pipe.vae_scale_factor
        shape = (1, self.network.config.in_channels, side, side)
        noise = torch.randn(shape, generator=generator, dtype=self.network.dtype).to(self.pipe._execution_device)
        return Start(noise * scheduler.init_noise_sigma, scheduler, generator)

    def answer(self, x: "torch.Tensor", timestep: Any, scheduler: Any, told: Conditioning,
               guidance: float) -> "torch.Tensor":
        """The network's guided answer for a state x at a timestep, of the shape of x."""
        import torch

        rows = len(told.states)
        scaled = scheduler.scale_model_input(torch.cat([x] * rows), timestep)
        out = self.network(scaled, timestep, encoder_hidden_states=told.states, return_dict=False,
                           **self.beside(told, rows))[0]
        if rows == 1:
            return out
        without, with_prompt = out.chunk(2)
        return without + guidance * (with_prompt - without)

    def beside(self, told: Conditioning, rows: int) -> dict[str, Any]:
        """Further arguments of the network."""
        return {}

    @property
    def at_once(self) -> int:
        """How many pictures the autoencoder takes in one batch."""
        return max(1, PIXELS_AT_ONCE // self.size**2)

    def decode(self, latents: "torch.Tensor") -> np.ndarray:
        """The pictures of latents (N, C, h, w), in batches that the memory bears."""
        import torch

        vae, parts = self.pipe.vae, []
        for some in torch.split(latents, self.at_once):
            scaled = some.to(self.pipe._execution_device, vae.dtype) / vae.config.scaling_factor
            scaled = scaled + (getattr(vae.config, "shift_factor", None) or 0.0)
            parts.append(to_bytes(vae.decode(scaled, return_dict=False)[0]))
        return np.concatenate(parts)

    def encode(self, pictures: np.ndarray) -> "torch.Tensor":
        """The latents (N, C, h, w) of pictures (N, size, size, 3): the means of the autoencoder's posterior.

        In batches that the memory bears.
        """
        import torch

        starts = range(0, len(pictures), self.at_once)
        return torch.cat([self._encode(pictures[start:start + self.at_once]) for start in starts])

    def _encode(self, pictures: np.ndarray) -> "torch.Tensor":
        import torch

        vae = self.pipe.vae
        pixels = torch.tensor(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        means = vae.encode(pixels.to(self.pipe._execution_device, vae.dtype)).latent_dist.mean
        shift = getattr(vae.config, "shift_factor", None) or 0.0
        return ((means - shift) * vae.config.scaling_factor).to(self.network.dtype)

    def finish(self) -> None:
        """Gives parts that were brought to the GPU for this run back to RAM."""
        self.pipe.maybe_free_model_hooks()


class StableDiffusionXL(StableDiffusion):
    """SDXL and its turbo: a second text encoder, and the picture's size among what the network is told."""

    def beside(self, told: Conditioning, rows: int) -> dict[str, Any]:
        size = (self.size, self.size)
        width = self.pipe.text_encoder_2.config.projection_dim
        ids = self.pipe._get_add_time_ids(size, (0, 0), size, dtype=told.states.dtype,
                                          text_encoder_projection_dim=width).to(told.states.device)
        return {"added_cond_kwargs": {"text_embeds": told.extra["text_embeds"], "time_ids": ids.repeat(rows, 1)}}


class Flux(StableDiffusion):
    """FLUX: a transformer over 2 x 2 patches of latents, rectified flow, guidance as a number it is told."""

    part = "transformer"

    def start(self, request: Request, conditioning: Conditioning) -> Start:
        import torch
        from diffusers.pipelines.flux.pipeline_flux import calculate_shift

        generator = torch.Generator().manual_seed(request.seed)
        latents, _ = self.pipe.prepare_latents(
            1, self.network.config.in_channels // 4, self.size, self.size, conditioning.states.dtype,
            self.pipe._execution_device, generator)
        scheduler = schedulers.make(self.pipe.scheduler.config, request.scheduler)
        config = scheduler.config
        mu = calculate_shift(latents.shape[1], config.get("base_image_seq_len", 256),
                             config.get("max_image_seq_len", 4096), config.get("base_shift", 0.5),
                             config.get("max_shift", 1.15))
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / request.steps, request.steps), mu=mu,
                                device=self.pipe._execution_device)
        scheduler.set_begin_index(0)
        return Start(latents, scheduler, generator)

    def answer(self, x: "torch.Tensor", timestep: Any, scheduler: Any, told: Conditioning,
               guidance: float) -> "torch.Tensor":
        import torch

        side = self._side()
        places = self.pipe._prepare_latent_image_ids(1, side // 2, side // 2, x.device, x.dtype)
        strength = None
        if self.network.config.guidance_embeds:
            strength = torch.full([1], guidance, device=x.device, dtype=torch.float32)
        return self.network(hidden_states=x, timestep=timestep.expand(1).to(x.dtype) / 1000, guidance=strength,
                            encoder_hidden_states=told.states, img_ids=places, return_dict=False, **told.extra)[0]

    def decode(self, latents: "torch.Tensor") -> np.ndarray:
        return super().decode(self.pipe._unpack_latents(latents, self.size, self.size, self.pipe.vae_scale_factor))

    def encode(self, pictures: np.ndarray) -> "torch.Tensor":
        latents = super().encode(pictures)
        return self.pipe._pack_latents(latents, *latents.shape)

    def _side(self) -> int:
        """Latents a side, made even for the patches."""
        return 2 * (self.size // (self.pipe.vae_scale_factor * 2))


KINDS = {"pocket": StableDiffusion, "sd": StableDiffusion, "sdxl": StableDiffusionXL, "flux": Flux}


def wrap(pipe: Any, family: str, size: int) -> StableDiffusion:
    """The family's steps over a leased pipeline. `size` gives way to what a smaller copy was made for."""
    own = getattr(KINDS[family](pipe, size).network.config, "sample_size", None)
    if family != "flux" and isinstance(own, int):
        size = min(size, own * pipe.vae_scale_factor)
    elif family == "flux":
        size = min(size, pipe.default_sample_size * pipe.vae_scale_factor)
    return KINDS[family](pipe, size)


def to_bytes(pictures: "torch.Tensor") -> np.ndarray:
    """(N, 3, H, W) in -1..1 as (N, H, W, 3) uint8, rounded as diffusers does."""
    unit = (pictures / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).float().cpu().numpy()
    return (unit * 255).round().astype(np.uint8)
