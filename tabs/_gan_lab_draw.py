"""What the lab shows of a run, as HTML and SVG light enough to be drawn anew several times a second."""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from playground.gan.lab import client, files
from playground.gan.lab.lane import REACH
from playground.gan.lab.settings import LABELLED

REAL, MADE = "#6366f1", "#f59e0b"  # what is real, or what D takes for real; what G made
PLANE = 300  # units a side of the drawn plane
WIDE, HIGH = 320, 96  # units of a chart
Frame = Mapping[str, np.ndarray]


def cards(frame: Frame, past: Sequence[Frame | None] = (None, None)) -> str:
    """The runs of a live frame side by side; in `past` the frames of an earlier moment to be shown instead."""
    plan = files.decoded(frame, "plan")
    parts = [card(name, run, client.lane(frame, number), frame["data"], past[number])
             for number, (name, run) in enumerate(zip(plan["names"], plan["runs"], strict=True))]
    return f'<div class="lab-cards {"lab-one" if len(parts) == 1 else ""}">{"".join(parts)}</div>'


def card(name: str, run: Mapping[str, Any], live: Frame, data: np.ndarray, past: Frame | None) -> str:
    """One run: what G makes, its figures, and the charts."""
    shown = live if past is None else past
    now = files.decoded(shown, "numbers")
    series, mark = live["series"], now["step"] if past is not None else None
    runaway = files.decoded(live, "numbers")["runaway"]
    picture = plane(shown, data) if data.ndim == 2 else sheet(shown["made"], "What G makes of 36 fixed latents")
    aside = "" if data.ndim == 2 else (
        f'<details><summary>Real pictures to compare</summary>{sheet(data, "36 real pictures")}</details>')
    when = f"after {now['step']:,} updates" + (" (looking back)" if past is not None else "")
    charts = (chart("Loss of D and of G", series, ((1, REAL, "D"), (2, MADE, "G")), runaway, mark)
              + chart("Gradient that reaches G, as a power of ten", series, ((3, MADE, "norm"),), runaway, mark, True)
              + histogram(shown, run["loss"]))
    return (f'<section class="lab-card"><header><b>{html.escape(name)}</b> <span>{when}</span></header>'
            f'<div class="lab-body"><div>{picture}{figures(now)}{aside}</div><div>{charts}'
            f"{runaway_words(runaway)}</div></div></section>")


def plane(shown: Frame, data: np.ndarray) -> str:
    """The plane: D's verdict as colour, real points, G's points."""
    return (f'<svg class="lab-plane" viewBox="0 0 {PLANE} {PLANE}" role="img" aria-label="Real points, generated '
            f'points, and the verdict of D over the plane">'
            f'<image href="{field_url(shown["field"])}" width="{PLANE}" height="{PLANE}" preserveAspectRatio="none"/>'
            f'{dots(data, REAL, 3)}{dots(shown["made"], MADE, 4)}</svg>'
            f'<p class="lab-key">{key(REAL)} real {key(MADE)} generated; the ground shows what D takes a point for</p>')


def dots(points: np.ndarray, colour: str, size: int) -> str:
    """Points (N, 2) as one path of round dots; those outside the plane are left out."""
    inside = points[np.isfinite(points).all(1) & (np.abs(points).max(1) < REACH)] if len(points) else points
    x = (inside[:, 0] + REACH) * PLANE / (2 * REACH)
    y = (REACH - inside[:, 1]) * PLANE / (2 * REACH)
    path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x, y, strict=True))
    return (f'<path d="{path}" stroke="{colour}" stroke-width="{size}" stroke-linecap="round" fill="none" '
            'stroke-opacity="0.75"/>')


def field_url(field: np.ndarray) -> str:
    """D's field (N, N) uint8 as a transparent picture: the surer D is, the more colour."""
    sure = (field.astype(np.float32) - 127.5) / 127.5  # -1 generated .. 1 real
    colours = np.where(sure[..., None] > 0, rgb(REAL), rgb(MADE))
    alpha = (np.abs(sure) * 90)[..., None]
    return url(Image.fromarray(np.concatenate([colours, alpha], 2).astype(np.uint8), "RGBA"), "PNG")


def rgb(colour: str) -> np.ndarray:
    """#rrggbb as three numbers."""
    return np.array([int(colour[at:at + 2], 16) for at in (1, 3, 5)], dtype=np.float32)


def sheet(pictures: np.ndarray, words: str) -> str:
    """Pictures (N, H, W, C) in a square sheet."""
    size = "lab-tiny" if pictures.shape[1] < 32 else ""
    return f'<img class="lab-sheet {size}" src="{sheet_url(pictures)}" alt="{words}">'


def pictures(images: Sequence[Image.Image], names: Sequence[str]) -> str:
    """Pictures side by side, each over its name."""
    figures = "".join(f'<figure><img src="{url(image, "PNG")}" alt="{html.escape(name)}">'
                      f"<figcaption>{html.escape(name)}</figcaption></figure>"
                      for image, name in zip(images, names, strict=True))
    return f'<div class="lab-pictures">{figures}</div>'


