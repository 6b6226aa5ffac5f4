"""The HTML of Personal LoRA: photo cards, findings, state of a training, the grid, pairs of pictures."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from playground import marks
from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import sheet
from playground.lora.draft import Item
from playground.lora.learning import COPIES
from playground.lora.photos import Finding, Refused
from playground.marks import Mark

THUMB = 160  # pixels a side


def inline(picture: Image.Image, side: int = THUMB) -> str:
    """A data URI: a visitor's picture goes into no cache and has no address."""
    small = picture.convert("RGB")
    if max(small.size) > side:
        small = small.resize((side, side), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.save(file, "JPEG" if side <= THUMB else "PNG", quality=88)
    kind = "jpeg" if side <= THUMB else "png"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def enlarged(picture: np.ndarray) -> str:
    """A result (H, W, 3) uint8 as a data URI, small ones made larger, smoothly."""
    made = large(picture)
    return inline(made, max(made.size))


def large(picture: np.ndarray, side: int = 320) -> Image.Image:
    """A result (H, W, 3) uint8, small ones made larger, smoothly."""
    made = Image.fromarray(picture)
    return made.resize((side, side), Image.Resampling.LANCZOS) if max(made.size) < side else made


# ---- photos

def no_photos() -> str:
    """What stands in place of the photos while there are none."""
    return ('<div class="lo-empty"><b>No photos yet.</b> Add 3 to 50 pictures of one person, thing or style, from this '
            "machine or a phone (JPEG, PNG, WebP, HEIC; up to 25 MB each). Or take a sample set and look at how it "
            "goes: the person in it does not exist.</div>")


def closed(mode: str) -> str:
    """What stands over the tab where the operator lets nobody train."""
    return (f'<div class="lo-empty"><b>Training is off on this page</b> ({html.escape(mode)} mode). You can look '
            "around, draw with an adapter that you bring, and train on a copy of your own: see the README.</div>")


def photo_cards(shown: Sequence[tuple[Item, Image.Image, Sequence[Finding]]]) -> str:
    """A card for each photo: its crop, number and name, and what was found."""
    return f'<div class="lo-cards">{"".join(photo_card(n, *each) for n, each in enumerate(shown, start=1))}</div>'


def photo_card(number: int, item: Item, picture: Image.Image, findings: Sequence[Finding]) -> str:
    """One card."""
    words = "".join(finding_html(each, "p") for each in findings)
    if not item.used:
        words = '<p class="lo-sub">left out</p>'
    elif not findings:
        words = '<p class="lo-good">fine</p>'
    out = "" if item.used else " lo-out"
    return (f'<div class="lo-card{out}"><img src="{inline(picture)}" alt="photo {number}">'
            f"<div><b>{number}</b> {html.escape(item.name)}{words}</div></div>")


def finding_html(found: Finding, tag: str) -> str:
    """What was found, and what to do."""
    mark = "lo-bad" if found.serious else "lo-mild"
    return f'<{tag} class="{mark}"><b>{html.escape(found.text)}</b> {html.escape(found.remedy)}</{tag}>'


def whole_set(findings: Sequence[Finding], count: int) -> str:
    """What was found about the photos as a set."""
    rows = "".join(finding_html(each, "li") for each in findings)
    if not rows:
        rows = f'<li class="lo-good">{count} photos: enough, and different enough from each other.</li>'
    return f'<ul class="lo-list">{rows}</ul>'


def refused(files: Sequence[Refused]) -> str:
    """Which files were not taken, and why."""
    rows = "".join(f'<li class="lo-bad"><b>{html.escape(each.name)}</b> was not taken: {html.escape(each.reason)}</li>'
                   for each in files)
    return f'<ul class="lo-list">{rows}</ul>' if rows else ""


def cut(picture: Image.Image, number: Any) -> str:
    """What the crop of a photo shows."""
    return (f'<div class="lo-cut"><img src="{inline(picture)}" alt="crop of photo {int(number)}">'
            f"<span>photo {int(number)} as the model will see it</span></div>")


# ---- a training under way

def nothing_yet() -> str:
    """What stands in place of the training before one was started."""
    return ('<div class="lo-empty"><b>No training yet.</b> Here a grid will grow: the same prompts and the same noise '
            "at every stage, from the untouched model on, so that columns differ only by what was learnt.</div>")


def nothing_drawn() -> str:
    """What stands in place of the pictures before one was drawn."""
    return ('<div class="lo-empty"><b>Nothing drawn yet.</b> Here the same noise becomes a picture twice, without and '
            "with the adapter, under a slider that goes from one to the other.</div>")


def state(job: Job) -> str:
    """Where a training stands, with a bar."""
    now = job.progress
    share = 100 * now.get("step", 0) / max(1, now.get("steps", 1))
    return (f'<div class="lo-state" role="status">{state_words(job)}'
            f'<div class="lo-bar"><i style="width:{share:.1f}%"></i></div>{figures(job)}</div>')


def over(problem: BadInput) -> str:
    """What stands in place of the state when there is no such training (any more)."""
    words = html.escape(f"{problem.what} {problem.remedy}")
    return f'<div class="lo-empty"><b>No training here.</b> {words}</div>'


def state_words(job: Job) -> str:
    """The state in words."""
    now = job.progress
    at = f" at step {now['step']:,} of {now['steps']:,}" if "step" in now else ""
    if job.state == "queued" and at:
        return f"<b>Waiting</b>{at}, as others have their turn: number {job.place} in the queue. It goes on by itself."
    if job.state == "queued":
        return f"<b>Waiting</b> for a free place: number {job.place} in the queue. It starts by itself."
    if job.state == "running":
        if job.request in ("pause", "cancel"):
            return f"<b>Stopping</b>{at}; a checkpoint is written first."
        return f"<b>{html.escape(str(now.get('state_words', 'Starting the trainer')))}</b>{at}"
    if job.state == "done":
        return f"<b>Done</b>{at}: the adapter was saved, loaded into a fresh model, and drew a picture."
    words = {"cancelled": "Stopped and kept", "paused": "Paused"}.get(job.state, job.state.capitalize())
    return f"<b>{words}</b>{at}. {html.escape(job.error)} Resume goes on from the last checkpoint."


def figures(job: Job) -> str:
    """Time left, loss and learning rate."""
    now, parts = job.progress, []
    if now.get("eta_seconds") and job.state == "running":
        parts.append(f"<span>about {duration(now['eta_seconds'])} left</span>")
    if "loss" in now:
        parts.append(f"<span>loss {now['loss']:.4f} (smoothed)</span>")
    if "learning_rate" in now:
        parts.append(f"<span>learning rate {now['learning_rate']:.1e}</span>")
    return "".join(parts)


def duration(seconds: float) -> str:
    """Seconds as 1:23."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def grid(job: Job) -> str:
    """The samples: steps across, prompts down, the best checkpoint marked, the control prompt last."""
    steps = sheet.steps(job)
    if not steps:
        return nothing_yet()
    best = job.progress.get("best") or None  # the untouched model is never the best checkpoint
    head = "".join('<th class="lo-best">' + f"step {step} · best</th>" if step == best else f"<th>step {step}</th>"
                   for step in steps)
    prompts = sheet.rows(job)
    rows = "".join(grid_row(job, row, words, steps, best, row == len(prompts) - 1)
                   for row, words in enumerate(prompts))
    return (f'<div class="lo-scroll"><table class="lo-grid"><thead><tr><th></th>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")


def grid_row(job: Job, row: int, words: str, steps: Sequence[int], best: int | None, control: bool) -> str:
    """One prompt's samples."""
    note = "<br>control, without the trigger" if control else ""
    cells = "".join(f'<td class="{"lo-best" if step == best else ""}">{cell(job, step, row, words)}</td>'
                    for step in steps)
    return f'<tr class="{"lo-control" if control else ""}"><th>{html.escape(words)}{note}</th>{cells}</tr>'


def cell(job: Job, step: int, row: int, words: str) -> str:
    """The copies of one prompt at one step."""
    return "".join(
        f'<img src="private/{job.id}/sample-{step}-{row * COPIES + copy}.png" loading="lazy" '
        f'alt="{html.escape(words)}, step {step}, seed {copy + 1}">' for copy in range(COPIES))


def links(job: Job, steps: Sequence[int]) -> str:
    """What can be taken home."""
    if not steps:
        return ""
    best, newest = job.progress.get("best"), max(steps)
    items = [(f"private/{job.id}/adapter-{newest}.safetensors", f"the adapter of step {newest} (.safetensors)"),
             (f"private/{job.id}/grid.png", "the grid as a picture"),
             (f"private/{job.id}/steps.gif", "the grid as an animation")]
    if best in steps and best != newest:
        items.insert(0, (f"private/{job.id}/adapter-{best}.safetensors", f"the best adapter, of step {best}"))
    return '<div class="lo-links">Download: ' + " ".join(
        f'<a href="{address}" download>{words}</a>' for address, words in items) + "</div>"


# ---- afterwards

def pair(without: np.ndarray, told: np.ndarray, words: str) -> str:
    """Both pictures while they form, and a line under them."""
    return ('<div class="lo-pair">'
            f'<figure><img src="{enlarged(without)}" alt="without the adapter"><figcaption>without the adapter'
            "</figcaption></figure>"
            f'<figure><img src="{enlarged(told)}" alt="with the adapter"><figcaption>with the adapter</figcaption>'
            f"</figure></div><p class='lo-sub'>{html.escape(words)}</p>")


def compare(without: np.ndarray, told: np.ndarray, words: str, mark: Mark) -> str:
    """Before and after in one frame, with a slider, and a link to save the picture, which is marked."""
    after = f"data:image/png;base64,{base64.b64encode(marks.png(large(told), mark)).decode()}"
    return ('<div class="lo-compare"><div class="lo-stack">'
            f'<img src="{enlarged(without)}" alt="without the adapter"><img src="{after}" alt="with the adapter">'
            '<i></i></div><input type="range" min="0" max="100" value="50" aria-label="Before and after">'
            '<div class="lo-ends"><span>without the adapter</span><span>with the adapter</span></div>'
            f'<p class="lo-sub">{html.escape(words)}</p>'
            f'<a href="{after}" download="generated.png">Save the picture</a></div>')


KINDS = {"lora": ("training", "trainings"), "gan-lab": ("run of the GAN lab", "runs of the GAN lab"),
         "evaluation": ("evaluation", "evaluations")}  # of jobs: one, several


def gone(photos: int, jobs: Mapping[str, int], files: int) -> str:
    """What was deleted: photos of the list, jobs by their kind, files in all."""
    each = [f"{jobs.get(kind, 0)} {names[jobs.get(kind, 0) != 1]}" for kind, names in KINDS.items()
            if jobs.get(kind) or kind == "lora"]
    return (f'<div class="lo-empty" role="status"><b>Deleted.</b> {photos} photos of the list above, '
            f"{', '.join(each)}: {files} files in all (photos, samples, checkpoints, adapters) are gone from this "
            "machine; the links open nothing any more.</div>")
