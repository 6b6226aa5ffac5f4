"""What did the picture miss? A check list of the prompt's parts, which the visitor ticks off."""

import re
from typing import Any

import gradio as gr

from tabs import _ui

MOST = 10
JOINTS = re.compile(r"[,.;:]|\b(?:and|with|in|on|at|of|under|over|beside|wearing|near)\b", re.IGNORECASE)
LITTLE = {"a", "an", "the", "of", "some", "photo", "picture", "drawing"}


class Checklist:
    """The section. A prompt is cut into the things it names."""

    def __init__(self, prompt: gr.Textbox) -> None:
        with gr.Accordion("Check list: what did the picture leave out?", open=False,
                          elem_id="diffusion-checklist") as fold:
            self.boxes = gr.CheckboxGroup([], label="Tick what you see in the picture", elem_id="diffusion-seen")
            self.score = gr.Markdown(elem_classes="summary")
        self.fold = fold
        _ui.event(fold.expand, ask, [prompt], [self.boxes, self.score], show_progress="hidden")
        _ui.event(prompt.change, ask, [prompt], [self.boxes, self.score], show_progress="hidden")
        _ui.event(self.boxes.input, count, [self.boxes, prompt], [self.score], show_progress="hidden")

    def ask_when_clicked(self, button: gr.Button, prompt: str) -> None:
        """Makes a button open the list with the parts of an example's prompt."""
        _ui.event(button.click, lambda: (gr.Accordion(open=True), *ask(prompt)), [],
                  [self.fold, self.boxes, self.score], show_progress="hidden")


def parts(prompt: str) -> list[str]:
    """The things a prompt names: cut at commas and joining words, articles off, each once.

    >>> parts("a photo of a beach with a shark, a red umbrella and a lighthouse")
    ['beach', 'shark', 'red umbrella', 'lighthouse']
    """
    found = []
    for piece in JOINTS.split(prompt.encode(errors="replace").decode()):  # half a character cannot be answered
        words = [word for word in piece.split() if word.lower() not in LITTLE]
        if words and " ".join(words) not in found:
            found.append(" ".join(words))
    return found[:MOST]


def ask(prompt: str) -> tuple[Any, str]:
    """The list for a prompt, nothing ticked."""
    named = parts(prompt or "")
    return gr.CheckboxGroup(named, value=[]), count([], prompt)


def count(seen: list[str], prompt: str) -> str:
    """What is there and what is missing, in words."""
    named = parts(prompt or "")
    if not named:
        return "The prompt names nothing to look for."
    missing = [part for part in named if part not in seen]
    if not missing:
        return f"All {len(named)} parts of the prompt are there."
    listed = ", ".join(plain(part) for part in missing)
    return f"**{len(named) - len(missing)} of {len(named)}** parts are there. Missing: {listed}."


def plain(text: str) -> str:
    """Text that Markdown takes as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>$~])", r"\\\1", text)
