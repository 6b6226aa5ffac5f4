"""One-click runs that do what they say from any seed: failures, each beside a cure.

Only the named thing differs between a failure and its cure, so that it is what cured.
"""

import dataclasses
from dataclasses import dataclass

from playground.gan.lab.settings import (
    DIGITS,
    FACES,
    GRID,
    NON_SATURATING,
    RING,
    SATURATING,
    WASSERSTEIN,
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
# D learns fast and five times for each step of G; plain gradient descent, as Adam rescales even a tiny gradient
VANISHING = RunSettings(data=RING, loss=SATURATING, optimizer="sgd", momentum=0.9, d_steps=5, lr_d=0.05, lr_g=0.01)
# G runs ten times faster than D: it finds the one place that D likes best and moves on when D has noticed
COLLAPSE = RunSettings(data=RING, lr_d=1e-4, lr_g=1e-3, momentum=0.9)
FACE_RUN = RunSettings(data=FACES, lr_d=2e-4, lr_g=4e-4, batch=32, r1=1.0)
DIGIT_RUN = RunSettings(data=DIGITS, lr_d=4e-4, lr_g=4e-4, batch=64, r1=1.0)


def beside(failure: RunSettings, name: str, cure: str, **changes: object) -> Plan:
    """The failure and, beside it, the same with the changes that cure it."""
    return Plan((failure, dataclasses.replace(failure, **changes)), (name, f"Cure: {cure}"))


def alone(run: RunSettings, name: str) -> Plan:
    """One run."""
    return Plan((run,), (name,))


PRESETS = (
    Preset("healthy", "Healthy run", alone(HEALTHY, "Healthy run"),
           "The cloud spreads over all eight modes; both losses level off and neither wins."),
    Preset("grid", "Twenty-five modes", alone(dataclasses.replace(HEALTHY, data=GRID), "25 modes"),
           "The same on a grid: more modes, more time."),
    Preset("vanishing", "Vanishing gradient | another loss",
           beside(VANISHING, "Vanishing gradient", "-log D instead of log(1 - D)", loss=NON_SATURATING),
           "Left, D tells everything apart and log(1 - D) is flat there: no gradient reaches G, and it stands still."),
    Preset("vanishing-noise", "Vanishing gradient | noise",
           beside(VANISHING, "Vanishing gradient", "noise on D's input", noise=0.5),
           "Noise makes real and generated points overlap, so D cannot be sure and G gets a direction."),
    Preset("vanishing-slow", "Vanishing gradient | slower D",
           beside(VANISHING, "Vanishing gradient", "a slower D", d_steps=1, lr_d=0.002),
           "A D that learns as slowly as G does not run away."),
    Preset("collapse", "Mode collapse | another loss",
           beside(COLLAPSE, "Mode collapse", "Wasserstein with gradient penalty", loss=WASSERSTEIN),
           "Left, G puts everything into one place and hops on when D has learned that place."),
    Preset("collapse-noise", "Mode collapse | noise",
           beside(COLLAPSE, "Mode collapse", "noise on D's input", noise=0.3), ""),
    Preset("collapse-slow", "Mode collapse | slower G",
           beside(COLLAPSE, "Mode collapse", "G as slow as D", lr_g=1e-4), ""),
    Preset("faces", "Faces 32 x 32", alone(FACE_RUN, "Faces"), "Noise, then blobs, then faces, within minutes."),
    Preset("digits", "Handwritten digits", alone(DIGIT_RUN, "Digits"), ""),
)
