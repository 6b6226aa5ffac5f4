"""A tree of what may come: the likeliest tokens, those after each of them, and so on, with their probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playground.context import Context
from playground.text.language_model import LanguageModel
from playground.text.next_token import distribution
from playground.text.next_token.predict import WHO, Predictor

WIDTH = 3
DEPTH = 3


@dataclass(frozen=True)
class Node:
    """A way to go on: its token ids and their text, the last token's probability after the others, and the
    probability of the whole way (the product)."""

    ids: tuple[int, ...]
    token: str
    probability: float
    path: float


def tree(predictor: Predictor, model: LanguageModel, ids: Sequence[int], width: int = WIDTH,
         depth: int = DEPTH) -> list[Node]:
    """The nodes of the tree after ids, level by level, at temperature 1; the root is not among them."""
    level = children(model, [((), 1.0)], [predictor.logits(model, ids)], width)
    nodes = list(level)
    for _ in range(depth - 1):
        ways = [model.window([*ids, *node.ids])[0] for node in level]
        logits = forward(predictor.context, model, ways)
        level = children(model, [(node.ids, node.path) for node in level], logits, width)
        nodes += level
    return nodes


def children(model: LanguageModel, parents: Sequence[tuple[tuple[int, ...], float]], logits: Sequence[np.ndarray],
             width: int) -> list[Node]:
    """The `width` likeliest continuations of each parent (ids, probability of its way)."""
    nodes = []
    for (ids, path), row in zip(parents, logits, strict=True):
        probabilities = distribution.softmax(row)
        for token in distribution.most_likely(probabilities, width).tolist():
            p = float(probabilities[token])
            nodes.append(Node((*ids, token), model.token(token), p, path * p))
    return nodes


def forward(context: Context, model: LanguageModel, ways: Sequence[Sequence[int]]) -> np.ndarray:
    """Logits (B, V) of the token after each of B texts of equal length."""
    import torch

    with context.gate.turn(WHO), torch.inference_mode():
        batch = torch.tensor(ways, device=model.model.device)
        return model.model(batch, use_cache=False, logits_to_keep=1).logits[:, -1].float().cpu().numpy()
