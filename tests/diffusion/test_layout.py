"""Each part of a folder is counted once, by the files that are loaded; what is not loaded is not fetched."""

import json

import pytest

from playground import catalog
from playground.diffusion import layout, models
from playground.errors import DamagedWeights
from tests.diffusion.tiny_pipelines import DEV, SD, SDXL, TURBO

PARTS = ("unet", "text_encoder", "vae")
UNET, TEXT = "diffusion_pytorch_model", "model"


def write(path, count):
    import torch
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({path.name: torch.zeros(count, dtype=torch.float16)}, path)


def shards(part, name, counts, index, dot=""):
    files = [f"{name}{dot}-{number:05d}-of-{len(counts):05d}.safetensors" for number in range(1, len(counts) + 1)]
    for file, count in zip(files, counts, strict=True):
        write(part / file, count)
    (part / index).write_text(json.dumps({"weight_map": {f"w{n}": file for n, file in enumerate(files * 2)}}))


@pytest.fixture
def clone(tmp_path):
    """A plain copy of everything that a repository may hold: in full and in half precision, safety checker, leftovers.

    Files that are loaded have 3 numbers, or 3 in all shards; any other has a thousand.
    """
    write(tmp_path / "v1-5-pruned-emaonly.safetensors", 1000)
    write(tmp_path / "unet" / f"{UNET}.fp16.safetensors", 3)
    write(tmp_path / "unet" / f"{UNET}.safetensors", 1000)
    write(tmp_path / "unet" / f"{UNET}.non_ema.safetensors", 1000)
    write(tmp_path / "text_encoder" / f"{TEXT}.fp16.safetensors", 3)
    write(tmp_path / "text_encoder" / f"{TEXT}.safetensors", 1000)
    write(tmp_path / "text_encoder" / "flax_model.safetensors", 1000)
    write(tmp_path / "vae" / f"{UNET}.safetensors", 3)
    write(tmp_path / "vae_1_0" / f"{UNET}.fp16.safetensors", 1000)
    write(tmp_path / "safety_checker" / f"{TEXT}.fp16.safetensors", 1000)
    return tmp_path


def test_twins_are_counted_once(clone):
    assert layout.parameters(clone, PARTS, "fp16") == dict.fromkeys(PARTS, 3)
    assert layout.variant(clone, "fp16", PARTS) == "fp16"


def test_without_a_wanted_variant_the_full_files_count(clone):
    assert layout.parameters(clone, PARTS) == {"unet": 1000, "text_encoder": 1000, "vae": 3}


def test_a_variant_of_what_is_not_loaded_is_none(clone):
    for part in ("unet", "text_encoder"):
        next((clone / part).glob("*.fp16.*")).unlink()
    assert layout.variant(clone, "fp16", PARTS) is None
    assert layout.parameters(clone, PARTS, "fp16") == {"unet": 1000, "text_encoder": 1000, "vae": 3}


def test_a_network_of_diffusers_comes_from_its_shards_an_encoder_from_one_file(clone):
    shards(clone / "unet", UNET, (4, 5), f"{UNET}.safetensors.index.json")
    shards(clone / "text_encoder", TEXT, (400, 500), f"{TEXT}.safetensors.index.json")
    assert layout.parameters(clone, ("unet", "text_encoder")) == {"unet": 9, "text_encoder": 1000}
    (clone / "text_encoder" / f"{TEXT}.safetensors").unlink()
    assert layout.parameters(clone, ("text_encoder",)) == {"text_encoder": 900}


def test_shards_of_a_variant(clone):
    (clone / "unet" / f"{UNET}.fp16.safetensors").unlink()
    (clone / "text_encoder" / f"{TEXT}.fp16.safetensors").unlink()
    shards(clone / "unet", UNET, (4, 5), f"{UNET}.safetensors.index.fp16.json", ".fp16")
    assert layout.variant(clone, "fp16", PARTS) == "fp16"
    assert layout.parameters(clone, PARTS, "fp16") == {"unet": 9, "text_encoder": 1000, "vae": 3}


def test_a_part_without_weights_and_a_broken_index_are_damage(clone):
    (clone / "vae" / f"{UNET}.safetensors").unlink()
    with pytest.raises(DamagedWeights, match="vae has no weights"):
        layout.parameters(clone, PARTS, "fp16")
    (clone / "unet" / f"{UNET}.safetensors.index.json").write_text("[]")
    with pytest.raises(DamagedWeights, match=r"index\.json is damaged"):
        layout.parameters(clone, ("unet",))
    (clone / "unet" / f"{UNET}.safetensors.index.json").unlink()
    (clone / "unet" / f"{UNET}.safetensors").write_bytes(b"short")
    with pytest.raises(DamagedWeights, match="header cannot be read") as told:
        layout.parameters(clone, ("unet",))
    assert str(clone) not in str(told.value)


