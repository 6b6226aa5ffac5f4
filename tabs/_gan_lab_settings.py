"""The lab's controls for what is trained: the data, and one column of settings for each of two runs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from playground import checks
from playground.errors import BadInput
from playground.gan.lab import data as sets
from playground.gan.lab import presets
from playground.gan.lab import settings as lab
from tabs import _consent, _ui

TITLES = {lab.RING: "ring of 8 Gaussians", lab.GRID: "grid of 25 Gaussians", lab.MOONS: "two moons",
          lab.DRAWING: "own drawing", lab.FACES: "faces 32 x 32 (rendered people)", lab.DIGITS: "digits 8 x 8",
          lab.PICTURES: "own pictures 32 x 32"}
LOSS_TITLES = {lab.SATURATING: "saturating: G minimises log(1 - D)",
               lab.NON_SATURATING: "non-saturating: G minimises -log D", lab.LEAST_SQUARES: "least squares",
               lab.HINGE: "hinge", lab.WASSERSTEIN: "Wasserstein with gradient penalty"}
SHARED = ("data", "seed")
# a pad that is shown later has no tool in hand
TAKE_PENCIL = """(data) => {
    if (data != "DRAWING") return;
    let tries = 0;
    const look = setInterval(() => {
        const pencil = document.querySelector("#lab-drawing button[aria-label=Brush]");
        if (pencil) pencil.click();
        if (pencil || ++tries > 50) clearInterval(look);
    }, 100);
}""".replace("DRAWING", lab.DRAWING)
OWN = tuple(field.name for field in dataclasses.fields(lab.RunSettings) if field.name not in SHARED)


@dataclass(frozen=True)
class Controls:
    """Everything that says what is trained. `columns` hold the settings of OWN, for run A and for run B."""

    data: gr.Dropdown
    seed: gr.Number
    beside: gr.Checkbox
    columns: tuple[list[Any], list[Any]]
    drawing: gr.Sketchpad
    pictures: gr.File
    kept: gr.Markdown

    def all(self) -> list[Any]:
        """The components that make up a plan, in the order of values_of()."""
        return [self.data, self.seed, self.beside, *self.columns[0], *self.columns[1]]


def build(hours: int) -> Controls:
    """Lays the controls out in a fold. `hours`: after which a visitor's drawing and pictures go."""
    with gr.Accordion("Settings of the runs", open=False):
        with gr.Row():
            data = gr.Dropdown([(title, name) for name, title in TITLES.items()], value=lab.RING, label="Data",
                               min_width=220)
            seed = gr.Number(1, label="Seed of the run", precision=0, minimum=0, maximum=lab.MAX_SEED, min_width=110)
            beside = gr.Checkbox(False, label="Train run B beside run A", min_width=180)
        with gr.Row():
            columns = (column("A"), column("B"))
        drawing = gr.Sketchpad(label="Draw what G shall learn: what is dark becomes the distribution", type="pil",
                               image_mode="RGBA", canvas_size=(320, 320), visible=False, elem_id="lab-drawing",
                               brush=gr.Brush(default_size=14, colors=["#4338ca"], color_mode="fixed"))
        rules = [_consent.line(_consent.until_deleted("Your drawings are kept with the run", hours), people="",
                               visible=False)]
        pictures = gr.File(label="Pictures to learn from, 20 to 400", file_count="multiple", visible=False,
                           file_types=["image", ".heic", ".heif"], elem_id="lab-pictures")
        rules.append(_consent.line(_consent.until_deleted(
            "They are cut square and made 32 x 32; only these pixels are kept, for you alone", hours), visible=False))
        kept = gr.Markdown(visible=False)

    def fit(name: str) -> list[Any]:
        drawn, own = (gr.update(visible=name == each) for each in (lab.DRAWING, lab.PICTURES))
        return [drawn, drawn, own, own, own]

    chosen = _ui.event(data.change, fit, [data], [drawing, rules[0], pictures, rules[1], kept], show_progress="hidden")
    chosen.then(None, [data], None, js=TAKE_PENCIL)
    for each in columns:  # when a visitor chooses, not when a preset does
        _ui.event(data.input, suited, [data, *each], each, show_progress="hidden")
    return Controls(data, seed, beside, columns, drawing, pictures, kept)


