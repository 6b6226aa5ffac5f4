"""Many texts continued at once by one local language model.

Prompts are padded on the left, so that all rows grow at the same place; equal prompts are read once and their keys
and values copied. A row that ends leaves the batch. Every pass takes one turn at the gate. At temperature 0 the
outputs are those of the rows alone; above it the draws are those of playground.text.generation for the same seed.

Shapes: B rows, T places of the padded batch, V entries of the vocabulary.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from playground.context import Context
from playground.evaluation.outputs import Check, Output, Request, never
from playground.evaluation.plan import Provider
from playground.text.language_model import LanguageModel
from playground.text.next_token import distribution, sampling

WHO = "Prompt evaluation"
ROWS = {"cpu": 24, "cuda": 96}  # rows of a batch; more gains little on two cores
HEAD = sampling.SORTED  # tokens by size at the start of the line of a draw


@dataclass(eq=False)
class Row:
    """One text that grows."""

    request: Request
    ids: list[int]  # of the prompt
    cut: int
    written: list[int] = field(default_factory=list)
    logprob: float = 0.0


class Batch:
    """Rows that share keys and values. `step()` adds a token to each and gives those that ended."""

    def __init__(self, context: Context, model: LanguageModel, provider: Provider, rows: Sequence[Row]) -> None:
        self.context, self.model, self.provider = context, model, provider
        self.rows = list(rows)
        self.started = time.perf_counter()
        self._past: Any = None
        self._mask: Any = None

    def step(self) -> list[tuple[Row, str, str]]:
        """Draws one token a row; returns (row, text, finish) of the rows that ended, which leave the batch."""
        logits = self.context.cache.retrying(self._forward, self.context.device)
        tokens, logprobs = self._choose(logits)
        ended, kept = [], []
        for place, row in enumerate(self.rows):
            token = tokens[place]
            if token in self.model.ends:
                ended.append((row, self.model.text(row.written), "end"))
                continue
            row.written.append(token)
            row.logprob += logprobs[place]
            done = self._finished(row)
            if done:
                ended.append((row, *done))
            else:
                kept.append(place)
        if ended:
            self._keep(kept)
        return ended

    def _finished(self, row: Row) -> tuple[str, str] | None:
        """(text, finish) of a row at a stop string or at its last token."""
        last = len(row.written) >= self.provider.max_tokens
        if not last and not self.provider.stop:
            return None
        text = self.model.text(row.written)
        places = [text.index(stop) for stop in self.provider.stop if stop in text]
        if places:
            return text[:min(places)], "stop"
        return (text, "length") if last else None

    def _forward(self) -> Any:
        """Logits (B, V) float32 of the token that follows each row."""
        import torch

        past, self._past = self._past, None  # a pass that fails leaves half of it: the next one begins anew
        ids, mask, places, copies = self._inputs(past is None)
        with self.context.gate.turn(WHO), torch.inference_mode():
            out = self.model.model(ids, attention_mask=mask, position_ids=places, past_key_values=past,
                                   use_cache=True, logits_to_keep=1)
            logits = out.logits[:, -1].float()
            if copies is not None:
                out.past_key_values.batch_select_indices(copies)
                logits, mask = logits[copies], mask[copies]
        self._past, self._mask = out.past_key_values, mask
        return logits

    def _inputs(self, afresh: bool) -> tuple[Any, Any, Any, Any]:
        """ids, mask (B, T), positions, and which distinct row each row is a copy of (None: all are their own)."""
        import torch

        device = self.model.model.device
        if not afresh:
            ids = torch.tensor([[row.written[-1]] for row in self.rows], device=device)
            mask = torch.cat([self._mask, self._mask.new_ones(len(self.rows), 1)], dim=1)
            return ids, mask, mask.sum(dim=1, keepdim=True) - 1, None
        texts = [tuple(row.ids + row.written) for row in self.rows]
        distinct = list(dict.fromkeys(texts))
        longest = max(map(len, distinct))
        ids = torch.zeros(len(distinct), longest, dtype=torch.long, device=device)
        mask = torch.zeros_like(ids)
        for place, text in enumerate(distinct):
            ids[place, longest - len(text):] = torch.tensor(text, device=device)
            mask[place, longest - len(text):] = 1
        numbers = {text: place for place, text in enumerate(distinct)}
        copies = None if len(distinct) == len(texts) else torch.tensor([numbers[text] for text in texts], device=device)
        return ids, mask, (mask.cumsum(dim=1) - 1).clamp(min=0), copies

    def _keep(self, places: list[int]) -> None:
        """Goes on with some of the rows."""
        import torch

        self.rows = [self.rows[place] for place in places]
        if self._past is not None and self.rows:
            kept = torch.tensor(places, device=self._mask.device)
            self._past.batch_select_indices(kept)
            self._mask = self._mask[kept]

    def _choose(self, logits: Any) -> tuple[list[int], list[float]]:
        """A token a row, and its log probability in nats at temperature 1."""
        import torch

        with torch.inference_mode():
            if self.provider.temperature == 0:
                tokens = logits.argmax(dim=-1)
            else:
                tokens = torch.tensor(self._draw(logits), device=logits.device)
            chosen = logits.gather(1, tokens[:, None])[:, 0]
            return tokens.tolist(), (chosen - logits.logsumexp(dim=-1)).tolist()

    def _draw(self, logits: Any) -> list[int]:
        """Draws as sampling.draw would; mostly from the likeliest HEAD tokens alone, which is many times faster."""
        controls = self.provider.controls
        numbers = [sampling.random_number(row.request.seed, len(row.written)) for row in self.rows]
        if controls.top_k or controls.top_p < 1:
            return [sampling.Line(distribution.shaped(row, controls)).at(u).token
                    for row, u in zip(logits.cpu().numpy(), numbers, strict=True)]
        scaled = logits.double() / controls.temperature
        values, ids = scaled.topk(min(HEAD, scaled.shape[1]), dim=-1)
        ends = (values - scaled.logsumexp(dim=-1, keepdim=True)).exp().cumsum(dim=-1).cpu().numpy()
        drawn = []
        for place, u in enumerate(numbers):
            if u < ends[place, -1] * (1 - 1e-9):
                drawn.append(int(ids[place, int(np.searchsorted(ends[place], u, side="right"))]))
            else:
                probabilities = distribution.shaped(logits[place].cpu().numpy(), controls)
                drawn.append(sampling.Line(probabilities).at(u).token)
        return drawn


def rows_of(model: LanguageModel, requests: Sequence[Request], room: int) -> list[Row]:
    """Rows whose prompts leave `room` tokens of the context, the shortest first."""
    rows = []
    for request in requests:
        ids = model.encode(request.prompt)
        most = max(1, model.context_length - room)
        kept = ids if len(ids) <= most else [*model.start, *ids[len(ids) - most + len(model.start):]]
        rows.append(Row(request, kept, len(ids) - len(kept)))
    return sorted(rows, key=lambda row: len(row.ids))


def generate(context: Context, model: LanguageModel, provider: Provider, requests: Sequence[Request],
             check: Check = never) -> Iterator[tuple[str, Output]]:
    """(key, output) of every request. The caller holds the model's lease; `check` is called between the steps."""
    rows = rows_of(model, requests, provider.max_tokens)
    size = ROWS.get(context.device.partition(":")[0], ROWS["cpu"])
    for start in range(0, len(rows), size):
        batch = Batch(context, model, provider, rows[start:start + size])
        while batch.rows:
            check()
            ended = batch.step()
            seconds = time.perf_counter() - batch.started
            for row, text, finish in ended:
                yield row.request.key, Output(text, len(row.written), len(row.ids), seconds, row.logprob, finish,
                                              row.cut)


