"""What a run of the lab is asked to do, checked as from a script that goes past the page's controls."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground import checks
from playground.errors import BadInput

RING, GRID, MOONS, DRAWING = "ring", "grid", "moons", "drawing"
FACES, DIGITS, PICTURES = "faces", "digits", "pictures"
POINTS = (RING, GRID, MOONS, DRAWING)
DATA = (*POINTS, FACES, DIGITS, PICTURES)
SATURATING, NON_SATURATING, LEAST_SQUARES = "saturating", "non-saturating", "least squares"
HINGE, WASSERSTEIN = "hinge", "wasserstein"
LOSSES = (SATURATING, NON_SATURATING, LEAST_SQUARES, HINGE, WASSERSTEIN)
LABELLED = (SATURATING, NON_SATURATING, LEAST_SQUARES)  # losses in which a picture has a label that can be smoothed
OPTIMIZERS = ("adam", "rmsprop", "sgd")
MAX_SEED = 2**31 - 1
MAX_RUNS = 2  # side by side


@dataclass(frozen=True)
class RunSettings:
    """One run. Learning rates per update; `noise` is a standard deviation in units of the data, which lie in -1..1."""

    data: str = RING
    loss: str = NON_SATURATING
    lr_d: float = 1e-3
    lr_g: float = 1e-3
    optimizer_d: str = "adam"
    optimizer_g: str = "adam"
    momentum: float = 0.5  # beta1 of Adam, momentum of SGD; RMSprop has none
    batch: int = 128
    d_steps: int = 1  # updates of D before each update of G
    head_start: int = 0  # updates of D before the first of G
    noise: float = 0.0  # on whatever D sees, real or generated
    smoothing: float = 0.0  # the label of real data is 1 - smoothing
    spectral: bool = False  # each layer of D divided by its largest singular value
    r1: float = 0.0  # gamma of the penalty on D's gradient at real data
    augment: bool = False  # the same random changes to real and generated pictures before D sees them
    updates: int = 5000  # joint updates after which the run ends
    seed: int = 1

    def __post_init__(self) -> None:
        if self.smoothing and self.loss not in LABELLED:
            raise BadInput(f"The {self.loss} loss has no labels that could be smoothed.",
                           f"Set smoothing to 0, or choose one of: {', '.join(LABELLED)}.")
        if self.augment and self.data in POINTS:
            raise BadInput("Augmentation changes colours and shifts pictures; points have neither.",
                           "Switch it off, or choose pictures.")

    @property
    def is_points(self) -> bool:
        """Whether the data are points on a plane."""
        return self.data in POINTS


@dataclass(frozen=True)
class Plan:
    """One run, or two of the same data side by side, with a name each."""

    runs: tuple[RunSettings, ...]
    names: tuple[str, ...]

    def as_dict(self) -> dict:
        """JSON types only."""
        return {"runs": [dataclasses.asdict(run) for run in self.runs], "names": list(self.names)}


def read_run(values: Mapping[str, Any]) -> RunSettings:
    """A run's settings from outside. Raises BadInput for a value out of range, and for names that do not exist."""
    known = {option.name for option in dataclasses.fields(RunSettings)}
    if strange := set(values) - known:
        raise BadInput(f"Unknown settings of a run: {', '.join(sorted(map(str, strange)))}.",
                       f"Known are {', '.join(sorted(known))}.")
    given = {**dataclasses.asdict(RunSettings()), **values}
    real, whole, choice = checks.real, checks.whole, checks.choice
    return RunSettings(
        data=choice(given["data"], "The data", DATA), loss=choice(given["loss"], "The loss", LOSSES),
        lr_d=real(given["lr_d"], "The learning rate of D", 1e-6, 1.0),
        lr_g=real(given["lr_g"], "The learning rate of G", 1e-6, 1.0),
        optimizer_d=choice(given["optimizer_d"], "The optimizer of D", OPTIMIZERS),
        optimizer_g=choice(given["optimizer_g"], "The optimizer of G", OPTIMIZERS),
        momentum=real(given["momentum"], "The momentum", 0.0, 0.99),
        batch=whole(given["batch"], "The batch size", 4, 512), d_steps=whole(given["d_steps"], "D steps", 1, 20),
        head_start=whole(given["head_start"], "D's head start", 0, 2000),
        noise=real(given["noise"], "The noise on D's input", 0.0, 2.0),
        smoothing=real(given["smoothing"], "Label smoothing", 0.0, 0.5),
        spectral=flag(given["spectral"], "Spectral norm"), r1=real(given["r1"], "The R1 penalty", 0.0, 100.0),
        augment=flag(given["augment"], "Augmentation"),
        updates=whole(given["updates"], "The number of updates", 1, 20_000),
        seed=whole(given["seed"], "The seed", 0, MAX_SEED))


def read_plan(values: Any) -> Plan:
    """A plan from outside. Raises BadInput if it is none."""
    if not isinstance(values, Mapping) or not isinstance(values.get("runs"), list | tuple):
        raise BadInput("This is not a plan of runs.", "Give a list of runs and their names.")
    runs = tuple(read_run(run) for run in values["runs"])
    if not 1 <= len(runs) <= MAX_RUNS or len({run.data for run in runs}) > 1:
        raise BadInput(f"{len(runs)} runs of these data cannot stand side by side.",
                       f"Give one or {MAX_RUNS} runs of the same data.")
    names = values.get("names") or ["A", "B"][:len(runs)]
    if not isinstance(names, list | tuple) or len(names) != len(runs):
        raise BadInput("Each run needs a name.", "Give as many names as runs.")
    return Plan(runs, tuple(checks.text(name, "The name of a run", 80) for name in names))


def flag(value: Any, name: str) -> bool:
    """True or False and nothing else."""
    if not isinstance(value, bool):
        raise BadInput(f"{name} is neither on nor off.", "Give true or false.")
    return value
