"""Personal LoRA: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("Personal LoRA", 30, "Upload photos, watch the model learn you, take the adapter home.", _ui.coming)
