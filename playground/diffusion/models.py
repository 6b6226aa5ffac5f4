"""The text-to-image models: what each is, how the cache gets it, and which family takes it apart.

A model in the cache is a diffusers pipeline. The pocket model's comes without a text encoder: that is MiniLM,
which other tabs use as well, so it has a place of its own in the cache (playground/diffusion/wording.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground import catalog, checks, devices, logs
from playground.catalog import Entry
from playground.context import Context
from playground.diffusion import layout, memory
from playground.diffusion.pocket.denoiser import GUIDANCE
from playground.errors import DamagedWeights
from playground.specs import RAM, ModelKey, ModelSpec
from playground.weights import Located, Progress, silent

TASK = "text-to-image"
POCKET = "pocket-diffusion-64"
MILLION = 10**6


@dataclass(frozen=True)
class Model:
    """A model's family, picture size in pixels, usual steps and guidance, and its parts (parameters by name).

    `step`, `scores` and `pixel` say what computing takes, as in memory.Needs; `variant` names the half-precision files
    on the hub.
    """

    key: str
    family: str
    size: int
    steps: int
    guidance: float
    parts: Mapping[str, int] = field(hash=False)
    step: int
    scores: int
    pixel: int = 768  # of the autoencoder of all large models
    variant: str | None = None


CLIP_L, CLIP_G, T5, VAE = 123 * MILLION, 695 * MILLION, 4_762 * MILLION, 84 * MILLION
SDXL_PARTS = {"unet": 2_567 * MILLION, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "vae": VAE}
FLUX_PARTS = {"transformer": 11_901 * MILLION, "text_encoder": CLIP_L, "text_encoder_2": T5, "vae": VAE}
MODELS = (
    Model(POCKET, "pocket", 64, 20, GUIDANCE, {"unet": 17_200_000, "vae": 920_000}, MILLION, 0, pixel=193),
    Model("stable-diffusion-v1-5/stable-diffusion-v1-5", "sd", 512, 25, 7.5,
          {"unet": 860 * MILLION, "text_encoder": CLIP_L, "vae": VAE}, 137 * MILLION,
          2_110 * MILLION, variant="fp16"),
    Model("stabilityai/stable-diffusion-xl-base-1.0", "sdxl", 1024, 30, 5.0, SDXL_PARTS, 331 * MILLION,
          2_611 * MILLION, variant="fp16"),
    Model("stabilityai/sdxl-turbo", "sdxl", 512, 2, 1.0, SDXL_PARTS, 83 * MILLION, 150 * MILLION,
          variant="fp16"),
    Model("black-forest-labs/FLUX.1-schnell", "flux", 1024, 4, 1.0, FLUX_PARTS, 491 * MILLION,
          4_105 * MILLION),
    Model("black-forest-labs/FLUX.1-dev", "flux", 1024, 28, 3.5, FLUX_PARTS, 491 * MILLION,
          4_105 * MILLION),
)
BY_KEY = {model.key: model for model in MODELS}
PIPELINES = {"pocket": "StableDiffusionPipeline", "sd": "StableDiffusionPipeline",
             "sdxl": "StableDiffusionXLPipeline", "flux": "FluxPipeline"}
# What a visitor's copy may bring that we do not use: a filter of its own, and a watermark on every preview.
LEFT_OUT = {"pocket": {"text_encoder": None, "tokenizer": None, "safety_checker": None, "feature_extractor": None},
            "sd": {"safety_checker": None, "feature_extractor": None, "image_encoder": None,
                   "requires_safety_checker": False},
            "sdxl": {"add_watermarker": False, "feature_extractor": None, "image_encoder": None},
            "flux": {"feature_extractor": None, "image_encoder": None}}


def names() -> list[str]:
    """The keys of the models, the bundled one first."""
    return list(BY_KEY)


def find(key: str) -> Model:
    """The model of a key. BadInput for one that there is not."""
    return BY_KEY[checks.choice(key, "The model", BY_KEY)]


def entry(key: str) -> Entry:
    """A model's catalog entry."""
    return catalog.find(key, TASK)


def available(context: Context, key: str) -> bool:
    """Whether a model is on this machine."""
    return context.weights.available(entry(key))


