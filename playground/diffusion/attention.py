"""Which word moved which region: cross-attention maps of a finished run.

In a cross-attention layer every place of the picture spreads one unit of attention over the tokens of the prompt.
The map of a word is what its tokens got, averaged over heads, over the layers (each brought to the same size) and
over a few steps of the run. Source: Hertz et al. 2022, Prompt-to-Prompt (arXiv:2208.01626); Tang et al. 2022,
DAAM (arXiv:2210.04885). The network is asked again for those steps, on the states that the trace kept.
"""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.context import Context
from playground.diffusion import families, models, wording
from playground.diffusion.trace import Trace
from playground.errors import BadInput

if TYPE_CHECKING:
    import torch

STEPS = 5  # of a run that are looked at
SIDE = 32  # places a side of a finished map


@dataclass(frozen=True, eq=False)
class WordMap:
    """A word, its map (SIDE, SIDE) float32 of attention per place, and its mean: the word's share of all attention."""

    word: str
    map: np.ndarray
    share: float


def maps(context: Context, trace: Trace) -> list[WordMap]:
    """A map for each word of the prompt that was read. Raises BadInput for models without cross-attention layers."""
    if models.find(trace.request.model).family == "flux":
        raise BadInput("FLUX mixes words and picture in one stream and has no cross-attention layers to look at.",
                       "Choose the pocket model, Stable Diffusion 1.5 or SDXL.")
    spec = models.spec(context, trace.request.model)
    told = wording.listen(context, trace.request, spec)
    with context.cache.lease(spec) as pipe, context.gate.turn(wording.WHO):
        model = models.find(trace.request.model)
        average = context.cache.retrying(lambda: _average(pipe, model, trace, told), context.device)
    words = [(word.text, average[list(word.places)].sum(axis=0)) for word in told.wording.words if word.places]
    return [WordMap(text, each, float(each.mean())) for text, each in words]


def _average(pipe: Any, model: models.Model, trace: Trace, told: wording.Conditioning) -> np.ndarray:
    """Attention a token (L, SIDE, SIDE), averaged over layers and steps; the tokens sum to 1 at every place."""
    import torch

    family = families.wrap(pipe, model.family, model.size)
    family.network, keepers = _watched(pipe.unet)
    steps = np.unique(np.linspace(0, trace.steps - 1, STEPS).round().astype(int))
    with torch.inference_mode():
        told = told.to(pipe._execution_device, pipe.unet.dtype)
        for step in steps:
            scheduler = family.start(trace.request, told).scheduler  # afresh: it would count on from the last step
            state = trace.states[step].to(told.states.device)
            family.answer(state, scheduler.timesteps[step], scheduler, told, trace.request.guidance)
    seen = torch.stack([keeper.mean() for keeper in keepers if keeper.count])
    return seen.mean(dim=0).numpy()


def _watched(unet: Any) -> tuple[Any, list["Keeper"]]:
    """A twin of a network over the same tensors whose cross-attention keeps its weights; the network is untouched."""
    shared = {id(tensor): tensor for tensor in [*unet.parameters(), *unet.buffers()]}
    twin = copy.deepcopy(unet, shared)
    keepers = []
    for name, layer in twin.named_modules():
        if name.endswith("attn2"):
            keepers.append(Keeper())
            layer.set_processor(keepers[-1])
    return twin, keepers


class Keeper:
    """An attention processor of diffusers that computes the weights in the open and sums them up (L, SIDE, SIDE)."""

    def __init__(self) -> None:
        self.total: torch.Tensor | None = None
        self.count = 0

    def mean(self) -> "torch.Tensor":
        """The average map of each token."""
        return self.total / self.count

    def __call__(self, attn: Any, hidden_states: "torch.Tensor", encoder_hidden_states: "torch.Tensor",
                 attention_mask: Any = None, temb: Any = None) -> "torch.Tensor":
        """Hidden states (B, P, D) of P places, attending to the states (B, L, E) of L tokens."""
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))
        value = attn.head_to_batch_dim(attn.to_v(encoder_hidden_states))
        weights = attn.get_attention_scores(query, key, attention_mask)  # (B * heads, P, L)
        self._keep(weights, attn.heads)
        out = attn.batch_to_head_dim(weights @ value)
        return attn.to_out[1](attn.to_out[0](out)) / attn.rescale_output_factor

    def _keep(self, weights: "torch.Tensor", heads: int) -> None:
        import torch

        rows = weights[-heads:].float().mean(dim=0)  # the last of the batch is the one with the prompt
        side = round(rows.shape[0] ** 0.5)
        grid = rows.T.reshape(1, -1, side, side)
        large = torch.nn.functional.interpolate(grid, size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0].cpu()
        self.total = large if self.total is None else self.total + large
        self.count += 1
