"""From noise to latents, told by a caption: the network of the pocket model and its training.

Scope: UNet and noise schedule, the velocity target, one training step, sampling for the grids.
Sources: Ho et al. 2020 (DDPM); Salimans & Ho 2022, "Progressive Distillation" (v-prediction:
v = sqrt(a) noise - sqrt(1 - a) latents, with a = alphas_cumprod[t]); Ho & Salimans 2022
(classifier-free guidance). It beat predicting the noise clearly at equal steps.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from playground.diffusion.pocket import autoencoder, frozen
from playground.diffusion.pocket.latents import FACES_SHARE, LatentSampler
from playground.diffusion.pocket.training import (
    Ema,
    Run,
    Training,
    checkpoint_to_resume,
    load_checkpoint,
    new_optimizer,
    restore,
    save_grid,
    set_rate,
    step_rngs,
)

if TYPE_CHECKING:
    import torch
    from diffusers import DDIMScheduler, UNet2DConditionModel

CHANNELS = (64, 128, 256)  # at 16 x 16, 8 x 8 and 4 x 4
GUIDANCE = 2.0  # draws emoji as well as 3, and does not darken faces as much
GRID_PROMPTS = (
    "a photo of a face", "a photo of a face with dark skin",
    "a photo of a face with light skin and a bright background", "red heart",
    "smiling face with sunglasses", "cat face", "pizza", "dog face", "red apple", "rose",
    "penguin", "hamburger",
)  # fmt: skip


def new_denoiser(channels: tuple[int, ...] = CHANNELS) -> UNet2DConditionModel:
    """17.2 M parameters by default; attention to the text at 8 x 8 and 4 x 4, where it is cheap."""
    from diffusers import UNet2DConditionModel

    depth = len(channels) - 1
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * depth,
        up_block_types=("CrossAttnUpBlock2D",) * depth + ("UpBlock2D",),
        block_out_channels=channels,
        layers_per_block=1,
        cross_attention_dim=384,
        attention_head_dim=tuple(c // 32 for c in channels),  # diffusers reads: number of heads
        norm_num_groups=16,
    )


def new_scheduler() -> DDIMScheduler:
    """1000 levels. The last one keeps 1.5 % of the signal: with Stable Diffusion's usual 6.8 % a
    sampler that starts from pure noise paints mid-grey, and emoji need white paper.
    """
    from diffusers import DDIMScheduler

    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.02,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,  # only read by samplers that space their steps otherwise
        clip_sample=False,  # latents are not confined to -1..1
        set_alpha_to_one=False,
    )


def noised(
    latents: torch.Tensor, noise: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """x_t and the velocity the network should answer, for alphas_cumprod [B] of the batch."""
    signal = alphas.sqrt()[:, None, None, None]  # [B, 1, 1, 1]
    spoil = (1 - alphas).sqrt()[:, None, None, None]
    return signal * latents + spoil * noise, signal * noise - spoil * latents


def learn(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    sampler: LatentSampler,
    alphas: torch.Tensor,
    run: Run,
    step: int,
) -> dict[str, float]:
    """One update on one batch; returns the mean square error of the velocity."""
    import torch

    rng, draw = step_rngs(run.seed, step)
    latents, states = sampler.batch(rng, draw, run.batch)  # [B, 4, 16, 16], [B, 24, 384]
    noise = torch.randn(latents.shape, generator=draw)
    levels = torch.randint(len(alphas), (len(latents),), generator=draw)  # [B]
    x_t, velocity = noised(latents, noise, alphas[levels])
    with run.precision():
        guess = model(x_t, levels, states, return_dict=False)[0]
    loss = (guess.float() - velocity).square().mean()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    set_rate(optimizer, run.rate(step))
    optimizer.step()
    optimizer.zero_grad()
    return {"loss": loss.item()}


def check_encoder(checkpoint: Path, saved: dict | None, sampler: LatentSampler) -> None:
    """Raises ValueError where a checkpoint learnt the latents of another autoencoder than the sampler's."""
    known = {saved.get("encoder"), sampler.encoder} - {None} if saved else set()  # None: from before it was kept
    if len(known) > 1:
        raise ValueError(f"{checkpoint} learnt the latents of another autoencoder: move it away, or train anew")


