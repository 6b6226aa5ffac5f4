"""Text-to-image models as providers, drawn by the engine of the Diffusion steps tab, one picture after the other."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from playground.context import Context
from playground.diffusion import models, requests, trace, wording
from playground.errors import BadInput, PlaygroundError
from playground.evaluation.outputs import Check, Output, Request
from playground.evaluation.pictures import Album
from playground.evaluation.plan import Provider
from playground.marks import Mark
from playground.weights import Progress

# Seconds a picture takes with the model's usual steps, to expect before anything was measured: CPU, GPU.
EXPECTED = {"pocket": (1.5, 0.3), "sd": (400.0, 3.0), "sdxl": (2000.0, 8.0), "flux": (4000.0, 15.0)}


class Painter:
    """Generator over a diffusion model; the pictures go into the run's album."""

    def __init__(self, context: Context, provider: Provider, album: Album, progress: Progress) -> None:
        self.context, self.provider, self.album = context, provider, album
        self.spec = models.spec(context, provider.id, progress)

    def generate(self, asked: Sequence[Request], check: Check) -> Iterator[tuple[str, Output]]:
        """See outputs.Generator. A prompt that cannot be drawn becomes an error; a model that is not there ends it."""
        for request in asked:
            check()
            try:
                wanted = request_for(self.provider, request)
            except BadInput as problem:
                yield request.key, Output("", finish="error", error=str(problem))
                continue
            yield request.key, self._drawn(request.key, wanted, check)

    def _drawn(self, key: str, wanted: requests.Request, check: Check) -> Output:
        start = time.perf_counter()
        told = wording.listen(self.context, wanted, self.spec)
        runs: list[trace.Run] = []
        try:
            while not runs or not runs[0].done:
                check()
                trace.advance(self.context, self.spec, runs, [(wanted, told, None, 0)], guesses=False)
        except PlaygroundError as problem:
            if type(problem) is not PlaygroundError:  # its children say that nothing at all can be drawn
                raise
            return Output("", finish="error", error=str(problem), seconds=time.perf_counter() - start)
        # for the eye it is not marked: it will be measured
        self.album.add(key, trace.picture(self.context, self.spec, runs[0]), Mark(wanted.model, wanted.seed))
        return Output("", 0, len(told.wording.read), time.perf_counter() - start, finish="end",
                      cut=len(told.wording.cut), picture=key)


def request_for(provider: Provider, request: Request) -> requests.Request:
    """What the engine is asked for. BadInput for a prompt that is too long for it."""
    model = models.find(provider.id)
    values: dict[str, Any] = {"steps": provider.steps or model.steps, "seed": request.seed, "model": provider.id,
                              "guidance": model.guidance if provider.guidance is None else provider.guidance}
    return requests.check(request.prompt, **values)


def drawing_time(device: str, provider: Provider) -> float:
    """Seconds that a picture may take, roughly."""
    model = models.find(provider.id)
    usual = EXPECTED[model.family][device.startswith("cuda")]
    return usual * (provider.steps or model.steps) / model.steps
