"""The pocket model as a diffusers pipeline: written to a folder, and loaded from one.

Scope: half-precision export of denoiser, autoencoder and scheduler with their checksums; loading,
which joins them with the MiniLM text encoder of the catalog, so that it is not stored twice.
Importing this module loads no torch.
"""

from __future__ import annotations

import copy
import hashlib
import json
import warnings
from pathlib import Path
from typing import Any

from playground.diffusion.pocket.denoiser import GUIDANCE

NAME = "pocket-diffusion-64"  # in the catalog
LIMIT = 40_000_000  # bytes of the exported folder
PARTS = ("unet", "vae", "scheduler")
WEIGHTS = tuple(f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae"))
FILES = (
    "model_index.json", "scheduler/scheduler_config.json", "unet/config.json", WEIGHTS[0],
    "vae/config.json", WEIGHTS[1],
)  # fmt: skip


def join(parts: dict[str, Any], text_encoder: Any, tokenizer: Any) -> Any:
    """A StableDiffusionPipeline of our parts and a text encoder, which other users do not notice."""
    from diffusers import StableDiffusionPipeline

    from playground.diffusion.pocket import frozen

    encoder, short = frozen.prepare(text_encoder, tokenizer)
    pipeline = StableDiffusionPipeline(
        **parts,
        text_encoder=encoder,
        tokenizer=short,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load(folder: Path, text_encoder: Any, tokenizer: Any, dtype: Any = None) -> Any:
    """The pipeline of an exported folder, in float32 unless told otherwise.

    The text encoder keeps its own type and device; on a CPU half precision would be slow.
    """
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

    settings = {"torch_dtype": dtype or torch.float32, "local_files_only": True}
    parts = {
        "unet": UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **settings).eval(),
        "vae": AutoencoderKL.from_pretrained(folder, subfolder="vae", **settings).eval(),
        "scheduler": DDIMScheduler.from_pretrained(folder, subfolder="scheduler"),
    }
    return join(parts, text_encoder, tokenizer)


def export(folder: Path, unet: Any, vae: Any, scheduler: Any) -> dict[str, str]:
    """Write the diffusers layout in half precision; returns the checksums of the weights.

    model_index.json names the text encoder's classes; whoever loads the folder with diffusers
    alone passes text_encoder= and tokenizer= to from_pretrained.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in (("unet", unet), ("vae", vae)):
        copy.deepcopy(network).half().save_pretrained(folder / name)
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "BertModel"],
        "tokenizer": ["transformers", "BertTokenizer"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LIMIT:
        warnings.warn(f"{folder} has {size} bytes, more than {LIMIT}", stacklevel=2)
    return checksums(folder)


def checksums(folder: Path, files: tuple[str, ...] = WEIGHTS) -> dict[str, str]:
    """sha256 of files, the weights unless told otherwise, by their paths inside the folder."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def bringing_in(folder: Path) -> str:
    """How the page comes to draw with an exported folder: as an operator's own model, or as the bundled one."""
    lines = "\n".join(f'        ("{name}", "{sha256}"),' for name, sha256 in checksums(folder, FILES).items())
    return (f"Draw with it: make run ARGS='--models-dir {folder.parent}', where the folder is called {NAME}.\n"
            "The bundled folder's checksums are pinned: where this one takes its place, so do these lines in "
            f"_pocket_files, playground/catalog.py; until then the page refuses it.\n{lines}")


def draw(
    pipeline: Any, prompts: list[str], seeds: list[int], *, steps: int = 20, guidance: float = GUIDANCE
) -> Any:
    """[N, 64, 64, 3] uint8, one picture a prompt, each with the seed at its place.

    A picture depends on its own prompt and seed alone, not on what is drawn beside it.
    """
    import numpy as np
    import torch

    if len(prompts) != len(seeds):
        raise ValueError(f"{len(prompts)} prompts, but {len(seeds)} seeds")
    pictures = []
    for start in range(0, len(prompts), 32):
        generators = [torch.Generator().manual_seed(s) for s in seeds[start : start + 32]]
        drawn = pipeline(
            prompts[start : start + 32], num_inference_steps=steps, guidance_scale=guidance,
            generator=generators, height=64, width=64, output_type="np",
        )  # fmt: skip
        pictures.append(drawn.images)  # [n, 64, 64, 3] in 0..1
    return (np.concatenate(pictures) * 255).round().astype(np.uint8)
