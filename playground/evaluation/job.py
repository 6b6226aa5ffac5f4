"""A run in a process of its own: what playground.worker calls for the kind "evaluation"."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from playground.context import Context, build_context
from playground.evaluation import work as running
from playground.evaluation.plan import Plan
from playground.evaluation.store import Store
from playground.gate import Gate, GateState
from playground.settings import Settings
from playground.worker import Work


def run(work: Work) -> None:
    """Does what is left of the run in the job's folder; stops between two steps when asked to."""
    filled, begun = running.sheet(Plan.of(work.spec["plan"])), False
    for each in running.steps(context_of(work), filled, Store(work.folder), check=work.check):
        work.report(phase=each.phase, step=each.outputs, steps=each.all_outputs, cells=each.cells,
                    all_cells=each.all_cells, speed=round(each.speed, 1))
        if not begun:
            work.ready()
        begun = True
        work.check(kept=True)


class PoliteGate(Gate):
    """A gate as a process uses it that nobody waits for: what visitors wait for goes first."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def turn(self, who: str, timeout: float = 600.0, polite: bool = True) -> AbstractContextManager[None]:
        """See Gate.turn."""
        return self._gate.turn(who, timeout, polite)

    def state(self) -> GateState:
        """See Gate.state."""
        return self._gate.state()


def context_of(work: Work) -> Context:
    """The engine with the settings of the web process that took the job, and its gate, politely."""
    given = work.spec["settings"]
    context = build_context(Settings(
        device=given["device"], offline=given["offline"], memory_budget=given["memory_budget"],
        models_dir=Path(given["models_dir"]) if given["models_dir"] else None, endpoints=given["endpoints"],
        share=given["share"], mode=given.get("mode", ""), limits=given.get("limits", ""),
        data_dir=work.folder.parent.parent))
    return replace(context, gate=PoliteGate(context.gate))
