"""A GAN against diffusion on faces, and pictures against captions in CLIP's space."""

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr
from PIL import Image

from playground import catalog, devices
from playground.context import Context
from playground.diffusion import clip, contest, pictures, trace
from playground.diffusion.contest import Side
from tabs import _diffusion_html as render
from tabs import _ui
from tabs._diffusion_keeping import keeping, last_result
from tabs._diffusion_style import CSS

CAPTIONS = "a goat wearing a crown\na photo of a face\na red heart\na cat"
CLIP_PROMPTS = ("a photo of a face", "red heart", "cat face")


def build(context: Context) -> None:
    """Lays out both sections."""
    _versus(context)
    _captions(context)


def _versus(context: Context) -> None:
    with gr.Accordion("GAN against diffusion: the same number of faces from both", open=False,
                      elem_id="diffusion-contest") as fold:
        with gr.Row():
            count = gr.Slider(2, contest.MOST, 4, step=1, label="Faces each", min_width=160)
            steps = gr.Slider(1, 50, 20, step=1, label="Diffusion steps", min_width=160)
            seed = gr.Number(42, label="First seed", precision=0, minimum=0, min_width=100)
            go = gr.Button("Draw both", variant="primary", min_width=110)
            stop = gr.Button("Stop", min_width=70)
        shown, before = gr.HTML(css_template=CSS, elem_id="diffusion-versus"), last_result()
        gr.Markdown("Both draw one face after the other; loading is not counted. Diversity is the mean distance of two "
                    "faces of a set in outlines and colours: higher is more varied. It compares these two sets only. "
                    "Training is the other half of the lecture's statement: the GAN needs two networks in balance, "
                    "diffusion minimises one squared error.", elem_classes="summary")

    def run(number: Any, how_many: Any, first: Any) -> Iterator[str]:
        for done, gan, diffusion in contest.hold(context, number, first, steps=how_many):
            yield versus(gan, diffusion, done, int(number), devices.title(context.device))

    running = [_ui.event(trigger, keeping(run), [count, steps, seed, before], [shown, before], show_progress="hidden",
                         **_ui.PICTURES)
               for trigger in (fold.expand, go.click)]
    stop.click(None, None, None, cancels=running)


def versus(gan: Side, diffusion: Side | None, done: int, count: int, device: str) -> str:
    """Both sets and the table of the measurement, as far as it is."""
    if diffusion is None:
        return _set(gan) + render.starting(f"Diffusion has drawn {done} of {count} …")
    rows = "".join(f"<tr><th>{html.escape(side.title)}</th><td>{side.seconds_each * 1000:,.0f} ms</td>"
                   f"<td>{side.calls}</td><td>{side.diversity:.2f}</td></tr>" for side in (gan, diffusion))
    ratio = diffusion.seconds_each / max(gan.seconds_each, 1e-9)
    table = ('<table class="df-table"><thead><tr><th></th><th>a face</th><th>network calls a face</th>'
             f"<th>diversity</th></tr></thead><tbody>{rows}</tbody></table>"
             f'<p class="df-note">On {html.escape(device)} one face by diffusion takes <b>{ratio:,.0f} times</b> '
             "as long as one by the GAN.</p>")
    return _set(gan) + _set(diffusion) + f'<div class="df scroll">{table}</div>'


def _set(side: Side) -> str:
    row = "".join(f'<img src="{render.uri(pictures.enlarge(picture, 128))}" alt="A face by {html.escape(side.title)}">'
                  for picture in side.pictures)
    return (f'<div class="df"><p class="df-note"><b>{html.escape(side.title)}</b></p>'
            f'<div class="df-faces">{row}</div></div>')


def _captions(context: Context) -> None:
    with gr.Accordion("Text and picture in one space: CLIP", open=False, elem_id="diffusion-clip") as fold:
        captions = gr.Textbox(CAPTIONS, label="Captions, one a line", lines=4, max_lines=8)
        go = gr.Button("Match pictures and captions", variant="primary", min_width=200)
        shown, before = gr.HTML(css_template=CSS, elem_id="diffusion-clip-table"), last_result()
        gr.Markdown("CLIP turns a picture and a caption into vectors of one space; the cosine says how well they fit, "
                    "and a softmax over the captions says which it would pick. The pictures are drawn by the pocket "
                    f"model: {', '.join(CLIP_PROMPTS)}.", elem_classes="summary")

    def run(text: str) -> Iterator[str]:
        if not clip.available(context) and context.settings.offline:
            entry = catalog.find(clip.MODEL)
            yield (f'<div class="df-absent"><strong>CLIP is not on this machine</strong> ({html.escape(entry.key)}, '
                   f"{entry.download / 1e6:,.0f} MB), and the page was started with --offline.<br>"
                   f"{html.escape(context.weights.remedy(entry))}</div>")
            return
        yield from matched(context, [line for line in text.splitlines() if line.strip()])

    for trigger in (fold.expand, go.click):
        _ui.event(trigger, keeping(run), [captions, before], [shown, before], show_progress="hidden", **_ui.PICTURES)


def matched(context: Context, captions: list[str]) -> Iterator[str]:
    """Draws the pictures, then the table of how well each fits each caption."""
    from playground.diffusion import requests

    captions, drawn = clip.check_captions(captions), []  # before the time that drawing takes
    for prompt in CLIP_PROMPTS:
        yield render.starting(f"Drawing “{prompt}” …")
        for made in trace.draw(context, requests.check(prompt)):
            last = made
        drawn.append(last.film.final)
    found = clip.match(context, [Image.fromarray(picture) for picture in drawn], captions)
    head = "".join(f'<th><img width="72" src="{render.uri(pictures.enlarge(picture, 144))}" alt="{prompt}"></th>'
                   for picture, prompt in zip(drawn, CLIP_PROMPTS, strict=True))
    rows = "".join(
        f"<tr><th>{html.escape(caption)}</th>"
        + "".join(f"<td>{found.cosines[p, c]:.3f} ({found.probabilities[p, c]:.0%})</td>" for p in range(len(drawn)))
        + "</tr>" for c, caption in enumerate(captions))
    yield (f'<div class="df scroll"><table class="df-table"><thead><tr><th>cosine (chosen)</th>{head}</tr></thead>'
           f"<tbody>{rows}</tbody></table></div>")
