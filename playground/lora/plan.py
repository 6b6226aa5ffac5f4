"""What a training does: its subject, its numbers and its sample prompts, checked once for page, scripts and YAML.

LoRA: Hu et al. 2021 (arXiv:2106.09685): the change of a weight matrix W (out, in) is B A * alpha / rank, with A
(rank, in) and B (out, rank); B starts at 0, so that training starts from the untouched model. Prior preservation:
Ruiz et al. 2022, DreamBooth (arXiv:2208.12242), equation 3.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from playground import checks
from playground.diffusion import models
from playground.diffusion.requests import GUIDANCE
from playground.errors import BadInput

SUBJECTS = ("person", "thing", "style")
ATTENTION, WIDE = "attention", "attention and feed-forward"
TARGETS = (ATTENTION, WIDE)
NONE, NF4, INT8 = "none", "nf4", "int8"
PRECISIONS = (NONE, NF4, INT8)  # of the frozen base: as it is, or in fewer bits (playground/lora/quantised.py)
TRIGGER = "[trigger]"
FEWEST, MOST = 3, 50  # photos
SMALLEST_SIDE, LARGEST_SIDE = 64, 1024  # pixels of a training's pictures
SIDES = 16  # they are multiples of: an autoencoder halves three times, FLUX takes its latents in twos
# Distilled models, which draw in a few steps, lose that by training.
TRAINABLE = tuple(each.key for each in models.MODELS if each.steps >= 20)
MAX_SEED = 2**31 - 1
LONGEST = 300  # characters of a prompt or caption
MOST_PROMPTS = 6


@dataclass(frozen=True)
class Plan:
    """One training. `[trigger]` in prompts and captions stands for the trigger word.

    `prior_weight` 0 leaves prior preservation out; `control` is a prompt without the trigger, to show what leaks.
    """

    trigger: str
    subject: str = "person"
    model: str = models.POCKET
    steps: int = 300
    rank: int = 16
    alpha: int = 16
    learning_rate: float = 1e-3
    batch: int = 4
    resolution: int = 64
    targets: str = ATTENTION
    prior_weight: float = 0.0
    sample_every: int = 50
    prompts: tuple[str, ...] = ("a photo of a face, [trigger]",)
    control: str = "a photo of a face"
    seed: int = 42
    guidance: float = GUIDANCE
    sample_steps: int = 20
    quantise: str = NONE

    @property
    def samples(self) -> tuple[str, ...]:
        """The prompts of a row of samples, as the model hears them; the control is the last."""
        return (*(spoken(prompt, self.trigger) for prompt in self.prompts), self.control)

    def at(self) -> list[int]:
        """The steps after which samples are drawn: 0, every `sample_every`, and the last."""
        return sorted({*range(0, self.steps, self.sample_every), self.steps})


PRESETS: dict[str, dict[str, Any]] = {
    "quick": {"steps": 120, "rank": 8, "alpha": 8, "sample_every": 40},
    "balanced": {"steps": 300, "rank": 16, "alpha": 16, "sample_every": 50},
    "thorough": {"steps": 800, "rank": 16, "alpha": 16, "sample_every": 100, "prior_weight": 0.5},
}
# The pocket model learns at ten times the rate of the large ones, whose published recipes say 1e-4.
LARGE = {"learning_rate": 1e-4, "batch": 1}
SMALLEST_RATE, LARGEST_RATE = 1e-6, 1e-2


def preset(name: str, model: str, trigger: str, subject: str = "person") -> Plan:
    """A preset's plan for a model and a subject. BadInput for unknown names."""
    values = dict(PRESETS[checks.choice(name, "The preset", PRESETS)])
    kind = models.find(checks.choice(model, "The model", TRAINABLE))
    if kind.key != models.POCKET:
        values |= {**LARGE, "steps": values["steps"] * 4, "sample_every": values["sample_every"] * 4}
    values |= {"resolution": kind.size, "guidance": kind.guidance, "sample_steps": min(kind.steps, 20),
               **wording(subject, kind.key == models.POCKET)}
    return check({"trigger": trigger, "subject": subject, "model": model, **values})


