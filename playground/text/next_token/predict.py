"""The next token of a text: its logits, computed once and kept, and what controls make of them.

Temperature, top-k and top-p work on kept logits and need no pass through the model. Kept are the logits of the
last KEPT contexts of all visitors together, 1 MB each for a vocabulary of 262,144; a context that has gone is
computed again.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.context import Context
from playground.text import language_model
from playground.text.language_model import LanguageModel
from playground.text.next_token import distribution
from playground.text.next_token.distribution import Controls, Shape
from playground.weights import Progress, silent

WHO = "Next token"
KEPT = 64
TABLE_ROWS = 100


@dataclass(frozen=True)
class Choice:
    """A token that may come next: its text, its id, its probability now and at temperature 1 with nothing cut."""

    text: str
    id: int
    probability: float
    plain: float


@dataclass(frozen=True)
class Prediction:
    """The most likely next tokens, largest first, and what is left for everything else.

    `others` are the probabilities (now, plain) of all tokens not in `choices`, and `vocabulary` counts all.
    """

    choices: tuple[Choice, ...]
    others: tuple[float, float]
    shape: Shape
    vocabulary: int


class Predictor:
    """Logits by model and context, for as long as they are kept. Safe to share between threads."""

    def __init__(self, context: Context, kept: int = KEPT) -> None:
        self.context = context
        self.passes = 0  # through a model, ever: what the page and the tests look at
        self._size = kept
        self._kept: OrderedDict[tuple[str, tuple[int, ...]], np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def logits(self, model: LanguageModel, ids: Sequence[int]) -> np.ndarray:
        """(V,) float32 of the token after ids (T), which are cut to the model's context."""
        seen, _ = model.window(ids)
        key = (model.name, tuple(seen))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self.context.cache.retrying(lambda: self._forward(model, seen), self.context.device)
        self.keep(model, seen, found)
        return found

    def keep(self, model: LanguageModel, ids: Sequence[int], logits: np.ndarray) -> None:
        """Keeps logits that were computed elsewhere, and drops those that were not used for longest."""
        seen, _ = model.window(ids)
        with self._lock:
            self._kept[model.name, tuple(seen)] = logits
            self._kept.move_to_end((model.name, tuple(seen)))
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def _forward(self, model: LanguageModel, ids: Sequence[int]) -> np.ndarray:
        import torch

        with self.context.gate.turn(WHO), torch.inference_mode():
            self.passes += 1
            out = model.model(model.tensor(ids), use_cache=False, logits_to_keep=1)
            return out.logits[0, -1].float().cpu().numpy()

    def next_token(self, text: str, name: str = language_model.MODEL, controls: Controls | None = None,
                   count: int = TABLE_ROWS, progress: Progress = silent) -> Prediction:
        """The `count` most likely tokens after a text. Raises BadInput for a text or name that cannot be used."""
        text = language_model.check_text(text)
        with self.context.cache.lease(language_model.spec(self.context, name, progress)) as model:
            return predict(model, self.logits(model, model.encode(text)), controls or Controls(), count)


def predict(model: LanguageModel, logits: np.ndarray, controls: Controls, count: int,
            also: int | None = None) -> Prediction:
    """What logits (V,) say under these controls: the `count` most likely tokens, and `also` one more by its id.

    The order is that of the logits, which no control changes.
    """
    plain = distribution.softmax(logits)
    now = plain if controls == Controls() else distribution.shaped(logits, controls)
    ids = list(distribution.most_likely(plain, count))
    if also is not None and also not in ids:
        ids.append(also)
    choices = tuple(Choice(model.token(int(each)), int(each), float(now[each]), float(plain[each])) for each in ids)
    others = (max(0.0, 1 - float(now[ids].sum())), max(0.0, 1 - float(plain[ids].sum())))
    return Prediction(choices, others, distribution.shape(now), len(logits))


def table(prediction: Prediction) -> list[list]:
    """Rows of token, id, probability, largest first; without the tokens that the controls rule out."""
    rows = [[each.text, each.id, each.probability] for each in prediction.choices if each.probability > 0]
    return sorted(rows, key=lambda row: -row[2])
