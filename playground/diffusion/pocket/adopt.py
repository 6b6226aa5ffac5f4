"""Checkpoints made from an exported folder, so that a training goes on whose own are gone.

Scope: autoencoder.pt and denoiser.pt from the half-precision weights. The optimizer begins anew,
therefore the learning rate rises again from nothing (`begun`); everything else is as in a resumed
training. The exported autoencoder has its latents' statistics folded in already: `latents` finds
them standardised and changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from playground.diffusion.pocket.training import new_optimizer, save_checkpoint

if TYPE_CHECKING:
    import torch


def write(
    work: Path, folder: Path, steps: dict[str, int], batches: dict[str, int], faces_share: float
) -> None:
    """Both checkpoints into `work`; steps, pictures a step and faces among them as the card says.

    Raises FileExistsError where a checkpoint stands already: it is worth more than these.
    """
    from diffusers import AutoencoderKL, UNet2DConditionModel

    paths = {name: work / f"{name}.pt" for name in ("autoencoder", "denoiser")}
    for path in paths.values():
        if path.exists():
            raise FileExistsError(f"{path} stands already: train on with --resume")
    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae").float()
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").float()
    extra = {
        "ema": {name: value.clone() for name, value in unet.state_dict().items()},
        "channels": tuple(unet.config["block_out_channels"]),
        "face_batches": steps["denoiser"] * faces_share,
    }
    for name, model, more in (("autoencoder", vae, {}), ("denoiser", unet, extra)):
        begun = {"step": steps[name], "begun": steps[name], "batch": batches[name]}
        begun["pictures"] = steps[name] * batches[name]
        save_checkpoint(paths[name], {**begun, **_state(model), **more})


def _state(model: torch.nn.Module) -> dict:
    """Weights, and an optimizer that has seen nothing."""
    optimizer = new_optimizer(model, rate=0.0)  # the rate is set before every step
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
