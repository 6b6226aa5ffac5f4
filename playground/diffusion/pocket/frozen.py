"""The two models the pocket model is built on, never trained here: a face generator, a text encoder.

Scope: finding both for the training commands, and turning captions into token states. In the app
the same models come through the shared cache instead.
Sources: catalog entries dcgan-faces-64 and all-minilm-l6-v2.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from playground import catalog
from playground.settings import Settings
from playground.weights import Located, WeightStore

if TYPE_CHECKING:
    import torch

TOKENS = 24  # of a prompt, first and last mark included; longer prompts are cut


def locate(key: str) -> Located:
    """The verified files of a catalog entry, without asking the model hub."""
    return WeightStore(Settings(offline=True)).locate(catalog.find(key))


def load_face_generator() -> Callable:
    """The DCGAN in eval mode: batch statistics would make a face depend on its neighbours."""
    from playground.gan.dcgan import load_generator

    return load_generator(locate("dcgan-faces-64").files["weights.tar"])


def load_text_encoder() -> tuple[Any, Any]:
    """MiniLM as BertModel and its tokenizer, prepared for short prompts."""
    from transformers import AutoModel, AutoTokenizer

    folder = locate("all-minilm-l6-v2").folder
    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    return prepare(model, AutoTokenizer.from_pretrained(folder, local_files_only=True))


def prepare(text_encoder: Any, tokenizer: Any) -> tuple[Any, Any]:
    """The same weights with settings of their own: other users of the encoder must not notice.

    Prompts are padded to 24 tokens, not 512, and BERT is told which tokens are padding.
    """
    encoder = copy.copy(text_encoder)  # shares every parameter
    encoder.config = copy.deepcopy(text_encoder.config)
    encoder.config.use_attention_mask = True  # diffusers asks for it by this name
    short = copy.deepcopy(tokenizer)
    short.model_max_length = TOKENS
    return encoder, short


def token_states(text_encoder: Any, tokenizer: Any, texts: Sequence[str]) -> torch.Tensor:
    """What the denoiser is told: [N, 24, 384] float32, padding included, as diffusers does it."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(texts), 128):
            batch = tokenizer(
                list(texts[start : start + 128]), padding="max_length", max_length=TOKENS,
                truncation=True, return_tensors="pt",
            )  # fmt: skip
            parts.append(text_encoder(batch.input_ids, attention_mask=batch.attention_mask)[0])
    return torch.cat(parts)
