"""Which encodings there are, and how one gets them: through the model cache, as every model."""

import contextlib
from collections.abc import Iterator
from typing import Any

from playground import catalog, checks
from playground.catalog import MB, Entry
from playground.context import Context
from playground.errors import BadInput, ModelMissing
from playground.specs import ModelKey, ModelSpec
from playground.text.tokenizing.base import Encoding
from playground.text.tokenizing.files import FileEncoding
from playground.text.tokenizing.ranks import RankEncoding, read_ranks
from playground.weights import Progress, silent

DEFAULT = "cl100k_base"
MOST_CHARACTERS = 1_000_000
MOST_COMPARED = 4
TASKS = ("tokenizer", "language-model", "sentence-embedding")
TITLES = {"cl100k_base": "cl100k_base (GPT-4)", "o200k_base": "o200k_base (GPT-4o)",
          "p50k_base": "p50k_base (Codex)", "r50k_base": "r50k_base (GPT-3)",
          "gemma-3-270m": "gemma-3-270m (Gemma 3)", "all-minilm-l6-v2": "all-minilm-l6-v2 (BERT WordPiece)"}
ESTIMATES = {"tiktoken": 85 * MB, "causal-lm": 320 * MB}  # reserved before the load; the rest are small


def known() -> dict[str, Entry]:
    """Every encoding's catalog entry by name, the embedded ones first."""
    entries = [entry for task in TASKS for entry in catalog.of_task(task)]
    return {entry.key: entry for entry in sorted(entries, key=lambda entry: not entry.embedded)}


def title(name: str) -> str:
    """An encoding's name for people."""
    return TITLES.get(name, name)


def find(name: Any) -> Entry:
    """The entry of an encoding; BadInput that names the known ones if there is none."""
    entries = known()
    return entries[checks.choice(name, "The encoding", entries)]


def check_names(names: Any) -> list[str]:
    """One to four known encodings, each once; BadInput otherwise."""
    if not isinstance(names, list | tuple) or not names:
        raise BadInput("No encoding is chosen.", "Choose at least one.")
    distinct = list(dict.fromkeys(find(name).key for name in names))
    if len(distinct) > MOST_COMPARED:
        raise BadInput(f"{len(distinct)} encodings are chosen.", f"Choose at most {MOST_COMPARED}.")
    return distinct


def check_text(text: Any) -> str:
    """A text that can be tokenized, the empty one too."""
    return checks.text(text, "The text", MOST_CHARACTERS, empty=True)


@contextlib.contextmanager
def lease(context: Context, name: Any, progress: Progress = silent) -> Iterator[Encoding]:
    """The encoding of that name for the block. Raises BadInput, ModelMissing or DamagedWeights."""
    with context.cache.lease(spec(context, find(name), progress)) as encoding:
        yield encoding


def spec(context: Context, entry: Entry, progress: Progress = silent) -> ModelSpec:
    """How the cache gets an encoding; they live in RAM, apart from the weights of their model."""
    key = ModelKey(entry.key, dtype="ids", variant="tokenizer")
    return ModelSpec(key, lambda: load(context, entry, progress), ESTIMATES.get(entry.family, 16 * MB),
                     measure=lambda encoding: encoding.bytes)


def load(context: Context, entry: Entry, progress: Progress) -> Encoding:
    """Reads an encoding's files; ModelMissing if they are not on this machine."""
    located = context.weights.locate(entry, progress)
    wanted = f"{entry.key}.tiktoken" if entry.family == "tiktoken" else "tokenizer.json"
    path = located.files.get(wanted)
    if path is None:
        raise ModelMissing(f"{located.origin} holds no {wanted}.", "Put it there.")
    if entry.family == "tiktoken":
        return RankEncoding(entry.key, read_ranks(path))
    return FileEncoding(entry.key, path)
