"""The training pairs that a text yields, and what a model says about each now.

From N tokens come N - 1 pairs: a text so far, and the token that follows it. Training lowers the mean of
-ln p(token | text so far), the cross-entropy; its exponential is the perplexity.
Source: Bengio et al. 2003, A neural probabilistic language model.
"""

import math
from dataclasses import dataclass

from playground.context import Context
from playground.errors import BadInput
from playground.text import language_model
from playground.text.next_token.passage import surprises
from playground.weights import Progress, silent

MOST_TOKENS = 512


@dataclass(frozen=True)
class Pair:
    """A text so far, the token that follows it, the model's probability for that token, and its loss in nats."""

    before: str
    token: str
    probability: float
    loss: float


@dataclass(frozen=True)
class Training:
    """All pairs of a text, their mean loss in nats and the perplexity."""

    pairs: tuple[Pair, ...]
    loss: float
    perplexity: float


def training_pairs(context: Context, text: str, name: str = language_model.MODEL,
                   progress: Progress = silent) -> Training:
    """The pairs of a text. Raises BadInput for one that makes no pair or more than MOST_TOKENS tokens."""
    text = language_model.check_text(text, "The post")
    with context.cache.lease(language_model.spec(context, name, progress)) as model:
        ids = model.encode(text)
        longest = min(MOST_TOKENS, model.context_length)
        if not 2 <= len(ids) <= longest:
            raise BadInput(f"The post has {len(ids)} tokens.", f"Give one of 2 to {longest} tokens.")
        bits = surprises(context, model, ids)
        losses = [each * math.log(2) for each in bits[1:]]
        before = [model.text(ids[:place]) for place in range(1, len(ids))]
        pairs = tuple(Pair(so_far, model.token(token), math.exp(-loss), loss)
                      for so_far, token, loss in zip(before, ids[1:], losses, strict=True))
    mean = sum(losses) / len(losses)
    return Training(pairs, mean, math.exp(mean))
