"""Pictures and captions in one space: CLIP, and how well each picture matches each caption.

Source: Radford et al. 2021 (arXiv:2103.00020). The cosine of a picture's and a caption's vector, times the model's
learnt temperature, gives for each picture a distribution over the captions (softmax).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import catalog, checks, devices, logs
from playground.context import Context
from playground.diffusion.wording import Wording, wording
from playground.errors import BadInput, DamagedWeights
from playground.specs import ModelKey, ModelSpec
from playground.weights import Progress, silent

if TYPE_CHECKING:
    from PIL import Image

MODEL = "openai/clip-vit-base-patch32"
MOST = 8
LONGEST = 1000  # characters of a caption; what CLIP does not read of it is known from Match.wordings


@dataclass(frozen=True, eq=False)
class Match:
    """Cosines (pictures, captions), and for each picture the probability of each caption.

    `scale` is what CLIP multiplies cosines by before its softmax; `wordings` say how each caption was read.
    """

    cosines: np.ndarray
    probabilities: np.ndarray
    scale: float = 1.0
    wordings: tuple[Wording, ...] = ()


def available(context: Context) -> bool:
    """Whether CLIP is on this machine."""
    return context.weights.available(catalog.find(MODEL))


def spec(context: Context, progress: Progress = silent) -> ModelSpec:
    """How the cache gets CLIP: the model and its processor."""
    entry = catalog.find(MODEL)

    def load() -> Any:
        from transformers import CLIPModel, CLIPProcessor

        located = context.weights.locate(entry, progress)
        try:
            model = CLIPModel.from_pretrained(located.folder, local_files_only=True, use_safetensors=True)
            processor = CLIPProcessor.from_pretrained(located.folder, local_files_only=True)
        except (OSError, ValueError, KeyError) as problem:
            words = logs.pathless(problem, located.folder)
            raise DamagedWeights(f"{entry.title} ({located.origin}) cannot be read: {words}",
                                 "Remove that copy and get it again.") from problem
        model.requires_grad_(False).eval().to(context.device)
        return devices.own_memory(model), processor

    return ModelSpec(ModelKey(MODEL, device=context.device), load, entry.bytes,
                     lambda pair: devices.module_bytes(pair[0]))


def prepare(context: Context, progress: Progress = silent) -> None:
    """Gets and loads CLIP. Raises ModelMissing where it cannot be had, before other work is done for it."""
    with context.cache.lease(spec(context, progress)):
        pass


def match(context: Context, pictures: Sequence["Image.Image"], captions: Sequence[str],
          progress: Progress = silent) -> Match:
    """How well pictures and captions fit. Raises BadInput for none or too many, ModelMissing without the hub."""
    captions = check_captions(captions)
    _check_count("pictures", len(pictures))
    with context.cache.lease(spec(context, progress)) as (model, processor), context.gate.turn("CLIP"):
        return _match(model, processor, list(pictures), captions)


def check_captions(captions: Sequence[str]) -> list[str]:
    """The captions, ready to be matched. Raises BadInput for none, too many, or one that is too long."""
    _check_count("captions", len(captions))
    return [checks.text(each, "A caption", LONGEST) for each in captions]


def _check_count(what: str, count: int) -> None:
    if not 1 <= count <= MOST:
        raise BadInput(f"There are {count} {what}.", f"Give 1 to {MOST}.")


def _match(model: Any, processor: Any, pictures: list, captions: list[str]) -> Match:
    import torch

    given = processor(text=captions, images=pictures, return_tensors="pt", padding=True, truncation=True)
    with torch.inference_mode():
        seen = model(**given.to(model.device))
    cosines = (seen.image_embeds @ seen.text_embeds.T).float().cpu().numpy()
    return Match(cosines, seen.logits_per_image.softmax(dim=1).float().cpu().numpy(),
                 float(model.logit_scale.exp()), tuple(wording(processor.tokenizer, each) for each in captions))
