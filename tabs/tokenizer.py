"""Tokenizer: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("Tokenizer", 60, "See your text as the pieces that a language model reads.", _ui.coming)
