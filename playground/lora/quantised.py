"""The frozen base of a FLUX training in fewer bits, so that it fits a GPU of 24 GB; the adapter stays in float32.

nf4: 4-bit NormalFloat in blocks of 64, their scales quantised again (QLoRA, Dettmers et al. 2023, arXiv:2305.14314).
int8: a scale for each row, outliers of the input apart (LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339).
Both by bitsandbytes, which is installed on wish only (requirements-gpu.txt). Quantised are the linear layers of the
transformer's blocks, one after the other on their way to the device, so no more than one is there in full.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from playground import checks, devices
from playground.context import Context
from playground.diffusion import families, memory, models
from playground.errors import BadInput, NotEnoughMemory, PlaygroundError
from playground.lora.plan import INT8, NF4, NONE, PRECISIONS
from playground.slots import gigabytes
from playground.specs import ModelKey, ModelSpec

if TYPE_CHECKING:
    import torch

BITS = {NF4: 4.13, INT8: 8.02}  # a weight, its share of the scales included
BLOCKS = ("transformer_blocks", "single_transformer_blocks")


def require(kind: str) -> None:
    """BadInput for an unknown kind; PlaygroundError where the library for it is not installed."""
    checks.choice(kind, "The base's precision", PRECISIONS)
    if kind == NONE:
        return
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as problem:
        raise PlaygroundError(f"A base in {kind} needs the library bitsandbytes, which is not installed.",
                              "pip install -r requirements-gpu.txt, or train with the base unquantised.") from problem


def spec(context: Context, key: str, kind: str) -> ModelSpec:
    """How the cache gets a pipeline to train with its base in `kind`. BadInput where the model is not FLUX.

    Raises NotEnoughMemory before anything is loaded where it does not fit, PlaygroundError without the library.
    """
    if kind == NONE:
        return models.spec(context, key, adapters=True)
    model = models.find(key)
    require(kind)
    if model.family != "flux":
        raise BadInput(f"{models.entry(key).title} is not trained with a quantised base.", "Only FLUX is.")
    dtype, size = devices.default_dtype(context.device), bytes_of(models.parts_of(context, model), kind)
    budget = context.cache.stats()["devices"][context.device]["budget"]
    if size + models.room_of(context, model) > budget:
        raise NotEnoughMemory(f"{models.entry(key).title} in {kind} takes {gigabytes(size)}; models may take "
                              f"{gigabytes(budget)} on {context.device}.", "Choose fewer bits, or a smaller model.")

    def load() -> Any:
        located = context.weights.locate(models.entry(key))
        pipe = models.load(located, model, "cpu", memory.Plan(dtype, memory.NONE, size, vae_slicing=True))
        return place(pipe, kind, context.device)

    return ModelSpec(ModelKey(key, dtype=dtype, device=context.device, variant=f"training, {kind}"), load, size,
                     models.measure)


def bytes_of(parts: Mapping[str, int], kind: str) -> int:
    """Bytes of a pipeline's parts (parameters by name), the transformer in `kind`, the others in 16 bits."""
    return int(sum(count * (BITS[kind] / 8 if name == "transformer" else 2) for name, count in parts.items()))


def place(pipe: Any, kind: str, device: str) -> Any:
    """A pipeline in RAM, its network quantised on the way to the device, the other parts as they are."""
    quantise(getattr(pipe, families.Flux.part), kind, device)
    for part in models.networks(pipe):
        part.to(device)
    return pipe


def quantise(network: "torch.nn.Module", kind: str, device: str) -> int:
    """Replaces the linear layers of the network's blocks in place; returns how many. The rest stays where it is."""
    require(kind)
    found = list(_linear_layers(network)) if kind != NONE else []
    for parent, name, layer in found:
        setattr(parent, name, _smaller(layer, kind).to(device))
    return len(found)


def _linear_layers(network: "torch.nn.Module") -> Iterator[tuple["torch.nn.Module", str, "torch.nn.Linear"]]:
    """Each linear layer of the blocks with its parent and its name there."""
    import torch

    for blocks in BLOCKS:
        for parent in getattr(network, blocks).modules():
            for name, layer in parent.named_children():
                if type(layer) is torch.nn.Linear:
                    yield parent, name, layer


def _smaller(layer: "torch.nn.Linear", kind: str) -> "torch.nn.Module":
    """The layer with weights that are quantised as it goes to its device."""
    import bitsandbytes
    import torch

    wide, high, dtype = layer.in_features, layer.out_features, layer.weight.dtype
    with torch.device("meta"):
        if kind == NF4:
            made = bitsandbytes.nn.Linear4bit(wide, high, layer.bias is not None, compute_dtype=dtype, quant_type="nf4")
        else:
            made = bitsandbytes.nn.Linear8bitLt(wide, high, layer.bias is not None, has_fp16_weights=False)
    weight = layer.weight.detach()
    if kind == NF4:
        made.weight = bitsandbytes.nn.Params4bit(weight, requires_grad=False, quant_type="nf4")
    else:  # this kind is quantised from 16 bits
        made.weight = bitsandbytes.nn.Int8Params(weight.half(), requires_grad=False, has_fp16_weights=False)
    made.bias = layer.bias
    return made
