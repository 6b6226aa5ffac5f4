"""What a network is trained towards: noise a latent, ask, compare. The families differ in three places only.

* Stable Diffusion and the pocket model: x_t = sqrt(abar_t) x0 + sqrt(1 - abar_t) eps, target eps or the velocity
  v = sqrt(abar_t) eps - sqrt(1 - abar_t) x0 (Salimans & Ho 2022, arXiv:2202.00512), as the scheduler's config says.
* SDXL: the same, and the picture's size among what the network is told.
* FLUX: x_s = (1 - s) x0 + s eps, target eps - x0, s = sigmoid(n), n ~ N(0, 1) (Esser et al. 2024, arXiv:2403.03206).

Shapes: B pictures a batch; latents (B, C, h, w), for FLUX packed (B, h/2 * w/2, 4 C); states (B, L, D).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.diffusion import families

if TYPE_CHECKING:
    import torch

TIMESTEPS = 1000


@dataclass(eq=False)
class Example:
    """A batch: clean latents, what the network is told of each (states, extra), and each one's weight (B,)."""

    latents: "torch.Tensor"
    states: "torch.Tensor"
    extra: dict[str, "torch.Tensor"]
    weights: "torch.Tensor"


class Diffusion:
    """Stable Diffusion and the pocket model."""

    def __init__(self, family: families.StableDiffusion) -> None:
        from diffusers import DDPMScheduler

        self.family = family
        self.scheduler = DDPMScheduler.from_config(family.pipe.scheduler.config)

    def loss(self, example: Example, generator: "torch.Generator") -> "torch.Tensor":
        """The weighted mean squared error of the network's answers, at timesteps and noise of the generator."""
        import torch

        x0 = example.latents
        noise = torch.randn(x0.shape, generator=generator).to(x0)
        t = torch.randint(TIMESTEPS, (len(x0),), generator=generator).to(x0.device)
        x_t = self.scheduler.add_noise(x0, noise, t)
        answer = self.family.network(x_t, t, encoder_hidden_states=example.states, return_dict=False,
                                     **self.beside(example))[0]
        if self.scheduler.config.prediction_type == "v_prediction":
            return weighted(answer, self.scheduler.get_velocity(x0, noise, t), example.weights)
        return weighted(answer, noise, example.weights)

    def beside(self, example: Example) -> dict[str, Any]:
        """Further arguments of the network."""
        return {}


class DiffusionXL(Diffusion):
    """SDXL."""

    def beside(self, example: Example) -> dict[str, Any]:
        import torch

        size = self.family.size
        ids = torch.tensor([[size, size, 0, 0, size, size]] * len(example.latents)).to(example.states)
        return {"added_cond_kwargs": {"text_embeds": example.extra["text_embeds"], "time_ids": ids}}


class Flow(Diffusion):
    """FLUX."""

    def __init__(self, family: families.StableDiffusion) -> None:
        self.family = family

    def loss(self, example: Example, generator: "torch.Generator") -> "torch.Tensor":
        import torch

        x0 = example.latents
        noise = torch.randn(x0.shape, generator=generator).to(x0)
        sigma = torch.sigmoid(torch.randn(len(x0), generator=generator)).to(x0)
        mixed = torch.lerp(x0, noise, sigma[:, None, None])
        side = self.family.size // self.family.pipe.vae_scale_factor
        places = self.family.pipe._prepare_latent_image_ids(1, side // 2, side // 2, x0.device, x0.dtype)
        network = self.family.network
        strength = torch.ones(len(x0), device=x0.device) if network.config.guidance_embeds else None
        answer = network(hidden_states=mixed, timestep=sigma, guidance=strength, encoder_hidden_states=example.states,
                         pooled_projections=example.extra["pooled_projections"], img_ids=places,
                         txt_ids=torch.zeros(example.states.shape[1], 3).to(x0), return_dict=False)[0]
        return weighted(answer, noise - x0, example.weights)


def weighted(answer: "torch.Tensor", target: "torch.Tensor", weights: "torch.Tensor") -> "torch.Tensor":
    """sum_i w_i mse_i / sum_i w_i over the pictures of a batch, in float32."""
    errors = (answer.float() - target.float()).square().flatten(1).mean(1)
    return (errors * weights).sum() / weights.sum()


KINDS = {"pocket": Diffusion, "sd": Diffusion, "sdxl": DiffusionXL, "flux": Flow}
