"""The box for the visitor's own text: paste or choose a file, have it counted, keep it to oneself."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from playground.errors import BadInput, PlaygroundError
from playground.text.ngrams import corpora
from playground.text.ngrams.corpora import OwnText
from playground.text.ngrams.symbols import CHARACTERS
from tabs import _ui
from tabs._ngram_desk import OWN, Controls, Desk

COUNTING = {"concurrency_id": "counting", "concurrency_limit": 1}  # a text of 20 MB takes seconds to count
PRIVATE = "It stays in memory while this page is open, for you alone, and goes when you leave."


@dataclass(frozen=True)
class OwnTextBox:
    """The components of the box."""

    group: gr.Group
    text: gr.Textbox
    file: gr.UploadButton
    use: gr.Button
    note: gr.Markdown


def lay_out() -> OwnTextBox:
    """A box to paste into, a file button, and what became of it; hidden until asked for."""
    with gr.Column(visible=False) as group:
        text = gr.Textbox(label="Paste a text, in any language", lines=4, max_lines=8)
        with gr.Row():
            use = gr.Button("Count this text", size="sm", min_width=120)
            file = gr.UploadButton("Or a .txt file (up to 20 MB)", file_types=[".txt"], size="sm", type="filepath",
                                   min_width=120)
        note = gr.Markdown(PRIVATE, elem_classes="summary")
    return OwnTextBox(group, text, file, use, note)


def wire(desk: Desk, box: OwnTextBox, inputs: Sequence[Any], shown: Sequence[Any], follow: Callable) -> None:
    """Wires the box. `inputs` are the controls, the own text and the draft; `shown` what a step shows."""
    corpus, own = inputs[0], inputs[-2]

    def chosen(*values: Any) -> tuple:
        *controls, text, draft = values
        page = Controls(*controls)
        if page.corpus == OWN and text is None:
            return gr.Column(visible=True), *[gr.skip()] * len(shown)
        return gr.Column(visible=page.corpus == OWN), *desk.babble(page, text, draft).values()

    def pasted(text: str, *values: Any) -> Iterator[tuple]:
        *controls, _, draft = values
        nothing = [gr.skip()] * len(shown)
        yield gr.skip(), "Counting …", *nothing
        try:
            own_text = desk.library.add(text, _ui.sender())
            view = desk.babble(Controls(*controls), own_text, draft)
        except PlaygroundError:
            yield gr.skip(), f"Not counted. {PRIVATE}", *nothing
            raise
        yield own_text, describe(own_text), *view.values()

    def uploaded(path: str, *values: Any) -> Iterator[tuple]:
        yield from pasted(corpora.decode(read_upload(path)), *values)

    follow(_ui.event(corpus.input, chosen, inputs, [box.group, *shown], **COUNTING))
    for trigger, fn, source in ((box.use.click, pasted, box.text), (box.file.upload, uploaded, box.file)):
        follow(_ui.event(trigger, fn, [source, *inputs], [own, box.note, *shown], **COUNTING))


def describe(own: OwnText) -> str:
    """What was counted, in words."""
    counted = own.counted
    unit = counted.table.symbols.unit if counted else CHARACTERS
    inside = f" as {counted.table.size:,} {unit}" if counted and unit != CHARACTERS else ""
    return f"Counted: {len(own.book.text):,} characters of text{inside}. {PRIVATE}"


def read_upload(path: str | None) -> bytes:
    """The bytes of an uploaded file, which is deleted at once: own texts live in memory alone."""
    uploads = Path(os.environ.get("GRADIO_TEMP_DIR", tempfile.gettempdir())).resolve()
    if path is not None and not Path(path).resolve().is_relative_to(uploads):
        raise BadInput("That is not an uploaded file.", "Choose a file again.")
    return _ui.taken(path)