@pytest.mark.parametrize("counted", [{}, {"variant": "fp16"}, {"max_shard_size": "4KB"},
                                     {"max_shard_size": "4KB", "variant": "fp16"}])
def test_what_is_counted_is_what_the_libraries_load(own_models, tmp_path, counted):
    """The true libraries write a pipeline, a twin of the UNet that is wider lies beside, and they read it back."""
    import shutil

    import diffusers

    from tests.diffusion import tiny_pipelines

    model = models.find(SDXL)
    kind = diffusers.StableDiffusionXLPipeline
    pipe = kind.from_pretrained(tiny_pipelines.folder(own_models, SDXL))
    pipe.save_pretrained(tmp_path, **counted)
    if "variant" in counted:
        tiny_pipelines.unet(48).save_pretrained(tmp_path / "wider")
        shutil.copy(tmp_path / "wider" / f"{UNET}.safetensors", tmp_path / "unet")
    chosen = layout.variant(tmp_path, model.variant, model.parts)
    assert chosen == counted.get("variant")
    again = kind.from_pretrained(tmp_path, variant=chosen, local_files_only=True, use_safetensors=True)
    real = {name: sum(each.numel() for each in getattr(again, name).parameters()) for name in model.parts}
    assert layout.parameters(tmp_path, model.parts, model.variant) == real


# ---- what is fetched

NAMES = ("model_index.json", "scheduler/scheduler_config.json", "tokenizer/merges.txt", "tokenizer/vocab.json")
LOADED = {
    SD: (*NAMES, "text_encoder/config.json", "text_encoder/model.fp16.safetensors", "unet/config.json",
         f"unet/{UNET}.fp16.safetensors", "vae/config.json", f"vae/{UNET}.fp16.safetensors"),
    SDXL: (*NAMES, "tokenizer_2/special_tokens_map.json", "text_encoder/config.json",
           "text_encoder/model.fp16.safetensors", "text_encoder_2/config.json", "text_encoder_2/model.fp16.safetensors",
           "unet/config.json", f"unet/{UNET}.fp16.safetensors", "vae/config.json", f"vae/{UNET}.fp16.safetensors"),
    DEV: (*NAMES, "tokenizer_2/spiece.model", "text_encoder/config.json", "text_encoder/model.safetensors",
          "text_encoder_2/config.json", "text_encoder_2/model-00001-of-00002.safetensors",
          "text_encoder_2/model.safetensors.index.json", "transformer/config.json",
          f"transformer/{UNET}-00001-of-00003.safetensors", f"transformer/{UNET}.safetensors.index.json",
          "vae/config.json", f"vae/{UNET}.safetensors"),
}
LEFT = ("README.md", "v1-5-pruned.safetensors", "sd_xl_base_1.0.safetensors", "flux1-dev.safetensors", "ae.safetensors",
        "safety_checker/config.json", "safety_checker/model.fp16.safetensors", "safety_checker/model.safetensors",
        "feature_extractor/preprocessor_config.json", "image_encoder/model.safetensors",
        "vae_1_0/config.json", f"vae_1_0/{UNET}.fp16.safetensors", f"vae_1_0/{UNET}.safetensors",
        "vae_encoder/model.onnx", "vae_decoder/config.json", "unet/model.onnx_data", f"unet/{UNET}.bin",
        "unet/openvino_model.xml", "text_encoder/flax_model.msgpack", "text_encoder/pytorch_model.fp16.bin")
FULL = (f"unet/{UNET}.safetensors", f"unet/{UNET}.non_ema.safetensors", f"vae/{UNET}.safetensors",
        "text_encoder/model.safetensors", "text_encoder_2/model.safetensors")


@pytest.mark.parametrize(("key", "like"), [(SD, SD), (SDXL, SDXL), (TURBO, SDXL), (DEV, DEV)])
def test_only_what_is_loaded_is_fetched(key, like):
    from huggingface_hub.utils import filter_repo_objects

    patterns = list(catalog.find(key).sources[0].patterns)
    there = [*LOADED[like], *LEFT, *(FULL if like != DEV else ())]
    assert set(filter_repo_objects(there, allow_patterns=patterns)) == set(LOADED[like])


def test_the_catalog_and_the_models_name_the_same_networks():
    for model in models.MODELS[1:]:
        assert set(catalog.NETWORKS[model.family]) == set(model.parts)
