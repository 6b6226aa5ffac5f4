"""What the pocket model can draw: the grid of its card, with nothing left out, and the numbers measured with it."""

import json
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from playground.context import Context
from playground.diffusion import models
from tabs import _diffusion_html as render
from tabs import _ui
from tabs._diffusion_style import CSS

ROWS = ("a photo of a face", "a photo of a face with dark skin", "a photo of a face with light skin and a bright "
        "background", "red heart", "smiling face with sunglasses", "cat face", "pizza", "dog face", "red apple", "rose",
        "penguin", "hamburger", "sunflower", "robot face", "shark", "beach with umbrella")


def build(context: Context) -> None:
    """Lays out the fold; the grid is read when it is opened."""
    with gr.Accordion("What this model can draw", open=False, elem_id="diffusion-samples") as fold:
        shown = gr.HTML(css_template=CSS, elem_id="diffusion-grid")
    _ui.event(fold.expand, lambda: samples(models.local_folder(context, models.POCKET)), [], [shown],
              show_progress="hidden")


def samples(folder: Path | None) -> str:
    """The grid and the numbers of the model's folder; a sentence where a copy of the model has none."""
    grid, numbers = (folder / name if folder else None for name in ("samples.png", "numbers.json"))
    if not folder or not grid.is_file() or not numbers.is_file():
        return render.starting("This copy of the pocket model has no samples beside it.")
    with Image.open(grid) as picture:
        strips = np.split(np.asarray(picture.convert("RGB")), len(ROWS))
    rows = "".join(f'<figure><img src="{render.uri(strip)}" alt="Eight pictures: {words}"><figcaption>{words}'
                   "</figcaption></figure>" for strip, words in zip(strips, ROWS, strict=True))
    return f'<div class="df df-card">{rows}</div>{said(json.loads(numbers.read_text()))}'


def said(numbers: dict) -> str:
    """The measured numbers in words."""
    far, right = numbers["frechet"], numbers["retrieval_by_class"]
    worst = min(right, key=right.get)
    return (f'<p class="df-note">A prompt a row, seeds 0 to 7, guidance 2, 20 steps, none left out. Measured when it '
            f"was trained: a drawing is nearest to its own prompt's training pictures among {len(right)} prompts in "
            f"<b>{numbers['retrieval']:.0%}</b> of cases (worst: {worst}, {right[worst]:.0%}; by chance "
            f"{1 / len(right):.0%}). Its faces are at a distance of <b>{far['pocket model']:.1f}</b> from the GAN's, "
            f"which it learnt from; other faces by the GAN are at {far['gan']:.1f}, noise at {far['noise']:.0f} "
            "(Fréchet distances of outlines and colours, not a published FID), and they vary "
            f"<b>{far['spread, pocket model / gan']:.2f}</b> times as much. Faces are soft, often dark and sometimes "
            "bent. Counts, relations, scenes and writing fail, and a prompt that it never saw gives something near "
            "one that it did.</p>")
