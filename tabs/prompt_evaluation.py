"""Prompt evaluation: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("Prompt evaluation", 80, "Find out which prompt works, and how sure you can be.", _ui.coming)
