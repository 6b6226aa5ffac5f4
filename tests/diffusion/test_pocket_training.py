"""The pocket model's training: latents, velocity, checkpoints, resume, seeds."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest
import torch

from playground.diffusion import models
from playground.diffusion.pocket import autoencoder, data, denoiser, latents
from playground.diffusion.pocket.training import Ema, Progress, Run, load_checkpoint, save_grid, step_rngs
from tests.conftest import ROOT
from tests.diffusion.pocket_set import TinyText, TinyTokenizer, small_set

TINY = (16, 16, 16)
RUN = Run(steps=4, batch=2, peak=1e-3, warmup=2, save_every=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A work folder with a set, a tiny trained autoencoder and the latents made with it."""
    work = tmp_path_factory.mktemp("pocket")
    small_set(work)
    autoencoder.train(work, RUN, resume=False, channels=TINY)
    latents.prepare(work, TinyText(), TinyTokenizer(), channels=TINY)
    return work


def same_weights(a, b):
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], rtol=0, atol=0)


def test_an_interrupted_autoencoder_ends_with_the_weights_of_an_uninterrupted_one(trained, tmp_path):
    whole = load_checkpoint(trained / "autoencoder.pt")
    small_set(tmp_path)
    autoencoder.train(tmp_path, replace(RUN, seconds=0), resume=False, channels=TINY)
    assert load_checkpoint(tmp_path / "autoencoder.pt")["step"] == 0
    learn, count = autoencoder.learn, 0

    def dies_at_step_3(*args):
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        return learn(*args)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(autoencoder, "learn", dies_at_step_3)
        autoencoder.train(tmp_path, RUN, resume=True, channels=TINY)
    assert load_checkpoint(tmp_path / "autoencoder.pt")["step"] == 2
    autoencoder.train(tmp_path, RUN, resume=True, channels=TINY)
    again = load_checkpoint(tmp_path / "autoencoder.pt")
    assert again["step"] == whole["step"] == 4
    same_weights(again["model"], whole["model"])


def test_training_the_decoder_alone_leaves_the_latents_what_they_are(tmp_path):
    small_set(tmp_path)
    autoencoder.train(tmp_path, RUN, resume=False, channels=TINY)
    before = load_checkpoint(tmp_path / "autoencoder.pt")["model"]
    autoencoder.train(tmp_path, replace(RUN, steps=6), resume=True, channels=TINY, decoder_only=True)
    after = load_checkpoint(tmp_path / "autoencoder.pt")["model"]
    changed = {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])}
    assert changed == {"decoder", "post_quant_conv"}


def test_resume_gives_the_denoiser_the_weights_of_uninterrupted_training(trained):
    run = replace(RUN, save_every=3)
    denoiser.train(trained, run, resume=False, channels=(32, 64), grids=False)
    whole = load_checkpoint(trained / "denoiser.pt")
    first_half = replace(run, save_every=2)
    calls = []

    def stops(step):
        calls.append(step)
        if step == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        learn = denoiser.learn
        patch.setattr(denoiser, "learn", lambda *args: stops(args[-1]) or learn(*args))
        denoiser.train(trained, first_half, resume=False, channels=(32, 64), grids=False)
    assert load_checkpoint(trained / "denoiser.pt")["step"] == 2
    denoiser.train(trained, run, resume=True, channels=(32, 64), grids=False)
    again = load_checkpoint(trained / "denoiser.pt")
    assert calls == [0, 1, 2] and again["step"] == 4
    same_weights(again["model"], whole["model"])
    same_weights(again["ema"], whole["ema"])


def test_pictures_are_counted_over_a_change_of_the_batch(trained):
    denoiser.train(trained, RUN, resume=False, channels=(32, 64), grids=False)
    denoiser.train(trained, replace(RUN, steps=6, batch=3), resume=True, grids=False)
    denoiser.train(trained, replace(RUN, steps=7, batch=3), resume=True, grids=False)
    assert load_checkpoint(trained / "denoiser.pt")["pictures"] == 4 * 2 + 3 * 3


def test_another_seed_trains_other_weights(trained):
    ends = []
    for seed in (0, 1):
        denoiser.train(trained, replace(RUN, seed=seed), resume=False, channels=(32, 64), grids=False)
        ends.append(load_checkpoint(trained / "denoiser.pt")["model"]["conv_in.weight"])
    assert not torch.equal(*ends)


