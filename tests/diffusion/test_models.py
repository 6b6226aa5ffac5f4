"""How the models are got: the plan from the files' headers and the budget, and the plan applied to small pipelines."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from playground import catalog, devices
from playground.cache import ModelCache
from playground.devices import Memory
from playground.diffusion import families, layout, memory, models, requests, trace, wording
from playground.errors import NotEnoughMemory
from playground.lora import quantised
from playground.specs import ModelKey, ModelSpec
from tests.diffusion.tiny_pipelines import DEV, SCHNELL, SD, SDXL, folder

pytestmark = pytest.mark.models
GB = 10**9


@pytest.fixture
def gpu(tiny, monkeypatch):
    """(budget, RAM) -> a context as if there were a GPU of the present with no model of these on its disk."""
    def made(budget: float, ram: float):
        monkeypatch.setattr(devices, "default_dtype", lambda device: "bfloat16")
        monkeypatch.setattr(models, "parts_of", lambda context, model: model.parts)
        return replace(tiny, device="cuda:0", cache=ModelCache({"cpu": int(ram * GB), "cuda:0": int(budget * GB)}))
    return made


def test_what_cannot_fit_is_refused_before_any_download(tiny, monkeypatch):
    monkeypatch.setattr(models, "parts_of", lambda context, model: model.parts)
    small = replace(tiny, cache=ModelCache({"cpu": 12 * GB}))
    with pytest.raises(NotEnoughMemory, match="smaller model"):
        models.spec(small, DEV)


def test_the_choice_goes_by_what_models_may_take_and_not_by_what_is_free_now(gpu, monkeypatch):
    monkeypatch.setattr(devices, "memory", lambda device: Memory(64 * GB, GB))  # 1 GB is free at this moment
    context = gpu(28, 40)
    before = models.spec(context, DEV)
    idle = ModelSpec(ModelKey("idle"), object, 39 * GB, lambda model: 39 * GB)
    with context.cache.lease(idle):
        pass
    assert models.spec(context, DEV) == before
    assert (before.estimate, before.beside) == (23_970_000_000, 33_740_000_000)
    assert before.move is None
    with pytest.raises(NotEnoughMemory, match="RAM"):
        models.spec(gpu(28, 30), DEV)


def test_parts_that_wait_in_ram_are_on_its_account(gpu):
    context = gpu(28, 40)
    waiting = replace(models.spec(context, DEV), load=object)
    idle = ModelSpec(ModelKey("idle"), object, 10 * GB, lambda model: 10 * GB)
    with context.cache.lease(idle):
        pass
    with context.cache.lease(waiting):
        stats = context.cache.stats()
    assert [each["name"] for each in stats["models"]] == [DEV]  # 33.7 and 10 are more than 40
    assert stats["devices"]["cpu"]["used"] == waiting.beside


def test_adapters_go_onto_whole_parts(gpu):
    context = gpu(22, 40)
    assert models.planned(context, DEV).offload == memory.LAYERS
    with pytest.raises(NotEnoughMemory, match="adapter"):
        models.spec(context, DEV, adapters=True)
    with pytest.raises(NotEnoughMemory, match="adapter"):
        quantised.spec(context, DEV, quantised.NONE)


def test_the_plan_says_why_in_words(gpu, tiny):
    assert models.planned(tiny, SD).words.startswith("In float32, all ")
    assert "slow" in models.planned(gpu(22, 40), DEV).words


# ---- the plan applied

FLUX_KIND = "FluxAttnProcessor"


def loaded(tiny, key: str, **plan):
    model = models.find(key)
    made = memory.Plan(**{"dtype": "float32", "offload": memory.NONE, "bytes": 1, **plan})
    return models.load(tiny.weights.locate(models.entry(key)), model, "cpu", made)


def drawn(pipe, key: str) -> np.ndarray:
    """The guesses and the picture of a run, as the tab draws it."""
    import torch

    model, request = models.find(key), requests.check("cat", model=key, steps=2, seed=4)
    with torch.inference_mode():
        family = families.wrap(pipe, model.family, model.size)
        run = trace.Run(family, request, wording.from_pipeline(pipe, request))
        while not run.done:
            run.step(family)
            run.develop(family)
        picture = family.decode(run.x)
        family.finish()
    return np.stack([*run.guesses, trace.shrink(picture[0])])


@pytest.mark.parametrize("key", [SD, SDXL, SCHNELL])
@pytest.mark.parametrize(("offload", "hook"), [(memory.NONE, None), (memory.MODEL, "CpuOffload"),
                                               (memory.LAYERS, "AlignDevicesHook")])
def test_offloaded_parts_draw_the_same(tiny, key, offload, hook):
    pipe = loaded(tiny, key, offload=offload)
    found = {type(getattr(part, "_hf_hook", None)).__name__ for part in models.networks(pipe)}
    assert found == {hook or "NoneType"}
    assert np.abs(drawn(pipe, key).astype(int) - drawn(loaded(tiny, key), key)).max() <= 1  # of 255: rounding
    if offload == memory.LAYERS:
        assert {each.device.type for each in pipe.vae.parameters()} == {"meta"}  # waiting again


@pytest.mark.parametrize("key", [SD, SDXL, SCHNELL])
def test_attention_is_torchs_own_unless_it_is_sliced(tiny, key):
    def kinds(pipe):
        return {type(each).__name__ for each in families.wrap(pipe, models.find(key).family, 16).network
                .attn_processors.values()}

    plain = loaded(tiny, key)
    assert kinds(plain) == {FLUX_KIND if key == SCHNELL else "AttnProcessor2_0"}
    if key != SCHNELL:
        sliced = loaded(tiny, key, attention=memory.SLICED)
        assert kinds(sliced) == {"SlicedAttnProcessor"}
        assert np.abs(drawn(sliced, key).astype(int) - drawn(plain, key)).max() <= 1


@pytest.mark.parametrize("key", [SD, SDXL, SCHNELL])
def test_pictures_are_decoded_one_by_one_and_in_tiles(tiny, key):
    """Counts what the decoder is given: pictures and their sides, in latents."""
    import torch

    def given(pipe) -> list[tuple[int, int]]:
        seen, decoder = [], pipe.vae.decoder
        decoder.register_forward_pre_hook(lambda module, args: seen.append((len(args[0]), args[0].shape[-1])))
        side = 16 // pipe.vae_scale_factor
        with torch.inference_mode():
            pipe.vae.decode(torch.zeros(2, pipe.vae.config.latent_channels, side, side))
        return seen

    side = 16 // loaded(tiny, key).vae_scale_factor
    assert given(loaded(tiny, key)) == [(2, side)]
    assert given(loaded(tiny, key, vae_slicing=True)) == [(1, side)] * 2
    tiled = loaded(tiny, key, vae_slicing=True, vae_tile=8)
    assert (tiled.vae.use_slicing, tiled.vae.use_tiling) == (True, True)
    assert {(count, most) for count, most in given(tiled) if most == side // 2} == {(1, side // 2)}
    assert max(most for _, most in given(tiled)) == side // 2


def test_an_autoencoder_that_overflows_in_half_precision_stays_in_float32(tiny):
    import torch

    for offload in (memory.NONE, memory.MODEL):
        pipe = loaded(tiny, SDXL, dtype="float16", offload=offload)
        assert pipe.vae.config.force_upcast
        assert (pipe.vae.dtype, pipe.unet.dtype) == (torch.float32, torch.float16)
        pipe.maybe_free_model_hooks()
        assert pipe.vae.dtype == torch.float32
    assert loaded(tiny, SDXL, dtype="bfloat16").vae.dtype == torch.bfloat16


@pytest.mark.parametrize("key", [SD, SDXL, SCHNELL])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_the_bytes_of_a_plan_are_those_that_are_loaded(tiny, key, dtype):
    needs = models.needs(tiny, models.find(key))
    spare = 0.25 if dtype == "float16" and key == SCHNELL else 0.02  # a T5 this small has another share in float32
    assert models.measure(loaded(tiny, key, dtype=dtype)) == pytest.approx(memory.weight_bytes(needs, dtype), rel=spare)


def test_what_is_not_used_is_not_loaded(tiny, own_models, tmp_path):
    """A full copy of Stable Diffusion names a safety checker, which is neither fetched nor counted."""
    copy = tmp_path / folder(own_models, SD).name
    shutil.copytree(folder(own_models, SD), copy)
    index = json.loads((copy / "model_index.json").read_text())
    index |= {"safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
              "feature_extractor": ["transformers", "CLIPImageProcessor"],
              "image_encoder": ["transformers", "CLIPVisionModelWithProjection"]}
    (copy / "model_index.json").write_text(json.dumps(index))
    located = replace(tiny.weights.locate(models.entry(SD)), folder=copy)
    pipe = models.load(located, models.find(SD), "cpu", memory.Plan("float32", memory.NONE, 1))
    assert pipe.safety_checker is None
    assert pipe.image_encoder is None
    assert layout.parameters(copy, models.find(SD).parts) == layout.parameters(folder(own_models, SD),
                                                                                models.find(SD).parts)


def test_parameters_are_counted_from_the_headers(tiny, own_models):
    import torch
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(folder(own_models, SD), safety_checker=None)
    counted = models.parts_of(tiny, models.find(SD))
    real = {name: sum(p.numel() for p in part.parameters()) for name, part in pipe.components.items()
            if isinstance(part, torch.nn.Module)}
    assert counted == real


def test_the_cache_accounts_for_the_bytes_that_are_there(tiny):
    spec = models.spec(tiny, SD)
    with tiny.cache.lease(spec) as pipe:
        measured = models.measure(pipe)
    assert measured == pytest.approx(spec.estimate, rel=0.02)
    assert any(each["name"] == SD and each["bytes"] == measured for each in tiny.cache.stats()["models"])


def test_the_published_sizes_agree_with_the_catalog():
    for model in models.MODELS[1:]:
        assert sum(model.parts.values()) * 2 == pytest.approx(catalog.find(model.key).download, rel=0.01)


def test_the_text_encoder_is_the_one_that_other_tabs_use(tiny):
    from playground.text.vectors import sentences

    tiny.cache.drop_idle()
    wording.listen(tiny, requests.check("cat"), models.spec(tiny, models.POCKET))
    before = tiny.cache.stats()["loads"]
    sentences.embed(tiny, ["cat"])
    assert tiny.cache.stats()["loads"] == before


# ---- prompts


def test_a_long_prompt_is_cut_where_the_encoder_stops(tiny):
    prompt = " ".join(f"word{number}" for number in range(30))
    made = wording.listen(tiny, requests.check(prompt), models.spec(tiny, models.POCKET)).wording
    assert (len(made.read), made.limit) == (24, 24)
    assert (made.read[0], made.read[-1]) == ("[CLS]", "[SEP]")
    assert made.unread.split()[-1] == "word29"
    assert len(made.read) + len(made.cut) == 2 + 60  # word and number are two tokens each


def test_the_words_know_their_tokens(tiny):
    made = wording.listen(tiny, requests.check("a  zyxwvut cat"), models.spec(tiny, models.POCKET)).wording
    assert [word.text for word in made.words] == ["a", "zyxwvut", "cat"]
    joined = "".join(made.read[place].removeprefix("##") for place in made.words[1].places)
    assert joined == "zyxwvut"
    assert made.cut == ()


def test_clips_tokens_and_limit(tiny):
    made = wording.listen(tiny, requests.check("cat " * 40, model=SD), models.spec(tiny, SD)).wording
    assert (len(made.read), made.limit) == (77, 77)
    assert made.read[-1] == "<|endoftext|>"
    assert made.unread.startswith("cat")
