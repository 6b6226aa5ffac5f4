"""What training and drawing cost at the true size of the large models; random weights take the same time.

The trainer's own learner (playground/lora/learning.py) takes the steps, the tab's own loop (playground/diffusion/
trace.py) draws. Each line names the machine that it was measured on; numbers of a tiny shape say that the script
works, and nothing else. Peak memory is that of the GPU's allocator, all parts of the pipeline on it, text encoders
too; on a CPU the weights and what the process grew by.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import devices
from playground.diffusion import families, memory, models, requests, wording
from playground.diffusion.trace import Run
from playground.errors import PlaygroundError
from playground.lora import estimate, learning, plan, quantised
from playground.slots import gigabytes
from tests.benchmarks import gpu_shapes
from tests.benchmarks.gpu_shapes import SHAPES, Shape

if TYPE_CHECKING:
    import torch

WARM_UP = 3  # steps that do not count
PICTURES = 4
EPILOG = ("Examples: --shape flux-dev --resolution 512 --quantise nf4    --shape sdxl --draw-only    "
          "--shape tiny-flux --device cpu (a try of the script).")


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    words = argparse.ArgumentParser("python -m tests.benchmarks.gpu", description=__doc__, epilog=EPILOG)
    words.add_argument("--shape", choices=SHAPES, required=True, help="the model; tiny-* for a try on any machine")
    words.add_argument("--resolution", type=int, help="pixels a side of the training; by default the model's own")
    words.add_argument("--rank", type=int, default=16)
    words.add_argument("--batch", type=int, default=1)
    words.add_argument("--quantise", choices=plan.PRECISIONS, default=plan.NONE, help="of the frozen base, FLUX only")
    words.add_argument("--steps", type=int, default=20, help="of training that count, after the warm-up")
    words.add_argument("--draw-steps", type=int, default=10, help="of drawing that count, at the model's own size")
    words.add_argument("--draw-only", action="store_true", help="no training")
    words.add_argument("--train-only", action="store_true", help="no drawing")
    words.add_argument("--device", default="auto", help="cuda:0, cpu; by default a GPU where there is one")
    words.add_argument("--json", type=Path, help="append the results to this file, a line of JSON each")
    return words.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; 2 where the machine or the installation does not suffice."""
    asked = options(arguments)
    try:
        for row in measured(asked):
            print(words_of(row), flush=True)
            if asked.json:
                with asked.json.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    except PlaygroundError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


def measured(asked: argparse.Namespace) -> list[dict]:
    """The rows of training and drawing. PlaygroundError where a library is missing or a value cannot be."""
    import torch

    quantised.require(asked.quantise)
    device, shape = devices.choose(asked.device), SHAPES[asked.shape]
    common = {"shape": asked.shape, "quantise": asked.quantise, "machine": devices.title(device),
              "torch": torch.__version__, "dtype": devices.default_dtype(device)}
    pipe = built(shape, asked.quantise, device)
    common["weights"] = models.measure(pipe)
    rows = []
    if not asked.train_only:
        rows.append({"what": "drawing", **common, **drawing(pipe, shape, asked)})
    if not asked.draw_only:
        rows.append({"what": "training", **common, **training(pipe, shape, asked)})
    return rows


def words_of(row: dict) -> str:
    """A row as a line."""
    more = f", 1,000 steps in {row['minutes_1000']:.1f} min" if row["what"] == "training" else \
        f", reckoned {gigabytes(row['reckoned'])}"
    return (f"{row['what']} {row['shape']} at {row['size']} x {row['size']}, base {row['quantise']}, {row['dtype']}: "
            f"{row['steps_s']:.2f} steps/s, peak {gigabytes(row['peak'])} (weights {gigabytes(row['weights'])}){more} "
            f"[{row['machine']}, torch {row['torch']}]")


# ---- a pipeline of random weights


def built(shape: Shape, kind: str, device: str) -> Any:
    """The shape's pipeline on the device. A base to be quantised is made in RAM and goes over layer by layer."""
    import torch

    dtype = getattr(torch, devices.default_dtype(device))
    parts = gpu_shapes.parts(shape)
    for name, part in parts.items():
        to_quantise = kind != plan.NONE and name == families.Flux.part
        fill(part.to(dtype), "cpu" if to_quantise else device)
        if to_quantise:
            quantised.quantise(part, kind, device)
            part.to(device)
    return gpu_shapes.pipeline(shape, parts)


