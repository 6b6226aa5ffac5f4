"""What a provider is asked for and gives: the same for a local model, counts of a book, or a machine elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Check = Callable[[], None]  # raises when the run is to stop


def never() -> None:
    """The Check of a run that nobody stops."""


@dataclass(frozen=True)
class Request:
    """One generation: its key (plan.generation_key), the prompt as sent, the seed of its draws."""

    key: str
    prompt: str
    seed: int


@dataclass(frozen=True)
class Output:
    """What came. `seconds` from the start of its batch; `logprob` in nats at temperature 1, None where not known.

    `finish`: "end" (the model ended), "stop" (a stop string), "length" (max_tokens), "error" (see `error`).
    `cut` counts tokens of the prompt that did not fit into the model's context. `picture` is the key of what was
    drawn in the run's album; such an output has no text.
    """

    text: str
    tokens: int = 0
    prompt_tokens: int = 0
    seconds: float = 0.0
    logprob: float | None = None
    finish: str = "length"
    cut: int = 0
    error: str = ""
    picture: str = ""


class Generator(Protocol):
    """Something that answers prompts."""

    def generate(self, requests: Sequence[Request], check: Check) -> Iterator[tuple[str, Output]]:
        """(key, output) of every request, as they are finished. `check` is called often and may raise."""
