"""What one does with a run's networks: ask D about a picture, guess against D, keep G and use it."""

import secrets
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from playground import checks, marks
from playground.context import Context
from playground.errors import BadInput
from playground.gan import display
from playground.gan.lab import client, judging, own, trained
from tabs import _consent, _ui
from tabs import _gan_lab_draw as draw
from tabs._gan_lab_style import CSS

LANES = ("run A", "run B")
ABOVE, LOADED = "the run above", "a generator from a file"
SIZE = 192  # pixels a side on the page


def build(context: Context, token: gr.BrowserState, job: gr.State) -> list[tuple[Any, Any]]:
    """Lays out the three folds. Each fills itself when it is opened on a run of pictures.

    Returns what shows something of a run, each with the value that empties it.
    """
    with gr.Row():
        lane = gr.Radio(LANES, value=LANES[0], label="The networks below are those of", elem_id="lab-lane")
    return [*_ask(context, job, lane), *_quiz(context, job, lane), *_use(context, token, job, lane)]


def enlarged(picture: np.ndarray) -> Image.Image:
    """A picture (side, side, C) for the page: digits with their pixels, others smooth."""
    colours = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    return display.enlarge(colours, display.PIXELS if picture.shape[0] < 32 else display.SMOOTH, SIZE)


def needed(job_id: str) -> str:
    """The id, or BadInput where no run was started."""
    if not job_id:
        raise BadInput("No run is under way.", "Start one above, of digits or faces.")
    return job_id


def lane_of(which: Any) -> int:
    """The number of a run by its name. BadInput for none."""
    return LANES.index(checks.choice(which, "The run", LANES))


def strip(label: str, columns: int) -> gr.Gallery:
    """A gallery of small pictures."""
    return gr.Gallery(label=label, columns=columns, format="png", object_fit="contain", elem_classes="faces",
                      buttons=["download"], allow_preview=False, interactive=False)


def _ask(context: Context, job: gr.State, lane: gr.Radio) -> list[tuple[Any, Any]]:
    with gr.Accordion("Ask D: is this picture real?", open=False, elem_id="lab-ask") as fold:
        with gr.Row():
            seen = gr.HTML(css_template=CSS, elem_id="lab-seen", min_width=200, padding=False)
            said = gr.Markdown(elem_id="lab-verdict")
        with gr.Row():
            given = gr.UploadButton("A picture of yours", file_types=["image", ".heic", ".heif"], size="sm")
            real = gr.Button("A real one", size="sm")
            made = gr.Button("A generated one", size="sm")
        _consent.line("Yours is read, judged and not kept.")

    def offered(path: str, job_id: str, which: str) -> tuple:
        return verdict(judging.judge(context, needed(job_id), lane_of(which), _ui.taken(path)))

    def example(kind: int) -> Any:
        def ask(job_id: str, which: str) -> tuple:
            at = lane_of(which)
            picture = judging.drawn(context, needed(job_id), at, 1, secrets.randbelow(1000))[kind][0]
            return verdict(judging.judge(context, job_id, at, picture))
        return ask

    _ui.event(given.upload, offered, [given, job, lane], [seen, said], **_ui.COMPUTE)
    for button, kind in ((real, 0), (made, 1)):
        _ui.event(button.click, example(kind), [job, lane], [seen, said], **_ui.COMPUTE)
    _ui.event(fold.expand, example(1), [job, lane], [seen, said], **_ui.COMPUTE)
    return [(seen, ""), (said, "")]


def verdict(found: judging.Verdict) -> tuple[str, str]:
    """D's word: the picture as D saw it, in the page itself, as it may be a visitor's own; and the sentence."""
    chance = "" if found.probability is None else f", which means: real with probability **{found.probability:.2f}**"
    return draw.pictures([enlarged(found.picture)], ["As D sees it"]), (
        f"D’s score is **{found.score:.2f}**{chance}.\n\nIt is higher than that of "
        f"**{100 * found.above_real:.0f} %** of {judging.COMPARED} real pictures and of "
        f"**{100 * found.above_made:.0f} %** of as many generated ones.")


