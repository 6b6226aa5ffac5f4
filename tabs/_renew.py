"""A button that takes a passed-on link back: what it opened gets a new secret link, and the old one opens nothing."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from tabs import _ui

SAID = "This has a new link now, in the address bar. Whoever has the old one sees nothing any more."
SHOW_LINK = '(link) => { if (link) history.replaceState(null, "", link); }'


def button(label: str = "New link", size: str = "sm") -> gr.Button:
    """The button, to stand beside the one that copies the link."""
    return gr.Button(label, size=size, min_width=120)


def wire(new: gr.Button, renew: Callable, inputs: Sequence[Any], outputs: Sequence[Any], link: gr.Textbox,
         timer: gr.Timer | None = None) -> None:
    """Wires it: renew(*inputs) -> outputs, of which `link` is one, brought into the address bar.

    `timer`, which looks at what has the link, rests meanwhile: a look by the old link would find nothing.
    """
    @functools.wraps(renew)  # Gradio looks at its arguments
    def renewed(*values: Any) -> Any:
        shown = renew(*values)
        gr.Info(SAID, title="New link")
        return shown

    hidden = {"show_progress": "hidden"}
    if timer is None:
        done = _ui.event(new.click, renewed, inputs, outputs, **hidden)
    else:
        resting = _ui.event(new.click, lambda: gr.Timer(active=False), [], [timer], **hidden)
        done = _ui.event(resting.success, renewed, inputs, outputs, **hidden)
        _ui.event(done.then, lambda: gr.Timer(active=True), [], [timer], **hidden)  # also where it was refused
    done.success(None, [link], None, js=SHOW_LINK)
