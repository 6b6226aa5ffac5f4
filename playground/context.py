"""What the tabs are given: the settings, the shared cache and gate, and the store of weights."""

from dataclasses import dataclass

from playground import devices
from playground.cache import ModelCache
from playground.gate import Gate
from playground.settings import Settings
from playground.specs import RAM
from playground.weights import WeightStore


@dataclass(frozen=True)
class Context:
    """One for the process; handed down, never global."""

    settings: Settings
    device: str
    cache: ModelCache
    gate: Gate
    weights: WeightStore


def build_context(settings: Settings) -> Context:
    """A context for these settings. Raises BadInput for a device that is not there; loads nothing."""
    device = devices.choose(settings.device)
    budgets = {RAM: devices.default_budget(RAM), device: devices.default_budget(device)}
    if settings.memory_budget is not None:
        budgets[device] = settings.memory_budget
    return Context(settings, device, ModelCache(budgets), Gate(), WeightStore(settings))