def _quiz(context: Context, job: gr.State, lane: gr.Radio) -> list[tuple[Any, Any]]:
    numbers = [str(number) for number in range(1, judging.ASKED + 1)]
    with gr.Accordion("Quiz: which ones are generated? You against D", open=False, elem_id="lab-quiz") as fold:
        gr.Markdown("Five are real, five are generated.")
        shown = gr.HTML(css_template=CSS, padding=False)  # no gallery: that would copy real ones into the page's cache
        guess = gr.CheckboxGroup(numbers, label="Generated are numbers")
        with gr.Row():
            check = gr.Button("Check my guess", variant="primary")
            again = gr.Button("Ten others")
        score = gr.Markdown(elem_id="lab-score")
    asked, tally = gr.State(()), gr.State((0, 0, 0))  # (real, D's word) of each picture; yours, D's, of how many

    def ask(job_id: str, which: str) -> tuple:
        made = judging.quiz(context, needed(job_id), lane_of(which), secrets.randbelow(100_000))
        pictures = draw.pictures([enlarged(picture) for picture in made.pictures], numbers)
        return pictures, [], "Tick the generated ones, then check.", tuple(zip(made.real, made.d_says, strict=True))

    def mark(chosen: list[str], answers: Any, before: Any) -> tuple:
        if not answers:
            raise BadInput("This quiz is over.", "Take ten others.")
        yours = sum((number in chosen) != real for number, (real, _) in zip(numbers, answers, strict=True))
        theirs = sum(real == said for real, said in answers)
        total = (before[0] + yours, before[1] + theirs, before[2] + len(answers))
        fakes = ", ".join(number for number, (real, _) in zip(numbers, answers, strict=True) if not real)
        words = (f"Generated are **{fakes}**. You were right on **{yours}** of {len(answers)}, D on **{theirs}**. "
                 f"So far: you {total[0]}, D {total[1]}, of {total[2]}.")
        return words, (), total

    outputs = [shown, guess, score, asked]
    _ui.event(fold.expand, ask, [job, lane], outputs, **_ui.COMPUTE)
    _ui.event(again.click, ask, [job, lane], outputs, **_ui.COMPUTE)
    _ui.event(check.click, mark, [guess, asked, tally], [score, asked, tally])
    return [(shown, ""), (guess, []), (score, ""), (asked, ()), (tally, (0, 0, 0))]


def _use(context: Context, token: gr.BrowserState, job: gr.State, lane: gr.Radio) -> list[tuple[Any, Any]]:
    with gr.Accordion("Keep the generator, and use it", open=False, elem_id="lab-use") as fold:
        with gr.Row():
            source = gr.Radio([ABOVE, LOADED], value=ABOVE, label="Generator")
            seed = gr.Number(1, label="Seed of the first picture", precision=0, minimum=0, min_width=110)
            last = gr.Number(2, label="Walk to seed", precision=0, minimum=0, min_width=110)
            go = gr.Button("Draw", variant="primary", min_width=110)
        grid = strip("36 pictures", 12)
        film = strip("One latent at truncation 0 to 1.5", len(trained.FILMSTRIP))
        way = strip("A walk from one seed to the other", 12)
        with gr.Row():
            download = gr.DownloadButton("Save the generator (safetensors)", min_width=200)
            upload = gr.UploadButton("Load a generator from a file", file_types=[".safetensors"], min_width=200)

    def place(visitor: str, job_id: str, which: str, origin: str) -> tuple[Path, int]:
        if origin != LOADED:
            return client.checkpoint(context, needed(job_id)), lane_of(which)
        path = context.visitors.place(visitor) / own.GENERATOR if visitor else None
        if path is None or not path.exists():
            raise BadInput("No generator was loaded yet.", "Load a file that was saved here.")
        return path, 0

    def use(visitor: str, job_id: str, which: str, origin: str, first: Any, final: Any) -> tuple:
        path, at = place(visitor, job_id, which, origin)
        words = [f"ψ = {psi:g}" for psi in trained.FILMSTRIP]
        strips = (trained.samples(context, path, at, first), trained.filmstrip(context, path, at, first),
                  trained.walk(context, path, at, (first, final)))
        mark = marks.Mark("generator of the GAN lab", visible=marks.wanted(context.settings))
        return tuple(
            list(zip(_ui.marked([enlarged(picture) for picture in pictures], [mark] * len(pictures), grid), captions,
                     strict=True))
            for pictures, captions in zip(strips, ([""] * 36, words, [""] * 12), strict=True))

    def save(visitor: str, job_id: str, which: str, origin: str) -> str:
        path, at = place(visitor, job_id, which, origin)
        return _ui.saved(trained.export(context, path, at), own.GENERATOR, download)

    def load(visitor: str, path: str, first: Any, final: Any) -> tuple:
        visitor = visitor or context.visitors.new()
        trained.keep(_ui.taken(path), context.visitors.place(visitor) / own.GENERATOR)
        return visitor, LOADED, *use(visitor, "", LANES[0], LOADED, first, final)

    inputs, outputs = [token, job, lane, source, seed, last], [grid, film, way]
    for trigger in (fold.expand, go.click, seed.submit, last.submit):
        _ui.event(trigger, use, inputs, outputs, **_ui.COMPUTE)
    _ui.event(download.click, save, [token, job, lane, source], [download])
    _ui.event(upload.upload, load, [token, upload, seed, last], [token, source, *outputs], **_ui.COMPUTE)
    return [(source, ABOVE), (grid, []), (film, []), (way, []), (download, None)]
