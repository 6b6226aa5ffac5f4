"""What happens between the text and the next token: embedded text, attention, vectors layer by layer, logit lens.

Shapes: L layers, H heads, T tokens, D numbers of a vector, V tokens of the vocabulary. The vectors before the first
layer and after each one make L + 1 rows; the last row is after the final normalisation, as the model uses it.

Sources: attention, Vaswani et al. 2017 (arXiv:1706.03762); logit lens, nostalgebraist 2020
(lesswrong.com/posts/AcKRB8wDpdaN6v6ru); vectors that depend on context, Ethayarajh 2019 (arXiv:1909.00512);
standardised dimensions, Timkey and van Schijndel 2021 (arXiv:2109.04404).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import checks
from playground.context import Context
from playground.errors import BadInput
from playground.text.language_model import LanguageModel, check_text
from playground.text.next_token.passage import BLOCK
from playground.text.next_token.predict import WHO

if TYPE_CHECKING:
    import torch

LONGEST = 64  # tokens looked at; a picture of more could not be read
MOST_TEXTS = 6
FINAL_NORMS = ("norm", "ln_f")  # what families call the normalisation before the unembedding
REFERENCE = (
    "The river was cold in the morning, and nobody on the bridge spoke. In 1998 the price of copper rose by 4 %. "
    "She laughed, closed the door and asked: \"Who painted this?\" A green bird flew over the kitchen window while "
    "soup boiled. Computers add numbers quickly; people forget names. We ate bread with cheese, then walked home.")


@dataclass(frozen=True)
class Inside:
    """One pass over the last tokens of a text; `left_out` counts the tokens before them that were not read.

    `vectors` (L + 1, T, D) float32, `attention` (L, H, T, T) float32 whose rows sum to 1.
    """

    tokens: tuple[str, ...]
    left_out: int
    vectors: np.ndarray
    attention: np.ndarray


@dataclass(frozen=True)
class Guess:
    """What the vector of one place would predict if the layer it comes from were the last: the best token, its
    probability, and the rank (1 is best) of the token that the whole model puts first there."""

    token: str
    probability: float
    rank: int


@dataclass(frozen=True)
class Movement:
    """Cosines (texts - 1, L + 1) between the last token of the first text and the last token of each other one."""

    texts: tuple[str, ...]
    tokens: tuple[str, ...]
    raw: np.ndarray
    standardised: np.ndarray


def look_inside(context: Context, model: LanguageModel, ids: Sequence[int]) -> Inside:
    """Reads the last LONGEST tokens of ids (with the start token before them) and keeps all that shows inside."""
    import torch

    cut = max(0, len(ids) - LONGEST)
    start = model.start if cut and list(ids[:len(model.start)]) == model.start else []
    seen = start + list(ids[cut + len(start):])
    with context.gate.turn(WHO), torch.inference_mode():
        out = model.eager().base_model(model.tensor(seen), output_hidden_states=True, output_attentions=True,
                                       use_cache=False)
    vectors = torch.stack(out.hidden_states)[:, 0].float().cpu().numpy()  # (L + 1, T, D)
    attention = torch.stack(out.attentions)[:, 0].float().cpu().numpy()  # (L, H, T, T)
    return Inside(tuple(model.token(each) for each in seen), cut, vectors, attention)


def lens(context: Context, model: LanguageModel, inside: Inside, places: int) -> list[list[Guess]]:
    """Guesses (L + 1, places) at the last places of the text: final normalisation and unembedding after each layer."""
    import torch

    with context.gate.turn(WHO), torch.inference_mode():
        vectors = torch.from_numpy(inside.vectors[:, -places:]).to(model.model.device, model.model.dtype)
        normed = torch.cat([final_norm(model)(vectors[:-1]), vectors[-1:]])  # (L + 1, places, D)
        best = unembed(model, normed[-1]).argmax(-1)  # (places,)
        rows = max(1, BLOCK // normed.shape[1])
        return [row for start in range(0, len(normed), rows)
                for row in guesses(model, unembed(model, normed[start:start + rows]), best)]


def guesses(model: LanguageModel, logits: "torch.Tensor", best: "torch.Tensor") -> list[list[Guess]]:
    """The guesses of logits (layers, places, V); `best` (places,) are the tokens whose rank is wanted."""
    top, tokens = logits.softmax(-1).max(-1)
    wanted = logits.gather(-1, best.expand(logits.shape[:-1])[..., None])
    ranks = (logits > wanted).sum(-1) + 1
    return [[Guess(model.token(token), probability, rank) for token, probability, rank in zip(*row, strict=True)]
            for row in zip(tokens.tolist(), top.tolist(), ranks.tolist(), strict=True)]


def unembed(model: LanguageModel, vectors: "torch.Tensor") -> "torch.Tensor":
    """Logits (..., V) of vectors (..., D) that are normalised already."""
    return model.model.get_output_embeddings()(vectors).float()


def final_norm(model: LanguageModel) -> Any:
    """The normalisation after the last layer."""
    base = model.model.base_model
    return next(getattr(base, name) for name in FINAL_NORMS if hasattr(base, name))


def movement(context: Context, model: LanguageModel, lines: Sequence[str]) -> Movement:
    """How near the last token of each line is to that of the first line, after every layer.

    A line of one word is read as in the middle of a sentence, with a space before it. `raw` are cosines of the
    vectors; `standardised` of vectors less the mean and over the standard deviation that each dimension has in a
    reference text, without which a few large dimensions hide everything else. Raises BadInput for fewer than 2
    or more than MOST_TEXTS lines.
    """
    texts = [check_text(line.strip(), "A line") for line in lines if line.strip()]
    if not 2 <= len(texts) <= MOST_TEXTS:
        raise BadInput(f"There are {len(texts)} lines to compare.", f"Give 2 to {MOST_TEXTS} lines of text.")
    encoded = [model.window(model.encode(text if " " in text else f" {text}"))[0] for text in texts]
    last = [last_vectors(context, model, ids) for ids in encoded]
    everyday = all_vectors(context, model, model.encode(REFERENCE))[:, 1:]  # (L + 1, T, D), without the start
    mean, spread = everyday.mean(1), everyday.std(1)
    scaled = [(each - mean) / spread for each in last]
    return Movement(tuple(texts), tuple(model.token(ids[-1]) for ids in encoded),
                    np.stack([cosines(last[0], other) for other in last[1:]]),
                    np.stack([cosines(scaled[0], other) for other in scaled[1:]]))


def last_vectors(context: Context, model: LanguageModel, ids: Sequence[int]) -> np.ndarray:
    """The vectors (L + 1, D) of the last token of ids."""
    return all_vectors(context, model, ids)[:, -1]


def all_vectors(context: Context, model: LanguageModel, ids: Sequence[int]) -> np.ndarray:
    """The vectors (L + 1, T, D) of ids."""
    import torch

    with context.gate.turn(WHO), torch.inference_mode():
        out = model.model.base_model(model.tensor(ids), output_hidden_states=True, use_cache=False)
        return torch.stack(out.hidden_states)[:, 0].float().cpu().numpy()


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosines (rows,) of the rows of a and b, both (rows, D)."""
    return (a * b).sum(-1) / np.maximum(np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1), 1e-12)


def attention_map(attention: np.ndarray, layer: int, head: int) -> np.ndarray:
    """Weights (T, T) of a layer and a head of attention (L, H, T, T), both counted from 1; head 0 is the mean of all.

    Raises BadInput for a layer or head that is not there.
    """
    layers, heads = attention.shape[:2]
    layer = checks.whole(layer, "The layer", 1, layers)
    head = checks.whole(head, "The head", 0, heads)
    weights = attention[layer - 1].astype(np.float32)
    return weights[head - 1] if head else weights.mean(0)
