"""The grid of a training as one picture, and as an animation: what the same prompts drew as the steps went by."""

from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from playground import marks
from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import learning, plan
from playground.lora.learning import COPIES
from playground.marks import Mark

SIDE, GAP, HEAD = 128, 6, 22  # pixels: of a sample, between two, of a line of words
PAPER, INK = "#ffffff", "#333a45"
PAUSE, LAST = 700, 2500  # ms a step of the animation, and its last


def steps(job: Job) -> list[int]:
    """The steps at which samples were drawn, whole rows only."""
    return [int(step) for step in job.progress.get("samples", [])]


def sample(job: Job, step: int, number: int) -> Path:
    """The file of a sample: `number` counts prompts times copies."""
    return job.folder / "samples" / f"{step:06d}" / f"{number:02d}.png"


def marked_sample(job: Job, step: int, number: int, visible: bool = False) -> bytes:
    """A sample as a marked PNG file. BadInput if there is none."""
    wanted, path = plan.check(job.spec.get("plan")), sample(job, step, number)
    if not path.is_file():
        raise BadInput("There is no such sample.", "It may have been deleted.")
    seed = learning.request(wanted, wanted.samples[number // COPIES], number % COPIES).seed
    with Image.open(path) as picture:
        return marks.png(picture, replace(mark(job, visible), seed=seed))


def mark(job: Job, visible: bool = False) -> Mark:
    """What is said of a training's pictures; neither its prompts nor its trigger word."""
    return Mark(f"{plan.check(job.spec.get('plan')).model} with an adapter", visible=visible)


def rows(job: Job) -> list[str]:
    """The prompts of the grid, the control last."""
    return list(plan.check(job.spec.get("plan")).samples)


def grid(job: Job, visible: bool = False) -> bytes:
    """Marked PNG: steps across, prompts down with their copies side by side, the words over each row."""
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
    return marks.png(sheet, mark(job, visible))


def animation(job: Job, visible: bool = False) -> bytes:
    """Marked GIF: one picture a step with all prompts."""
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
    return marks.gif(frames, mark(job, visible), duration=pauses, colours=256)


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