def test_prepared_latents_have_mean_0_and_deviation_1(trained):
    saved = load_checkpoint(trained / "latents.pt")
    means, stds = saved["means"].float(), saved["stds"].float()
    spread = (means.var(dim=(0, 2, 3), correction=0) + stds.square().mean(dim=(0, 2, 3))).sqrt()
    torch.testing.assert_close(means.mean(dim=(0, 2, 3)), torch.zeros(4), atol=2e-3, rtol=0)
    torch.testing.assert_close(spread, torch.ones(4), atol=2e-3, rtol=0)
    assert set(saved["states"].shape[1:]) == {24, 384}


def test_folding_the_statistics_leaves_what_is_drawn_unchanged():
    torch.manual_seed(0)
    model = autoencoder.new_autoencoder(TINY).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    floats = data.to_floats(pictures)
    with torch.inference_mode():
        before = model.decode(model.encode(floats).latent_dist.mean).sample
    raw = autoencoder.encode(model, pictures)
    mean, std = torch.tensor([1.0, -2.0, 0.5, 0.0]), torch.tensor([0.3, 2.0, 1.0, 5.0])
    autoencoder.fold_statistics(model, mean, std)
    folded = autoencoder.encode(model, pictures)
    wanted = (raw[:, 0] - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(folded[:, 0], wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(folded[:, 1], raw[:, 1] / std[:, None, None], atol=1e-5, rtol=1e-4)
    with torch.inference_mode():
        after = model.decode(model.encode(floats).latent_dist.mean).sample
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


def test_noise_and_velocity_equal_the_scheduler_s():
    scheduler, draw = denoiser.new_scheduler(), torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 6, 4, 16, 16, generator=draw)
    levels = torch.tensor([0, 1, 250, 500, 998, 999])
    x_t, velocity = denoiser.noised(clean, noise, scheduler.alphas_cumprod[levels])
    torch.testing.assert_close(x_t, scheduler.add_noise(clean, noise, levels))
    torch.testing.assert_close(velocity, scheduler.get_velocity(clean, noise, levels))


def test_the_clean_picture_follows_from_x_t_and_velocity():
    scheduler, draw = denoiser.new_scheduler(), torch.Generator().manual_seed(1)
    clean, noise = torch.randn(2, 3, 4, 16, 16, generator=draw)
    alphas = scheduler.alphas_cumprod[torch.tensor([10, 500, 990])]
    x_t, velocity = denoiser.noised(clean, noise, alphas)
    signal, spoil = alphas.sqrt().view(-1, 1, 1, 1), (1 - alphas).sqrt().view(-1, 1, 1, 1)
    torch.testing.assert_close(signal * x_t - spoil * velocity, clean, atol=1e-5, rtol=1e-5)


def test_batches_are_a_function_of_seed_and_step(trained):
    sampler = latents.LatentSampler(trained)
    first, again, other = (sampler.batch(*step_rngs(0, step), 8) for step in (5, 5, 6))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_the_shares_of_faces_and_of_empty_captions(trained):
    sampler = latents.LatentSampler(trained)
    pictures, texts = sampler.choose(np.random.default_rng(0), 8000)
    assert np.isin(pictures, sampler.faces).mean() == pytest.approx(latents.FACES_SHARE, abs=0.02)
    assert (texts == 0).mean() == pytest.approx(latents.EMPTY_SHARE, abs=0.015)


def test_common_emoji_are_drawn_oftener(trained, monkeypatch):
    monkeypatch.setattr(latents.captions, "COMMON", {"pizza"})
    sampler, labels = latents.LatentSampler(trained), data.load_labels(trained)
    pictures, _ = sampler.choose(np.random.default_rng(2), 8000)
    names = [labels[row].name for row in sampler.rows[pictures]]
    assert names.count("pizza") / names.count("cat face") == pytest.approx(latents.COMMON_WEIGHT, rel=0.2)


def test_every_picture_gets_a_caption_of_its_own_label(trained):
    sampler, labels, words = latents.LatentSampler(trained), data.load_labels(trained), latents.all_captions(trained)
    pictures, texts = sampler.choose(np.random.default_rng(1), 500)
    for picture, text in zip(pictures, texts, strict=True):
        assert words[text] in ("", *labels[sampler.rows[picture]].captions)


def test_rate_warms_up_stays_and_falls():
    run = Run(steps=100, batch=1, peak=2.0, warmup=10, cooldown=0.5)
    rates = [run.rate(step) for step in (0, 9, 30, 50, 75, 100)]
    assert rates == pytest.approx([0.2, 2.0, 2.0, 2.0, 1.0, 0.0])
    with pytest.raises(ValueError, match="cooldown"):
        replace(run, cooldown=2)


def test_average_forgets_the_first_weights():
    model = torch.nn.Linear(1, 1)
    ema = Ema(model)
    with torch.no_grad():
        model.weight.fill_(7.0)
    for step in range(300):
        ema.update(model, step)
    assert ema.weights["weight"].item() == pytest.approx(7.0, abs=1e-3)


def test_progress_says_step_loss_pace_and_time_left(capsys):
    run = Run(steps=100, batch=32, peak=1e-3, warmup=0)
    assert Progress(run, 20, means={"loss": 0.5}).line(59, elapsed=20.0) == (
        "step 60/100 loss 0.5000 rate 1.0e-03 64.0 pictures/s eta 0.3 min")


def test_grids_put_pictures_in_rows(tmp_path):
    from PIL import Image

    pictures = np.zeros((4, 8, 8, 3), np.uint8)
    pictures[1] = 255
    save_grid(pictures, 2, tmp_path / "grid.png", scale=1)
    sheet = np.asarray(Image.open(tmp_path / "grid.png"))
    assert sheet.shape == (16, 16, 3) and sheet[:8, 8:].min() == 255 and sheet[8:].max() == 0


def test_what_needs_a_checkpoint_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="make it first"):
        load_checkpoint(tmp_path / "denoiser.pt")


