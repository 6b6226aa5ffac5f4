"""Text and picture in one space: captions that a visitor types against pictures of several origins, in CLIP's space."""

import html
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from playground import catalog, images
from playground.context import Context
from playground.diffusion import clip, pictures, requests, trace, wording
from playground.diffusion.trace import Frame, Trace
from playground.errors import BadInput
from tabs import _consent, _ui
from tabs import _diffusion_html as render
from tabs._diffusion_forward import read_upload
from tabs._diffusion_keeping import SECONDS, keeping, last_result, paced
from tabs._diffusion_style import CSS

CAPTIONS = "a goat wearing a crown\na photo of a face\na red heart\na cat"
DRAWN = "red heart\ncat face"  # beside the picture above, a face at first
SEED = 47  # of the pictures to draw: faces in good light
MOST_DRAWN = 6  # with the picture above and the visitor's own they are clip.MOST
SIDE = 256  # pixels a side that a visitor's own picture is kept at; CLIP itself looks at 224
WHAT = ("CLIP turns a picture and a caption into vectors of one space. A cell shows their **cosine**, and below it the "
        "share of its caption in a **softmax** over its picture's column: exp(s · cosine), divided by the column's "
        "sum, s being the scale that CLIP learnt. The caption with the largest share, in bold, is the one that CLIP "
        "would pick. Colours go from the table's lowest to its highest cosine. Cosines of CLIP are never near 1: what "
        "fits has about 0.3, what does not about 0.2.")


def build(context: Context, kept: gr.State) -> None:
    """Lays out the fold; opening it computes only where CLIP is here already."""
    with gr.Accordion("Text and picture in one space: CLIP", open=False, elem_id="diffusion-clip") as fold:
        with gr.Row():
            captions = gr.Textbox(CAPTIONS, label=f"Captions, one a line, at most {clip.MOST}", lines=4, max_lines=8,
                                  min_width=240)
            prompts = gr.Textbox(DRAWN, label=f"Pictures to draw with the pocket model: a prompt a line, at most "
                                 f"{MOST_DRAWN}, or none", lines=4, max_lines=8, min_width=240)
        with gr.Row():
            above = gr.Checkbox(True, label="The picture above", min_width=140, scale=1)
            use_own = gr.Checkbox(False, label="Your own picture", min_width=140, scale=1)
            upload = gr.UploadButton("Choose your own picture", file_types=["image", ".heic", ".heif", ".avif"],
                                     min_width=170, size="sm")
            go = gr.Button("Match", variant="primary", min_width=90)
            stop = gr.Button("Stop", min_width=70)
        _consent.line("Yours is read and its file removed; its pixels stay in the memory of your open page, for an "
                      "hour at most.")
        shown, before = gr.HTML(css_template=CSS, elem_id="diffusion-clip-table"), last_result()
        gr.Markdown(WHAT, elem_classes="summary")
    own = gr.State(None, time_to_live=SECONDS)

    def run(text: str, wanted: str, with_above: bool, with_own: bool, made: Trace | None,
            picture: Any) -> Iterator[str]:
        ready = [*_above(made, with_above), *_own(picture, with_own)]
        yield from matched(context, lines(text), ready, lines(wanted))

    def first(*values: Any) -> Iterator[str]:
        if clip.available(context):
            yield from run(*values)
        else:
            yield absent(context)

    def take(path: str) -> tuple[np.ndarray, bool]:
        return np.asarray(images.square(Image.fromarray(read_upload(path)), SIDE)), True

    _ui.event(upload.upload, take, [upload], [own, use_own], **_ui.DECODING)
    inputs = [captions, prompts, above, use_own, kept, own, before]
    running = [_ui.event(trigger, keeping(handler), inputs, [shown, before], show_progress="hidden", **_ui.PICTURES)
               for trigger, handler in ((fold.expand, first), (go.click, run))]
    stop.click(None, None, None, cancels=running)


def lines(text: str) -> list[str]:
    """The lines of a text that are not empty."""
    return [line for line in (text or "").splitlines() if line.strip()]


def _above(made: Trace | None, wanted: bool) -> list[tuple[np.ndarray, str]]:
    """The picture above and its name, if it is wanted and there."""
    return [(made.film.final, f"above: {made.request.prompt[:60]}")] if wanted and made is not None else []


