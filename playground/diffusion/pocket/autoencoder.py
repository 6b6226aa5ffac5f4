"""64 x 64 x 3 pictures <-> 16 x 16 x 4 latents.

Scope: the AutoencoderKL of the pocket model, its loss, its training, and the standardisation of
its latents, which leaves decode(encode(x)) as it was.
Sources: Rombach et al. 2022, "High-Resolution Image Synthesis with Latent Diffusion Models"
(the KL-regularised autoencoder); diffusers' AutoencoderKL is the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from playground.diffusion.pocket import data
from playground.diffusion.pocket.training import (
    Run,
    Training,
    checkpoint_to_resume,
    new_optimizer,
    restore,
    save_grid,
    set_rate,
    step_rngs,
)

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL

CHANNELS = (32, 64, 64)  # at 64 x 64, 32 x 32 and 16 x 16
FACES_SHARE = 0.35  # of a batch
NUMBERS = 64 * 64 * 3  # of one picture
# The pull of the latents to N(0, 1) grows from weak to strong, so that they end with about 3.5 nats
# a number: kept weak they carry detail that only makes the denoiser's task harder, and strong from
# the start it keeps the network from learning colours at all (22 dB on emoji after 1,000 steps).
KL_WEIGHTS = (0.001, 0.03)
KL_RAMP = (0.3, 0.7)  # part of the steps between which it grows
POOLED_WEIGHT = 0.5  # L1 of 4 x 4 means: gets colours right, which L1 at pixels leaves grey
EDGE_WEIGHT = 1.0  # L1 of differences between neighbours: keeps outlines
SQUARE_WEIGHT = 0.5


def new_autoencoder(channels: tuple[int, ...] = CHANNELS) -> AutoencoderKL:
    """0.92 M parameters. No attention in the middle: at 16 x 16 it cost more than it gave."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        block_out_channels=channels,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
        sample_size=data.SIZE,
        scaling_factor=1.0,  # the latents are standardised exactly, see fold_statistics
        mid_block_add_attention=False,
    )


def kl_weight(step: int, run: Run) -> float:
    """Weak, then growing by a constant factor a step, then strong; strong at once when adopted."""
    done = 1.0 if run.begun else step / run.steps
    along = (done - KL_RAMP[0]) / (KL_RAMP[1] - KL_RAMP[0])
    weak, strong = KL_WEIGHTS
    return weak * (strong / weak) ** min(1.0, max(0.0, along))


