"""Diffusion steps: a picture out of noise, every step kept, and the tools that take the process apart."""

import secrets
from collections.abc import Iterator
from typing import Any

import gradio as gr

from playground import devices, marks
from playground.context import Context
from playground.diffusion import models, requests, schedulers, trace, wording
from playground.diffusion.trace import Frame, Trace
from playground.errors import PlaygroundError
from tabs import _diffusion_html as render
from tabs import _diffusion_samples, _diffusion_tools, _ui
from tabs._diffusion_checklist import plain
from tabs._diffusion_controls import Controls
from tabs._diffusion_forward import Forward
from tabs._diffusion_keeping import paced
from tabs._diffusion_style import CSS, SCRUB
from tabs._shell import Shell, Tab

SUMMARY = ("A diffusion model starts from pure noise and takes a little of it away, again and again. "
           "Describe a picture, watch it form, then drag through every step.")

HOW = """
**Forward.** Noise is added to a picture until nothing is left: x<sub>t</sub> = √ᾱ<sub>t</sub> x<sub>0</sub> +
√(1−ᾱ<sub>t</sub>) ε. **Reverse.** A network is trained to tell the noise ε (or, equivalently, a mix of noise and
picture, *v*) from x<sub>t</sub>. Drawing means to start from noise and to remove what the network sees as noise, step
by step.

* **x<sub>t</sub>** is the state before a step. **Predicted x<sub>0</sub>** is the picture that the network's answer
  implies at once; early it is a blur, an average of all pictures that fit. **Predicted noise** is the rest.
* **Latents.** The network does not see pixels: an autoencoder turns 64 x 64 x 3 pixels into 16 x 16 x 4 numbers and
  back. What you see of x<sub>t</sub> is such a state decoded.
* **Guidance** asks the network twice, with and without the prompt, and goes further in the direction of the difference:
  without + g (with − without). 1 switches it off, high values give plain colours and little variety.
  The negative prompt takes the place of "without".
* **Schedulers** decide which levels are visited and how a step is made. DDPM and Euler ancestral add fresh noise at
  every step; DDIM and Euler do not; DPM-Solver++ and UniPC remember earlier answers and need fewer steps; Heun asks
  twice a step.
* **Seed**: the noise at the start. The same seed and settings give the same picture.

The pocket model was trained for this page on faces drawn by a GAN and on open emoji art: it draws faces and simple
things, 64 x 64 pixels, and ignores what it never saw. Larger models take its place where a GPU and the model hub are
there.

Sources: [Ho et al. 2020](https://arxiv.org/abs/2006.11239) (DDPM), [Song et al. 2020](https://arxiv.org/abs/2010.02502)
(DDIM), [Rombach et al. 2022](https://arxiv.org/abs/2112.10752) (latents),
[Ho & Salimans 2022](https://arxiv.org/abs/2207.12598) (guidance),
[Salimans & Ho 2022](https://arxiv.org/abs/2202.00512) (v-prediction),
[Karras et al. 2022](https://arxiv.org/abs/2206.00364) (Euler, Heun),
[Lu et al. 2022](https://arxiv.org/abs/2211.01095) (DPM-Solver++).
"""

