"""Training on from an exported folder whose checkpoints are gone."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from diffusers import UNet2DConditionModel

from playground.diffusion.pocket import __main__ as command
from playground.diffusion.pocket import autoencoder, data, denoiser, latents
from playground.diffusion.pocket.training import Run, load_checkpoint
from tests.diffusion.pocket_set import TinyText, TinyTokenizer, small_set

TINY, RUN = (16, 16, 16), Run(steps=4, batch=2, peak=1e-3, warmup=2)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder of a model trained for 4 steps."""
    work = tmp_path_factory.mktemp("first")
    small_set(work)
    autoencoder.train(work, RUN, resume=False, channels=TINY)
    latents.prepare(work, TinyText(), TinyTokenizer(), channels=TINY)
    denoiser.train(work, RUN, resume=False, channels=(32, 64), grids=False)
    command._export(SimpleNamespace(work=work, model=work / "model"))
    return work / "model"


@pytest.fixture
def adopted(exported, tmp_path):
    """A new work folder with the data, nothing but the exported folder, and what adopt makes of it."""
    small_set(tmp_path)
    command._adopt(SimpleNamespace(work=tmp_path, model=exported, steps=4, autoencoder_steps=3, faces_share=0.5))
    return tmp_path


def test_the_checkpoints_hold_the_exported_weights_and_steps(adopted, exported):
    unet = UNet2DConditionModel.from_pretrained(exported, subfolder="unet").state_dict()
    saved = load_checkpoint(adopted / "denoiser.pt")
    for name, value in unet.items():
        assert torch.equal(saved["model"][name], value) and torch.equal(saved["ema"][name], value)
    assert saved["step"] == 4 and load_checkpoint(adopted / "autoencoder.pt")["step"] == 3


def test_training_goes_on_from_them_and_repeats(adopted):
    latents.prepare(adopted, TinyText(), TinyTokenizer(), channels=TINY)
    first = (adopted / "denoiser.pt").read_bytes()
    ends = []
    for _ in range(2):
        (adopted / "denoiser.pt").write_bytes(first)
        denoiser.train(adopted, replace(RUN, steps=6), resume=True, faces_share=1.0, grids=False)
        ends.append(load_checkpoint(adopted / "denoiser.pt"))
    assert ends[0]["step"] == 6 and ends[0]["begun"] == 4
    assert ends[0]["face_batches"] == 4 * 0.5 + 2 * 1.0
    weights = [end["model"]["conv_in.weight"] for end in ends]
    assert torch.equal(*weights)
    assert not torch.equal(weights[0], ends[0]["ema"]["conv_in.weight"])


def test_adopted_latents_are_standardised_already(adopted):
    model = autoencoder.new_autoencoder(TINY)
    model.load_state_dict(load_checkpoint(adopted / "autoencoder.pt")["model"])
    pictures, rows = data.load_set(adopted, "train")
    chosen = latents.learnt_pictures(rows, data.load_labels(adopted), None)
    mean, std = autoencoder.latent_statistics(autoencoder.encode(model.eval(), pictures[chosen]))
    torch.testing.assert_close(mean, torch.zeros(4), atol=2e-2, rtol=0)  # half precision's rounding
    torch.testing.assert_close(std, torch.ones(4), atol=2e-2, rtol=0)


def test_a_checkpoint_that_stands_is_not_replaced(adopted, exported):
    before = (adopted / "denoiser.pt").read_bytes()
    with pytest.raises(FileExistsError, match="--resume"):
        command._adopt(SimpleNamespace(work=adopted, model=exported, steps=9, autoencoder_steps=9, faces_share=0.5))
    assert (adopted / "denoiser.pt").read_bytes() == before


def test_a_new_optimizer_warms_up_again_and_the_pull_on_the_latents_stays():
    run = Run(steps=100, batch=1, peak=2.0, warmup=10, cooldown=0.1, begun=50)
    assert [run.rate(step) for step in (50, 54, 59, 80)] == pytest.approx([0.2, 1.0, 2.0, 2.0])
    assert autoencoder.kl_weight(50, run) == autoencoder.KL_WEIGHTS[1]
    assert autoencoder.kl_weight(0, replace(run, begun=0)) == autoencoder.KL_WEIGHTS[0]


def test_bfloat16_computes_nearly_the_same_loss_and_keeps_float32_weights(adopted):
    latents.prepare(adopted, TinyText(), TinyTokenizer(), channels=TINY)
    sampler, alphas = latents.LatentSampler(adopted), denoiser.new_scheduler().alphas_cumprod
    losses = {}
    for bf16 in (False, True):
        torch.manual_seed(0)
        model = denoiser.new_denoiser((32, 64))
        optimizer = torch.optim.AdamW(model.parameters())
        run = replace(RUN, bf16=bf16)
        losses[bf16] = denoiser.learn(model, optimizer, sampler, alphas, run, 0)["loss"]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert losses[True] != losses[False]
    assert losses[True] == pytest.approx(losses[False], rel=0.02)
