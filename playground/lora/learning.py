"""The training loop of all families: latents and words once, then steps, samples and checkpoints.

Every random number comes from a generator that the seed and the number of the step start, so that a training that
was killed and resumed is the one that ran through. Only the adapter is trained; the base is frozen.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground import storage
from playground.context import Context
from playground.diffusion import families, models, schedulers, wording
from playground.diffusion.requests import Request
from playground.diffusion.trace import Run
from playground.errors import PlaygroundError
from playground.lora import adapters, objective
from playground.lora.objective import Example
from playground.lora.plan import Plan, spoken

if TYPE_CHECKING:
    import torch

WARM_UP = 10  # steps in which the learning rate rises to what the plan says
COPIES = 2  # samples of each prompt, by their seeds; more would cost more than the training
WHO = "training"
SMOOTHING = 0.9  # of the loss that is shown: each step counts a tenth


@dataclass(eq=False)
class Lesson:
    """What is learned from: latents (N, ...), states (N, L, D), extra (N, ...) each, and weights (N,)."""

    latents: "torch.Tensor"
    states: "torch.Tensor"
    extra: dict[str, "torch.Tensor"]
    weights: "torch.Tensor"

    def batch(self, rows: "torch.Tensor") -> Example:
        """The rows (B,) of a batch."""
        return Example(self.latents[rows], self.states[rows],
                       {name: value[rows] for name, value in self.extra.items()}, self.weights[rows])


class Learner:
    """A training between its steps. The caller holds the pipeline's lease, and a turn at the gate for each call."""

    def __init__(self, family: families.StableDiffusion, plan: Plan, lesson: Lesson, priors: Lesson | None) -> None:
        import torch

        self.family, self.plan, self.lesson, self.priors = family, plan, lesson, priors
        self.objective = objective.KINDS[models.find(plan.model).family](family)
        self.parameters = adapters.attach(family, plan)
        self.optimizer = torch.optim.AdamW(self.parameters, lr=plan.learning_rate, weight_decay=1e-4)
        self.step = 0
        self.loss = float("nan")
        if models.find(plan.model).family != "pocket":
            family.network.enable_gradient_checkpointing()

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self.plan.learning_rate * min(1.0, (self.step + 1) / WARM_UP)

    def learn(self) -> float:
        """One step of the optimizer; returns the smoothed loss. PlaygroundError if it is no number."""
        import torch

        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        device = next(self.family.network.parameters()).device.type
        half = self.family.network.dtype != torch.float32
        with torch.autocast(device, dtype=self.family.network.dtype, enabled=half):
            loss = self.objective.loss(self._example(generator), generator)
        if not bool(torch.isfinite(loss)):
            raise PlaygroundError(f"The loss is no number at step {self.step + 1}.", "Lower the learning rate.")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        now = float(loss.detach())
        self.loss = now if math.isnan(self.loss) else SMOOTHING * self.loss + (1 - SMOOTHING) * now
        return self.loss

    def _example(self, generator: "torch.Generator") -> Example:
        import torch

        rows = torch.randint(len(self.lesson.latents), (self.plan.batch,), generator=generator)
        example = self.lesson.batch(rows)
        if self.priors is None:
            return example
        count = max(1, self.plan.batch // 4)  # a quarter of the pictures keep what the model knew
        prior = self.priors.batch(torch.randint(len(self.priors.latents), (count,), generator=generator))
        return Example(torch.cat([example.latents, prior.latents]), torch.cat([example.states, prior.states]),
                       {name: torch.cat([value, prior.extra[name]]) for name, value in example.extra.items()},
                       torch.cat([example.weights, prior.weights]))

    # ---- samples

    def sample(self, told: Sequence[tuple[Request, wording.Conditioning]]) -> Iterator[np.ndarray]:
        """The picture (H, W, 3) of each request, with the adapter as it is now."""
        return draw_plain(self.family, told)

    # ---- checkpoints

    def save(self, folder: Path) -> None:
        """Writes what resume() needs: the adapter, the optimizer's moments, the step and the smoothed loss."""
        from safetensors.torch import save as to_bytes

        tensors = {f"parameter.{number}": parameter.detach().cpu() for number, parameter in enumerate(self.parameters)}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{number}": value.cpu() for name, value in state.items()}
        metadata = {"at": json.dumps({"step": self.step, "loss": self.loss})}
        storage.write_file(folder / "resume.safetensors", to_bytes(tensors, metadata=metadata))

    def resume(self, folder: Path) -> bool:
        """Goes back to the last checkpoint; False if there is none."""
        from safetensors import safe_open

        path = folder / "resume.safetensors"
        if not path.is_file():
            return False
        with safe_open(path, "pt") as file:
            at = json.loads(file.metadata()["at"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        self.step, self.loss = int(at["step"]), float(at["loss"])
        for number, parameter in enumerate(self.parameters):
            parameter.data.copy_(tensors.pop(f"parameter.{number}"))
        state: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            kind, _, number = name.rpartition(".")
            state.setdefault(int(number), {})[kind] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        return True


def draw_plain(family: families.StableDiffusion,
               told: Sequence[tuple[Request, wording.Conditioning]]) -> Iterator[np.ndarray]:
    """The picture (H, W, 3) of each request with the network as it is."""
    import torch

    for asked, conditioning in told:
        with torch.no_grad():  # not inference_mode: tensors made there could not be trained on later
            run = Run(family, asked, conditioning)
            while not run.done:
                run.step(family)
            picture = family.decode(run.x)[0]
        yield picture


def lesson(context: Context, family: families.StableDiffusion, plan: Plan, pictures: np.ndarray,
           captions: Sequence[str], weight: float = 1.0) -> Lesson:
    """Latents and words of pictures (N, H, W, 3) with their captions, computed once. Takes turns at the gate."""
    import torch

    told = [listen(context, replace(request(plan, spoken(each, plan.trigger)), guidance=1.0), family.pipe)
            for each in captions]
    parts = []
    for start in range(0, len(pictures), family.at_once):  # a turn each: others need not wait for fifty photos
        with context.gate.turn(WHO), torch.no_grad():
            parts.append(family.encode(pictures[start:start + family.at_once]))
    latents = torch.cat(parts)
    device, dtype = latents.device, family.network.dtype
    names = [name for name in told[0].extra if name in ("text_embeds", "pooled_projections")]
    return Lesson(latents.clone(), torch.cat([each.states for each in told]).clone().to(device, dtype),
                  {name: torch.cat([each.extra[name] for each in told]).clone().to(device, dtype) for name in names},
                  torch.full((len(pictures),), weight, device=device))


def request(plan: Plan, prompt: str, copy: int = 0) -> Request:
    """A sample's request. The seed depends on the copy alone: over the training, columns differ by learning only."""
    scheduler = schedulers.names(models.find(plan.model).family)[0]
    return Request(prompt, steps=plan.sample_steps, guidance=plan.guidance, seed=plan.seed + copy, scheduler=scheduler,
                   model=plan.model)


def listen(context: Context, asked: Request, pipe: Any) -> wording.Conditioning:
    """What the network is told of a request: by MiniLM, else by the text encoders of this very pipeline.

    The caller leases the pipeline and holds no turn at the gate. The one that the tabs share is not brought in for it:
    two of FLUX fit no GPU.
    """
    if asked.model == models.POCKET:
        return wording.listen(context, asked, models.spec(context, asked.model))
    with context.gate.turn(WHO):
        return wording.from_pipeline(pipe, asked)