# title, prompt, negative, steps, guidance, seed, scheduler
EXAMPLES = (
    ("From noise to a face", "a photo of a face", "", 20, 2.0, 47, "DDIM"),
    ("A red heart in 8 steps", "red heart", "", 8, 3.0, 7, "DPM-Solver++"),
    ("Fresh noise every step (DDPM)", "cat face", "", 40, 3.0, 3, "DDPM"),
    ("Beach and shark", "a photo of a beach with a shark, a red umbrella and a lighthouse", "", 20, 5.0, 11, "DDIM"),
)
SHARK = 3
KEPT = 3600  # seconds that a visitor's last run is kept
TITLES = {models.POCKET: "Pocket model, 64 x 64"}


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab: controls and viewer, the examples, the tools, the fold; wires them."""
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            controls = Controls(context)
            with gr.Row():
                go = gr.Button("Draw", variant="primary", min_width=90)
                new = gr.Button("New seed", min_width=90)
                stop = gr.Button("Stop", min_width=70)
        with gr.Column(scale=3, min_width=300):
            view = gr.HTML(css_template=CSS, js_on_load=SCRUB, elem_id="diffusion-view", min_height=420)
            note = gr.Markdown(elem_classes="summary", elem_id="diffusion-note")
            with gr.Row():
                buttons = [gr.Button(title, size="sm", min_width=150) for title, *_ in EXAMPLES]
                noising = gr.Button("Noise levels of one picture", size="sm", min_width=150)
                copy = gr.Button("Copy link to this picture", size="sm", min_width=150)
    kept, link = gr.State(None, time_to_live=KEPT), gr.Textbox(visible=False)
    draw, results = drawer(context), [view, note, kept, link]

    forward = Forward(context, shell, kept)
    tools = _diffusion_tools.build(context, shell, controls, kept)
    given = [*controls.all, kept]
    running = [_ui.event(trigger, draw, given, results, show_progress="hidden", **_ui.PICTURES)
               for trigger in (go.click, controls.prompt.submit, controls.seed.submit)]
    running.append(_ui.event(new.click, fresh(draw), given, [controls.seed, *results], show_progress="hidden",
                             **_ui.PICTURES))
    for number, (button, (_, *values)) in enumerate(zip(buttons, EXAMPLES, strict=True)):
        running.append(_ui.event(button.click, example(draw, values), [kept], [*controls.all, *results],
                                 show_progress="hidden", **_ui.PICTURES))
        if number == SHARK:
            tools.ask_when_clicked(button, values[0])
    forward.run_when_clicked(noising)
    running += shell.on_open(opened(draw), given, [*controls.all, *results], show_progress="hidden",
                             **_ui.PICTURES)
    # Two steps, so that pictures still on their way to the browser come before what is shown after the stop.
    # Backwards, since the page ends one after the other and waits for each: a run begun meanwhile by a button that
    # comes later in the list would be ended too, and after Draw, the first, all of them would.
    cancelled = _ui.event(stop.click, lambda: None, [], [], cancels=running[::-1], show_progress="hidden")
    _ui.event(cancelled.then, stopped, [kept], [view, note], show_progress="hidden")
    _ui.copy_link(copy, link)
    _diffusion_samples.build(context)
    _ui.fold("How it works, and where it comes from", HOW)
    _endpoints(context)


def drawer(context: Context) -> Any:
    """The handler that draws: controls, trace -> view, note, trace, link, again and again while the picture forms.

    Where the run fails, it says why above the picture of the trace that was there before.
    """
    def draw(*values: Any) -> Iterator[tuple]:
        *values, before = values
        request = requests.check(*values[:2], **dict(zip(Controls.NAMES, values[2:], strict=True)))
        yield render.starting("Getting the model ready …"), "", gr.skip(), gr.skip()
        try:
            for made in paced(trace.draw(context, request)):
                if isinstance(made, Frame):
                    yield render.live(made), "", gr.skip(), gr.skip()
                else:
                    yield render.viewer(made), timing(made, context), made, link_of(request)
        except PlaygroundError as problem:
            yield *failed(problem, before), gr.skip(), gr.skip()
    return draw


def fresh(draw: Any) -> Any:
    """`draw` with a seed drawn anew, which is shown."""
    def draw_fresh(*values: Any) -> Iterator[tuple]:
        seed = secrets.randbelow(1_000_000)
        place = 2 + Controls.NAMES.index("seed")
        for shown in draw(*values[:place], seed, *values[place + 1:]):
            yield seed, *shown
    return draw_fresh


def example(draw: Any, values: list[Any]) -> Any:
    """`draw` with an example's values, which it also puts into the controls; the pocket model draws them."""
    def draw_example(before: Trace | None) -> Iterator[tuple]:
        every = (*values, models.POCKET)
        for shown in draw(*every, before):
            yield *every, *shown
    return draw_example


