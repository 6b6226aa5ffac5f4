"""The grid of a training as one picture, and as an animation: what the same prompts drew as the steps went by."""

import io
from pathlib import Path

from PIL import Image, ImageDraw

from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import plan
from playground.lora.learning import COPIES

SIDE, GAP, HEAD = 128, 6, 22  # pixels: of a sample, between two, of a line of words
PAPER, INK = "#ffffff", "#333a45"
PAUSE, LAST = 700, 2500  # ms a step of the animation, and its last


def steps(job: Job) -> list[int]:
    """The steps at which samples were drawn, whole rows only."""
    return [int(step) for step in job.progress.get("samples", [])]


def sample(job: Job, step: int, number: int) -> Path:
    """The file of a sample: `number` counts prompts times copies."""
    return job.folder / "samples" / f"{step:06d}" / f"{number:02d}.png"


def rows(job: Job) -> list[str]:
    """The prompts of the grid, the control last."""
    return list(plan.check(job.spec["plan"]).samples)


def grid(job: Job) -> bytes:
    """PNG: steps across, prompts down with their copies side by side, the words over each row."""
    across, down = needed(job), rows(job)
    cell = COPIES * SIDE
    sheet = Image.new("RGB", (GAP + len(across) * (cell + GAP), HEAD + len(down) * (SIDE + HEAD + GAP)), PAPER)
    ink = ImageDraw.Draw(sheet)
    for column, step in enumerate(across):
        left = GAP + column * (cell + GAP)
        ink.text((left, 4), f"step {step}", fill=INK)
        for row in range(len(down)):
            top = HEAD + row * (SIDE + HEAD + GAP) + HEAD
            paste_copies(sheet, job, step, row, (left, top))
    for row, words in enumerate(down):
        ink.text((GAP, HEAD + row * (SIDE + HEAD + GAP) + 4), fitted(ink, words, sheet.width - 2 * GAP), fill=INK)
    return encoded(sheet, "PNG")


def animation(job: Job) -> bytes:
    """GIF: one picture a step with all prompts."""
    across, down = needed(job), rows(job)
    frames = []
    for step in across:
        frame = Image.new("RGB", (GAP + COPIES * (SIDE + GAP), HEAD + len(down) * (SIDE + HEAD)), PAPER)
        ink = ImageDraw.Draw(frame)
        ink.text((GAP, 4), f"step {step}", fill=INK)
        for row, words in enumerate(down):
            top = HEAD + row * (SIDE + HEAD)
            ink.text((GAP, top + 4), fitted(ink, words, frame.width - 2 * GAP), fill=INK)
            paste_copies(frame, job, step, row, (GAP, top + HEAD))
        frames.append(frame)
    pauses = [PAUSE] * (len(frames) - 1) + [LAST]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0)


def fitted(ink: ImageDraw.ImageDraw, words: str, width: int) -> str:
    """Words on one line, cut with an ellipsis where they are wider than `width` pixels."""
    line = " ".join(words.split())
    if ink.textlength(line) <= width:
        return line
    while line and ink.textlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"


def needed(job: Job) -> list[int]:
    """The steps with samples. BadInput while there are none."""
    across = steps(job)
    if not across:
        raise BadInput("There are no samples yet.", "Wait for the first row of the grid.")
    return across


def paste_copies(sheet: Image.Image, job: Job, step: int, row: int, corner: tuple[int, int]) -> None:
    """Puts the copies of one prompt at one step side by side."""
    for copy in range(COPIES):
        with Image.open(sample(job, step, row * COPIES + copy)) as picture:
            small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(small, (corner[0] + copy * SIDE, corner[1]))


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """A picture's bytes in a format, marked as generated."""
    if kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        marks = PngInfo()
        marks.add_text("Comment", "Generated pictures: samples of a LoRA training")
        options["pnginfo"] = marks
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