def train(
    work: Path,
    run: Run,
    *,
    resume: bool,
    channels: tuple[int, ...] = CHANNELS,
    faces_share: float = FACES_SHARE,
    grids: bool = True,
) -> int:
    """Train into work/denoiser.pt; returns the number of steps done in all.

    A resumed training keeps the channels it began with, but may see another share of faces. Raises ValueError
    where it would go on with the latents of another autoencoder.
    """
    import torch

    checkpoint = work / "denoiser.pt"
    saved = checkpoint_to_resume(checkpoint, resume)
    sampler, alphas = LatentSampler(work, faces_share), new_scheduler().alphas_cumprod
    check_encoder(checkpoint, saved, sampler)
    channels = tuple(saved["channels"]) if saved else channels
    torch.manual_seed(run.seed)
    model = new_denoiser(channels)
    optimizer = new_optimizer(model, run.peak)
    first, run = restore(saved, model, optimizer, run) if saved else (0, run)
    ema = Ema(model, weights=saved["ema"] if saved else None)
    seen = saved["face_batches"] if saved else 0.0  # the faces of all steps, in batches

    def update(step: int) -> dict[str, float]:
        losses = learn(model, optimizer, sampler, alphas, run, step)
        ema.update(model, step)
        nonlocal seen
        seen += faces_share
        return losses

    job = Training(
        run,
        update,
        state=lambda: {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "ema": ema.weights,
            "channels": channels,
            "face_batches": seen,
            "encoder": sampler.encoder,
        },
        grid=GridDrawer(work, ema, channels) if grids else lambda step: None,
        checkpoint=checkpoint,
    )
    return job.go(first)


class GridDrawer:
    """Draws the fixed prompts, two seeds each, with the averaged weights."""

    def __init__(self, work: Path, ema: Ema, channels: tuple[int, ...]) -> None:
        from diffusers import AutoencoderKL

        self.work, self.ema = work, ema
        self.vae = AutoencoderKL.from_pretrained(work / "vae").eval()
        self.model = new_denoiser(channels).eval()
        encoder = frozen.load_text_encoder()
        self.states = frozen.token_states(*encoder, ["", *GRID_PROMPTS])

    def __call__(self, step: int) -> None:
        self.model.load_state_dict(self.ema.weights)
        states = self.states[1:].repeat(2, 1, 1)
        latents = sample(self.model, states, self.states[:1], seed=1)
        pictures = autoencoder.decode(self.vae, latents)
        save_grid(pictures, len(GRID_PROMPTS), self.work / "grids" / f"denoiser-{step:06d}.png")


def sample(
    model: torch.nn.Module,
    states: torch.Tensor,
    empty: torch.Tensor,
    *,
    seed: int,
    steps: int = 20,
    guidance: float = GUIDANCE,
) -> torch.Tensor:
    """Latents [N, 4, 16, 16] for token states [N, 24, 384], by DDIM with guidance."""
    import torch

    scheduler = new_scheduler()
    scheduler.set_timesteps(steps)
    x = torch.randn(len(states), 4, 16, 16, generator=torch.Generator().manual_seed(seed))
    both = torch.cat([empty.expand(len(states), -1, -1), states])  # [2 N, 24, 384]
    for level in scheduler.timesteps:
        with torch.inference_mode():
            without, told = model(x.repeat(2, 1, 1, 1), level, both, return_dict=False)[0].chunk(2)
        x = scheduler.step(without + guidance * (told - without), level, x).prev_sample
    return x


def averaged(work: Path) -> UNet2DConditionModel:
    """The averaged weights of work/denoiser.pt in a network ready to sample."""
    saved = load_checkpoint(work / "denoiser.pt")
    model = new_denoiser(tuple(saved["channels"])).eval()
    model.load_state_dict(saved["ema"])
    return model


def pictures_for(work: Path, prompts: list[str], *, seed: int, guidance: float) -> np.ndarray:
    """[N, 64, 64, 3] uint8, one a prompt, from the training folder."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL.from_pretrained(work / "vae").eval()
    states = frozen.token_states(*frozen.load_text_encoder(), ["", *prompts])
    latents = sample(averaged(work), states[1:], states[:1], seed=seed, guidance=guidance)
    return autoencoder.decode(vae, latents)
