"""What a visitor asks a diffusion model for, checked once for page and scripts."""

from dataclasses import dataclass
from typing import Any

from playground import checks
from playground.diffusion import models, schedulers

MAX_STEPS = 100
MAX_SEED = 2**31 - 1
GUIDANCE = models.find(models.POCKET).guidance  # by default
MAX_GUIDANCE = 20.0
LONGEST = 2000  # characters of a prompt; what the text encoder does not read is shown as cut off


@dataclass(frozen=True)
class Request:
    """One picture: `guidance` 1 leaves classifier-free guidance out, as in diffusers."""

    prompt: str
    negative: str = ""
    steps: int = 20
    guidance: float = GUIDANCE
    seed: int = 42
    scheduler: str = schedulers.DEFAULT
    model: str = models.POCKET

    @property
    def guided(self) -> bool:
        """Whether the network is asked twice a step, with and without the prompt."""
        return self.guidance > 1


def check(prompt: Any, negative: Any = "", **values: Any) -> Request:
    """A Request from values of outside: steps, guidance, seed, scheduler, model; BadInput names what is wrong.

    Steps and guidance that are None are those that the model was made for.
    """
    model = checks.choice(values.get("model", models.POCKET), "The model", models.names())
    own = models.find(model)
    known = schedulers.names(own.family)
    wanted = values.get("scheduler") or schedulers.DEFAULT
    if wanted == schedulers.DEFAULT and wanted not in known:
        wanted = known[0]
    return Request(
        checks.text(prompt, "The prompt", LONGEST, empty=True),
        checks.text(negative or "", "The negative prompt", LONGEST, empty=True),
        checks.whole(_given(values.get("steps"), own.steps), "The number of steps", 1, MAX_STEPS),
        checks.real(_given(values.get("guidance"), own.guidance), "The guidance", 0.0, MAX_GUIDANCE),
        checks.whole(values.get("seed", 42), "The seed", 0, MAX_SEED),
        checks.choice(wanted, "The scheduler", known),
        model)


def _given(value: Any, usual: Any) -> Any:
    """A value of outside, or the usual one where there is none."""
    return usual if value is None else value
