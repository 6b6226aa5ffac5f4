"""N-gram babble: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("N-gram babble", 40, "Count which symbol follows which, and let the counts write.", _ui.coming)
