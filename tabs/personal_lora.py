"""Personal LoRA: announced, not built yet."""

from functools import partial

from tabs import _ui
from tabs._shell import Tab

WHAT = (
    "Upload three to fifty photos of a person, a thing or a style, see each one checked, and train a small "
    "adapter (LoRA) on them in a few minutes. While it learns, a grid shows the same prompts at every stage, with "
    "the loss, the likeness and what leaks into other prompts. The adapter can be taken home as .safetensors, and "
    "all data deleted at once."
)

TAB = Tab("Personal LoRA", 30, "Upload photos, watch the model learn you, take the adapter home.",
          partial(_ui.coming, what=WHAT))