def _own(picture: np.ndarray | None, wanted: bool) -> list[tuple[np.ndarray, str]]:
    """The visitor's own picture and its name, if it is wanted. BadInput where there is none."""
    if wanted and picture is None:
        raise BadInput("You have not chosen a picture of your own.", "Press Choose your own picture, or untick it.")
    return [(picture, "your own")] if wanted else []


def absent(context: Context) -> str:
    """That CLIP is not here, and how it can be had."""
    entry = catalog.find(clip.MODEL)
    size = f"{entry.download / 1e6:,.0f} MB"
    if context.settings.offline:
        how = f"The page was started with --offline. {context.weights.remedy(entry)}"
    else:
        how = f"Press <em>Match</em> to get it from the model hub ({size}, {entry.licence})."
        return f'<div class="df-absent"><strong>CLIP is not on this machine yet</strong> ({entry.key}).<br>{how}</div>'
    return (f'<div class="df-absent"><strong>CLIP is not on this machine</strong> ({html.escape(entry.key)}, {size})'
            f".<br>{html.escape(how)}</div>")


def matched(context: Context, captions: Sequence[str], ready: Sequence[tuple[np.ndarray, str]],
            prompts: Sequence[str]) -> Iterator[str]:
    """Gets CLIP, draws the prompts, then shows how well each picture fits each caption.

    `ready` are the pictures that are there, with their names. BadInput before the time that drawing takes.
    """
    captions = clip.check_captions(captions)
    if len(prompts) > MOST_DRAWN:
        raise BadInput(f"There are {len(prompts)} pictures to draw.", f"Give at most {MOST_DRAWN}.")
    if not ready and not prompts:
        raise BadInput("There is no picture to match.", "Tick the picture above or your own, or name some to draw.")
    asked = [requests.check(prompt, seed=SEED) for prompt in prompts]
    if not clip.available(context) and context.settings.offline:
        yield absent(context)
        return
    yield render.starting("Getting CLIP ready …")
    clip.prepare(context)
    shown = list(ready)
    for number, request in enumerate(asked):
        for made in paced(trace.draw(context, request)):
            if isinstance(made, Frame):
                yield render.live(made, f" of picture {number + 1} of {len(asked)}: “{request.prompt[:60]}”")
        shown.append((made.film.final, request.prompt[:60]))
    found = clip.match(context, [Image.fromarray(picture) for picture, _ in shown], captions)
    yield table(found, shown, captions)


def table(found: clip.Match, shown: Sequence[tuple[np.ndarray, str]], captions: Sequence[str]) -> str:
    """The heat map: a column a picture, a row a caption, and what of each caption was not read."""
    head = "".join(f'<th><img src="{render.uri(pictures.enlarge(picture, 144))}" alt="{html.escape(name, quote=True)}">'
                   f"{html.escape(name)}</th>" for picture, name in shown)
    low, high = found.cosines.min(), found.cosines.max()
    best = found.probabilities.argmax(axis=1)
    rows = ""
    for c, caption in enumerate(captions):
        cells = "".join(_cell(found.cosines[p, c], found.probabilities[p, c],
                              (found.cosines[p, c] - low) / max(high - low, 1e-9), best[p] == c)
                        for p in range(len(shown)))
        rows += f"<tr><th>{html.escape(caption)}{_cut(found.wordings[c])}</th>{cells}</tr>"
    return (f'<div class="df scroll"><table class="df-table df-heat"><thead><tr><th>cosine, and share</th>{head}</tr>'
            f"</thead><tbody>{rows}</tbody></table></div>"
            + render.note(f"The scale s of this CLIP is {found.scale:.1f}."))


def _cell(cosine: float, share: float, heat: float, best: bool) -> str:
    said = f"{cosine:.3f}<small>{share:.0%}</small>"
    return f'<td style="--heat:{heat:.2f}">{f"<b>{said}</b>" if best else said}</td>'


def _cut(read: wording.Wording) -> str:
    return f'<small class="df-cut">{html.escape(wording.cuts(read, what="caption"))}</small>' if read.cut else ""
