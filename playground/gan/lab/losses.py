"""The losses of GANs on D's raw scores s, where D(x) = sigmoid(s), each as its paper writes it, to be minimised.

    saturating      D: -E log D(x) - E log(1 - D(G(z)))   G:  E log(1 - D(G(z)))   Goodfellow et al. 2014, eq. 1
    non-saturating  D: the same                           G: -E log D(G(z))        the same, section 3
    least squares   D: E (s(x) - 1)^2 / 2 + E s(G(z))^2 / 2      G: E (s(G(z)) - 1)^2 / 2   Mao et al. 2017, eq. 9
    hinge           D: E max(0, 1 - s(x)) + E max(0, 1 + s(G(z)))   G: -E s(G(z))   Lim and Ye 2017, eq. 3
    wasserstein     D: E s(G(z)) - E s(x) + 10 E (|grad s| - 1)^2   G: -E s(G(z))   Gulrajani et al. 2017, eq. 3

Penalties. R1: gamma / 2 E |grad s(x)|^2 at real data (Mescheder et al. 2018, eq. 9). Label smoothing is one-sided:
the label of real data becomes 1 - smoothing, that of generated data stays 0 (Salimans et al. 2016, section 3.4).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from playground.gan.lab.settings import HINGE, LEAST_SQUARES, SATURATING, WASSERSTEIN

if TYPE_CHECKING:
    import torch

    Scores = torch.Tensor
    Critic = Callable[[torch.Tensor], torch.Tensor]

PENALTY = 10.0  # lambda of Gulrajani et al.


def d_loss(loss: str, real: "Scores", fake: "Scores", smoothing: float = 0.0) -> "Scores":
    """What D minimises, without penalties, for scores (B,) of real and of generated data; a scalar."""
    from torch.nn import functional as F

    if loss == LEAST_SQUARES:
        return 0.5 * (real - (1 - smoothing)).square().mean() + 0.5 * fake.square().mean()
    if loss == HINGE:
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    if loss == WASSERSTEIN:
        return fake.mean() - real.mean()
    # -log sigmoid(s) = softplus(-s); -log(1 - sigmoid(s)) = softplus(s)
    certain = (1 - smoothing) * F.softplus(-real) + smoothing * F.softplus(real) if smoothing else F.softplus(-real)
    return certain.mean() + F.softplus(fake).mean()


def g_loss(loss: str, fake: "Scores") -> "Scores":
    """What G minimises, for D's scores (B,) of what it made; a scalar."""
    from torch.nn import functional as F

    if loss == SATURATING:
        return -F.softplus(fake).mean()
    if loss == LEAST_SQUARES:
        return 0.5 * (fake - 1).square().mean()
    if loss in (HINGE, WASSERSTEIN):
        return -fake.mean()
    return F.softplus(-fake).mean()


def gradient(critic: "Critic", where: "torch.Tensor") -> "torch.Tensor":
    """The gradient of the critic's score at each of `where` (B, ...), flattened to (B, N); differentiable itself."""
    import torch

    where = where.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(where).sum(), where, create_graph=True)
    return slope.flatten(1)


def gradient_penalty(critic: "Critic", real: "torch.Tensor", fake: "torch.Tensor",
                     mix: "torch.Tensor") -> "torch.Tensor":
    """E (|grad s| - 1)^2 at points between real and generated data; `mix` (B,) in 0..1 says where between."""
    mix = mix.view(-1, *[1] * (real.dim() - 1))
    slope = gradient(critic, mix * real + (1 - mix) * fake.detach())
    return (slope.square().sum(1).add(1e-12).sqrt() - 1).square().mean()


def r1_penalty(critic: "Critic", real: "torch.Tensor") -> "torch.Tensor":
    """E |grad s|^2 at real data, to be multiplied by gamma / 2."""
    return gradient(critic, real).square().sum(1).mean()
