"""What the tabs are given: settings, the shared cache and gate, the store of weights, jobs, visitors, disk."""

from dataclasses import dataclass

from playground import devices, storage
from playground.cache import ModelCache
from playground.gate import Gate
from playground.jobs import Jobs
from playground.processes import LocalRunner
from playground.room import Room
from playground.served import Served
from playground.settings import Settings
from playground.specs import RAM
from playground.visitors import Visitors
from playground.weights import WeightStore


@dataclass(frozen=True)
class Context:
    """One for the process; handed down, never global."""

    settings: Settings
    device: str
    cache: ModelCache
    gate: Gate
    weights: WeightStore
    jobs: Jobs
    visitors: Visitors
    room: Room
    served: Served


def build_context(settings: Settings) -> Context:
    """A context for these settings; loads nothing.

    Raises BadInput for a device that is not there, StorageTrouble for a data folder that cannot be written.
    """
    device = devices.choose(settings.device)
    budgets = {RAM: devices.default_budget(RAM), device: devices.default_budget(device)}
    if settings.memory_budget is not None:
        budgets[device] = settings.memory_budget
    room = Room(settings.data_dir, settings.most)
    return Context(settings, device, ModelCache(budgets), shared_gate(settings), WeightStore(settings),
                   Jobs(settings.data_dir / "jobs", LocalRunner(), settings.job_limits, room),
                   Visitors(settings.data_dir / "visitors", settings.most.hours * 3600.0), room,
                   Served(settings.data_dir / "gradio"))


def shared_gate(settings: Settings) -> Gate:
    """The gate that all processes of one data folder share."""
    return Gate(storage.ensure_folder(settings.data_dir) / "gate.lock")
