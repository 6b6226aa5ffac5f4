"""What the Diffusion steps tab draws itself: the viewer with its scrubber, rows of pictures, tokens, word maps."""

import base64
import html
import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image

from playground.diffusion import pictures
from playground.diffusion.attention import WordMap
from playground.diffusion.trace import Frame, Trace
from playground.diffusion.wording import Wording
from playground.errors import PlaygroundError

escape = html.escape
PANELS = (("x<sub>t</sub>", "the noisy state, decoded"),
          ("predicted x<sub>0</sub>", "the picture that the network sees in it"),
          ("predicted noise", "3 of its channels as colours"))
TILE = 96  # pixels a side of the viewer's tiles
WIDEST = 16_383  # pixels that a WebP file may have a side
NOISE_TILE = 48  # of predicted noise, which is stored without loss
WIDE, HIGH = 1000, 100  # of the curves' own coordinates


def uri(picture: np.ndarray | Image.Image, lossless: bool = False) -> str:
    """A picture as a data: address."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, "PNG") if lossless else image.save(file, "WEBP", quality=88)
    kind = "png" if lossless else "webp"
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def sheet(row: Sequence[np.ndarray], size: int | None = None) -> np.ndarray:
    """Pictures side by side, each at `size` pixels, or at fewer where the sheet would be wider than WebP can be."""
    side = min(size or len(row[0]), WIDEST // len(row))
    return np.concatenate([pictures.fit(picture, side) for picture in row], axis=1)


def viewer(trace: Trace) -> str:
    """Three panels, one scrubber, three strips and the curves, for a finished run."""
    film, count = trace.film, trace.steps
    tile = min(TILE, film.noisy.shape[1])
    noises = [pictures.noise_picture(noise) for noise in film.noise]
    sheets = (uri(sheet([*film.noisy, film.last], tile)), uri(sheet([*film.clean, film.last], tile)),
              uri(sheet([*noises, np.full_like(noises[0], 128)], min(NOISE_TILE, len(noises[0]))), lossless=True))
    style = "".join(f"--s{number}:url({address});" for number, address in enumerate(sheets))
    labels = html.escape(json.dumps(step_labels(trace)), quote=True)
    panels = "".join(f'<figure><div class="df-tile df-s{row}" role="img" aria-label="{words}"></div><figcaption>'
                     f"<b>{name}</b> {words}</figcaption></figure>" for row, (name, words) in enumerate(PANELS))
    strips = "".join(f'<div class="df-strip df-s{row}"></div>' for row in range(3))
    return (f'<div class="df" data-last="{count}" data-labels="{labels}" style="--n:{count};--i:{count};{style}">'
            f'<div class="df-panels">{panels}</div>'
            f'<div class="df-bar"><button type="button" class="df-play" aria-label="Play the steps">▶ Play</button>'
            f'<input type="range" min="0" max="{count}" value="{count}" aria-label="Step of the run">'
            f"<output>{html.escape(step_labels(trace)[-1])}</output></div>"
            f'<div class="df-scroll"><div class="df-rows">{strips}{curves(trace)}<div class="df-mark"></div>'
            f"</div></div>{legend(trace)}</div>")


def step_labels(trace: Trace) -> list[str]:
    """What the scrubber says at each place, the finished picture last."""
    changes = [None, *trace.changes()]
    labels = []
    for step, (at, timestep) in enumerate(zip(trace.levels, trace.timesteps, strict=True)):
        moved = "" if changes[step] is None else f" · guess changed by {changes[step]:.3f}"
        labels.append(f"before step {step + 1} of {trace.steps} · timestep {timestep:.0f} · noise {at.share:.1%} of "
                      f"the state · signal-to-noise ratio {at.snr:.2g}{moved}")
    return [*labels, f"after step {trace.steps}: the picture"]


def curves(trace: Trace) -> str:
    """Noise share and change of the guess over the steps, in line with the strips above."""
    changes = trace.changes()
    top = max([*changes, 1e-9])
    noise = [(step + .5, at.share) for step, at in enumerate(trace.levels)] + [(trace.steps + .5, 0.0)]
    change = [(step + 1.5, value / top) for step, value in enumerate(changes)]
    return (f'<svg class="df-curves" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img" '
            f'aria-label="Noise level and change per step">{_line("df-noise", noise, trace.steps)}'
            f'{_line("df-change", change, trace.steps)}</svg>')


def _line(name: str, points: list[tuple[float, float]], steps: int) -> str:
    spots = " ".join(f"{x / (steps + 1) * WIDE:.1f},{(1 - y) * (HIGH - 6) + 3:.1f}" for x, y in points)
    return f'<polyline class="{name}" points="{spots}"/>'


def legend(trace: Trace) -> str:
    """The key of the curves."""
    top = max([*trace.changes(), 0.0])
    return ('<div class="df-key"><i style="background:#6366f1"></i>noise in the state, 0 to 100 %'
            f'<i style="background:#f59e0b"></i>change of predicted x<sub>0</sub> per step (largest {top:.2f})</div>')


def live(frame: Frame, waiting: str = "") -> str:
    """A run on its way: the latest guess and how far it is."""
    share = 100 * frame.step / frame.steps
    return (f'<div class="df-live"><img src="{uri(pictures.enlarge(frame.preview))}" alt="The guess so far">'
            f'<div><div>Step {frame.step} of {frame.steps}{html.escape(waiting)}</div>'
            f'<div class="df-meter"><i style="width:{share:.0f}%"></i></div>'
            '<p class="df-note">What the network would draw if it had to stop here (predicted x<sub>0</sub>).</p>'
            "</div></div>")


def starting(words: str) -> str:
    """Before the first step."""
    return f'<p class="df-note">{html.escape(words)}</p>'


def absent(problem: PlaygroundError) -> str:
    """Why there is no picture, and what to do."""
    return (f'<div class="df-absent"><strong>{html.escape(problem.what)}</strong><br>'
            f"{html.escape(problem.remedy)}</div>")


def failed(problem: PlaygroundError, before: str) -> str:
    """Why a run ended without a result and what to do, above what stood there before."""
    return absent(problem) + before


def note(words: str) -> str:
    """A line under a result; nothing where there is nothing to say."""
    return f'<p class="df-note">{html.escape(words)}</p>' if words else ""


def many(items: Sequence[tuple[np.ndarray | Image.Image, str]]) -> str:
    """Pictures in a grid, each with plain text under it."""
    cells = "".join(f'<figure><img src="{uri(_large(picture))}" alt="{html.escape(words, quote=True)}"><figcaption>'
                    f"{html.escape(words)}</figcaption></figure>" for picture, words in items)
    return f'<div class="df"><div class="df-many">{cells}</div></div>'


def _large(picture: np.ndarray | Image.Image) -> Image.Image:
    return picture if isinstance(picture, Image.Image) else pictures.enlarge(picture, 192)


def films(rows: Sequence[tuple[str, Sequence[np.ndarray]]], most: int = 12) -> str:
    """Runs one under the other, each as a strip of at most `most` pictures under its words."""
    parts = []
    for words, row in rows:
        chosen = np.unique(np.linspace(0, len(row) - 1, min(most, len(row))).round().astype(int))
        picture = sheet([row[number] for number in chosen], TILE)
        parts.append(f'<figure><figcaption>{html.escape(words)}</figcaption><img src="{uri(picture)}" '
                     f'alt="{html.escape(words, quote=True)}"></figure>')
    return f'<div class="df"><div class="df-long">{"".join(parts)}</div></div>'


def tokens(wording: Wording) -> str:
    """The prompt's tokens as pieces, what is cut off struck through."""
    read = "".join(f"<span>{html.escape(token)}</span>" for token in wording.read)
    cut = "".join(f'<span class="cut">{html.escape(token)}</span>' for token in wording.cut)
    words = f"{len(wording.read)} of at most {wording.limit} tokens are read."
    if wording.cut:
        words += f" {len(wording.cut)} are cut off: the network never sees “{html.escape(wording.unread)}”."
    return f'<div class="df-tokens">{read}{cut}</div><p class="df-note">{words}</p>'


def word_maps(picture: np.ndarray, maps: Sequence[WordMap]) -> str:
    """The picture under each word's attention: bright where the word got more than its average there."""
    return many([(_lit(picture, each.map), f"{each.word}: {each.share:.1%} of the attention") for each in maps])


def _lit(picture: np.ndarray, attention: np.ndarray) -> Image.Image:
    base = np.asarray(pictures.enlarge(picture, 192).convert("L").resize((192, 192)), dtype=np.float64)
    low, high = attention.min(), attention.max()
    scaled = (attention - low) / max(high - low, 1e-12)
    heat = np.asarray(Image.fromarray((scaled * 255).astype(np.uint8)).resize((192, 192), Image.Resampling.BICUBIC))
    heat = heat[..., None] / 255
    colour = np.array([255, 150, 20])
    mixed = base[..., None] * (0.35 + 0.25 * heat) + colour * (0.55 * heat)
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))
