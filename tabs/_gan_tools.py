"""The tools of the GAN tab, for faces chosen by click or by seed: filmstrip, walk, arithmetic, layers."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio import processing_utils

from playground.context import Context
from playground.gan import display, faces, inside
from tabs import _ui

ARITHMETIC_WORDS = ("A", "− B", "+ C", "= A − B + C")
TARGETS = ("filmstrip and layers", "walk: from", "walk: to", "A", "B", "C")


def build(context: Context, grid: gr.Gallery, seeds: gr.State, truncation: gr.Slider, look: gr.Radio) -> None:
    """Lays out the folds; a click on a face of `grid` puts its seed where the visitor wants it."""
    with gr.Row():
        target = gr.Radio(TARGETS, value=TARGETS[0], label="A click on a face above puts it into")
    boxes = [_filmstrip(context, look), *_walk(context, truncation, look), *_arithmetic(context, look)]
    _layers(context, boxes[0], truncation)

    def put(where: str, known: list[int], event: gr.SelectData) -> list[Any]:
        chosen = known[event.index]
        return [chosen if title == where else gr.skip() for title in TARGETS]

    _ui.event(grid.select, put, [target, seeds], boxes, show_progress="hidden")


def captioned(made: faces.Faces, look: str, words: Sequence[str] | None = None) -> list[tuple[Any, str]]:
    """Pictures for a gallery, each under its seed, or under the words given."""
    words = words or [f"seed {seed}" if seed >= 0 else "" for seed in made.seeds]
    return [(display.enlarge(picture, look), word) for picture, word in zip(made.pictures, words, strict=True)]


def run_when_opened(fold: gr.Accordion, run: Callable, inputs: list[Any], outputs: list[Any]) -> None:
    """Fills a fold when it is opened, so that nobody looks at an empty panel."""
    _ui.event(fold.expand, run, inputs, outputs, **_ui.COMPUTE)


def strip(label: str, columns: int) -> gr.Gallery:
    """A gallery of pictures in a row."""
    return gr.Gallery(label=label, columns=columns, format="png", object_fit="contain", elem_classes="faces",
                      buttons=["download", "fullscreen"], allow_preview=False, interactive=False)


def seed_box(label: str, value: int) -> gr.Number:
    """A number that names a face."""
    return gr.Number(value, label=label, precision=0, minimum=0, maximum=faces.MAX_SEED, min_width=110)


def _filmstrip(context: Context, look: gr.Radio) -> gr.Number:
    with gr.Accordion("Truncation filmstrip: one face from average to wild", open=False) as fold:
        seed = seed_box("Seed of the face", 42)
        film = strip("The same z, multiplied by ψ", len(faces.FILMSTRIP))

    def run(number: Any, how: str) -> list:
        return captioned(faces.filmstrip(context, number), how, [f"ψ = {psi:g}" for psi in faces.FILMSTRIP])

    run_when_opened(fold, run, [seed, look], [film])
    _ui.event(seed.change, run, [seed, look], [film], **_ui.COMPUTE)
    return seed


def _walk(context: Context, truncation: gr.Slider, look: gr.Radio) -> tuple[gr.Number, gr.Number]:
    with gr.Accordion("Walk from one face to another", open=False) as fold:
        with gr.Row():
            first, last = seed_box("From seed", 42), seed_box("To seed", 45)
            frames = gr.Slider(2, faces.MAX_FRAMES, 12, step=1, label="Frames", min_width=180)
            go = gr.Button("Walk", variant="primary", min_width=120)
        with gr.Row():
            film = strip("Frames", 6)
            loop = gr.Image(label="There and back, as a GIF", format="gif", height=330, type="filepath",
                            interactive=False, buttons=["download"], min_width=260)

    def run(a: Any, b: Any, number: Any, psi: Any, how: str) -> tuple:
        made = faces.walk(context, a, b, number, psi)
        words = [f"{100 * step / (len(made.pictures) - 1):.0f} %" for step in range(len(made.pictures))]
        return captioned(made, how, words), saved(display.looping_gif(made.pictures, how), "walk.gif", loop)

    inputs, outputs = [first, last, frames, truncation, look], [film, loop]
    run_when_opened(fold, run, inputs, outputs)
    for trigger in (go.click, first.submit, last.submit, frames.release):
        _ui.event(trigger, run, inputs, outputs, **_ui.COMPUTE)
    return first, last


def _arithmetic(context: Context, look: gr.Radio) -> tuple[gr.Number, gr.Number, gr.Number]:
    with gr.Accordion("Face arithmetic: A − B + C", open=False) as fold:
        gr.Markdown("Computed on the latents, as with word vectors, and brought back to the length of A. "
                    "Choose A and B that differ in one thing, and C without it.", elem_classes="summary")
        with gr.Row():
            a, b, c = seed_box("A", 42), seed_box("B", 44), seed_box("C", 47)
            go = gr.Button("Compute", variant="primary", min_width=120)
        result = strip("A − B + C", 4)

    def run(*values: Any) -> list:
        *numbers, how = values
        return captioned(faces.arithmetic(context, *numbers), how, ARITHMETIC_WORDS)

    run_when_opened(fold, run, [a, b, c, look], [result])
    for trigger in (go.click, a.change, b.change, c.change):
        _ui.event(trigger, run, [a, b, c, look], [result], trigger_mode="always_last", **_ui.COMPUTE)
    return a, b, c


def _layers(context: Context, seed: gr.Number, truncation: gr.Slider) -> None:
    with gr.Accordion("Inside the generator: noise in, picture out", open=False) as fold:
        gr.Markdown("The 16 feature maps of each layer that vary most, for the face of the filmstrip's seed. "
                    "Each map is scaled to its own range.", elem_classes="summary")
        rows = strip("From z to the picture", 6)

    def run(number: Any, psi: Any) -> list:
        seen = inside.trace(context, number, psi)
        layers = [(display.mosaic(layer.maps), f"{layer.name}: {layer.shape}") for layer in seen.layers]
        picture = display.enlarge(seen.picture, display.PIXELS)
        return [(display.noise(seen.z), "z: 100 numbers"), *layers, (picture, "layer 5: 3 colours of 64 x 64")]

    run_when_opened(fold, run, [seed, truncation], [rows])
    _ui.event(seed.change, run, [seed, truncation], [rows], **_ui.COMPUTE)


def saved(content: bytes, name: str, component: gr.Image) -> str:
    """The path of bytes put into Gradio's own file cache, where its clean-up finds them."""
    return processing_utils.save_bytes_to_cache(content, name, cache_dir=component.GRADIO_CACHE)