def opened(draw: Any) -> Any:
    """The first look at the tab: what a link names, else the first example."""
    def draw_opened(query: dict[str, str], *values: Any) -> Iterator[tuple]:
        *values, before = values
        named = with_link(query, tuple(values))
        for shown in draw(*named, before):
            yield *named, *shown
    return draw_opened


def with_link(query: dict[str, str], values: tuple) -> tuple:
    """The values of the controls, with those that a link names in their place."""
    if "prompt" not in query:
        return values
    numbers = {"steps", "guidance", "seed"}
    named = []
    for name, value in zip(("prompt", "negative", *Controls.NAMES), values, strict=True):
        text = query.get(name)
        named.append(value if text is None else as_number(text) if name in numbers else text)
    return tuple(named)


def as_number(text: str) -> Any:
    """The number that a link spells, or the text itself, for the engine to refuse by name."""
    try:
        return float(text)
    except ValueError:
        return text


def link_of(request: requests.Request) -> str:
    """The link that draws the same picture."""
    return _ui.query(tab="diffusion-steps", prompt=request.prompt, negative=request.negative, steps=request.steps,
                     guidance=f"{request.guidance:g}", seed=request.seed, scheduler=request.scheduler,
                     model=request.model)


def timing(made: Trace, context: Context) -> str:
    """What the run cost, and what of the prompt was not read."""
    calls = made.steps * (2 if made.request.guided else 1)
    words = (f"{made.steps} steps, {calls} network calls, **{made.seconds:.1f} s** on {devices.title(context.device)}. "
             "Drag the slider, or click a strip.")
    if cut := wording.cuts(made.wording, made.negative):
        words += f" {plain(cut)}"
    return words


def failed(problem: PlaygroundError, before: Trace | None) -> tuple[str, str]:
    """What is shown after an error: it, above the last finished picture, if there is one."""
    if before is None:
        return render.failed(problem, ""), ""
    return render.failed(problem, render.viewer(before)), "This is the last finished picture."


def stopped(kept: Trace | None) -> tuple[str, str]:
    """What is shown after Stop: the last finished picture, if there is one."""
    if kept is None:
        return render.starting("Stopped. Nothing is running."), ""
    return render.viewer(kept), "Stopped; this is the last finished picture."


def _endpoints(context: Context) -> None:
    """/denoise and /add_noise."""
    def denoise(prompt: Any, steps: Any = None, guidance: Any = None, seed: Any = 42,
                scheduler: Any = schedulers.DEFAULT, model: Any = models.POCKET) -> Iterator[tuple]:
        request = requests.check(prompt, "", steps=steps, guidance=guidance, seed=seed, scheduler=scheduler,
                                 model=model)
        mark = marks.Mark(request.model, request.seed, marks.wanted(context.settings))
        for made in trace.draw(context, request):
            if not isinstance(made, Trace):
                yield (gr.skip(),) * len(results)  # here it ends where the script cancelled it, or is gone
                continue
            sets = zip(([made.film.final], made.film.noisy, made.film.clean), results, strict=True)
            (final,), noisy, clean = (_ui.marked(each, [mark] * len(each), place) for each, place in sets)
            yield final, noisy, clean

    def number(label: str, value: float | None) -> gr.Number:
        return gr.Number(value, label=label, visible=False)

    def text(label: str, value: str) -> gr.Textbox:
        return gr.Textbox(value, label=label, visible=False)

    def gallery(label: str) -> gr.Gallery:
        return gr.Gallery(label=label, format="png", visible=False)

    results = [gr.Image(label="image", format="png", visible=False), gallery("x_t"), gallery("predicted x0")]
    _ui.endpoint(denoise, [text("prompt", "a photo of a face"), number("steps", None), number("guidance", None),
                           number("seed", 42),
                           text("scheduler", schedulers.DEFAULT), text("model", models.POCKET)],
                 results, "denoise", **_ui.PICTURES)


TAB = Tab("Diffusion steps", 20, SUMMARY, build)
