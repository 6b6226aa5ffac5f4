"""The pocket model as a pipeline: export, load, draw; with the text encoder of the catalog."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline

from playground import catalog
from playground.diffusion.pocket import __main__ as command
from playground.diffusion.pocket import autoencoder, denoiser, frozen, pipeline

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def text():
    """MiniLM and its tokenizer as the catalog gives them, unprepared."""
    from transformers import AutoModel, AutoTokenizer

    folder = frozen.locate("all-minilm-l6-v2").folder
    return AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder exported from a tiny untrained model."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    unet, vae = denoiser.new_denoiser((32, 64)), autoencoder.new_autoencoder((16, 16, 16))
    pipeline.export(folder, unet, vae, denoiser.new_scheduler())
    assert unet.dtype == vae.dtype == torch.float32  # the caller's networks are left as they were
    return folder


@pytest.fixture(scope="module")
def pipe(tiny, text):
    return pipeline.load(tiny, *text)


def test_what_was_exported_draws_a_picture(pipe):
    drawn = pipeline.draw(pipe, ["cat face", "pizza"], [1, 2], steps=3)
    assert drawn.shape == (2, 64, 64, 3) and drawn.dtype == np.uint8 and drawn.std() > 1
    assert pipe.unet.dtype == torch.float32


def test_a_picture_depends_on_its_prompt_and_seed_alone(pipe):
    pair = pipeline.draw(pipe, ["cat face", "pizza"], [1, 2], steps=3).astype(int)
    alone = pipeline.draw(pipe, ["pizza"], [2], steps=3).astype(int)
    assert abs(pair[1] - alone[0]).max() <= 1
    assert abs(pipeline.draw(pipe, ["pizza"], [3], steps=3).astype(int) - alone).max() > 10


def test_our_sampler_equals_the_pipeline_s(pipe, text):
    states = frozen.token_states(*frozen.prepare(*text), ["", "pizza"])
    latents = denoiser.sample(pipe.unet, states[1:], states[:1], seed=7, steps=4, guidance=3.0)
    ours = autoencoder.decode(pipe.vae, latents).astype(int)
    assert abs(ours - pipeline.draw(pipe, ["pizza"], [7], steps=4, guidance=3.0)).max() <= 1


def test_token_states_equal_the_pipeline_s(pipe, text):
    states = frozen.token_states(*frozen.prepare(*text), ["", "a photo of a face " * 20])
    told, empty = pipe.encode_prompt(["a photo of a face " * 20], "cpu", 1, True)
    torch.testing.assert_close(states[1:], told)
    torch.testing.assert_close(states[:1], empty)


def test_padding_does_not_change_what_the_words_mean(text):
    encoder, tokenizer = frozen.prepare(*text)
    padded = frozen.token_states(encoder, tokenizer, ["cat face"])[0, :4]  # [CLS] cat face [SEP]
    with torch.inference_mode():
        plain = encoder(tokenizer("cat face", return_tensors="pt").input_ids)[0][0]
    torch.testing.assert_close(padded, plain, atol=1e-4, rtol=1e-3)


def test_other_users_of_the_text_encoder_notice_nothing(text):
    model, tokenizer = text
    encoder, short = frozen.prepare(model, tokenizer)
    assert (short.model_max_length, tokenizer.model_max_length >= 256) == (24, True)
    assert not hasattr(model.config, "use_attention_mask") and encoder.config.use_attention_mask
    assert all(a is b for a, b in zip(model.parameters(), encoder.parameters(), strict=True))


def test_diffusers_alone_loads_the_folder(tiny, text, pipe):
    encoder, tokenizer = frozen.prepare(*text)
    other = StableDiffusionPipeline.from_pretrained(tiny, text_encoder=encoder, tokenizer=tokenizer)
    other.set_progress_bar_config(disable=True)
    same = pipeline.draw(other, ["rose"], [4], steps=2)
    assert np.array_equal(same, pipeline.draw(pipe, ["rose"], [4], steps=2))


def test_an_export_says_how_the_page_comes_to_draw_with_it(tiny):
    said = pipeline.bringing_in(tiny)
    assert f"--models-dir {tiny.parent}" in said
    pinned = catalog.find(pipeline.NAME).sources[0].files
    assert {file.path for file in pinned} == set(pipeline.FILES)
    for name in pipeline.FILES:
        assert f'("{name}", "{hashlib.sha256((tiny / name).read_bytes()).hexdigest()}"),' in said


def test_the_scheduler_is_stored_without_clipping(tiny):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler.from_pretrained(tiny, subfolder="scheduler")
    assert (scheduler.config.clip_sample, scheduler.config.set_alpha_to_one) == (False, False)
    assert scheduler.config.prediction_type == "v_prediction"


def test_prompts_and_seeds_must_pair(pipe):
    with pytest.raises(ValueError, match="2 prompts, but 1 seeds"):
        pipeline.draw(pipe, ["a", "b"], [0])


def test_the_full_size_fits_the_limit():
    unet, vae = denoiser.new_denoiser(), autoencoder.new_autoencoder()
    halves = 2 * sum(p.numel() for part in (unet, vae) for p in part.parameters())
    assert halves < pipeline.LIMIT - 2_000_000  # leaves room for grid, card and configurations


@pytest.mark.parametrize("name", ["", ".pocket", ".pocket.pipeline", ".pocket.captions", ".pocket.frozen"])
def test_importing_loads_no_torch(name):
    code = f"import sys, playground.diffusion{name}; print({{'torch', 'diffusers', 'transformers'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_command_is_parsed_and_handled():
    for name in command.COMMANDS:
        extra = {"grid": ["pizza"], "adopt": ["--steps", "1", "--autoencoder-steps", "1"]}.get(name, [])
        assert command.parser().parse_args([name, "--work", "w", *extra]).command == name
