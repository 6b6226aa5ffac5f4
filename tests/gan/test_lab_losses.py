"""The lab's losses against hand-worked values, their published formulas written out, and torch's own."""

import math

import pytest
import torch
from torch.nn import functional as F

from playground.gan.lab import losses

REAL, FAKE = torch.tensor([0.0, math.log(3)]), torch.tensor([0.0, -math.log(3)])  # D(x) = 1/2, 3/4; D(G) = 1/2, 1/4


def value(tensor):
    return pytest.approx(tensor, abs=1e-6)


def test_the_log_losses_on_a_hand_worked_case():
    half = (math.log(2) + math.log(4 / 3)) / 2  # -E log D(x), and -E log(1 - D(G(z))) just the same
    for loss in ("saturating", "non-saturating"):
        assert losses.d_loss(loss, REAL, FAKE).item() == value(2 * half)
    assert losses.g_loss("saturating", FAKE).item() == value(-half)
    assert losses.g_loss("non-saturating", FAKE).item() == value((math.log(2) + math.log(4)) / 2)


def test_the_log_losses_are_torchs_cross_entropy():
    real, fake = torch.randn(2, 50)
    expected = F.binary_cross_entropy_with_logits(real, torch.full((50,), 0.9)) + F.binary_cross_entropy_with_logits(
        fake, torch.zeros(50))
    assert losses.d_loss("non-saturating", real, fake, 0.1).item() == value(expected.item())
    assert losses.g_loss("non-saturating", fake).item() == value(
        F.binary_cross_entropy_with_logits(fake, torch.ones(50)).item())


def test_least_squares_on_a_hand_worked_case():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert losses.d_loss("least squares", real, fake).item() == value(0.5 * 2 + 0.5 * 2)
    assert losses.d_loss("least squares", real, fake, 0.5).item() == value(0.5 * (0.25 + 6.25) / 2 + 1)
    assert losses.g_loss("least squares", fake).item() == value(0.5)


def test_hinge_on_a_hand_worked_case():
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-2.0, 1.0])
    assert losses.d_loss("hinge", real, fake).item() == value(0.25 + 1.0)
    assert losses.g_loss("hinge", fake).item() == value(0.5)


def test_wasserstein_on_a_hand_worked_case():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0])
    assert losses.d_loss("wasserstein", real, fake).item() == value(-2.5)
    assert losses.g_loss("wasserstein", fake).item() == value(0.5)


def test_the_gradient_penalty_of_a_linear_critic_is_known():
    def critic(x):  # the gradient is (3, 4) everywhere, of length 5
        return x @ torch.tensor([3.0, 4.0])

    real, fake = torch.randn(2, 7, 2)
    assert losses.gradient_penalty(critic, real, fake, torch.rand(7)).item() == pytest.approx(16.0, rel=1e-5)
    assert losses.r1_penalty(critic, real).item() == pytest.approx(25.0, rel=1e-5)


def test_the_gradient_penalty_is_taken_between_real_and_generated():
    def critic(x):  # the gradient at x is 2 x
        return x.square().sum(1)

    real, fake, mix = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]]), torch.tensor([0.75])
    assert losses.gradient_penalty(critic, real, fake, mix).item() == pytest.approx((2 * 1.5 - 1) ** 2, rel=1e-5)


def test_penalties_teach_the_critic():
    layer = torch.nn.Linear(2, 1)
    losses.r1_penalty(lambda x: layer(x).squeeze(1), torch.randn(5, 2)).backward()
    assert layer.weight.grad == pytest.approx(2 * layer.weight.detach())  # d |w|^2 / dw


def test_a_sure_discriminator_leaves_the_saturating_loss_without_gradient():
    score = torch.tensor([-12.0], requires_grad=True)
    slopes = {}
    for loss in ("saturating", "non-saturating"):
        (slope,) = torch.autograd.grad(losses.g_loss(loss, score), score)
        slopes[loss] = abs(slope.item())
    assert slopes["saturating"] == pytest.approx(1 / (1 + math.exp(12)), rel=1e-4)  # sigma(s)
    assert slopes["non-saturating"] == pytest.approx(1 - 1 / (1 + math.exp(12)), rel=1e-4)  # 1 - sigma(s)
