"""The forward process on the page: a picture sinks into noise, and the network guesses what was there."""

import html
from typing import Any

import gradio as gr
import numpy as np

from playground import checks, images
from playground.context import Context
from playground.diffusion import forward, wording
from playground.diffusion.trace import Trace
from playground.errors import BadInput, PlaygroundError
from playground.gan import faces
from tabs import _consent, _ui
from tabs import _diffusion_html as render
from tabs._diffusion_style import CSS
from tabs._shell import Shell

SIDE = 256  # pixels a side of the picture that noise is added to
LARGEST = 1024  # of one that a script sends
FACE, ABOVE, OWN = "GAN face", "picture above", "your picture"
START = 350
FORMULA = "x<sub>t</sub> = √ᾱ<sub>t</sub> · x<sub>0</sub> + √(1−ᾱ<sub>t</sub>) · ε"


class Forward:
    """The section: where the picture comes from, the noise level, what the network makes of it."""

    def __init__(self, context: Context, shell: Shell, kept: gr.State) -> None:
        self.context = context
        with gr.Accordion("Adding noise: one picture from clean to nothing, and a one-shot guess back", open=False,
                          elem_id="diffusion-forward") as self.fold:
            with gr.Row():
                self.source = gr.Radio([FACE, ABOVE, OWN], value=FACE, label="Picture", scale=2, min_width=240)
                self.seed = gr.Number(42, label="Seed of the GAN face", precision=0, minimum=0,
                                      maximum=faces.MAX_SEED, min_width=120)
                self.truncation = gr.Slider(0, 1.5, 1.0, step=0.05, label="ψ of the GAN face", min_width=120)
                self.upload = gr.UploadButton("Use your own picture", file_types=["image", ".heic", ".heif", ".avif"],
                                              min_width=150, size="sm")
            _consent.line("Yours is read and its file removed; its pixels stay in the memory of your open page, for an "
                          "hour at most.")
            self.level = gr.Slider(0, forward.LEVELS, START, step=1, label="Noise level t")
            self.near = gr.HTML(css_template=CSS, elem_id="forward-near")
            with gr.Row():
                self.prompt = gr.Textbox("", label="What the network is told (may be empty)", scale=3)
                self.go = gr.Button("Denoise from here", variant="primary", min_width=150)
            self.far = gr.HTML(css_template=CSS, elem_id="forward-guess")
            self.strip = gr.HTML(css_template=CSS, elem_id="forward-strip")
            gr.Markdown("Noise is added to the pixels above; the network works on latents, so below the same level is "
                        "added there and decoded. The guess is one network call, not a run: little noise is removed "
                        "well, much noise is replaced by invention.", elem_classes="summary")
        self.picture = gr.State(None, time_to_live=3600)
        self.sent = gr.State((42, 1.0))
        self._wire(kept)
        shell.offer("diffusion-face", self.sent, self._arrived)
        self._endpoint()

    @property
    def shown(self) -> list[Any]:
        """What a new picture fills."""
        return [self.picture, self.near, self.far, self.strip]

    def run_when_clicked(self, button: gr.Button) -> None:
        """Makes a button the example: opens the section with the first face at a middling level."""
        def example() -> tuple:
            return gr.Accordion(open=True), FACE, 42, 1.0, START, "", *self._fill(self._face(42, 1.0), START, "")
        filled = [self.fold, self.source, self.seed, self.truncation, self.level, self.prompt, *self.shown]
        _ui.event(button.click, example, [], filled, **_ui.COMPUTE).then(None, None, None, js=SCROLL)

    def _arrived(self, event: Any) -> None:
        """A face sent by the GAN tab, as its seed and truncation: opens the section on it."""
        def face(sent: tuple, level: Any, prompt: str) -> tuple:
            return gr.Accordion(open=True), FACE, *sent, *self._fill(self._face(*sent), level, prompt)
        filled = [self.fold, self.source, self.seed, self.truncation, *self.shown]
        _ui.event(event.then, face, [self.sent, self.level, self.prompt], filled,
                  **_ui.COMPUTE).then(None, None, None, js=SCROLL)

    def _wire(self, kept: gr.State) -> None:
        chosen = [self.source, self.seed, self.truncation, self.level, self.prompt, self.picture, kept]
        _ui.event(self.fold.expand, self._opened, chosen, self.shown, **_ui.COMPUTE)
        # What a visitor chooses, not what an example or another tab sets: those bring their picture with them.
        for trigger in (self.source.input, self.seed.input, self.truncation.release):
            _ui.event(trigger, self._choose, chosen, self.shown, trigger_mode="always_last", **_ui.COMPUTE)
        _ui.event(self.upload.upload, self._own, [self.upload, self.level, self.prompt],
                  [self.source, *self.shown], **_ui.COMPUTE)
        _ui.event(self.level.input, self._near, [self.picture, self.level], [self.near], show_progress="hidden",
                  trigger_mode="always_last")
        for trigger in (self.level.release, self.go.click, self.prompt.submit):
            _ui.event(trigger, self._far, [self.picture, self.level, self.prompt], [self.far], **_ui.COMPUTE)

    def _opened(self, source: str, *rest: Any) -> Any:
        """Fills the section when it opens, also for an example or another tab, which have filled it already."""
        own = rest[-2]
        return self._choose(source, *rest) if own is None or source == ABOVE else gr.skip()

    def _choose(self, source: str, seed: Any, truncation: Any, level: Any, prompt: str, own: Any,
                kept: Trace | None) -> tuple:
        if source == FACE:
            picture = self._face(seed, truncation)
        elif source == ABOVE:
            if kept is None:
                raise BadInput("There is no picture above yet.", "Draw one first, or take a GAN face.")
            picture = _sized(kept.film.final)
        elif own is None:
            raise BadInput("You have not chosen a picture of your own.", "Press Use your own picture.")
        else:
            picture = own
        return self._fill(picture, level, prompt)

    def _own(self, path: str, level: Any, prompt: str) -> tuple:
        return OWN, *self._fill(_sized(read_upload(path)), level, prompt)

    def _face(self, seed: Any, truncation: Any) -> np.ndarray:
        return _sized(faces.generate(self.context, 1, seed, truncation).pictures[0])

    def _fill(self, picture: np.ndarray, level: Any, prompt: str) -> tuple:
        return picture, self._near(picture, level), self._far(picture, level, prompt), self._strip(picture, prompt)

    def _near(self, picture: np.ndarray | None, level: Any) -> str:
        if picture is None:
            raise BadInput("There is no picture to add noise to.", "Choose one first.")
        level = checks.whole(level, "The noise level", 0, forward.LEVELS)
        at = forward.level(level)
        words = (f"t = {level}: <b>{at.signal:.3f}</b> · picture + <b>{at.noise:.3f}</b> · noise, signal-to-noise "
                 f"ratio {_ratio(at.snr)}")
        return (f'<div class="df"><div class="df-three"><figure><img src="{render.uri(picture)}" alt="The picture">'
                "<figcaption><b>x<sub>0</sub></b> the picture</figcaption></figure>"
                f'<figure><img src="{render.uri(forward.add_noise(picture, level))}" alt="With noise">'
                f"<figcaption><b>x<sub>t</sub></b> with noise</figcaption></figure>{schedule(level)}</div>"
                f'<p class="df-note">{FORMULA}. {words}.</p></div>')

    def _far(self, picture: np.ndarray | None, level: Any, prompt: str) -> str:
        if picture is None:
            raise BadInput("There is no picture to add noise to.", "Choose one first.")
        level = checks.whole(level, "The noise level", 0, forward.LEVELS)
        if level == 0:
            return render.starting("At level 0 there is no noise to remove. Move the slider.")
        try:
            made = forward.guess(self.context, picture, [level], prompt=prompt)
        except PlaygroundError as problem:
            return render.absent(problem)
        shown = render.many([(made.through, "through the autoencoder, no noise"),
                             (made.noisy[0], f"level {level}, as the network sees it"),
                             (made.guesses[0], f"one-shot guess, off by {made.errors[0]:.0f} of 255")])
        return shown + render.note(wording.cuts(made.wording))

    def _strip(self, picture: np.ndarray, prompt: str) -> str:
        levels = forward.GUESS_LEVELS
        rows = [(f"Noise levels 0, {levels[0]}, {levels[1]} … {levels[-1]}",
                 [picture, *(forward.add_noise(picture, each) for each in levels)])]
        try:
            made = forward.guess(self.context, picture, levels, prompt=prompt)
        except PlaygroundError as problem:
            return render.films(rows) + render.absent(problem)
        rows.append(("The guess from each level, one network call each", [made.through, *made.guesses]))
        return render.films(rows)

    def _endpoint(self) -> None:
        def add_noise(image: str, level: Any) -> np.ndarray:
            self.context.room.check()  # Gradio writes the picture by itself
            return forward.add_noise(read_upload(image), level)

        _ui.endpoint(add_noise, [gr.File(label="image", visible=False), gr.Number(500, label="level", visible=False)],
                     [gr.Image(label="noisy image", format="png", visible=False)], "add_noise", **_ui.DECODING)


