"""Diffusion steps: announced, not built yet."""

from tabs import _ui
from tabs._shell import Tab

TAB = Tab("Diffusion steps", 20, "Watch a picture come out of noise, one denoising step at a time.", _ui.coming)