def yes_and_no(context: Context, model: LanguageModel, prompts: Sequence[str],
               check: Check = never) -> list[tuple[float, float]]:
    """P(yes) and P(no) of the token after each prompt, over the ways in which the model may begin either word."""
    words = [answer_tokens(model, word) for word in ("yes", "no")]
    rows = rows_of(model, [Request(str(place), prompt, 0) for place, prompt in enumerate(prompts)], room=1)
    found: dict[int, tuple[float, float]] = {}
    size = ROWS.get(context.device.partition(":")[0], ROWS["cpu"])
    for start in range(0, len(rows), size):
        check()
        batch = Batch(context, model, Provider("judge"), rows[start:start + size])
        logits = context.cache.retrying(batch._forward, context.device)
        logs = (logits - logits.logsumexp(dim=-1, keepdim=True)).cpu().numpy()
        for row, line in zip(batch.rows, logs, strict=True):
            found[int(row.request.key)] = tuple(float(np.exp(line[ids]).sum()) for ids in words)
    return [found[place] for place in range(len(prompts))]


def answer_tokens(model: LanguageModel, word: str) -> list[int]:
    """The first tokens of a word as an answer may begin with it: with and without a space, capital or not."""
    ids = set()
    for spelled in (word, word.capitalize(), word.upper()):
        for text in (spelled, " " + spelled):
            tokens = model.tokenizer(text, add_special_tokens=False).input_ids
            if tokens and model.text(tokens[:1]).strip():
                ids.add(tokens[0])
    return sorted(ids)


def perplexity(logprob: float, tokens: int) -> float:
    """exp of the mean surprise of a text's tokens in nats."""
    return math.exp(-logprob / tokens) if tokens else math.inf