def loss_terms(drawn: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Distance of two batches of pictures [B, 3, 64, 64], in -1..1."""
    import torch.nn.functional as F

    error = drawn - wanted  # [B, 3, 64, 64]
    pooled = F.avg_pool2d(error, 4)  # [B, 3, 16, 16]
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return (
        error.abs().mean()
        + POOLED_WEIGHT * pooled.abs().mean()
        + EDGE_WEIGHT * edges
        + SQUARE_WEIGHT * error.square().mean()
    )


class PictureSampler:
    """Draws batches: faces and emoji by share, each emoji as often as another."""

    def __init__(self, work: Path) -> None:
        self.pictures, row_labels = data.load_set(work, "train")
        names = [label.captions[0] for label in data.load_labels(work)]
        is_face = np.array([names[row] == data.captions.FACE for row in row_labels])
        self.faces, emoji = np.flatnonzero(is_face), np.flatnonzero(~is_face)
        self.emoji_by_label = [
            emoji[row_labels[emoji] == row] for row in np.unique(row_labels[emoji])
        ]

    def batch(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """[count, 64, 64, 3] uint8."""
        rows = [self._row(rng) for _ in range(count)]
        return self.pictures[rows]

    def _row(self, rng: np.random.Generator) -> int:
        if rng.random() < FACES_SHARE:
            return int(rng.choice(self.faces))
        return int(rng.choice(self.emoji_by_label[rng.integers(len(self.emoji_by_label))]))


def train(
    work: Path,
    run: Run,
    *,
    resume: bool,
    channels: tuple[int, ...] = CHANNELS,
    decoder_only: bool = False,
) -> int:
    """Train into work/autoencoder.pt; returns the number of steps done in all.

    With decoder_only the latents stay what they are, so that a denoiser trained on them stays
    valid while pictures become sharper.
    """
    import torch

    checkpoint = work / "autoencoder.pt"
    torch.manual_seed(run.seed)
    model = new_autoencoder(channels)
    optimizer = new_optimizer(model, run.peak)
    saved = checkpoint_to_resume(checkpoint, resume)
    first, run = restore(saved, model, optimizer, run) if saved else (0, run)
    for part in (model.encoder, model.quant_conv):
        part.requires_grad_(not decoder_only)
    sampler = PictureSampler(work)
    job = Training(
        run,
        update=lambda step: learn(model, optimizer, sampler, run, step),
        state=lambda: {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
        grid=lambda step: _draw_grid(model, work, step),
        checkpoint=checkpoint,
    )
    return job.go(first)


def _draw_grid(model: AutoencoderKL, work: Path, step: int) -> None:
    """Six held-out faces (they come first in the file) and six emoji (last), redrawn below."""
    pictures, _ = data.load_set(work, "held_out")
    chosen = np.concatenate([pictures[:6], pictures[-2:-13:-2]])
    both = np.concatenate([chosen, redraw(model, chosen)])
    save_grid(both, len(chosen), work / "grids" / f"autoencoder-{step:06d}.png")


def learn(
    model: AutoencoderKL,
    optimizer: torch.optim.Optimizer,
    sampler: PictureSampler,
    run: Run,
    step: int,
) -> dict[str, float]:
    """One update; returns its losses."""
    import torch

    rng, noise = step_rngs(run.seed, step)
    wanted = data.to_floats(sampler.batch(rng, run.batch))  # [B, 3, 64, 64]
    with run.precision():
        posterior = model.encode(wanted).latent_dist
        drawn = model.decode(posterior.sample(noise)).sample.float()
    distance = loss_terms(drawn, wanted)
    kl = posterior.kl().mean()  # nats a picture
    (distance + kl_weight(step, run) * kl / NUMBERS).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    set_rate(optimizer, run.rate(step))
    optimizer.step()
    optimizer.zero_grad()
    error = (drawn - wanted).detach().square().mean().item()
    return {"distance": distance.item(), "psnr": psnr(error), "nats": kl.item() / 1024}


def psnr(square_error: float) -> float:
    """Decibels, for a mean square error of pictures in -1..1."""
    return float(10 * np.log10(4 / square_error))


def encode(model: AutoencoderKL, pictures: np.ndarray, batch: int = 64) -> torch.Tensor:
    """[N, 64, 64, 3] uint8 -> means and standard deviations [N, 2, 4, 16, 16]."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            posterior = model.encode(data.to_floats(pictures[start : start + batch])).latent_dist
            parts.append(torch.stack([posterior.mean, posterior.std], dim=1))
    return torch.cat(parts)


def decode(model: AutoencoderKL, latents: torch.Tensor, batch: int = 64) -> np.ndarray:
    """[N, 4, 16, 16] -> [N, 64, 64, 3] uint8."""
    import torch

    with torch.inference_mode():
        parts = [data.to_bytes(model.decode(part).sample) for part in latents.split(batch)]
    return np.concatenate(parts)


def redraw(model: AutoencoderKL, pictures: np.ndarray) -> np.ndarray:
    """Through the latents and back, without noise."""
    return decode(model, encode(model, pictures)[:, 0])


def fold_statistics(model: AutoencoderKL, mean: torch.Tensor, std: torch.Tensor) -> None:
    """Make latents (z - mean) / std by channel [4], exactly, without changing what is drawn.

    quant_conv gives 4 means, then 4 log-variances; post_quant_conv reads a latent. Both are
    1 x 1 convolutions, so a shift and a scale fold into their weights:
        mean'   = (W z + b - mean) / std          log var' = log var - 2 log std
        W'' z'' + b'' with z'' = (z - mean) / std: W'' = W std, b'' = b + W mean
    """
    import torch

    count = mean.numel()
    with torch.no_grad():
        out, back = model.quant_conv, model.post_quant_conv
        out.weight[:count] /= std[:, None, None, None]
        out.bias[:count] = (out.bias[:count] - mean) / std
        out.bias[count:] -= 2 * std.log()
        back.bias += (back.weight[:, :, 0, 0] * mean).sum(dim=1)
        back.weight *= std[None, :, None, None]


def latent_statistics(latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[N, 2, 4, 16, 16] from encode -> mean [4] and standard deviation [4] of sampled latents."""
    means, stds = latents[:, 0], latents[:, 1]
    mean = means.mean(dim=(0, 2, 3))
    variance = means.var(dim=(0, 2, 3), correction=0) + stds.square().mean(dim=(0, 2, 3))
    return mean, variance.sqrt()
