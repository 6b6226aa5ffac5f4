"""Continuing a text token by token.

The keys and values of the tokens before are kept, so that each step runs the model over one token. Every step
takes one turn at the gate, and none is held while a caller looks at what came.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checks
from playground.context import Context
from playground.text import language_model
from playground.text.language_model import LanguageModel
from playground.text.next_token import distribution, sampling
from playground.text.next_token.distribution import Controls
from playground.weights import Progress, silent

WHO = "Next token"
MAX_TOKENS = 1000


@dataclass(frozen=True)
class Step:
    """One token that was drawn: how, its surprise in bits (-log2 p at temperature 1), and the logits (V,) before it."""

    draw: sampling.Draw
    surprise: float
    logits: np.ndarray


class Reader:
    """The logits of the next token as a text grows; keeps keys and values between calls.

    Where the context is full, the older half of it is forgotten and the rest read again.
    """

    def __init__(self, context: Context, model: LanguageModel, ids: Sequence[int], who: str = WHO) -> None:
        self.context, self.model, self.who = context, model, who
        self._past: Any = None
        self._length = 0
        self._ids = list(ids)

    def logits(self) -> np.ndarray:
        """(V,) float32 of the token that follows all that was given so far."""
        return self.context.cache.retrying(self._forward, self.context.device)

    def add(self, token: int) -> None:
        """Appends a token to the text."""
        self._ids.append(token)

    def _forward(self) -> np.ndarray:
        import torch

        fresh = self._fresh()
        with self.context.gate.turn(self.who), torch.inference_mode():
            out = self.model.model(self.model.tensor(fresh), past_key_values=self._past, use_cache=True,
                                   logits_to_keep=1)
            logits = out.logits[0, -1].float().cpu().numpy()
        self._past, self._length = out.past_key_values, len(self._ids)
        return logits

    def _fresh(self) -> list[int]:
        """The ids to read next: the new ones, or all where the context is full or a step before broke off."""
        if len(self._ids) > self.model.context_length:
            self._shorten()
        if self._past is not None and self._past.get_seq_length() == self._length < len(self._ids):
            return self._ids[self._length:]
        self._past = None
        return self._ids

    def _shorten(self) -> None:
        """Drops the tokens past the context; the older half of all when that happens in mid-text."""
        self._ids, _ = self.model.window(self._ids)
        if self._past is not None:
            start = len(self.model.start)
            self._ids = self._ids[:start] + self._ids[start + len(self._ids) // 2:]
        self._past = None


def steps(context: Context, model: LanguageModel, ids: Sequence[int], controls: Controls, *, seed: int,
          max_tokens: int, first: int = 0, who: str = WHO) -> Iterator[Step]:
    """Draws up to max_tokens tokens after ids (T), one a step; ends before a token that ends a text.

    The draws of the seed are used one after another from the draw `first` on. The caller holds the model's lease.
    """
    reader = Reader(context, model, ids, who)
    for number in range(first, first + max_tokens):
        logits = reader.logits()
        drawn = sampling.draw(distribution.shaped(logits, controls), seed, number)
        if drawn.token in model.ends:
            return
        yield Step(drawn, distribution.surprise(logits, drawn.token), logits)
        reader.add(drawn.token)


def continue_text(context: Context, text: str, *, name: str = language_model.MODEL, temperature: float = 1.0,
                  top_k: int = 0, top_p: float = 1.0, max_tokens: int = 40, seed: int = 0,
                  stop: str | Sequence[str] | None = None, who: str = WHO,
                  progress: Progress = silent) -> Iterator[str]:
    """Yields the continuation of a text in pieces, one a token where a token ends a character.

    Joined they are the continuation, without the text itself. It ends after max_tokens tokens, before a token
    that ends a text, or before the first of the `stop` strings. Closing the iterator gives the model back.
    Raises BadInput for values out of range and unknown names, when the first piece is asked for.
    """
    text = language_model.check_text(text)
    controls = Controls.checked(temperature, top_k, top_p)
    max_tokens = checks.whole(max_tokens, "The number of tokens", 1, MAX_TOKENS)
    seed = sampling.check_seed(seed)
    stops = [stop] if isinstance(stop, str) else list(stop or ())
    with context.cache.lease(language_model.spec(context, name, progress)) as model:
        drawn = steps(context, model, model.encode(text), controls, seed=seed, max_tokens=max_tokens, who=who)
        with contextlib.closing(drawn):
            yield from before_stop(pieces(model, (step.draw.token for step in drawn)), stops)


def pieces(model: LanguageModel, tokens: Iterator[int]) -> Iterator[str]:
    """The text that each token adds; a character of several tokens comes with its last one.

    Decoded together with the tokens before, since some tokenizers write a token differently at the start.
    """
    ids: list[int] = []
    shown = ""
    for token in tokens:
        ids.append(token)
        whole = model.text(ids)
        if not whole.endswith("\ufffd") and len(whole) > len(shown):
            yield whole[len(shown):]
            shown = whole
    rest = model.text(ids)[len(shown):]
    if rest:
        yield rest


def before_stop(parts: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """Parts of a text up to the first stop string; holds back what may be the beginning of one."""
    held = ""
    for part in parts:
        held += part
        found = [held.index(stop) for stop in stops if stop and stop in held]
        if found:
            yield held[:min(found)]
            return
        keep = max((overlap(held, stop) for stop in stops), default=0)
        if len(held) > keep:
            yield held[:len(held) - keep]
            held = held[len(held) - keep:]
    if held:
        yield held


def overlap(text: str, stop: str) -> int:
    """The length of the longest end of a text that is a beginning of the stop string."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
