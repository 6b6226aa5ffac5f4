"""One-click runs that do what they say from any seed: failures, each beside a cure.

Only the named thing differs between a failure and its cure, so that it is what cured.
"""

import dataclasses
from dataclasses import dataclass

from playground.gan.lab.settings import (
    DIGITS,
    FACES,
    GRID,
    MOONS,
    NON_SATURATING,
    PICTURES,
    RING,
    SATURATING,
    Plan,
    RunSettings,
)


@dataclass(frozen=True)
class Preset:
    """A plan with its title on the page, its key in links, and what one will see."""

    key: str
    title: str
    plan: Plan
    watch: str


HEALTHY = RunSettings(data=RING, lr_d=1e-3, lr_g=1e-3, momentum=0.0)
# D has a head start and learns five times for each step of G; G goes down its gradient as it is, where Adam would
# blow up even a tiny one
VANISHING = RunSettings(data=RING, loss=SATURATING, optimizer_g="sgd", momentum=0.0, d_steps=5, head_start=300,
                        lr_d=1e-3, lr_g=5e-3, updates=1500)
# D is ten times slower than G, which runs to wherever D scores highest, all points together, before D has noticed
COLLAPSE = dataclasses.replace(HEALTHY, lr_d=1e-4, updates=2500)
FACE_RUN = RunSettings(data=FACES, lr_d=2e-4, lr_g=4e-4, batch=32, r1=1.0, updates=6000)
DIGIT_RUN = RunSettings(data=DIGITS, lr_d=4e-4, lr_g=4e-4, batch=64, r1=1.0, updates=8000)


def suited(data: str) -> RunSettings:
    """Settings under which a run on this data works."""
    run = {FACES: FACE_RUN, PICTURES: FACE_RUN, DIGITS: DIGIT_RUN}.get(data, HEALTHY)
    return dataclasses.replace(run, data=data)


def beside(failure: RunSettings, name: str, cure: str, **changes: object) -> Plan:
    """The failure and, beside it, the same with the changes that cure it."""
    return Plan((failure, dataclasses.replace(failure, **changes)), (name, f"Cure: {cure}"))


def alone(run: RunSettings, name: str) -> Plan:
    """One run."""
    return Plan((run,), (name,))


PRESETS = (
    Preset("healthy", "Healthy run", alone(HEALTHY, "Healthy run"),
           "The cloud spreads over all eight modes. Neither loss wins, and D cannot be sure of anything."),
    Preset("vanishing", "Vanishing gradient | another loss",
           beside(VANISHING, "Vanishing gradient", "−log D", loss=NON_SATURATING),
           "Left, D tells everything apart. There log(1 − D) is flat: no gradient reaches G, and it stands still. "
           "Right, the same D with −log D, which is steep there."),
    Preset("vanishing-noise", "Vanishing gradient | noise",
           beside(VANISHING, "Vanishing gradient", "noise on D’s input", noise=0.5),
           "Right, noise on whatever D sees makes real and generated points overlap: D cannot be sure, so G learns."),
    Preset("vanishing-slow", "Vanishing gradient | slower D",
           beside(VANISHING, "Vanishing gradient", "a slower D", d_steps=1, head_start=0, lr_d=1e-4),
           "Right, D learns as slowly as G and does not run away."),
    Preset("collapse", "Mode collapse | faster D",
           beside(COLLAPSE, "Mode collapse", "D as fast as G", lr_d=COLLAPSE.lr_g),
           "Left, D learns ten times slower than G: G puts everything into the place that D likes best, and hops on "
           "when D has noticed. Right, D keeps up, and every mode is found."),
    Preset("grid", "Twenty-five modes", alone(dataclasses.replace(HEALTHY, data=GRID), "25 modes"),
           "The same on a grid: more modes take more time."),
    Preset("moons", "Two moons", alone(dataclasses.replace(HEALTHY, data=MOONS), "Two moons"),
           "No separate modes here, but two bent curves."),
    Preset("digits", "Handwritten digits", alone(DIGIT_RUN, "Digits"), "Grey noise, then strokes, then digits."),
    Preset("faces", "Faces 32 x 32", alone(FACE_RUN, "Faces"),
           "Noise, then blobs, then faces. Look back to see update 1, 100 and 1,000."),
)