def wording(subject: str, pocket: bool) -> dict[str, Any]:
    """Sample prompts and control prompt that suit a subject; the pocket model knows faces and emoji only."""
    if subject == "style":
        thing = "a photo of a face" if pocket else "a lighthouse by the sea"
        return {"prompts": (f"{thing}, {TRIGGER} style",), "control": thing}
    if subject == "thing":
        return {"prompts": (f"a photo of {TRIGGER}", f"{TRIGGER} on a beach"), "control": "a photo of a thing"}
    first = "a photo of a face, " if pocket else "a photo of "
    return {"prompts": (first + TRIGGER, f"a portrait of {TRIGGER}"), "control": "a photo of a face"}


def caption(subject: str, pocket: bool) -> str:
    """The caption that a picture gets when nobody writes one."""
    if subject == "style":
        return f"a picture, {TRIGGER} style"
    if subject == "person" and pocket:
        return f"a photo of a face, {TRIGGER}"
    return f"a photo of {TRIGGER}"


def spoken(text: str, trigger: str) -> str:
    """A prompt with the trigger word in its place."""
    return text.replace(TRIGGER, trigger)


def check(values: Any) -> Plan:
    """A Plan from values of outside; BadInput names what is wrong with which."""
    if not isinstance(values, Mapping):
        raise BadInput("This training has no settings.", "Start a new one.")
    known = {field.name for field in fields(Plan)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise BadInput(f"A training has no setting named {', '.join(map(str, unknown))[:100]}.",
                       f"It has: {', '.join(sorted(known))}.")
    plan = replace(Plan(trigger="x"), **values)
    checked = Plan(
        check_trigger(plan.trigger), checks.choice(plan.subject, "The subject", SUBJECTS),
        checks.choice(plan.model, "The model", TRAINABLE),
        checks.whole(plan.steps, "The number of steps", 1, 10_000), checks.whole(plan.rank, "The rank", 1, 256),
        checks.whole(plan.alpha, "Alpha", 1, 512),
        checks.real(plan.learning_rate, "The learning rate", SMALLEST_RATE, LARGEST_RATE),
        checks.whole(plan.batch, "The batch", 1, 32),
        checks.whole(plan.resolution, "The resolution", SMALLEST_SIDE, LARGEST_SIDE),
        checks.choice(plan.targets, "The target modules", TARGETS),
        checks.real(plan.prior_weight, "The weight of prior preservation", 0, 2),
        checks.whole(plan.sample_every, "The number of steps between samples", 1, 10_000),
        _prompts(plan.prompts), checks.text(plan.control, "The control prompt", LONGEST),
        checks.whole(plan.seed, "The seed", 0, MAX_SEED), checks.real(plan.guidance, "The guidance", 0, 20),
        checks.whole(plan.sample_steps, "The number of sample steps", 1, 100),
        checks.choice(plan.quantise, "The base's precision", PRECISIONS))
    if checked.quantise != NONE and models.find(checked.model).family != "flux":
        raise BadInput(f"{checked.model} is not trained with a quantised base.", "Only FLUX is; choose none.")
    most = models.find(checked.model).size
    if checked.resolution > most or checked.resolution % SIDES:
        raise BadInput(f"The resolution is {checked.resolution}; {checked.model} is trained with {SMALLEST_SIDE} to "
                       f"{most} pixels.", f"Give {most}, or less in multiples of {SIDES}.")
    if len(checked.at()) > 60:
        raise BadInput(f"That would draw samples {len(checked.at())} times.", "Sample less often, 60 times at most.")
    if checked.trigger.lower() in checked.control.lower().split():
        raise BadInput("The control prompt holds the trigger word.", "It shows what leaks, so leave the word out.")
    return checked


def check_trigger(trigger: Any) -> str:
    """A word of letters, digits, _ and -, as a prompt can hold."""
    word = checks.text(trigger, "The trigger word", 40).strip()
    if not re.fullmatch(r"[\w-]+", word):
        raise BadInput(f"{word!r} is not one word.", "Use letters, digits, _ and - only, such as joshug.")
    return word


def _prompts(prompts: Any) -> tuple[str, ...]:
    if isinstance(prompts, str) or not isinstance(prompts, list | tuple):
        raise BadInput("The sample prompts are not a list.", "Give one prompt a line.")
    if not 1 <= len(prompts) <= MOST_PROMPTS:
        raise BadInput(f"There are {len(prompts)} sample prompts.", f"Give 1 to {MOST_PROMPTS}.")
    return tuple(checks.text(prompt, "A sample prompt", LONGEST) for prompt in prompts)


def as_dict(plan: Plan) -> dict[str, Any]:
    """The plan in JSON types; check() takes it back."""
    return {**asdict(plan), "prompts": list(plan.prompts)}
