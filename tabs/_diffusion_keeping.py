"""How runs are shown: pictures on the way no faster than a browser draws them, and results that stay.

A run that fails says why in its place, above what stood there before.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from playground.diffusion.trace import Frame
from playground.errors import BadInput, PlaygroundError
from tabs import _diffusion_html as render

SECONDS = 3600  # that a visitor's last result is kept
PAUSE = 0.1  # seconds between two pictures on the way: more would queue up in the browser, and outlast Stop


def paced(run: Iterator[Any]) -> Iterator[Any]:
    """What a run gives, without frames that come within PAUSE of the last one. A list of frames is one step's."""
    shown = 0.0
    for made in run:
        if isinstance(made[0] if isinstance(made, list) else made, Frame):
            if time.monotonic() - shown < PAUSE:
                continue
            shown = time.monotonic()
        yield made


def last_result() -> gr.State:
    """Where a section keeps its last finished result, to show it again when the next run fails."""
    return gr.State("", time_to_live=SECONDS)


def keeping(run: Callable) -> Callable:
    """run(*inputs) -> html, html, … as kept(*inputs, before) -> (html, before), `before` the last finished result.

    What cannot be used is refused before anything is shown, and is said as everywhere on the page.
    """
    def kept(*values: Any) -> Iterator[tuple]:
        *inputs, before = values
        shown = None
        try:
            for shown in run(*inputs):
                yield shown, gr.skip()
        except PlaygroundError as problem:
            if shown is None and isinstance(problem, BadInput):
                raise
            yield render.failed(problem, before), gr.skip()
            return
        yield gr.skip(), shown
    return kept
