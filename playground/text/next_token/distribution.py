"""From logits to the distribution that a token is drawn from: temperature, top-k, top-p, entropy.

The order is the usual one, that of transformers' generate(): logits / T, then the k most likely tokens, then
the smallest set of them whose mass reaches p; what is left is divided by its sum. Everything is computed over
the whole vocabulary in float64, so that "everything else" is what it says.

Sources: temperature, Ackley, Hinton, Sejnowski 1985; top-k, Fan et al. 2018 (arXiv:1805.04833); top-p (nucleus),
Holtzman et al. 2020 (arXiv:1904.09751); entropy, Shannon 1948.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from playground import checks

MAX_TEMPERATURE = 10.0
MAX_TOP_K = 1_000_000
LIKELY = 1e-5  # of the largest probability; few tokens of a vocabulary reach it
HEAD = 1024  # tokens sorted at first; mostly they hold all the mass that top-p asks for


@dataclass(frozen=True)
class Controls:
    """Temperature (0 is argmax), top_k (0 cuts nothing), top_p (1 cuts nothing)."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    @classmethod
    def checked(cls, temperature: Any, top_k: Any, top_p: Any) -> "Controls":
        """From values of a visitor or a script; BadInput if one is out of range."""
        return cls(checks.real(temperature, "The temperature", 0.0, MAX_TEMPERATURE),
                   checks.whole(top_k, "Top-k", 0, MAX_TOP_K), checks.real(top_p, "Top-p", 0.0, 1.0))


@dataclass(frozen=True)
class Shape:
    """How undecided a distribution is.

    `entropy` is in bits; `effective` = 2 ** entropy is the number of equally likely choices that would be as
    undecided; `kept` counts the tokens with a probability above 0.
    """

    entropy: float
    effective: float
    kept: int


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (V,) float64 of logits (V,); all on the largest one where the temperature is 0."""
    logits = logits.astype(np.float64)
    if temperature == 0:
        one_hot = np.zeros_like(logits)
        one_hot[np.argmax(logits)] = 1.0
        return one_hot
    powers = np.exp((logits - logits.max()) / temperature)
    return powers / powers.sum()


def shaped(logits: np.ndarray, controls: Controls) -> np.ndarray:
    """Probabilities (V,) float64 that a token is drawn with: after temperature, top-k and top-p."""
    probabilities = softmax(logits, controls.temperature)
    if controls.temperature == 0:
        return probabilities
    return only_top_p(only_top_k(probabilities, controls.top_k), controls.top_p)


def only_top_k(probabilities: np.ndarray, k: int) -> np.ndarray:
    """The k most likely tokens, and those exactly as likely as the k-th, scaled to a sum of 1; all if k is 0."""
    if k == 0 or k >= len(probabilities):
        return probabilities
    least = kth_largest(probabilities, k)
    return normalised(np.where(probabilities >= least, probabilities, 0.0))


def only_top_p(probabilities: np.ndarray, p: float) -> np.ndarray:
    """The smallest set of most likely tokens whose probabilities reach p, scaled to a sum of 1; at least one."""
    if p >= 1:
        return probabilities
    order = most_likely(probabilities, min(HEAD, np.count_nonzero(probabilities)))
    if probabilities[order].sum() < p:
        order = most_likely(probabilities, len(probabilities))
    before = np.cumsum(probabilities[order]) - probabilities[order]
    kept = order[(before < p) | (np.arange(len(order)) == 0)]
    result = np.zeros_like(probabilities)
    result[kept] = probabilities[kept]
    return normalised(result)


def normalised(weights: np.ndarray) -> np.ndarray:
    """Weights (V,) divided by their sum."""
    return weights / weights.sum()


def most_likely(probabilities: np.ndarray, count: int) -> np.ndarray:
    """The ids of the `count` largest values, largest first; equal ones in the order of their ids."""
    count = min(count, len(probabilities))
    if count == len(probabilities):
        return np.argsort(-probabilities, kind="stable")
    least = kth_largest(probabilities, count)
    above = np.flatnonzero(probabilities > least)
    equal = np.flatnonzero(probabilities == least)[:count - len(above)]
    ids = np.sort(np.concatenate([above, equal]))
    return ids[np.argsort(-probabilities[ids], kind="stable")]


def kth_largest(probabilities: np.ndarray, k: int) -> float:
    """The k-th largest of probabilities (V,), looked for among the likely ones where those are enough."""
    likely = probabilities[probabilities >= LIKELY * probabilities.max()]
    return np.partition(likely if len(likely) >= k else probabilities, -k)[-k]


def shape(probabilities: np.ndarray) -> Shape:
    """Entropy H = -sum p log2 p in bits, 2 ** H, and the number of possible tokens."""
    possible = probabilities[probabilities > 0]
    entropy = max(0.0, float(-(possible * np.log2(possible)).sum()))
    return Shape(entropy, 2.0 ** entropy, len(possible))


def surprise(logits: np.ndarray, token: int) -> float:
    """-log2 p of a token in bits under the plain softmax (temperature 1, nothing cut)."""
    logits = logits.astype(np.float64)
    top = logits.max()
    return max(0.0, float((top + np.log(np.exp(logits - top).sum()) - logits[token]) / np.log(2)))
