"""A text as it grows token by token: taking, stepping back, replacing in the middle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from playground.context import Context
from playground.text import language_model
from playground.text.language_model import LanguageModel
from playground.text.next_token.predict import WHO

BLOCK = 64  # positions whose logits are held at once: 64 MB for a vocabulary of 262,144


@dataclass(frozen=True)
class Passage:
    """The ids of a text with its model's name; the first `given` came from a visitor, the others were taken.

    `surprises` has one entry a token, in bits, None where it was not measured. `text` is what the ids read as.
    `draws` counts the random numbers used: the next draw takes the next one of the seed.
    """

    model: str = language_model.MODEL
    ids: tuple[int, ...] = ()
    given: int = 0
    surprises: tuple[float | None, ...] = ()
    text: str = ""
    draws: int = 0

    def taken(self) -> int:
        """How many tokens were taken, and can be stepped back over."""
        return len(self.ids) - self.given


def begin(model: LanguageModel, text: str) -> Passage:
    """A passage of a visitor's text, none of it taken."""
    ids = tuple(model.encode(text))
    return Passage(model.name, ids, len(ids), (None,) * len(ids), text)


def take(model: LanguageModel, passage: Passage, token: int, bits: float, *, place: int | None = None,
         drawn: bool = False) -> Passage:
    """The passage with a token at `place` (default: the end); what stood there and after it is dropped."""
    place = len(passage.ids) if place is None else place
    ids = (*passage.ids[:place], token)
    return replace(passage, ids=ids, given=min(passage.given, place), text=model.text(ids),
                   surprises=(*passage.surprises[:place], bits), draws=passage.draws + drawn)


def step_back(model: LanguageModel, passage: Passage) -> Passage:
    """The passage without its last taken token; itself if none was taken. The next draw is a new one even so."""
    if not passage.taken():
        return passage
    ids = passage.ids[:-1]
    return replace(passage, ids=ids, text=model.text(ids), surprises=passage.surprises[:-1])


def measured(context: Context, model: LanguageModel, passage: Passage) -> Passage:
    """The passage with the surprise of every token that has a text before it in the model's context."""
    seen, cut = model.window(passage.ids)
    bits = surprises(context, model, seen)
    return replace(passage, surprises=(*[None] * cut, *bits))


def surprises(context: Context, model: LanguageModel, ids: Sequence[int]) -> list[float | None]:
    """-log2 p of each token (T) given those before it, in bits at temperature 1; None for the first."""
    import torch

    bits: list[float | None] = [None]
    with context.gate.turn(WHO), torch.inference_mode():
        hidden = model.model.base_model(model.tensor(ids), use_cache=False).last_hidden_state[0]  # (T, D)
        for start in range(0, len(ids) - 1, BLOCK):
            targets = torch.tensor(ids[start + 1:start + 1 + BLOCK], device=hidden.device)  # (block,)
            logits = model.model.get_output_embeddings()(hidden[start:start + len(targets)]).float()  # (block, V)
            losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
            bits += [max(0.0, loss) / math.log(2) for loss in losses.tolist()]
    return bits
