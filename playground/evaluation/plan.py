"""What is to be run: prompts, providers, test cases with their assertions, repeats. Plain data, JSON both ways.

The names are promptfoo's, whose YAML format promptfoo.py reads and writes.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from playground import checks
from playground.diffusion import models, requests
from playground.errors import BadInput
from playground.text.next_token import sampling
from playground.text.next_token.distribution import Controls

MOST_PROMPTS, MOST_CASES, MOST_PROVIDERS, MOST_REPEATS = 50, 1000, 8, 20
MOST_CELLS = 10_000  # a larger run is refused
ASK_CELLS = 500  # a larger run is asked about first
MOST_TOKENS = 500
MOST_STOPS = 8
MOST_PICTURES = 50  # references of a plan
LABEL = 60  # characters of a label made from a prompt


@dataclass(frozen=True)
class Assertion:
    """One check of an output. `kind` is promptfoo's type without "not-"; `parts` are those of an assert-set."""

    kind: str
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    negated: bool = False
    metric: str = ""
    prompt: str = ""  # the judge's prompt, for llm-rubric; empty for the default one
    parts: tuple["Assertion", ...] = ()

    @property
    def type(self) -> str:
        """promptfoo's name of it."""
        return f"not-{self.kind}" if self.negated else self.kind

    @classmethod
    def of(cls, data: dict) -> "Assertion":
        """From asdict()."""
        return cls(**{**data, "parts": tuple(cls.of(part) for part in data["parts"])})


@dataclass(frozen=True)
class Prompt:
    """A template with {{variables}}, and what it is called."""

    text: str
    label: str = ""

    @property
    def name(self) -> str:
        """The label, or the beginning of the text."""
        short = " ".join(self.text.split())
        return self.label or (short if len(short) <= LABEL else short[:LABEL - 1] + "…")


@dataclass(frozen=True)
class Provider:
    """A model by its id and how it writes: temperature 0 takes the likeliest token, `stop` strings end the text.

    A text-to-image model draws in `steps` with `guidance`; 0 and None stand for the model's usual ones.
    """

    id: str
    label: str = ""
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    max_tokens: int = 40
    stop: tuple[str, ...] = ()
    base_url: str = ""  # of an OpenAI-compatible endpoint
    key_variable: str = ""
    steps: int = 0
    guidance: float | None = None

    @property
    def draws(self) -> bool:
        """Whether its outputs are pictures."""
        return self.id in models.names()

    @property
    def name(self) -> str:
        """The label, or the id."""
        return self.label or self.id

    @property
    def repeats_itself(self) -> bool:
        """Whether each seed gives the same output."""
        return self.temperature == 0 and not self.draws and not self.id.startswith("ngram:")

    @property
    def controls(self) -> Controls:
        """Temperature and cuts as the engine takes them."""
        return Controls(self.temperature, self.top_k, self.top_p)

    @classmethod
    def of(cls, data: dict) -> "Provider":
        """From asdict()."""
        return cls(**{**data, "stop": tuple(data["stop"])})


@dataclass(frozen=True)
class Case:
    """One test case: its variables and its assertions. `threshold` lets it pass by its score instead of by all."""

    variables: dict[str, Any] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()
    description: str = ""
    threshold: float | None = None

    def name(self, number: int) -> str:
        """The description, or the variables, or the number (from 0)."""
        shown = self.description or ", ".join(str(value) for value in self.variables.values()) or f"case {number + 1}"
        short = " ".join(shown.split())
        return short if len(short) <= LABEL else short[:LABEL - 1] + "…"

    @classmethod
    def of(cls, data: dict) -> "Case":
        """From asdict()."""
        return cls(**{**data, "assertions": tuple(Assertion.of(each) for each in data["assertions"])})


@dataclass(frozen=True)
class Cell:
    """One output of a run: which prompt, case and provider (by number, from 0), and which repeat."""

    prompt: int
    case: int
    provider: int
    repeat: int

    @property
    def id(self) -> str:
        """Its name in the store and in links: '0-2-0-1'."""
        return f"{self.prompt}-{self.case}-{self.provider}-{self.repeat}"