SCROLL = "() => document.querySelector('#diffusion-forward')?.scrollIntoView({behavior: 'smooth', block: 'start'})"


def read_upload(path: Any) -> np.ndarray:
    """The picture (H, W, 3) of an uploaded file; the file itself, with all that it may tell, is removed."""
    return np.asarray(images.read(_ui.taken(path), LARGEST))


def _sized(picture: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(images.square(Image.fromarray(picture), SIDE))


def _ratio(snr: float) -> str:
    return "infinite" if snr == float("inf") else html.escape(f"{snr:.3g}")


def schedule(level: int) -> str:
    """The curves of the schedule over t, with a mark at a level: what is left of the picture, how much noise there is,
    and the signal-to-noise ratio in decibels, 40 at the top and -40 at the bottom."""
    levels = [forward.level(each) for each in range(0, forward.LEVELS + 1, 20)]

    def line(name: str, values: list[float]) -> str:
        spots = " ".join(f"{30 + x * 270 / 50:.1f},{170 - min(1, max(0, y)) * 150:.1f}" for x, y in enumerate(values))
        return f'<polyline class="{name}" points="{spots}"/>'

    decibels = [1.0, *((10 * np.log10(at.snr) + 40) / 80 for at in levels[1:])]
    place = 30 + level * 270 / forward.LEVELS
    return ('<figure class="df-plot"><svg viewBox="0 0 310 195" role="img" aria-label="The noise schedule">'
            f'<line x1="30" y1="170" x2="300" y2="170"/><line x1="{place:.1f}" y1="20" x2="{place:.1f}" y2="170" '
            f'class="df-here"/>{line("df-signal", [at.signal for at in levels])}'
            f'{line("df-noise", [at.noise for at in levels])}{line("df-change", decibels)}'
            '<text x="30" y="186">t = 0</text><text x="300" y="186" text-anchor="end">1000</text>'
            '<text x="2" y="27">1</text><text x="2" y="173">0</text></svg>'
            '<figcaption class="df-key"><i style="background:#10b981"></i>√ᾱ picture'
            '<i style="background:#6366f1"></i>√(1−ᾱ) noise'
            '<i style="background:#f59e0b"></i>signal-to-noise, 40 to −40 dB</figcaption></figure>')


