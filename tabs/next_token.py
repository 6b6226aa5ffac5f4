"""Next token: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("Next token", 70, "See the probability of every next token, and what temperature does to it.", _ui.coming)
