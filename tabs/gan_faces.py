"""GAN faces: new faces, truncation, walks, arithmetic on latents, and the layers of the generator."""

import secrets
from collections.abc import Sequence
from typing import Any

import gradio as gr

from playground import devices
from playground.context import Context
from playground.gan import faces
from tabs import _gan_lab, _gan_tools, _ui
from tabs._gan_tools import Look
from tabs._shell import Shell, Tab

SUMMARY = ("Each click draws new random numbers, and a generator turns them into faces of people who do not exist. "
           "It is a DCGAN, 64 x 64 pixels, trained on pictures of *rendered* people (DigiFace-1M).")

HOW = """
A **generator** G learned to turn noise into pictures while a **discriminator** D learned to tell them from the
pictures of a collection; each got better because the other did. Only G is left here. It takes a **latent** z,
100 numbers drawn from a normal distribution, through five transposed convolutions: 4, 8, 16, 32, 64 pixels a side.

* **Seed**: where the random numbers start. The same seed and truncation give the same face, here and elsewhere.
* **Truncation** ψ: z is multiplied by ψ. Below 1 the faces lose what makes them special and become alike, above 1 they
  go where the generator saw little in training. Near 0 a DCGAN has only a texture left: in training z had a length of
  about 10, never 0. StyleGAN truncates in a learned space instead, where 0 is an average face.
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

EXAMPLES = (("Twelve new people", 12, 42, 1.0), ("Tame (ψ 0.6)", 12, 42, 0.6),
            ("Wild (ψ 1.5)", 12, 42, 1.5), ("A crowd of 64", 64, 7, 1.0))


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab: controls and grid, the chosen face, the tools, the fold; wires them."""
    with gr.Row():
        with gr.Column(scale=1, min_width=260):
            new = gr.Button("New faces", variant="primary")
            count = gr.Slider(1, faces.MAX_FACES, 12, step=1, label="Number of faces")
            truncation = gr.Slider(0, 1.5, 1.0, step=0.05, label="Truncation ψ",
                                   info="1: as trained · lower: tamer · higher: wilder")
            seed = gr.Number(42, label="Seed of the first face", precision=0, minimum=0, maximum=faces.MAX_SEED)
            look = _gan_tools.look_box(context)
        with gr.Column(scale=3, min_width=300):
            grid = gr.Gallery(label="Faces", columns=6, format="png", object_fit="contain",
                              buttons=["download", "fullscreen"], allow_preview=False, interactive=False,
                              elem_id="faces", elem_classes="faces")
            took = gr.Markdown(elem_classes="summary")
            with gr.Row():
                buttons = [gr.Button(title, size="sm", min_width=120) for title, *_ in EXAMPLES]
                noise = gr.Button("Add noise to the first face", size="sm", min_width=120)
                copy = gr.Button("Copy link to these faces", size="sm", min_width=120)
    seeds, link = gr.State([]), gr.Textbox(visible=False)
    first = gr.State((42, 1.0))  # seed and truncation of the first face shown, whatever the controls say by now
    draw = drawer(context, grid)
    controls, results = [count, seed, truncation, look], [grid, seeds, took, link, first]

    _ui.event(new.click, fresh(draw), [count, truncation, look], [seed, *results], **_ui.COMPUTE)
    for trigger in (seed.submit, look.input, count.release, truncation.release):
        _ui.event(trigger, draw, controls, results, **_ui.COMPUTE)
    for button, (_, *values) in zip(buttons, EXAMPLES, strict=True):
        _ui.event(button.click, example(draw, *values), [look], [count, seed, truncation, *results], **_ui.COMPUTE)
    _ui.copy_link(copy, link)
    shell.send(noise, first, "diffusion-face")
    shell.on_open(opened(draw), controls, [count, seed, truncation, *results], **_ui.COMPUTE)
    _gan_tools.build(context, grid, seeds, truncation, look)
    _gan_lab.build(context, shell)
    _ui.fold("How it works, and where it comes from", HOW)
    _endpoints(context)


def drawer(context: Context, grid: gr.Gallery) -> Any:
    """The handler that draws: (count, seed, truncation, look) -> gallery, seeds, timing, link, first face."""
    def draw(count: Any, seed: Any, truncation: Any, look: list[str]) -> tuple:
        made = faces.generate(context, count, seed, truncation)
        link = _ui.query(tab="gan-faces", seed=made.seeds[0], count=len(made.seeds), truncation=truncation)
        pictures = _gan_tools.captioned(made, Look.of(context, look), grid)
        return pictures, list(made.seeds), timing(made, context), link, (made.seeds[0], truncation)
    return draw


def fresh(draw: Any) -> Any:
    """`draw` from a seed drawn anew, which is shown: (count, truncation, look) -> seed, ..."""
    def draw_fresh(count: Any, truncation: Any, look: list[str]) -> tuple:
        seed = secrets.randbelow(1_000_000)
        return seed, *draw(count, seed, truncation, look)
    return draw_fresh


def example(draw: Any, *values: Any) -> Any:
    """`draw` with an example's values, which it also puts into the controls: look -> count, seed, truncation, ..."""
    def draw_example(look: list[str]) -> tuple:
        return *values, *draw(*values, look)
    return draw_example


def opened(draw: Any) -> Any:
    """`draw` for the first look at the tab, with what a link names: (query, controls) -> controls, results."""
    def draw_opened(query: dict[str, str], *controls: Any) -> tuple:
        *values, look = with_link(query, controls)
        return *values, *draw(*values, look)
    return draw_opened


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


def timing(made: faces.Faces, context: Context) -> str:
    """What a face cost, in words."""
    return (f"{len(made.pictures)} face{'s' * (len(made.pictures) > 1)}, **{made.seconds_each * 1000:.1f} ms each** "
            f"on {devices.title(context.device)}. Click a face to use it in the tools below.")


def _endpoints(context: Context) -> None:
    """/generate_faces and /face_walk."""
    drawn, walked = (gr.Gallery(label=label, format="png", visible=False) for label in ("faces", "frames"))

    def generate_faces(count: Any, seed: Any, truncation: Any) -> list:
        return _gan_tools.captioned(faces.generate(context, count, seed, truncation), Look.of(context), drawn)

    def face_walk(seed_a: Any, seed_b: Any, frames: Any) -> list:
        return _gan_tools.captioned(faces.walk(context, seed_a, seed_b, frames), Look.of(context), walked)

    def number(label: str, value: float) -> gr.Number:
        return gr.Number(value, label=label, visible=False)

    _ui.endpoint(generate_faces, [number("count", 8), number("seed", 42), number("truncation", 1.0)],
                 [drawn], "generate_faces", **_ui.COMPUTE)
    _ui.endpoint(face_walk, [number("seed_a", 42), number("seed_b", 43), number("frames", 12)],
                 [walked], "face_walk", **_ui.COMPUTE)


TAB = Tab("GAN faces", 10, SUMMARY, build)
