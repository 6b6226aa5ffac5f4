"""The text-to-image models: what each is, how the cache gets it, and which family takes it apart.

A model in the cache is a diffusers pipeline. The pocket model's comes without a text encoder: that is MiniLM,
which other tabs use as well, so it has a place of its own in the cache (playground/diffusion/wording.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground import catalog, devices
from playground.catalog import Entry
from playground.context import Context
from playground.diffusion import memory
from playground.diffusion.pocket.denoiser import GUIDANCE
from playground.errors import DamagedWeights
from playground.specs import ModelKey, ModelSpec
from playground.weights import Located, Progress, silent

TASK = "text-to-image"
POCKET = "pocket-diffusion-64"
GB = 10**9
MILLION = 10**6


@dataclass(frozen=True)
class Model:
    """A model's family, picture size in pixels, usual steps and guidance, and its parts (parameters by name).

    `room` is the working memory of one picture in bytes; `variant` names the half-precision files on the hub.
    """

    key: str
    family: str
    size: int
    steps: int
    guidance: float
    parts: Mapping[str, int] = field(hash=False)
    room: int
    variant: str | None = None


CLIP_L, CLIP_G, T5, VAE = 123 * MILLION, 695 * MILLION, 4_762 * MILLION, 84 * MILLION
SDXL_PARTS = {"unet": 2_567 * MILLION, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "vae": VAE}
FLUX_PARTS = {"transformer": 11_901 * MILLION, "text_encoder": CLIP_L, "text_encoder_2": T5, "vae": VAE}
MODELS = (
    Model(POCKET, "pocket", 64, 20, GUIDANCE, {"unet": 17_200_000, "vae": 920_000}, 50 * MILLION),
    Model("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd", 512, 25, 7.5,
          {"unet": 860 * MILLION, "text_encoder": CLIP_L, "vae": VAE}, 2 * GB, "fp16"),
    Model("stabilityai/stable-diffusion-xl-base-1.0", "sdxl", 1024, 30, 5.0, SDXL_PARTS, 4 * GB, "fp16"),
    Model("stabilityai/sdxl-turbo", "sdxl", 512, 2, 1.0, SDXL_PARTS, 2 * GB, "fp16"),
    Model("black-forest-labs/FLUX.1-schnell", "flux", 1024, 4, 1.0, FLUX_PARTS, 4 * GB),
    Model("black-forest-labs/FLUX.1-dev", "flux", 1024, 28, 3.5, FLUX_PARTS, 4 * GB),
)
BY_KEY = {model.key: model for model in MODELS}
PIPELINES = {"pocket": "StableDiffusionPipeline", "sd": "StableDiffusionPipeline",
             "sdxl": "StableDiffusionXLPipeline", "flux": "FluxPipeline"}
# What a visitor's copy may bring that we do not use: a filter of its own, and a watermark on every preview.
LEFT_OUT = {"pocket": {"text_encoder": None, "tokenizer": None, "safety_checker": None, "feature_extractor": None},
            "sd": {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False},
            "sdxl": {"add_watermarker": False}, "flux": {}}


def names() -> list[str]:
    """The keys of the models, the bundled one first."""
    return list(BY_KEY)


def find(key: str) -> Model:
    """The model of a key that was checked."""
    return BY_KEY[key]


def entry(key: str) -> Entry:
    """A model's catalog entry."""
    return catalog.find(key, TASK)


def available(context: Context, key: str) -> bool:
    """Whether a model is on this machine."""
    return context.weights.available(entry(key))


def spec(context: Context, key: str, progress: Progress = silent) -> ModelSpec:
    """How the cache gets a pipeline. Raises NotEnoughMemory at once where it cannot fit, before any download."""
    model = find(key)
    budget = context.cache.stats()["devices"][context.device]["budget"]
    plan = memory.plan(entry(key).title, parts_of(context, model), room_of(context, model), context.device, budget)
    variant = "offload" if plan.offload else "inference"
    cache_key = ModelKey(key, dtype=plan.dtype, device=context.device, variant=variant)

    def load_pipeline() -> Any:
        located = context.weights.locate(entry(key), progress)
        progress(0.9, f"Loading {located.entry.title}")
        return load(located, model, context.device, plan)

    return ModelSpec(cache_key, load_pipeline, plan.bytes, lambda pipe: plan.bytes if plan.offload else measure(pipe),
                     None if plan.offload else move)


def parts_of(context: Context, model: Model) -> Mapping[str, int]:
    """Parameters of the model as it is on this machine, or as published where it is not here yet, or damaged.

    Damaged files are an error for who loads them: a model that was loaded before goes on without them.
    """
    try:
        folder = local_folder(context, model.key)
        return (memory.parameters(folder) if folder else None) or model.parts
    except DamagedWeights:
        return model.parts


def room_of(context: Context, model: Model) -> int:
    """Working memory, in proportion where somebody's own copy is smaller than the published model."""
    share = sum(parts_of(context, model).values()) / sum(model.parts.values())
    return int(model.room * min(1.0, share))


def local_folder(context: Context, key: str) -> Path | None:
    """Where a model's files are without a download, if they are."""
    found = entry(key)
    if not context.weights.available(found):
        return None
    return context.weights.locate(found).folder


def load(located: Located, model: Model, device: str, plan: memory.Plan) -> Any:
    """Reads a folder in diffusers' layout, safetensors only. Raises DamagedWeights if it cannot be read."""
    import diffusers
    import torch
    from safetensors import SafetensorError

    diffusers.utils.logging.disable_progress_bar()
    folder = Path(str(located.folder))
    # Loading with little memory patches torch for all threads meanwhile: modules that others build have no weights.
    sparing = model.family != "pocket"
    variant = model.variant if any(folder.glob(f"*/*.{model.variant}.safetensors")) else None
    try:
        pipe = getattr(diffusers, PIPELINES[model.family]).from_pretrained(
            folder, dtype=getattr(torch, plan.dtype), variant=variant, local_files_only=True,
            use_safetensors=True, low_cpu_mem_usage=sparing, **LEFT_OUT[model.family])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, RuntimeError) as problem:
        if devices.is_out_of_memory(problem):
            raise
        raise DamagedWeights(f"{located.entry.title} ({located.origin}) cannot be read: {problem!s:.300}",
                             "Remove that copy and get it again.") from problem
    pipe.set_progress_bar_config(disable=True)
    for part in networks(pipe):
        part.requires_grad_(False).eval()
    if plan.dtype == "float16" and getattr(pipe.vae.config, "force_upcast", False):
        pipe.vae.to(torch.float32)  # such an autoencoder overflows in half precision and draws black
    if plan.offload:
        pipe.enable_model_cpu_offload(device=device)
        return pipe
    pipe.to(device)
    for part in networks(pipe):
        devices.own_memory(part)
    return pipe


def networks(pipe: Any) -> list[Any]:
    """The torch modules of a pipeline."""
    import torch

    return [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]


def measure(pipe: Any) -> int:
    """Bytes of a pipeline's tensors."""
    return sum(devices.module_bytes(part) for part in networks(pipe))


def move(pipe: Any, device: str) -> Any:
    """The pipeline on another device."""
    return pipe.to(device)
