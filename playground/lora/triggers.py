"""Trigger words: one that the text encoder knows nothing about learns fastest and leaks least.

Ruiz et al. 2022, DreamBooth (arXiv:2208.12242), section 3.1: an ordinary word has to be unlearnt first.
"""

import json
import re
import unicodedata

from playground import catalog
from playground.context import Context
from playground.text.vectors.sentences import MODEL

SUFFIX = "qx"  # makes a word that no vocabulary holds


def suggest(name: str) -> str:
    """A trigger word from a name: up to 6 letters of the first word, then the first letter of the last.

    'Joshua Guggenheim' gives 'joshuag', 'Jo' gives 'joqx', '' gives ''.
    """
    flat = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", flat)
    if not words:
        return "person" + SUFFIX if name.strip() else ""
    short = words[0][:6] + (words[-1][0] if len(words) > 1 else "")
    return short if len(short) > 3 else short + SUFFIX


def is_ordinary(context: Context, word: str) -> bool:
    """Whether the text encoder's vocabulary holds the word in one piece, as it does common words and names."""
    located = context.weights.locate(catalog.find(MODEL))
    return word.lower() in _vocabulary(str(located.folder))


def _vocabulary(folder: str) -> frozenset[str]:
    if folder not in _KNOWN:
        with open(f"{folder}/tokenizer.json", encoding="utf-8") as file:
            _KNOWN[folder] = frozenset(json.load(file)["model"]["vocab"])
    return _KNOWN[folder]


_KNOWN: dict[str, frozenset[str]] = {}


def usable(context: Context, name: str) -> str:
    """suggest(), made longer where that gives an ordinary word."""
    word = suggest(name)
    return word + SUFFIX if word and is_ordinary(context, word) else word
