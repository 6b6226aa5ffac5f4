"""The traced loop against the bare pipeline's call of the same steps, and a warm picture of twenty steps."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playground.context import build_context
from playground.diffusion import models, requests, trace, wording
from playground.diffusion.trace import Trace
from playground.settings import Settings

ROUNDS = 5
PROMPT = "a photo of a face"


def bench() -> list[dict]:
    """Twenty guided steps of the pocket model, warm, ours and the bare call in turn.

    Ours shows the picture when it and all guesses are decoded; the noisy states follow after it.
    """
    with tempfile.TemporaryDirectory() as folder:
        context = build_context(Settings(device="cpu", offline=True, data_dir=Path(folder)))
        if not models.available(context, models.POCKET):
            return [{"what": "diffusion: the trained pocket model is not here", "ours": "", "peer": "", "ratio": None,
                     "target": ""}]
        request = requests.check(PROMPT)
        shown, whole, bare = [], [], []
        seconds(lambda: draw(context, request))
        for _ in range(ROUNDS):
            first, last = draw(context, request)
            shown.append(first)
            whole.append(last)
            bare.append(seconds(lambda: call(context, request)))
    picture, trace_, peer = (statistics.median(each) for each in (shown, whole, bare))
    return [row("picture and guesses of 20 steps (peer: bare pipeline)", picture, peer, "<= 1.5"),
            row("the same with every noisy state decoded", trace_, peer, "<= 1.5"),
            {"what": "a picture of 20 steps, warm", "ours": f"{picture:.2f} s", "peer": "", "ratio": None,
             "target": "<= 3 s"}]


def draw(context: Any, request: requests.Request) -> tuple[float, float]:
    """Seconds until the picture, and until everything is decoded; encoding the prompt counted."""
    start, picture = time.perf_counter(), 0.0
    for made in trace.draw(context, request):
        if not isinstance(made, Trace) and made.step == made.steps:
            picture = time.perf_counter() - start
    return picture, time.perf_counter() - start


def call(context: Any, request: requests.Request) -> Any:
    """The pipeline's own call, on the same encoded prompt."""
    import torch

    spec = models.spec(context, request.model)
    told = wording.listen(context, request, spec)
    with context.cache.lease(spec) as pipe:
        return pipe(prompt_embeds=told.states[1:], negative_prompt_embeds=told.states[:1],
                    num_inference_steps=request.steps, guidance_scale=request.guidance, height=64, width=64,
                    generator=torch.Generator().manual_seed(request.seed), output_type="np")


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(what: str, ours: float, peer: float, target: str) -> dict:
    """A row of the table."""
    return {"what": what, "ours": f"{ours:.2f} s", "peer": f"{peer:.2f} s", "ratio": ours / peer, "target": target}
