"""A GAN against diffusion on faces."""

import html
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground import devices
from playground.context import Context
from playground.diffusion import contest, pictures
from playground.diffusion.contest import Side
from tabs import _diffusion_html as render
from tabs import _ui
from tabs._diffusion_keeping import keeping, last_result
from tabs._diffusion_style import CSS


def build(context: Context) -> None:
    """Lays out the section."""
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
