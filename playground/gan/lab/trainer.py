"""One run: a generator and a discriminator trained in turns, repeatable from its seed and from its checkpoints.

    for each joint update:  D: d_steps updates on real and generated batches, then G: one update through D

Noise on D's input: Sønderby et al. 2016 (arXiv:1610.04490), Arjovsky and Bottou 2017 (arXiv:1701.04862); the
norm of the gradient that reaches G is that of the latter's figure 2: over all weights of G.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playground.gan.lab import losses, nets
from playground.gan.lab.augment import augment
from playground.gan.lab.data import Data
from playground.gan.lab.settings import WASSERSTEIN, RunSettings

if TYPE_CHECKING:
    import torch


@dataclass
class Last:
    """What the last updates measured: losses, the gradient at G, and D's scores of a real and a generated batch."""

    loss_d: float = 0.0
    loss_g: float = 0.0
    gradient_g: float = 0.0
    real: "torch.Tensor | None" = None  # (B,)
    fake: "torch.Tensor | None" = None  # (B,)


class Trainer:
    """A run in progress. `step` counts joint updates; single updates of D and G do not count."""

    def __init__(self, settings: RunSettings, data: Data) -> None:
        import torch

        self.settings, self.data, self.step = settings, data, 0
        self.g, self.d = nets.build(data.shape, settings.seed, settings.spectral)
        self.random = torch.Generator().manual_seed(settings.seed)
        self.optimizer_g = optimizer(settings.optimizer_g, self.g.parameters(), settings.lr_g, settings.momentum)
        self.optimizer_d = optimizer(settings.optimizer_d, self.d.parameters(), settings.lr_d, settings.momentum)
        self.last = Last()

    def update(self) -> None:
        """One joint update; the first one comes after D's head start."""
        for _ in range(self.settings.d_steps + (self.settings.head_start if self.step == 0 else 0)):
            self.update_d()
        self.update_g()
        self.step += 1

    def update_d(self) -> None:
        """One update of D on a fresh batch; G stays."""
        import torch

        options = self.settings
        self.g.train()
        with torch.no_grad():
            fake = self.g(self.latents(options.batch))
        real = self.data.sample(options.batch, self.random)
        both = self.seen(torch.cat([real, fake]))
        real, fake = both[:options.batch], both[options.batch:]
        scores = self.d(both)
        score_real, score_fake = scores[:options.batch], scores[options.batch:]
        loss = losses.d_loss(options.loss, score_real, score_fake, options.smoothing)
        self.last.loss_d = loss.item()  # the penalties steer D and are no part of the game's value
        if options.loss == WASSERSTEIN:
            mix = torch.rand(options.batch, generator=self.random)
            loss = loss + losses.PENALTY * losses.gradient_penalty(self.d, real, fake, mix)
        if options.r1:
            loss = loss + options.r1 / 2 * losses.r1_penalty(self.d, real)
        self.optimizer_d.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer_d.step()
        self.last.real, self.last.fake = score_real.detach(), score_fake.detach()

    def update_g(self) -> None:
        """One update of G through D as it is; D stays."""
        import torch

        self.g.train()
        self.d.requires_grad_(False)
        loss = losses.g_loss(self.settings.loss, self.d(self.seen(self.g(self.latents(self.settings.batch)))))
        self.optimizer_g.zero_grad(set_to_none=True)
        loss.backward()
        self.d.requires_grad_(True)
        norms = torch._foreach_norm([weight.grad for weight in self.g.parameters()])
        self.last.gradient_g = torch.stack(norms).norm().item()
        self.last.loss_g = loss.item()
        self.optimizer_g.step()

    def latents(self, count: int) -> "torch.Tensor":
        """z (count, latent), normal."""
        import torch

        return torch.randn(count, self.data.shape.latent, generator=self.random)

    def seen(self, batch: "torch.Tensor") -> "torch.Tensor":
        """A batch as D sees it: augmented and noisy where the settings say so."""
        import torch

        if self.settings.augment:
            batch = augment(batch, self.random)
        if self.settings.noise:
            batch = batch + self.settings.noise * torch.randn(batch.shape, generator=self.random)
        return batch

    def generate(self, latents: "torch.Tensor") -> "torch.Tensor":
        """What G makes of z (B, latent), without a trace in the training."""
        import torch

        self.g.eval()
        with torch.inference_mode():
            return self.g(latents)

    def score(self, batch: "torch.Tensor") -> "torch.Tensor":
        """D's raw scores (B,) of data, without a trace in the training."""
        import torch

        self.d.eval()  # in training mode spectral norm would take a step of its power iteration
        with torch.inference_mode():
            scores = self.d(batch)
        self.d.train()
        return scores

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """The whole state by name, for a checkpoint: weights, optimizers, random generator, step."""
        import torch

        state = {"random": self.random.get_state(), "step": torch.tensor(self.step)}
        for name, module in (("g", self.g), ("d", self.d)):
            state |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        for name, kept in (("og", self.optimizer_g), ("od", self.optimizer_d)):
            for number, values in kept.state_dict()["state"].items():
                state |= {f"{name}.{number}.{key}": torch.as_tensor(value) for key, value in values.items()
                          if value is not None}
        return {key: value.detach().clone().contiguous() for key, value in state.items()}

    def restore(self, state: dict[str, "torch.Tensor"]) -> None:
        """The state that tensors() gave. KeyError or RuntimeError if it is that of another network."""
        self.random.set_state(state["random"])
        self.step = int(state["step"])
        for name, module in (("g", self.g), ("d", self.d)):
            module.load_state_dict(under(state, name))
        for name, kept in (("og", self.optimizer_g), ("od", self.optimizer_d)):
            slots: dict[int, dict[str, Any]] = {}
            for key, value in under(state, name).items():
                number, _, slot = key.partition(".")
                slots.setdefault(int(number), {})[slot] = value
            kept.load_state_dict({"state": slots, "param_groups": kept.state_dict()["param_groups"]})


def optimizer(name: str, weights: Any, rate: float, momentum: float) -> Any:
    """The optimizer of one of the two networks."""
    from torch import optim

    if name == "adam":
        return optim.Adam(weights, rate, betas=(momentum, 0.999), fused=True)
    if name == "rmsprop":
        return optim.RMSprop(weights, rate)
    return optim.SGD(weights, rate, momentum=momentum)


def under(state: dict[str, Any], name: str) -> dict[str, Any]:
    """The entries `name.*`, without that prefix."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
