"""Word vectors: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("Word vectors", 50, "Add and subtract words, and see which word lies nearest.", _ui.coming)