def suited(data: str, *own: Any) -> list[Any]:
    """What a column shows after a choice of data: settings that suit it, unless there are some of the visitor's own."""
    checks.choice(data, "The data", TITLES)
    if list(own) not in [settings_of(presets.suited(each)) for each in TITLES]:
        return [gr.skip()] * len(own)
    return settings_of(presets.suited(data))


def settings_of(run: lab.RunSettings) -> list[Any]:
    """The values of a column, in the order of OWN."""
    return [getattr(run, name) for name in OWN]


def column(name: str) -> list[Any]:
    """The settings of one run, in the order of OWN."""
    start = presets.HEALTHY
    with gr.Column(min_width=300):
        gr.Markdown(f"**Run {name}**")
        made = {"loss": gr.Dropdown([(title, key) for key, title in LOSS_TITLES.items()], value=start.loss,
                                    label=f"Loss of {name}")}
        with gr.Row():
            made["lr_d"] = number(f"Learning rate of D, {name}", start.lr_d)
            made["lr_g"] = number(f"Learning rate of G, {name}", start.lr_g)
        with gr.Row():
            made["optimizer_d"] = dropdown(f"Optimizer of D, {name}", start.optimizer_d)
            made["optimizer_g"] = dropdown(f"Optimizer of G, {name}", start.optimizer_g)
        with gr.Row():
            made["momentum"] = number(f"Momentum (Adam: beta 1), {name}", start.momentum)
            made["batch"] = number(f"Batch size, {name}", start.batch)
            made["updates"] = number(f"Updates, {name}", start.updates)
        with gr.Row():
            made["d_steps"] = number(f"D steps per G step, {name}", start.d_steps)
            made["head_start"] = number(f"Head start of D, {name}", start.head_start)
        with gr.Row():
            made["noise"] = number(f"Noise on D’s input, {name}", start.noise)
            made["smoothing"] = number(f"Label smoothing, {name}", start.smoothing)
            made["r1"] = number(f"R1 penalty, {name}", start.r1)
        with gr.Row():
            made["spectral"] = gr.Checkbox(start.spectral, label=f"Spectral norm, {name}", min_width=130)
            made["augment"] = gr.Checkbox(start.augment, label=f"Augmentation (pictures), {name}", min_width=130)
    return [made[field] for field in OWN]


def dropdown(label: str, value: str) -> gr.Dropdown:
    """A choice of optimizer."""
    return gr.Dropdown(list(lab.OPTIMIZERS), value=value, label=label, min_width=110)


def number(label: str, value: float) -> gr.Number:
    """A narrow box for a number."""
    return gr.Number(value, label=label, min_width=110)


def read(values: Sequence[Any]) -> lab.Plan:
    """The plan of the controls' values, in the order of Controls.all(). Raises BadInput."""
    data, seed, beside, *own = values
    runs = [dict(zip(OWN, part, strict=True)) | {"data": data, "seed": seed}
            for part in (own[:len(OWN)], own[len(OWN):])]
    return lab.read_plan({"runs": runs[:2 if beside else 1], "names": ["Run A", "Run B"][:2 if beside else 1]})


def values_of(plan: lab.Plan) -> list[Any]:
    """What the controls show for a plan; a single run stands in both columns."""
    first, last = plan.runs[0], plan.runs[-1]
    return [first.data, first.seed, len(plan.runs) > 1, *settings_of(first), *settings_of(last)]


def drawn(sketch: Any) -> str:
    """The mask of a drawing, packed; BadInput where hardly anything is drawn."""
    picture = sketch.get("composite") if isinstance(sketch, dict) else None
    if picture is None:
        raise BadInput("There is no drawing yet.", "Draw something in the settings of the runs.")
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture.convert("RGBA"))
    side = sets.DRAWING_SIDE
    mask = np.asarray(paper.convert("L").resize((side, side), Image.Resampling.BOX)) < 170
    sets.drawing(mask)
    return sets.packed(mask)
