"""GAN faces: new faces, truncation, walks, arithmetic on latents, and the layers of the generator."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from playground.context import Context
from playground.gan import display, faces, inside
from tabs import _ui
from tabs._shell import Shell, Tab

SUMMARY = ("Each click draws new random numbers, and a generator turns them into faces of people who do not exist. "
           "It is a DCGAN, 64 x 64 pixels, trained on pictures of *rendered* people (DigiFace-1M).")

HOW = """
A **generator** G learned to turn noise into pictures while a **discriminator** D learned to tell them from the
pictures of a collection; each got better because the other did. Only G is left here. It takes a **latent** z,
100 numbers drawn from a normal distribution, through five transposed convolutions: 4, 8, 16, 32, 64 pixels a side.

* **Seed**: where the random numbers start. The same seed and truncation give the same face, here and on any other machine.
* **Truncation** ψ: z is multiplied by ψ. Below 1 the faces come closer to the average face, above 1 they go where the
  generator saw little in training.
* **Walk**: faces on the way from one z to another, along the sphere on which such vectors lie.
* **Arithmetic**: A − B + C, computed on the latents, as one does with word vectors.

The model draws small, soft faces. They are smoothed for display; *true pixels* shows what the network made.
Nobody's photo is in it: DigiFace-1M consists of computer graphics.

Sources: [Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661) (GAN),
[Radford et al. 2015](https://arxiv.org/abs/1511.06434) (DCGAN, arithmetic),
[Karras et al. 2019](https://arxiv.org/abs/1812.04948) (truncation),
[White 2016](https://arxiv.org/abs/1609.04468) (walks),
[Bae et al. 2023](https://arxiv.org/abs/2210.02579) (DigiFace-1M).
"""

EXAMPLES = (("Twelve new people", 12, 42, 1.0), ("All nearly alike (ψ 0.3)", 12, 42, 0.3),
            ("Wild (ψ 1.5)", 12, 42, 1.5), ("A crowd of 64", 64, 7, 1.0))


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab."""
    seeds = gr.State([])
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            new = gr.Button("New faces", variant="primary")
            count = gr.Slider(1, faces.MAX_FACES, 12, step=1, label="Number of faces")
            truncation = gr.Slider(0, 1.5, 1.0, step=0.05, label="Truncation ψ",
                                   info="0: the average face · 1: as trained · above: wild")
            seed = gr.Number(42, label="Seed of the first face", precision=0, minimum=0, maximum=faces.MAX_SEED)
            shown = gr.Radio([display.SMOOTH, display.PIXELS], value=display.SMOOTH, label="Display")
        with gr.Column(scale=3, min_width=300):
            grid = gr.Gallery(label="Faces", columns=[3, 4, 6], height=430, format="png", object_fit="contain",
                              buttons=["download", "fullscreen"], allow_preview=False)
            took = gr.Markdown("Click a face to use it below.", elem_classes="summary")
    with gr.Row(elem_classes="examples"):
        buttons = [gr.Button(title, size="sm") for title, *_ in EXAMPLES]
    link = gr.Textbox(visible=False)
    chosen = _selected_face(grid, seeds, truncation)

    def draw(number: Any, first: Any, psi: Any, look: str) -> tuple:
        made = faces.generate(context, number, first, psi)
        return captioned(made, look), list(made.seeds), timing(made, context), _ui.query(
            tab="gan-faces", seed=first, count=number, truncation=psi)

    def opened(query: dict[str, str], *values: Any) -> tuple:
        number, first, psi, look = with_link(query, values)
        return number, first, psi, *draw(number, first, psi, look)

    controls, results = [count, seed, truncation, shown], [grid, seeds, took, link]
    _ui.event(new.click, draw_with_new_seed(draw), controls, [seed, *results], **_ui.COMPUTE)
    for trigger in (seed.submit, shown.input, count.release, truncation.release):
        _ui.event(trigger, draw, controls, results, **_ui.COMPUTE)
    for button, (_, *values) in zip(buttons, EXAMPLES, strict=True):
        setting = _ui.event(button.click, lambda values=values: values, [], [count, seed, truncation])
        _ui.event(setting.then, draw, controls, results, **_ui.COMPUTE)
    shell.on_open(opened, controls, [count, seed, truncation, *results], **_ui.COMPUTE)

    _tools(context, chosen, truncation, shown)
    _ui.fold("How it works, and where it comes from", HOW)
    _endpoints(context)


def draw_with_new_seed(draw: Any) -> Any:
    """`draw`, from a seed drawn anew, which it gives first."""
    def fresh(number: Any, _: Any, psi: Any, look: str) -> tuple:
        first = int.from_bytes(__import__("os").urandom(3), "big")
        return first, *draw(number, first, psi, look)
    return fresh


def with_link(query: dict[str, str], values: Sequence[Any]) -> tuple:
    """The values of the controls, with those that a link names in their place."""
    number, first, psi, look = values
    if "seed" in query:
        number, first = as_number(query.get("count", "1")), as_number(query["seed"])
        psi = as_number(query.get("truncation", "1"))
    return number, first, psi, look


def as_number(text: str) -> Any:
    """The number that a link spells, or the text itself, for the engine to refuse by name."""
    try:
        return float(text)
    except ValueError:
        return text


def captioned(made: faces.Faces, look: str, words: Sequence[str] | None = None) -> list[tuple[Any, str]]:
    """Pictures for a gallery, each under its seed or under the words given."""
    words = words or [f"seed {seed}" if seed >= 0 else "" for seed in made.seeds]
    return [(display.enlarge(picture, look), word) for picture, word in zip(made.pictures, words, strict=True)]


def timing(made: faces.Faces, context: Context) -> str:
    """What a face cost, in words."""
    return (f"{len(made.pictures)} faces, **{made.seconds_each * 1000:.1f} ms each** on {context.device}. "
            "Click a face to use it below.")


TAB = Tab("GAN faces", 10, SUMMARY, build)
