"""Which vectors the sections of the Word vectors tab compute with: a set of the catalog, or the visitor's file."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from playground import catalog
from playground.context import Context
from playground.errors import BadInput
from playground.text.vectors import models
from playground.text.vectors.models import OwnFile
from playground.text.vectors.store import Vectors
from tabs import _ui

OWN = "own"

LOOKS = _ui.looks("word-vectors")  # the chosen set may have to be fetched first
# Answers that take milliseconds: no veil over the old answer, and none that says "Error" beside the message
CALM = {**LOOKS, "show_progress": "hidden"}


class Source:
    """The menu of sets and the visitor's file. `inputs` go first into every handler that needs vectors."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.menu = gr.Dropdown(choices(context), value=models.MODEL, label="Vectors, for the whole tab",
                                filterable=False, render=False, scale=3, min_width=220)
        self.own = gr.State(None)

    @property
    def inputs(self) -> list[Any]:
        """The components that `lease` takes the values of."""
        return [self.menu, self.own]

    @contextlib.contextmanager
    def lease(self, choice: Any, own: OwnFile | None) -> Iterator[Vectors]:
        """The chosen vectors, for the block. Raises BadInput or ModelMissing if they cannot be had."""
        if choice == OWN:
            if own is None:
                raise BadInput("You have not loaded a file of your own yet.", "Open “Your own vectors” below.")
            choice = own
        with self.context.cache.lease(models.spec(self.context, choice, _ui.engine_progress(gr.Progress()))) as vectors:
            yield vectors

    def take(self, path: Any) -> tuple[Any, OwnFile, str]:
        """Reads an uploaded file: the menu with it chosen, the file, and what it holds in Markdown."""
        if path is None:
            raise BadInput("There is no file.", "Choose one first.")
        own = models.accept(self.context, path, Path(path).name)
        menu = gr.Dropdown([*choices(self.context), (f"Yours: {own.title}", OWN)], value=OWN)
        return menu, own, f"Loaded **{own.count:,} words** of {own.dimensions} dimensions; every section uses them now."


def choices(context: Context) -> list[tuple[str, str]]:
    """The sets of the catalog, those that are not on this machine marked with the size of their download."""
    return [(entry.title if context.weights.available(entry) else f"{entry.title} ({megabytes(entry.download)} to get)",
             entry.key) for entry in catalog.of_task(models.TASK)]


def megabytes(count: int) -> str:
    """Bytes as a size for a menu."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def examples(titles: Sequence[str]) -> list[gr.Button]:
    """A row of small buttons."""
    with gr.Row(elem_classes="examples"):
        return [gr.Button(title, size="sm", min_width=120) for title in titles]


@dataclass(frozen=True)
class Step:
    """A handler with what it takes and gives, and its lane."""

    run: Callable
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    lane: dict[str, Any]

    def on(self, *triggers: Callable) -> list[Any]:
        """Runs it at each of these events; returns them, for a stop button to cancel."""
        return [_ui.event(trigger, self.run, self.inputs, self.outputs, **self.lane) for trigger in triggers]


def set_and_run(button: gr.Button, values: Sequence[Any], controls: Sequence[Any], step: Step) -> None:
    """An example: sets every control, then runs with what they hold."""
    setting = _ui.event(button.click, lambda: tuple(values), [], controls)
    step.on(setting.then)


def on_first_expand(fold: gr.Accordion, step: Step) -> None:
    """Fills a section when it is first opened; again at the next opening if that failed."""
    filled = gr.State(False)

    def once(seen: bool, *values: Any) -> Iterator[Any]:
        if seen:
            yield (gr.skip(),) * (len(step.outputs) + 1)
            return
        for result in _ui.results(step.run, *values):
            yield (True, *result) if isinstance(result, tuple) else (True, result)

    _ui.event(fold.expand, once, [filled, *step.inputs], [filled, *step.outputs], **step.lane)