def sheet_url(pictures: np.ndarray, gap: int = 1) -> str:
    """Pictures (N, H, W, C) as one image."""
    count, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    canvas = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 128, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        canvas[top:top + height, left:left + width] = picture
    return url(Image.fromarray(canvas[..., 0] if channels == 1 else canvas), "PNG" if height < 32 else "WEBP")


def url(image: Image.Image, form: str) -> str:
    """An image as a data address."""
    file = io.BytesIO()
    image.save(file, form, **({"quality": 90, "method": 0} if form == "WEBP" else {"compress_level": 1}))
    return f"data:image/{form.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def figures(now: Mapping[str, Any]) -> str:
    """The figures of a moment."""
    if now.get("broken"):
        return '<p class="lab-key">The training diverged. Try smaller learning rates.</p>'
    parts = []
    if "modes" in now:
        parts += [("modes covered", f"{now['modes']} of {now['of']}"),
                  ("near a mode", f"{100 * now['quality']:.0f} %"), ("in the fullest", f"{100 * now['largest']:.0f} %")]
    parts += [("duplicates", f"{100 * now['duplicates']:.0f} %"), ("diversity", f"{now['diversity']:.2f}"),
              ("Fréchet", f"{now['frechet']:.3f}")]
    cells = "".join(f"<span>{title} <b>{value}</b></span>" for title, value in parts)
    return f'<div class="lab-figures">{cells}</div>'


def chart(title: str, series: np.ndarray, lines: Sequence[tuple[int, str, str]], runaway: int, mark: int | None,
          powers: bool = False) -> str:
    """Columns of a series over the updates; a dashed line where D ran away, a full one where one looks back."""
    columns = [column for column, *_ in lines]
    values = series[:, columns].astype(np.float64)
    values = np.log10(values.clip(1e-12)) if powers else values
    low, high = span(values)
    last = max(1.0, float(series[-1, 0])) if len(series) else 1.0
    paths = [polyline(series[:, 0] / last, (values[:, at] - low) / (high - low), colour)
             for at, (_, colour, _) in enumerate(lines)]
    names = " ".join(f"{key(colour)} {name}" for _, colour, name in lines)
    marks = line_at(runaway / last, "lab-runaway") if runaway else ""
    marks += line_at(mark / last, "lab-mark") if mark is not None else ""
    return (f'<figure><figcaption>{title} <span>{names}</span></figcaption>'
            f'<svg viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img" aria-label="{title}">'
            f'{"".join(paths)}{marks}</svg>'
            f'<div class="lab-axis"><span>{tick(high, powers)} ↑ {tick(low, powers)}</span>'
            f"<span>{last:,.0f} updates</span></div></figure>")


def tick(value: float, powers: bool) -> str:
    """A value of the axis in words."""
    return f"10^{value:.1f}" if powers else f"{value:.2f}"


def span(values: np.ndarray) -> tuple[float, float]:
    """The range that a chart shows: nearly all of the values, so that one spike does not flatten the rest."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = np.quantile(finite, [0.005, 0.995])
    return (float(low), float(high)) if high - low > 1e-9 else (float(low) - 0.5, float(low) + 0.5)


def polyline(x: np.ndarray, y: np.ndarray, colour: str) -> str:
    """A line through x and y, both 0 to 1, y upwards."""
    good = np.isfinite(y)
    points = " ".join(f"{a * WIDE:.1f},{(1 - min(1.0, max(0.0, b))) * (HIGH - 4) + 2:.1f}"
                      for a, b in zip(x[good], y[good], strict=True))
    return f'<polyline points="{points}" stroke="{colour}"/>'


def line_at(x: float, kind: str) -> str:
    """A vertical line at x from 0 to 1."""
    return f'<line class="{kind}" x1="{x * WIDE:.1f}" x2="{x * WIDE:.1f}" y1="0" y2="{HIGH}"/>'


def histogram(shown: Frame, loss: str) -> str:
    """D's verdicts on 200 real and 200 generated samples."""
    real, made, edges = shown["real"], shown["fake"], shown["edges"]
    most = max(1, int(real.max()), int(made.max()))
    bars = "".join(
        f'<rect x="{at * WIDE / len(real):.1f}" width="{WIDE / len(real) - 1:.1f}" '
        f'y="{(1 - count / most) * HIGH:.1f}" height="{count / most * HIGH:.1f}" fill="{colour}" fill-opacity="0.6"/>'
        for counts, colour in ((real, REAL), (made, MADE)) for at, count in enumerate(counts) if count)
    what = "probability of being real" if loss in LABELLED else "score"
    names = f"{key(REAL)} D(real) {key(MADE)} D(fake)"
    return (f"<figure><figcaption>D’s verdict: {what} <span>{names}</span></figcaption>"
            f'<svg viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img" aria-label="{what}">{bars}</svg>'
            f'<div class="lab-axis"><span>{edges[0]:.2g}</span><span>{edges[-1]:.2g}</span></div></figure>')


def runaway_words(runaway: int) -> str:
    """What the dashed line says."""
    if not runaway:
        return '<p class="lab-key">D has not run away from G.</p>'
    return (f'<p class="lab-key">Dashed: after {runaway:,} updates D had run away; it told 99.5 % of the pairs of a '
            "real and a generated sample apart.</p>")


def key(colour: str) -> str:
    """A spot of colour."""
    return f'<i style="background:{colour}"></i>'
