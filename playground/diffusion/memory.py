"""Whether and how a text-to-image model fits the memory at hand, decided before anything is loaded.

plan() is pure: from what a model needs and what a machine has it gives the dtype, the place of the weights, the kind
of attention, and how the autoencoder works; or it refuses and says why. What may stay and what must give is tried in
this order: everything on the device; on a GPU the parts one after the other, the rest waiting in RAM (Accelerate's
model offload); there the layers one after the other (sequential offload, slow); on a CPU bfloat16 in place of float32.
Before each of these steps the autoencoder gives way: pictures one by one, then in tiles. Sizes in bytes.

What computing takes is counted, not guessed: a test runs the networks of the published sizes on torch's meta device
and sums up what lives at once. SLACK stands for what kernels and allocators take besides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from playground.errors import NotEnoughMemory
from playground.slots import gigabytes

WIDTH = {"float32": 4, "float16": 2, "bfloat16": 2}
NONE, MODEL, LAYERS = "none", "model", "sequential"  # offload: nothing, all parts but one, all layers but one
SDPA, SLICED = "sdpa", "sliced"  # torch's fused attention; half of the heads at a time
PIXELS_AT_ONCE = 2**21  # pixels a batch of the autoencoder: 512 small pictures or two of 1024
PICTURES_AT_ONCE = 100  # of a run's states, which are decoded in one batch
TILE = 512  # pixels a side
SLACK = 2  # on a CPU 1.3 to 1.8 were measured with Stable Diffusion's autoencoder, 256 and 512 pixels a side
SLICED_STEP = 2.5  # a step with sliced attention by one with fused attention; counted 1.6 to 2.5
LAYER = 20  # the largest part by the largest layer, at least: SD 1.5 has 23, SDXL 41, FLUX 90
T5_WIDE = 2.43 / 2  # transformers keeps a matrix of each of T5's blocks in float32 where the rest is float16


@dataclass(frozen=True)
class Needs:
    """What a model takes: parameters by part, pixels a side, and what its networks hold while they compute.

    `step` is in bytes at 16 bits with fused attention, `scores` what attention takes more where all of its weights
    are written down, `pixel` the numbers that the autoencoder holds for each pixel. `steady` numbers are those that
    overflow in float16 and need bfloat16 where there is a choice. `adapters` go onto weights that are whole, so that
    layers cannot come one after the other.
    """

    title: str
    parts: Mapping[str, int]
    size: int
    step: int
    scores: int
    pixel: int
    steady: bool = False
    adapters: bool = False


@dataclass(frozen=True)
class Machine:
    """A device, what models may take there and in RAM, and the half precision in which it computes."""

    device: str
    budget: int
    ram: int
    half: str

    @property
    def gpu(self) -> bool:
        """Whether the device has memory of its own."""
        return self.device.startswith("cuda")


@dataclass(frozen=True)
class Plan:
    """How to load: the dtype, what waits in RAM, and the bytes that weights take on the device and, waiting, in RAM.

    `vae_tile` is the side of a tile in pixels, 0 for whole pictures. `words` say it for people.
    """

    dtype: str
    offload: str
    bytes: int
    waiting: int = 0
    attention: str = SDPA
    vae_slicing: bool = False
    vae_tile: int = 0
    words: str = ""

    @property
    def vae_tiling(self) -> bool:
        """Whether the autoencoder works in tiles."""
        return self.vae_tile > 0


def plan(needs: Needs, machine: Machine) -> Plan:
    """The best way to load a model and draw with it. Raises NotEnoughMemory, with the numbers, if there is none."""
    for dtype, offload in _places(needs, machine):
        taken = _on_device(needs, dtype, offload)
        waiting = weight_bytes(needs, dtype) if offload != NONE else 0
        for attention, slicing, tile in _economies(needs, machine):
            made = Plan(dtype, offload, taken, waiting, attention, slicing, tile)
            if _most(made, needs, machine) <= machine.budget:
                return replace(made, words=_words(made, needs, machine))
    raise _refusal(needs, machine)


def weight_bytes(needs: Needs, dtype: str) -> int:
    """Bytes of all weights as they are loaded in a dtype."""
    return sum(_part_bytes(name, needs, dtype) for name in needs.parts)


def room(needs: Needs, dtype: str, machine: Machine, attention: str = SDPA, slicing: bool = True, tile: int = 0) -> int:
    """Bytes to compute in: a step or the decoding, whichever takes more."""
    return max(_step_room(needs, dtype, machine, attention), _decode_room(needs, dtype, slicing, tile))


def _most(made: Plan, needs: Needs, machine: Machine) -> int:
    """Bytes on the device when most are there: with a step's or with the decoder's."""
    step = _step_room(needs, made.dtype, machine, made.attention)
    decode = _decode_room(needs, made.dtype, made.vae_slicing, made.vae_tile)
    if made.offload == MODEL:  # the network has left by the time the autoencoder decodes
        return max(made.bytes + step, _part_bytes("vae", needs, made.dtype) + decode)
    return made.bytes + max(step, decode)


def _step_room(needs: Needs, dtype: str, machine: Machine, attention: str) -> int:
    step = needs.step * (SLICED_STEP if attention == SLICED else 1) * WIDTH[dtype] / 2
    if machine.device == "mps" and attention == SDPA:
        step += needs.scores  # torch writes all weights of attention down there
    return int(SLACK * step)


def _decode_room(needs: Needs, dtype: str, slicing: bool, tile: int) -> int:
    pixels = needs.size**2
    if not slicing:
        pixels = max(pixels, min(PIXELS_AT_ONCE, PICTURES_AT_ONCE * pixels))
    if tile:
        pixels = tile**2
    return int(SLACK * pixels * needs.pixel * _width("vae", needs, dtype))


def _places(needs: Needs, machine: Machine) -> Iterator[tuple[str, str]]:
    """(dtype, offload), the best first; only those for which the RAM suffices."""
    if machine.device == "mps":
        yield _half(needs, machine), NONE
    elif not machine.gpu:
        yield from (("float32", NONE), ("bfloat16", NONE))
    else:
        dtype = machine.half
        yield dtype, NONE
        if weight_bytes(needs, dtype) <= machine.ram:
            yield dtype, MODEL
            if not needs.adapters:
                yield dtype, LAYERS


def _economies(needs: Needs, machine: Machine) -> Iterator[tuple[str, bool, int]]:
    """(attention, slicing, tile), the fastest first."""
    unet = "unet" in needs.parts  # diffusers slices the attention of no other network
    kinds = (SDPA, SLICED) if machine.device == "mps" and unet else (SDPA,)
    ways = ((False, 0), (True, 0), (True, TILE)) if needs.size > TILE else ((False, 0), (True, 0))
    for slicing, tile in ways:
        for attention in kinds:
            yield attention, slicing, tile


def _half(needs: Needs, machine: Machine) -> str:
    return "bfloat16" if machine.device == "mps" and needs.steady else machine.half


def _width(part: str, needs: Needs, dtype: str) -> float:
    """Bytes a number of a part: in float16 autoencoders stay in float32, in which they do not overflow."""
    if dtype == "float16" and part == "vae":
        return WIDTH["float32"]
    if dtype == "float16" and part == "text_encoder_2" and "transformer" in needs.parts:
        return WIDTH[dtype] * T5_WIDE
    return WIDTH[dtype]


def _part_bytes(name: str, needs: Needs, dtype: str) -> int:
    return int(needs.parts[name] * _width(name, needs, dtype))


def _on_device(needs: Needs, dtype: str, offload: str) -> int:
    """Bytes of the weights that are on the device at once."""
    if offload == NONE:
        return weight_bytes(needs, dtype)
    largest = _largest(needs, dtype)
    if offload == LAYERS:
        return largest // LAYER
    return largest + _part_bytes("vae", needs, dtype)  # which stays there between a run's glances at its pictures


def _largest(needs: Needs, dtype: str) -> int:
    return max(_part_bytes(name, needs, dtype) for name in needs.parts)


# ---- in words


def _words(made: Plan, needs: Needs, machine: Machine) -> str:
    """A plan and its reasons, a sentence each."""
    whole, most = gigabytes(weight_bytes(needs, made.dtype)), gigabytes(machine.budget)
    there = {NONE: f"all {whole} of weights on {machine.device}.",
             MODEL: f"the parts come to {machine.device} one after the other and wait in RAM meanwhile: all have "
                    f"{whole}, and models may take {most}.",
             LAYERS: f"the layers come to {machine.device} one after the other, which is slow: the largest part alone "
                     f"has {gigabytes(_largest(needs, made.dtype))}, and models may take {most}."}
    said = [f"In {made.dtype}, {there[made.offload]}"]
    if made.dtype == "bfloat16" and not machine.gpu and machine.device != "mps":
        said.append(f"In float32 it would be {gigabytes(weight_bytes(needs, 'float32'))}.")
    if made.attention == SLICED:
        said.append("Attention is computed in two halves.")
    if made.vae_tile:
        said.append(f"Pictures are decoded one by one, in tiles of {made.vae_tile} pixels.")
    elif made.vae_slicing:
        said.append("Pictures are decoded one by one.")
    return " ".join(said)


def _refusal(needs: Needs, machine: Machine) -> NotEnoughMemory:
    """Why no way was left: the numbers of the last that was tried."""
    dtype = _half(needs, machine) if machine.gpu or machine.device == "mps" else "bfloat16"
    whole = weight_bytes(needs, dtype)
    least = min(room(needs, dtype, machine, *economy) for economy in _economies(needs, machine))
    said = (f"{needs.title} needs {gigabytes(whole)} for its weights and about {gigabytes(least)} to compute in; "
            f"models may take {gigabytes(machine.budget)} {f'on {machine.device}' if machine.gpu else 'here'}.")
    if not machine.gpu:
        return NotEnoughMemory(said, "Choose a smaller model, raise --memory-budget if the machine has more, or use "
                                     "a GPU.")
    if whole > machine.ram:
        why = f" They may take {gigabytes(machine.ram)} of RAM, too little for what would wait there."
    elif needs.adapters:
        why = f" Its largest part, which an adapter needs whole, has {gigabytes(_largest(needs, dtype))}."
    else:
        why = f" Its largest layer alone has about {gigabytes(_on_device(needs, dtype, LAYERS))}."
    return NotEnoughMemory(said + why, "Choose a smaller model, or a machine with more memory.")
