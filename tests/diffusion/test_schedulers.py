"""Levels and what an answer implies, against the schedulers of diffusers themselves."""

import math

import numpy as np
import pytest
import torch

from playground.diffusion import forward, schedulers
from playground.diffusion.schedulers import Level
from playground.errors import BadInput

KINDS = ("epsilon", "v_prediction")
X = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
OUT = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))


def config(kind: str = "epsilon") -> dict:
    """The pocket model's schedule."""
    from playground.diffusion.pocket.denoiser import new_scheduler

    scheduler = new_scheduler()
    scheduler.register_to_config(prediction_type=kind)
    return scheduler.config


def ready(name: str, kind: str = "epsilon", steps: int = 10):
    scheduler = schedulers.make(config(kind), name)
    scheduler.set_timesteps(steps)
    return scheduler


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["DDIM", "DDPM", "Euler", "Euler ancestral"])
def test_the_clean_picture_is_the_schedulers_own(name, kind):
    for number in (0, 4, 8):
        scheduler = ready(name, kind)
        timestep = scheduler.timesteps[number]
        if name.startswith("Euler"):
            scheduler.scale_model_input(X, timestep)  # as a run does first
        at = schedulers.level(scheduler, number, float(timestep))
        own = scheduler.step(OUT, timestep, X).pred_original_sample
        torch.testing.assert_close(schedulers.unmix(X, OUT, at, kind)[0], own, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["DPM-Solver++", "UniPC"])
def test_the_clean_picture_is_the_multistep_solvers_own(name, kind):
    scheduler = ready(name, kind)
    scheduler._step_index = 4
    at = schedulers.level(scheduler, 4, float(scheduler.timesteps[4]))
    own = scheduler.convert_model_output(OUT, sample=X)
    torch.testing.assert_close(schedulers.unmix(X, OUT, at, kind)[0], own, rtol=2e-4, atol=2e-4)


def test_flow_is_a_straight_line():
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(4)
    at = schedulers.level(scheduler, 1, float(scheduler.timesteps[1]))
    picture, noise = X, OUT
    state = scheduler.scale_noise(picture, scheduler.timesteps[1:2], noise)
    clean, found = schedulers.unmix(state, noise - picture, at, schedulers.prediction(scheduler))
    torch.testing.assert_close(clean, picture)
    torch.testing.assert_close(found, noise)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample", schedulers.FLOW])
def test_unmix_undoes_the_mixing(kind):
    at = Level(0.6, 0.8) if kind != schedulers.FLOW else Level(0.4, 0.6)
    state = at.signal * X + at.noise * OUT
    answer = {"epsilon": OUT, "sample": X, schedulers.FLOW: OUT - X,
              "v_prediction": at.signal * OUT - at.noise * X}[kind]
    clean, noise = schedulers.unmix(state, answer, at, kind)
    torch.testing.assert_close(clean, X, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(noise, OUT, atol=1e-5, rtol=1e-4)


def test_all_families_agree_on_the_noise_at_a_timestep():
    for number in (0, 3, 9):
        shares = [schedulers.level(ready(name), number, float(ready(name).timesteps[number])).share
                  for name in ("DDIM", "DDPM", "Euler", "DPM-Solver++")]
        assert max(shares) - min(shares) < 0.01


def test_nothing_clips_latents():
    for name in schedulers.names("pocket"):
        assert not getattr(ready(name).config, "clip_sample", False)


# ---- the forward process


def reference():
    from diffusers import DDPMScheduler

    return DDPMScheduler(num_train_timesteps=1000, beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.02)


def test_the_schedule_is_diffusers():
    np.testing.assert_allclose(forward.alphas_cumprod(), reference().alphas_cumprod.numpy(), rtol=1e-4)


@pytest.mark.parametrize("level", [1, 2, 250, 500, 999, 1000])
def test_added_noise_is_schedulers_add_noise(level):
    picture = np.random.default_rng(5).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    noise = torch.from_numpy(np.random.default_rng(9).standard_normal(picture.shape))
    clean = torch.from_numpy(picture / 127.5 - 1)
    mixed = reference().add_noise(clean, noise, torch.tensor([level - 1])).clamp(-1, 1)
    wanted = ((mixed + 1) * 127.5).round().numpy()
    assert np.abs(forward.add_noise(picture, level, seed=9).astype(int) - wanted).max() <= 1


def test_level_zero_changes_nothing_and_a_thousand_leaves_almost_nothing():
    picture = np.full((32, 32, 3), 255, np.uint8)
    assert np.array_equal(forward.add_noise(picture, 0), picture)
    assert forward.level(0).snr == math.inf
    assert forward.level(1000).signal < 0.02
    assert abs(float(forward.add_noise(picture, 1000).mean()) - 127.5) < 8


@pytest.mark.parametrize("level", [-1, 1001, 2.5, "5", None, float("nan")])
def test_levels_out_of_range(level):
    with pytest.raises(BadInput, match="noise level"):
        forward.add_noise(np.zeros((2, 2, 3), np.uint8), level)


@pytest.mark.models
def test_a_guess_is_one_call_of_the_network(tiny):
    from playground.diffusion import models, wording
    from playground.diffusion.requests import check

    picture = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    made = forward.guess(tiny, picture, [100, 900], seed=7)
    spec = models.spec(tiny, models.POCKET)
    told = wording.listen(tiny, check("", guidance=1.0), spec)
    with tiny.cache.lease(spec) as pipe, torch.inference_mode():
        pixels = torch.tensor(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        latents = pipe.vae.encode(pixels).latent_dist.mean
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(7))
        scheduler = schedulers.make(pipe.scheduler.config, "DDIM")
        state = scheduler.add_noise(latents, noise, torch.tensor([899]))
        velocity = pipe.unet(state, 899, encoder_hidden_states=told.states).sample
        abar = scheduler.alphas_cumprod[899]
        clean = abar.sqrt() * state - (1 - abar).sqrt() * velocity
        picture = pipe.image_processor.postprocess(pipe.vae.decode(clean).sample, output_type="np")[0]
    assert np.abs((picture * 255).round() - made.guesses[1]).max() <= 1
    assert made.errors[1] > 0
    assert made.noisy.shape == (2, 64, 64, 3)
