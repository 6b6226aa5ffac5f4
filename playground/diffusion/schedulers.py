"""Noise schedules: which samplers there are, how much signal and noise a step holds, and what a network's answer says.

Every state of a run is x_t = signal * x0 + noise * eps, with numbers that depend on the sampler's family:
    variance preserving (DDPM, DDIM, DPM-Solver++, UniPC)  signal = sqrt(abar_t), noise = sqrt(1 - abar_t)
    variance exploding (Euler, Heun)                       signal = 1, noise = sigma_t
    rectified flow (FLUX)                                  signal = 1 - sigma_t, noise = sigma_t
Sources: Ho et al. 2020 (arXiv:2006.11239), Song et al. 2020 (DDIM, arXiv:2010.02502), Karras et al. 2022
(arXiv:2206.00364), Lu et al. 2022 (DPM-Solver++, arXiv:2211.01095), Salimans & Ho 2022 (v-prediction,
arXiv:2202.00512), Liu et al. 2022 (rectified flow, arXiv:2209.03003).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

DEFAULT = "DDIM"
CLASSES = {
    "DDIM": "DDIMScheduler", "DDPM": "DDPMScheduler", "Euler": "EulerDiscreteScheduler",
    "Euler ancestral": "EulerAncestralDiscreteScheduler", "DPM-Solver++": "DPMSolverMultistepScheduler",
    "UniPC": "UniPCMultistepScheduler", "Heun": "HeunDiscreteScheduler",
}
FLOW_CLASSES = {"Flow Euler": "FlowMatchEulerDiscreteScheduler"}
EXPLODING = ("EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler")
FLOW = "flow_prediction"


@dataclass(frozen=True)
class Level:
    """How much of a state is picture and how much is noise: x_t = signal * x0 + noise * eps."""

    signal: float
    noise: float

    @property
    def share(self) -> float:
        """Noise as a share of the whole, 0 to 1, equal for all families at the same signal-to-noise ratio."""
        return self.noise / math.hypot(self.signal, self.noise)

    @property
    def snr(self) -> float:
        """The signal-to-noise ratio signal^2 / noise^2; infinite without noise."""
        return math.inf if self.noise == 0 else (self.signal / self.noise) ** 2


def names(family: str) -> list[str]:
    """The samplers that a family of models can use."""
    return list(FLOW_CLASSES if family == "flux" else CLASSES)


def make(config: Any, name: str) -> Any:
    """A fresh scheduler over a model's training schedule; schedulers hold state, so each run has its own.

    Latents are not confined to -1..1, so nothing clips them.
    """
    import diffusers

    kind = getattr(diffusers, {**CLASSES, **FLOW_CLASSES}[name])
    if name in FLOW_CLASSES:
        return kind.from_config(config)
    return kind.from_config(config, clip_sample=False)


def prediction(scheduler: Any) -> str:
    """What the network answers: 'epsilon', 'v_prediction', 'sample' or FLOW."""
    return FLOW if type(scheduler).__name__ in FLOW_CLASSES.values() else scheduler.config.prediction_type


def level(scheduler: Any, index: int, timestep: float) -> Level:
    """The level of the state before step `index`, for a scheduler whose timesteps are set."""
    kind = type(scheduler).__name__
    if kind in FLOW_CLASSES.values():
        sigma = float(scheduler.sigmas[index])
        return Level(1 - sigma, sigma)
    if kind in EXPLODING:
        return Level(1.0, float(scheduler.sigmas[index]))
    if hasattr(scheduler, "sigmas"):
        sigma = float(scheduler.sigmas[index])
        return Level(1 / math.sqrt(sigma**2 + 1), sigma / math.sqrt(sigma**2 + 1))
    return training_level(scheduler.alphas_cumprod, int(timestep))


def training_level(alphas_cumprod: "torch.Tensor", timestep: int) -> Level:
    """The level of a timestep 0 .. T - 1 of the training schedule abar (T,)."""
    abar = float(alphas_cumprod[timestep])
    return Level(math.sqrt(abar), math.sqrt(1 - abar))


def unmix(state: "torch.Tensor", answer: "torch.Tensor", at: Level, kind: str) -> tuple["torch.Tensor", "torch.Tensor"]:
    """(x0, eps) that a network's answer implies for a state x_t; all of the same shape, in float32."""
    x, out = state.float(), answer.float()
    if kind == "epsilon":
        return (x - at.noise * out) / at.signal, out
    if kind == FLOW:  # answer = eps - x0
        return x - at.noise * out, x + at.signal * out
    if kind == "sample":
        return out, (x - at.signal * out) / at.noise
    size = math.hypot(at.signal, at.noise)  # v is defined on states of unit variance
    x, signal, noise = x / size, at.signal / size, at.noise / size
    return signal * x - noise * out, signal * out + noise * x
