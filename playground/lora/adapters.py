"""Adapters as files: written so that diffusers' load_lora_weights takes them whole, and read with suspicion.

A file is safetensors: tensors named unet.* or transformer.* as peft names them, and in its metadata what
diffusers needs to rebuild the adapter (rank, alpha, target modules) beside trigger word, base model and settings.
peft's own names are kept: diffusers' older names lose every attention tensor on loading, with a warning only, when
other modules are trained as well. So the number of tensors is checked after loading.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playground import storage
from playground.diffusion import families
from playground.errors import BadInput, DamagedWeights
from playground.lora import plan as plans
from playground.lora.plan import Plan

if TYPE_CHECKING:
    import torch

NAME = "adapter"
OURS = "playground"  # our part of the metadata
DIFFUSERS = "lora_adapter_metadata"  # where diffusers looks for an adapter's configuration
LARGEST = 500_000_000  # bytes of an adapter that a visitor brings
LONGEST_HEADER = 5_000_000
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")


@dataclass(frozen=True)
class Card:
    """What an adapter's file says of itself."""

    model: str
    trigger: str
    part: str
    tensors: int
    plan: dict[str, Any]


def config(plan: Plan) -> Any:
    """peft's configuration for a plan."""
    from peft import LoraConfig

    return LoraConfig(r=plan.rank, lora_alpha=plan.alpha, target_modules=list(modules(plan)),
                      init_lora_weights="gaussian")


def modules(plan: Plan) -> tuple[str, ...]:
    """The endings of the names of the layers that are trained."""
    return ATTENTION if plan.targets == plans.ATTENTION else ATTENTION + FEED_FORWARD


def attach(family: families.StableDiffusion, plan: Plan) -> list["torch.nn.Parameter"]:
    """Adds an untrained adapter to the family's network; returns its parameters, in float32, the only ones to train."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)  # peft draws A from the global generator
        family.network.add_adapter(config(plan), adapter_name=NAME)
    trained = [parameter for parameter in family.network.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.data = parameter.data.float()
    return trained


def state(family: families.StableDiffusion) -> dict[str, "torch.Tensor"]:
    """The adapter's tensors by name, on the CPU."""
    from peft import get_peft_model_state_dict

    raw = get_peft_model_state_dict(family.network, adapter_name=NAME)
    return {f"{family.part}.{name}": tensor.detach().float().cpu().contiguous() for name, tensor in raw.items()}


def save(path: Path, family: families.StableDiffusion, plan: Plan) -> None:
    """Writes the adapter, aside and then renamed. StorageTrouble if it cannot be written."""
    from safetensors.torch import save as to_bytes

    settings = config(plan).to_dict()
    described = {f"{family.part}.{name}": sorted(value) if isinstance(value, set) else value
                 for name, value in settings.items()}
    metadata = {"format": "pt", DIFFUSERS: json.dumps(described, default=str),
                OURS: json.dumps({"plan": plans.as_dict(plan), "part": family.part}),
                "modelspec.architecture": f"{plan.model}/lora", "modelspec.trigger_phrase": plan.trigger}
    storage.write_file(path, to_bytes(state(family), metadata=metadata))


def read_card(path: Path) -> Card:
    """What a file says of itself, from its header alone. BadInput if it is no adapter of ours or holds nonsense."""
    if path.stat().st_size > LARGEST:
        raise BadInput("The adapter is larger than 500 MB.", "Choose a .safetensors adapter made here.")
    header = read_header(path)
    metadata = header.pop("__metadata__", {})
    try:
        ours = json.loads(metadata[OURS])
        plan, part = plans.check(ours["plan"]), str(ours["part"])
        agrees = same_settings(json.loads(metadata.get(DIFFUSERS, "null")), plan, part)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
        raise BadInput("The file does not say which model it belongs to.",
                       "Only adapters that were made here can be loaded.") from problem
    if not agrees:
        raise BadInput("The adapter's settings contradict each other.",
                       "Only adapters that were made here can be loaded.")
    for name, entry in header.items():
        check_tensor(name, entry)
    return Card(plan.model, plan.trigger, part, len(header), plans.as_dict(plan))


def same_settings(described: dict[str, Any] | None, plan: Plan, part: str) -> bool:
    """Whether what diffusers is told, and reserves memory by, agrees with the plan, whose rank is bounded."""
    if described is None:  # then the tensors' own shapes count
        return True
    patterns = [described.get(f"{part}.{name}") for name in ("rank_pattern", "alpha_pattern")]
    return (described.get(f"{part}.r"), described.get(f"{part}.lora_alpha")) == (plan.rank, plan.alpha) and (
        sorted(described[f"{part}.target_modules"]) == sorted(modules(plan))) and not any(patterns)


def read_header(path: Path) -> dict[str, Any]:
    """A safetensors file's header: 8 bytes with its length, then JSON. BadInput if it is none."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > LONGEST_HEADER:
                raise ValueError("header too long")
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("no object")
    except (struct.error, ValueError, RecursionError) as problem:
        raise BadInput("The file is not in the safetensors format.",
                       "Choose a .safetensors adapter made here; other formats can run code.") from problem
    return header


def check_tensor(name: str, entry: Any) -> None:
    """Refuses names and shapes that no adapter has."""
    shape = entry.get("shape") if isinstance(entry, dict) else None
    sides = shape if isinstance(shape, list) else []
    if not 1 <= len(sides) <= 4 or not all(isinstance(side, int) and 0 < side < 65536 for side in sides):
        raise BadInput(f"The adapter holds a tensor of an absurd shape ({name[:60]}).", "Choose an adapter made here.")
    if ".lora_A." not in name and ".lora_B." not in name:
        raise BadInput(f"The adapter holds something that is no LoRA ({name[:60]}).", "Choose an adapter made here.")


def load(path: Path, family: families.StableDiffusion, model: str) -> Card:
    """Puts a file's adapter onto a fresh pipeline. BadInput if it fits another model or holds what is no number."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    card = read_card(path)
    if card.model != model or card.part != family.part:
        raise BadInput(f"This adapter belongs to {card.model}, not to {model}.", f"Choose the model {card.model}.")
    try:
        tensors = load_file(path)
    except SafetensorError as problem:
        raise BadInput("The adapter's file is cut off or damaged.", "Download it again, or train anew.") from problem
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise BadInput("The adapter holds values that are no numbers (NaN).", "Train it with a lower learning rate.")
    try:
        family.pipe.load_lora_weights(path.parent, weight_name=path.name, adapter_name=NAME, local_files_only=True)
    except (RuntimeError, ValueError, KeyError) as problem:
        raise BadInput("The adapter does not fit the model.", "Choose one that was made for it.") from problem
    loaded = state(family)
    if len(loaded) != card.tensors:
        raise DamagedWeights(f"Only {len(loaded)} of the adapter's {card.tensors} tensors fit the model.",
                             "It was made for another version of the model.")
    return card


def strength(family: families.StableDiffusion, value: float) -> None:
    """Sets how much of the adapter is added: 0 is the untouched model, 1 as trained."""
    family.pipe.set_adapters([NAME], [float(value)])
