"""Causal language models: from a catalog entry to a model that predicts, and from a text to its tokens.

One LanguageModel is shared by all tabs through the cache, so nothing here changes it after loading. Texts of
visitors never become control tokens: "<eos>" typed into a box is split like any other text.

Shapes, in all of playground/text: T tokens of a text, V entries of the vocabulary, D numbers of a vector.
"""

import copy
import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground import catalog, checks, devices, logs
from playground.context import Context
from playground.errors import DamagedWeights
from playground.specs import ModelKey, ModelSpec
from playground.weights import Located, Progress, silent

if TYPE_CHECKING:
    import torch

MODEL = "gemma-3-270m"
TASK = "language-model"
CPU_WINDOW = 2048  # tokens; beyond it one pass on two cores takes many seconds
MAX_CHARACTERS = 100_000
SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


@dataclass(eq=False)
class LanguageModel:
    """A model in evaluation mode without gradients, its tokenizer, its name, and the tokens it can look back on."""

    name: str
    model: Any
    tokenizer: Any
    context_length: int

    def encode(self, text: str) -> list[int]:
        """The ids (T) of a text, with the start token where the model was trained with one; never empty."""
        return self.tokenizer(text).input_ids or self.start[:1] or [0]

    @functools.cached_property
    def start(self) -> list[int]:
        """The token (none or one) that the tokenizer puts before every text."""
        return self.tokenizer("").input_ids

    @functools.cached_property
    def ends(self) -> frozenset[int]:
        """The ids that end a text."""
        configured = getattr(self.model.generation_config, "eos_token_id", None)
        ids = configured if isinstance(configured, list) else [configured, self.tokenizer.eos_token_id]
        return frozenset(each for each in ids if each is not None)

    def window(self, ids: Sequence[int]) -> tuple[list[int], int]:
        """The ids that the model gets to see, and how many it does not: past its context the beginning is cut.

        The start token stays, since models that were trained with one predict badly without it.
        """
        cut = len(ids) - self.context_length
        if cut <= 0:
            return list(ids), 0
        start = self.start if list(ids[:len(self.start)]) == self.start else []
        return start + list(ids[cut + len(start):]), cut

    def token(self, identity: int) -> str:
        """A token in words: its text, or its bytes as ⟨E2 82⟩ where they are part of a character only."""
        text = self.tokenizer.decode([identity])
        return f"⟨{piece_bytes(self.tokenizer.convert_ids_to_tokens(identity))}⟩" if "\ufffd" in text else text

    def text(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens left out."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def eager(self) -> Any:
        """A twin of the model over the same tensors, whose attention gives its weights (output_attentions=True).

        The fused attention of the model itself cannot. Made for one request, in some 30 ms, and thrown away.
        """
        shared = {id(tensor): tensor for tensor in [*self.model.parameters(), *self.model.buffers()]}
        twin = copy.deepcopy(self.model, shared)
        twin.set_attn_implementation("eager")
        return twin

    def tensor(self, ids: Sequence[int]) -> "torch.Tensor":
        """ids as a batch of one (1, T) on the model's device."""
        import torch

        return torch.tensor([list(ids)], device=self.model.device)


def names() -> list[str]:
    """The catalog's language models, those that need no download first."""
    return [entry.key for entry in catalog.of_task(TASK)]


def spec(context: Context, name: str = MODEL, progress: Progress = silent) -> ModelSpec:
    """How the cache gets a language model. Raises BadInput for a name that the catalog does not have."""
    entry = catalog.find(name, TASK)
    dtype = devices.default_dtype(context.device)

    def load_model() -> LanguageModel:
        located = context.weights.locate(entry, progress)
        progress(0.95, f"Loading {entry.title}")
        return load(located, context.device, dtype)

    return ModelSpec(ModelKey(name, dtype=dtype, device=context.device), load_model, entry.bytes, measure, move)


def measure(language_model: LanguageModel) -> int:
    """Bytes of the model's tensors."""
    return devices.module_bytes(language_model.model)


def move(language_model: LanguageModel, device: str) -> LanguageModel:
    """The model on another device."""
    language_model.model.to(device)
    return language_model


def load(located: Located, device: str, dtype: str) -> LanguageModel:
    """Reads a folder in the layout of the model hub (config.json, safetensors, tokenizer.json).

    Raises DamagedWeights if transformers cannot read it.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            located.folder, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True)
        tokenizer = load_tokenizer(Path(str(located.folder)))
    except (OSError, ValueError, KeyError, SafetensorError, RuntimeError) as problem:
        if devices.is_out_of_memory(problem):
            raise
        words = logs.pathless(problem, located.folder)
        raise DamagedWeights(f"{located.entry.title} ({located.origin}) cannot be read: {words}",
                             "Remove that copy and get it again.") from problem
    model.requires_grad_(False).eval().to(device)
    return LanguageModel(located.entry.key, devices.own_memory(model), tokenizer, context_length(model.config, device))


def context_length(config: Any, device: str) -> int:
    """Tokens that a model can look back on: as configured, and CPU_WINDOW at most on a CPU."""
    longest = int(config.get_text_config().max_position_embeddings)
    return min(longest, CPU_WINDOW) if device == "cpu" else longest


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder.

    From tokenizer.json alone where there is one: AutoTokenizer takes more than twice as long for the 262,144
    tokens of Gemma. Control tokens in a text are not recognised as such.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if (folder / "tokenizer.json").is_file():
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"), clean_up_tokenization_spaces=False,
            **special_tokens(folder / "tokenizer_config.json"))
    else:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.split_special_tokens = True
    tokenizer.backend_tokenizer.encode_special_tokens = True
    return tokenizer


def special_tokens(path: Path) -> dict[str, str]:
    """The control tokens that a tokenizer_config.json names, by their role."""
    if not path.is_file():
        return {}
    named = json.loads(path.read_text(encoding="utf-8"))
    values = {role: named.get(role) for role in SPECIAL_TOKENS}
    return {role: value["content"] if isinstance(value, dict) else value for role, value in values.items() if value}


def piece_bytes(piece: str) -> str:
    """The bytes of a vocabulary piece that is no whole character, in hexadecimal: 'E2 82'."""
    if piece.startswith("<0x") and piece.endswith(">"):
        return piece[3:-1]
    back = {character: byte for byte, character in byte_alphabet().items()}
    return bytes(back[each] for each in piece if each in back).hex(" ").upper()


@functools.cache
def byte_alphabet() -> dict[int, str]:
    """The printable character that byte-level BPE writes for each byte.

    Bytes that are printable in Latin-1 stand for themselves, the others for the characters from U+0100 on
    (Radford et al. 2019, GPT-2).
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + place) for place, byte in enumerate(others)}}


def check_text(text: Any, name: str = "The text") -> str:
    """A text that a model can be given."""
    return checks.text(text, name, MAX_CHARACTERS)
