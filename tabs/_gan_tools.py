"""The tools of the GAN tab, for faces chosen by click or by seed: filmstrip, walk, arithmetic, layers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import marks
from playground.context import Context
from playground.gan import display, faces, inside
from tabs import _ui

ARITHMETIC_WORDS = ("A", "− B", "+ C", "= A − B + C")
TARGETS = ("filmstrip and layers", "walk: from", "walk: to", "A", "B", "C")


def build(context: Context, grid: gr.Gallery, seeds: gr.State, truncation: gr.Slider,
          look: gr.CheckboxGroup) -> None:
    """Lays out the folds; a click on a face of `grid` puts its seed where the visitor wants it."""
    with gr.Row():
        target = gr.Radio(TARGETS, value=TARGETS[0], label="A click on a face above puts it into")
    boxes = [_filmstrip(context, look), *_walk(context, truncation, look), *_arithmetic(context, look)]
    _layers(context, boxes[0], truncation)

    def put(where: str, known: list[int], event: _ui.Told) -> list[Any]:
        chosen = known[event.whole("index", len(known) - 1)]
        return [chosen if title == where else gr.skip() for title in TARGETS]

    _ui.event(grid.select, put, [target, seeds], boxes, show_progress="hidden")


@dataclass(frozen=True)
class Look:
    """How faces are shown: by which filter enlarged, and whether marked for the eye."""

    filter: str
    visible: bool

    @classmethod
    def of(cls, context: Context, chosen: Sequence[str] = ()) -> "Look":
        """The look that a visitor ticked, within what the operator allows."""
        return cls(display.PIXELS if display.PIXELS in chosen else display.SMOOTH,
                   marks.wanted(context.settings, marks.VISIBLE in chosen))

    def mark(self, seed: int = -1) -> marks.Mark:
        """The mark of a face; one between seeds has none."""
        return marks.Mark(faces.MODEL, seed if seed >= 0 else None, self.visible)


def look_box(context: Context) -> gr.CheckboxGroup:
    """What a visitor may tick about the look of faces."""
    every = [display.PIXELS, marks.VISIBLE] if context.settings.most.unmarked else [display.PIXELS]
    return gr.CheckboxGroup(every, value=[], label="Display")


def captioned(made: faces.Faces, look: Look, gallery: gr.Gallery, words: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Marked picture files for a gallery, each under its seed, or under the words given."""
    words = words or [f"seed {seed}" if seed >= 0 else "" for seed in made.seeds]
    large = [display.enlarge(picture, look.filter) for picture in made.pictures]
    files = _ui.marked(large, [look.mark(seed) for seed in made.seeds], gallery)
    return list(zip(files, words, strict=True))


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


def _filmstrip(context: Context, look: gr.CheckboxGroup) -> gr.Number:
    with gr.Accordion("Truncation filmstrip: one face from average to wild", open=False) as fold:
        seed = seed_box("Seed of the face", 42)
        film = strip("The same z, multiplied by ψ", len(faces.FILMSTRIP))

    def run(number: Any, how: list[str]) -> list:
        words = [f"ψ = {psi:g}" for psi in faces.FILMSTRIP]
        return captioned(faces.filmstrip(context, number), Look.of(context, how), film, words)

    run_when_opened(fold, run, [seed, look], [film])
    _ui.event(seed.change, run, [seed, look], [film], **_ui.COMPUTE)
    return seed


def _walk(context: Context, truncation: gr.Slider, look: gr.CheckboxGroup) -> tuple[gr.Number, gr.Number]:
    with gr.Accordion("Walk from one face to another", open=False) as fold:
        with gr.Row():
            first, last = seed_box("From seed", 42), seed_box("To seed", 45)
            frames = gr.Slider(2, faces.MAX_FRAMES, 12, step=1, label="Frames", min_width=180)
            go = gr.Button("Walk", variant="primary", min_width=120)
        with gr.Row():
            film = strip("Frames", 6)
            loop = gr.Image(label="There and back, as a GIF", format="gif", height=330, type="filepath",
                            interactive=False, buttons=["download"], min_width=260)

    def run(a: Any, b: Any, number: Any, psi: Any, how: list[str]) -> tuple:
        shown = Look.of(context, how)
        made = faces.walk(context, a, b, number, psi)
        words = [f"{100 * step / (len(made.pictures) - 1):.0f} %" for step in range(len(made.pictures))]
        moving = display.looping_gif(made.pictures, shown.mark(), shown.filter)
        return captioned(made, shown, film, words), _ui.saved(moving, "walk.gif", loop)

    inputs, outputs = [first, last, frames, truncation, look], [film, loop]
    run_when_opened(fold, run, inputs, outputs)
    for trigger in (go.click, first.submit, last.submit, frames.release):
        _ui.event(trigger, run, inputs, outputs, **_ui.COMPUTE)
    return first, last


def _arithmetic(context: Context, look: gr.CheckboxGroup) -> tuple[gr.Number, gr.Number, gr.Number]:
    with gr.Accordion("Face arithmetic: A − B + C", open=False) as fold:
        gr.Markdown("Computed on the latents, as with word vectors, and brought back to the length of A. "
                    "Choose A and B that differ in one thing, and C without it.", elem_classes="summary")
        with gr.Row():
            a, b, c = seed_box("A", 42), seed_box("B", 44), seed_box("C", 47)
            go = gr.Button("Compute", variant="primary", min_width=120)
        result = strip("A − B + C", 4)

    def run(*values: Any) -> list:
        *numbers, how = values
        return captioned(faces.arithmetic(context, *numbers), Look.of(context, how), result, ARITHMETIC_WORDS)

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
        made, words = zip((display.noise(seen.z), "z: 100 numbers"), *layers,
                          (picture, "layer 5: 3 colours of 64 x 64"), strict=True)
        mark = Look.of(context).mark(int(number))
        return list(zip(_ui.marked(made, [mark] * len(made), rows), words, strict=True))

    run_when_opened(fold, run, [seed, truncation], [rows])
    _ui.event(seed.change, run, [seed, truncation], [rows], **_ui.COMPUTE)