def fill(network: "torch.nn.Module", device: str) -> None:
    """Takes a network from the meta device: matrices from N(0, 0.02^2), norms 1, the rest 0; frozen."""
    import torch

    network.to_empty(device=device).requires_grad_(False).eval()
    if hasattr(network, "tie_weights"):  # a T5 holds its embeddings under two names
        network.tie_weights()
    for name, value in (*network.named_parameters(), *network.named_buffers()):
        if value.ndim > 1 and value.is_floating_point():
            torch.nn.init.normal_(value, std=0.02)
        else:
            value.fill_(1 if name.endswith("weight") else 0)


# ---- measuring


def training(pipe: Any, shape: Shape, asked: argparse.Namespace) -> dict:
    """Steps of the trainer's learner on random pictures and states."""
    size = asked.resolution or min(models.find(shape.key).size, plan.LARGEST_SIDE)
    wanted = plan.check({**plan.as_dict(plan.preset("balanced", shape.key, "x")), "rank": asked.rank,
                         "alpha": asked.rank, "batch": asked.batch, "resolution": size, "quantise": asked.quantise})
    family, device = families.wrap(pipe, shape.family, size), str(pipe.device)
    weights = models.measure(pipe)
    with estimate.Growth(device) as growth:
        learner = learning.Learner(family, wanted, lesson(family, shape), None)
        seconds = timed(learner.learn, asked.steps, device)
    return {"size": family.size, "rank": asked.rank, "batch": asked.batch, "steps": asked.steps, "steps_s": 1 / seconds,
            "minutes_1000": 1000 * seconds / 60, "peak": weights + growth.bytes}


def lesson(family: families.StableDiffusion, shape: Shape) -> learning.Lesson:
    """Latents of random pictures by the autoencoder itself, and random states."""
    import torch

    pictures = np.random.default_rng(0).integers(0, 256, (PICTURES, family.size, family.size, 3), dtype=np.uint8)
    with torch.no_grad():
        latents = torch.cat([family.encode(picture[None]) for picture in pictures])
    states, extra = heard(family, shape, PICTURES)
    extra.pop("txt_ids", None)
    return learning.Lesson(latents, states, extra, torch.ones(PICTURES, device=latents.device))


def heard(family: families.StableDiffusion, shape: Shape, rows: int) -> tuple["torch.Tensor", dict]:
    """Random states (rows, L, D) and what the family is told beside them."""
    import torch

    network, device, dtype = family.network, family.pipe.device, family.network.dtype
    generator = torch.Generator().manual_seed(0)

    def random(*sides: int) -> "torch.Tensor":
        return torch.randn(sides, generator=generator).to(device, dtype)

    if shape.family == "flux":
        config = network.config
        return random(rows, shape.tokens, config.joint_attention_dim), {
            "pooled_projections": random(rows, config.pooled_projection_dim),
            "txt_ids": torch.zeros(shape.tokens, 3, device=device, dtype=dtype)}
    states = random(rows, shape.tokens, network.config.cross_attention_dim)
    if shape.family == "sdxl":
        return states, {"text_embeds": random(rows, shape.second["projection_dim"])}
    return states, {}


def drawing(pipe: Any, shape: Shape, asked: argparse.Namespace) -> dict:
    """Steps of one picture as the tab draws it, guidance included, and the picture decoded."""
    import torch

    model, device = models.find(shape.key), str(pipe.device)
    family, weights = families.wrap(pipe, shape.family, model.size), models.measure(pipe)
    request = requests.check("x", model=shape.key, steps=asked.draw_steps + WARM_UP, guidance=model.guidance)
    rows = 2 if request.guided and shape.family != "flux" else 1
    states, extra = heard(family, shape, rows)
    told = wording.Conditioning(states, wording.Wording((), (), shape.tokens, ()), extra)
    with estimate.Growth(device) as growth, torch.no_grad():
        run = Run(family, request, told)
        seconds = timed(lambda: run.step(family), asked.draw_steps, device)
        start = time.perf_counter()
        family.decode(run.x)
        decoding = time.perf_counter() - start
    return {"size": family.size, "steps": asked.draw_steps, "steps_s": 1 / seconds, "decode_s": decoding,
            "peak": weights + growth.bytes, "reckoned": weights + reckoned(shape, family.size, device)}


def reckoned(shape: Shape, size: int, device: str) -> int:
    """What the plan of a model (playground/diffusion/memory.py) sets aside to draw one picture; to hold the peak to."""
    dtype, model = devices.default_dtype(device), models.find(shape.key)
    needs = memory.Needs(shape.key, model.parts, size, model.step, model.scores, model.pixel)
    return memory.room(needs, dtype, memory.Machine(device, 0, 0, dtype))


def timed(step: Callable[[], Any], count: int, device: str) -> float:
    """Seconds of a step, the median of `count` after the warm-up, each waited for."""
    import torch

    spent = []
    for _ in range(WARM_UP + count):
        start = time.perf_counter()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent[WARM_UP:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