def spec(context: Context, key: str, progress: Progress = silent, adapters: bool = False) -> ModelSpec:
    """How the cache gets a pipeline. Raises NotEnoughMemory at once where it cannot fit, before any download.

    `adapters`: whether it will carry a LoRA.
    """
    model, plan = find(key), planned(context, key, adapters)
    offloaded = plan.offload != memory.NONE
    variant = f"offload, {plan.offload}" if offloaded else "inference"
    cache_key = ModelKey(key, dtype=plan.dtype, device=context.device, variant=variant)

    def load_pipeline() -> Any:
        located = context.weights.locate(entry(key), progress)
        progress(0.9, f"Loading {located.entry.title}")
        return load(located, model, context.device, plan)

    return ModelSpec(cache_key, load_pipeline, plan.bytes, lambda pipe: plan.bytes if offloaded else measure(pipe),
                     None if offloaded else move, plan.waiting)


def planned(context: Context, key: str, adapters: bool = False) -> memory.Plan:
    """How a model would be loaded here, and why (`words`). Raises NotEnoughMemory where it cannot fit.

    Goes by what models may take in all: whoever holds memory now and needs it no more gives way in the cache.
    """
    budgets, device = context.cache.budgets, context.device
    machine = memory.Machine(device, budgets[device], budgets[RAM], devices.default_dtype(device))
    return memory.plan(needs(context, find(key), adapters), machine)


def needs(context: Context, model: Model, adapters: bool = False) -> memory.Needs:
    """What a model takes; its computing in proportion where somebody's own copy is smaller than the published one."""
    parts = parts_of(context, model)
    share = min(1.0, sum(parts.values()) / sum(model.parts.values()))
    return memory.Needs(entry(model.key).title, parts, model.size, int(model.step * share), int(model.scores * share),
                        max(1, int(model.pixel * share)), model.family == "flux", adapters)


def parts_of(context: Context, model: Model) -> Mapping[str, int]:
    """Parameters of the model as it is on this machine, or as published where it is not here yet, or damaged.

    Damaged files are an error for who loads them: a model that was loaded before goes on without them.
    """
    try:
        folder = local_folder(context, model.key)
        return layout.parameters(folder, model.parts, model.variant) if folder else model.parts
    except DamagedWeights:
        return model.parts


def room_of(context: Context, model: Model) -> int:
    """Bytes to compute in, pictures decoded one by one, in the dtype of the device."""
    dtype = devices.default_dtype(context.device)
    return memory.room(needs(context, model), dtype, memory.Machine(context.device, 0, 0, dtype))


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
    variant = layout.variant(folder, model.variant, model.parts)
    try:
        pipe = getattr(diffusers, PIPELINES[model.family]).from_pretrained(
            folder, dtype=getattr(torch, plan.dtype), variant=variant, local_files_only=True,
            use_safetensors=True, low_cpu_mem_usage=sparing, **LEFT_OUT[model.family])
    except (OSError, ValueError, LookupError, TypeError, SafetensorError, RuntimeError) as problem:
        if devices.is_out_of_memory(problem):
            raise
        words = logs.pathless(problem, located.folder)
        raise DamagedWeights(f"{located.entry.title} ({located.origin}) cannot be read: {words}",
                             "Remove that copy and get it again.") from problem
    pipe.set_progress_bar_config(disable=True)
    for part in networks(pipe):
        part.requires_grad_(False).eval()
    if plan.dtype == "float16" and getattr(pipe.vae.config, "force_upcast", False):
        pipe.vae.to(torch.float32)  # such an autoencoder overflows in half precision and draws black
    economise(pipe, plan)
    if plan.offload == memory.MODEL:
        pipe.enable_model_cpu_offload(device=device)
        return pipe
    if plan.offload == memory.LAYERS:
        by_layers(pipe, device)
        return pipe
    pipe.to(device)
    for part in networks(pipe):
        devices.own_memory(part)
    return pipe


def economise(pipe: Any, plan: memory.Plan) -> None:
    """Sets how a pipeline spares the memory in which it computes.

    Attention needs no setting where torch's own is wanted: it is diffusers' default. An autoencoder's tiles are as
    large as the pictures that it was trained on unless it is told, so that tiling alone would change nothing.
    """
    if plan.attention == memory.SLICED:
        pipe.enable_attention_slicing()
    if plan.vae_slicing:
        pipe.vae.enable_slicing()
    if plan.vae_tiling:
        pipe.vae.enable_tiling()
        pipe.vae.tile_sample_min_size = plan.vae_tile
        pipe.vae.tile_latent_min_size = plan.vae_tile // pipe.vae_scale_factor


def by_layers(pipe: Any, device: str) -> None:
    """Has the layers of a pipeline wait in RAM, each until its turn.

    As enable_sequential_cpu_offload() does it, which takes no device without a number, and so none to test it on.
    """
    import torch
    from accelerate import cpu_offload

    for part in networks(pipe):
        cpu_offload(part, torch.device(device), offload_buffers=bool(part._parameters))


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