@dataclass(frozen=True)
class Plan:
    """A whole run. The repeat r of every cell uses the seed `seed` + r, so that prompts meet the same luck.

    `pictures` are references by name, as data URIs of small PNG files.
    """

    prompts: tuple[Prompt, ...]
    providers: tuple[Provider, ...]
    cases: tuple[Case, ...]
    repeats: int = 1
    seed: int = 0
    description: str = ""
    judge: str = "gemma-3-270m"
    pictures: dict[str, str] = field(default_factory=dict)

    def cells(self) -> Iterator[Cell]:
        """All cells, a case's prompts and repeats together."""
        for provider in range(len(self.providers)):
            for case in range(len(self.cases)):
                for prompt in range(len(self.prompts)):
                    for repeat in range(self.repeats):
                        yield Cell(prompt, case, provider, repeat)

    @property
    def size(self) -> int:
        """The number of cells."""
        return len(self.providers) * len(self.cases) * len(self.prompts) * self.repeats

    def to_json(self) -> dict:
        """As JSON types."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict) -> "Plan":
        """From to_json()."""
        return cls(**{**data, "prompts": tuple(Prompt(**each) for each in data["prompts"]),
                      "providers": tuple(Provider.of(each) for each in data["providers"]),
                      "cases": tuple(Case.of(each) for each in data["cases"])})


def checked(plan: Plan) -> Plan:
    """The plan, if it can be run. Raises BadInput for what is missing, too much, or out of range."""
    for count, most, what in ((len(plan.prompts), MOST_PROMPTS, "prompts"), (len(plan.cases), MOST_CASES, "cases"),
                              (len(plan.providers), MOST_PROVIDERS, "models")):
        if not count:
            raise BadInput(f"There are no {what}.", "Give at least one.")
        if count > most:
            raise BadInput(f"There are {count:,} {what}.", f"Give at most {most:,}.")
    checks.whole(plan.repeats, "The number of repeats", 1, MOST_REPEATS)
    sampling.check_seed(plan.seed)
    sampling.check_seed(plan.seed + plan.repeats - 1)
    if plan.size > MOST_CELLS:
        raise BadInput(f"This run has {plan.size:,} cells ({len(plan.prompts)} prompts x {len(plan.cases)} cases x "
                       f"{len(plan.providers)} models x {plan.repeats} repeats).", f"Give at most {MOST_CELLS:,}.")
    for prompt in plan.prompts:
        checks.text(prompt.text, f"The prompt {prompt.name!r}", 50_000)
    return replace(plan, providers=tuple(checked_provider(each) for each in plan.providers))


def checked_provider(provider: Provider) -> Provider:
    """A provider whose numbers are in range."""
    controls = Controls.checked(provider.temperature, provider.top_k, provider.top_p)
    tokens = checks.whole(provider.max_tokens, "The number of tokens", 1, MOST_TOKENS)
    if provider.draws:
        usual = models.find(provider.id)
        drawn = requests.check("", model=provider.id, steps=provider.steps or usual.steps,
                               guidance=usual.guidance if provider.guidance is None else provider.guidance)
        return replace(provider, steps=drawn.steps if provider.steps else 0)
    if len(provider.stop) > MOST_STOPS or not all(isinstance(each, str) and each for each in provider.stop):
        raise BadInput("The stop strings cannot be used.", f"Give up to {MOST_STOPS} texts that are not empty.")
    return replace(provider, temperature=controls.temperature, top_k=controls.top_k, top_p=controls.top_p,
                   max_tokens=tokens)


WRITING = ("id", "temperature", "top_k", "top_p", "max_tokens", "stop", "base_url")  # what changes an output
DRAWING = ("id", "steps", "guidance")


def generation_key(provider: Provider, prompt: str, seed: int) -> str:
    """What makes two generations the same: model, settings, prompt, and the seed where it matters. SHA-256."""
    names = DRAWING if provider.draws else WRITING
    settings = {name: value for name, value in asdict(provider).items() if name in names}
    settings |= {"prompt": prompt, "seed": 0 if provider.repeats_itself else seed}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