def test_resume_before_the_first_checkpoint_begins_from_step_0(tmp_path, capsys):
    small_set(tmp_path)
    assert autoencoder.train(tmp_path, RUN, resume=True, channels=TINY) == 4
    latents.prepare(tmp_path, TinyText(), TinyTokenizer(), channels=TINY)
    assert denoiser.train(tmp_path, RUN, resume=True, channels=(32, 64), grids=False) == 4
    said = capsys.readouterr().out
    for name in ("autoencoder.pt", "denoiser.pt"):
        assert f"no checkpoint at {tmp_path / name} yet: from step 0" in said


def test_latents_are_kept_for_their_own_encoder_and_made_anew_for_another(tmp_path, monkeypatch):
    small_set(tmp_path)
    autoencoder.train(tmp_path, RUN, resume=False, channels=TINY)
    encoded, encode = [], autoencoder.encode
    monkeypatch.setattr(autoencoder, "encode", lambda *args: encoded.append(args) or encode(*args))

    def prepare(**more):
        latents.prepare(tmp_path, TinyText(), TinyTokenizer(), channels=TINY, resume=True, **more)
        return len(encoded)

    assert prepare() == 1  # there were none
    autoencoder.train(tmp_path, replace(RUN, steps=6), resume=True, channels=TINY, decoder_only=True)
    vae = (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").read_bytes()
    encoded.clear()
    assert prepare() == 0
    assert (tmp_path / "vae" / "diffusion_pytorch_model.safetensors").read_bytes() != vae
    assert prepare(faces=5) == 1
    autoencoder.train(tmp_path, replace(RUN, seed=1), resume=False, channels=TINY)
    encoded.clear()
    assert prepare(faces=5) == 1


def test_a_denoiser_does_not_go_on_with_the_latents_of_another_autoencoder(tmp_path):
    small_set(tmp_path)
    autoencoder.train(tmp_path, RUN, resume=False, channels=TINY)
    latents.prepare(tmp_path, TinyText(), TinyTokenizer(), channels=TINY)
    denoiser.train(tmp_path, RUN, resume=False, channels=(32, 64), grids=False)
    autoencoder.train(tmp_path, replace(RUN, seed=1), resume=False, channels=TINY)
    latents.prepare(tmp_path, TinyText(), TinyTokenizer(), channels=TINY)
    with pytest.raises(ValueError, match="another autoencoder"):
        denoiser.train(tmp_path, replace(RUN, steps=6), resume=True, channels=(32, 64), grids=False)


def test_make_resumes_every_part_and_leaves_the_bundled_model_alone():
    command = ["make", "-n", "-o", ".venv/.ready-run", "pocket", "RESUME=--resume", "WORK=/w"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for part in ("autoencoder", "latents", "denoiser"):
        assert f"pocket {part} --work /w --resume\n" in told
    for part in ("export", "evaluate", "card"):
        assert f"pocket {part} --work /w --model /w/models/{models.POCKET}\n" in told
