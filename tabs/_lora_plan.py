"""Sections 2 and 3 of Personal LoRA: trigger word, presets, the expert's numbers, the recipe as YAML, the estimate."""

import html
import re
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from playground.context import Context
from playground.diffusion import models
from playground.errors import BadInput, PlaygroundError
from playground.lora import draft, estimate, plan, recipe, triggers
from playground.lora.plan import Plan
from playground.slots import gigabytes
from tabs import _ui
from tabs._lora_photos import LOOKS, Photos, taken
from tabs._shell import Shell

CUSTOM = "custom"
MEASURING = "Measuring: a few real steps and one sample …"
NUMBERS = ("steps", "rank", "alpha", "learning_rate", "batch", "resolution", "targets", "prior_weight", "sample_every",
           "control", "seed", "guidance", "sample_steps", "quantise")


class Controls:
    """Trigger word, model, preset, and one control for each field of a Plan, in the order of `all`."""

    def __init__(self, context: Context) -> None:
        gr.Markdown("### 2 · Name and trigger word")
        with gr.Row():
            self.name = gr.Textbox(label="Name (a nickname will do)", max_lines=1, placeholder="Joshua", min_width=160)
            self.trigger = gr.Textbox("", label="Trigger word: calls what was learnt", max_lines=1, min_width=160,
                                      placeholder="joshug", elem_id="lora-trigger")
            self.prior = gr.Checkbox(False, label="Prior preservation: also rehearse what the model knew",
                                     min_width=220)
        self.warning = gr.Markdown(elem_classes="summary", elem_id="lora-warning")
        gr.Markdown("### 3 · Training")
        with gr.Row():
            self.preset = gr.Radio([*plan.PRESETS, CUSTOM], value="balanced", label="Preset", min_width=300)
            self.model = gr.Dropdown([(models.entry(key).title, key) for key in plan.TRAINABLE], value=models.POCKET,
                                     label="Model", min_width=200)
        with gr.Accordion("Expert: every number, and the recipe as a file", open=False):
            self.fields = expert(plan.preset("balanced", models.POCKET, "x"))
            with gr.Row():
                self.load = gr.UploadButton("Load a recipe (ai-toolkit YAML)", file_types=[".yaml", ".yml"],
                                            min_width=200)
                self.save = gr.Button("Show the recipe as YAML", min_width=200)
            self.yaml = gr.Code(language="yaml", label="Recipe, to copy or to save", visible=False, interactive=False)
            self.ignored = gr.Markdown(elem_classes="summary")

    def all(self) -> list[Any]:
        """Every control that a Plan is read from, in the order that read() takes."""
        return [self.trigger, self.model, self.prior, *self.fields.values()]

    def settable(self) -> list[Any]:
        """What values_of() fills."""
        return [self.model, self.prior, *self.fields.values()]


def expert(start: Plan) -> dict[str, Any]:
    """A control for each number of a plan, by the field's name."""
    with gr.Row():
        steps = gr.Number(start.steps, label="Steps", precision=0, min_width=90)
        rank = gr.Number(start.rank, label="Rank", precision=0, min_width=90)
        alpha = gr.Number(start.alpha, label="Alpha", precision=0, min_width=90)
        rate = gr.Number(start.learning_rate, label="Learning rate", min_width=110)
        batch = gr.Number(start.batch, label="Batch", precision=0, min_width=90)
        resolution = gr.Number(start.resolution, label="Resolution, px", precision=0, min_width=110)
    with gr.Row():
        targets = gr.Dropdown(list(plan.TARGETS), value=start.targets, label="Target modules", min_width=180)
        weight = gr.Number(0.5, label="Weight of prior preservation", min_width=110)
        every = gr.Number(start.sample_every, label="Sample every, steps", precision=0, min_width=110)
        seed = gr.Number(start.seed, label="Seed", precision=0, min_width=90)
        guidance = gr.Number(start.guidance, label="Guidance of samples", min_width=110)
        sample_steps = gr.Number(start.sample_steps, label="Steps of a sample", precision=0, min_width=110)
        quantise = gr.Dropdown(list(plan.PRECISIONS), value=start.quantise, min_width=150,
                               label="Base in fewer bits (FLUX only)")
    with gr.Row():
        prompts = gr.Textbox("\n".join(start.prompts), lines=2, min_width=260,
                             label="Sample prompts, one a line; [trigger] is the trigger word")
        control = gr.Textbox(start.control, label="Control prompt, without the trigger: shows what leaks",
                             min_width=260)
    return {"steps": steps, "rank": rank, "alpha": alpha, "learning_rate": rate, "batch": batch,
            "resolution": resolution, "targets": targets, "prior_weight": weight, "sample_every": every,
            "control": control, "seed": seed, "guidance": guidance, "sample_steps": sample_steps, "quantise": quantise,
            "prompts": prompts}


def read(subject: str, values: tuple) -> Plan:
    """The Plan of the controls' values, in the order of Controls.all(). BadInput names what is wrong."""
    trigger, model, prior, *rest = values
    if not str(trigger or "").strip():
        raise BadInput("There is no trigger word yet.", "Type a name; a trigger word is made from it.")
    named = dict(zip((*NUMBERS, "prompts"), rest, strict=True))
    lines = [line.strip() for line in str(named.pop("prompts") or "").splitlines() if line.strip()]
    weight = named["prior_weight"] if prior else 0.0
    return plan.check({**named, "prior_weight": weight, "prompts": lines, "trigger": trigger, "subject": subject,
                       "model": model})


def values_of(made: Plan) -> list[Any]:
    """What Controls.settable() takes."""
    rest = [getattr(made, name) for name in NUMBERS]
    rest[NUMBERS.index("prior_weight")] = made.prior_weight or 0.5
    return [made.model, made.prior_weight > 0, *rest, "\n".join(made.prompts)]


def build(context: Context, shell: Shell, page: Photos) -> Controls:
    """Lays out both sections and wires them."""
    controls = Controls(context)
    wire_words(context, controls)
    wire_presets(page, controls)
    wire_recipe(page, controls)
    return controls


def wire_words(context: Context, controls: Controls) -> None:
    """A trigger word from the name; a warning where it is an ordinary one."""
    _ui.event(controls.name.change, lambda name: triggers.usable(context, name or ""), [controls.name],
              [controls.trigger], show_progress="hidden", **LOOKS)  # the first time, a vocabulary is fetched
    # change, not input: that one does not tell of a word that was pasted
    _ui.event(controls.trigger.change, lambda word: warning(context, word), [controls.trigger], [controls.warning],
              show_progress="hidden", **LOOKS)


def warning(context: Context, word: str) -> str:
    """What to say of a trigger word."""
    word = (word or "").strip()
    if not word:
        return ""
    try:
        plan.check_trigger(word)
    except BadInput as problem:
        return html.escape(f"{problem.what} {problem.remedy}")
    if triggers.is_ordinary(context, word):
        return (f"**{html.escape(word)}** is an ordinary word: the text encoder knows it already, so the model has to "
                "unlearn it first, and it leaks into other prompts. Take one that nobody uses.")
    return f"In prompts, **{html.escape(word)}** will call what was learnt."


def wire_presets(page: Photos, controls: Controls) -> None:
    """A preset, a model or a subject sets every number; a number typed makes the preset 'custom'."""
    def chosen(name: str, model: str, subject: str) -> list[Any]:
        if name == CUSTOM:
            return [gr.skip()] * len(controls.settable())
        return values_of(plan.preset(name, model, "x", subject))

    for trigger in (controls.preset.input, controls.model.input, page.subject.change):
        _ui.event(trigger, chosen, [controls.preset, controls.model, page.subject], controls.settable(),
                  show_progress="hidden")
    # a model's own size is no number of a preset: 64 pixels of the pocket model would be nonsense for the others
    _ui.event(controls.model.input, lambda model: models.find(model).size, [controls.model],
              [controls.fields["resolution"]], show_progress="hidden")
    for name, field in controls.fields.items():
        if name not in ("prompts", "control", "seed", "prior_weight"):
            _ui.event(field.input, lambda: CUSTOM, [], [controls.preset], show_progress="hidden")


def wire_recipe(page: Photos, controls: Controls) -> None:
    """The YAML of ai-toolkit in and out; what it says and we do not use is listed."""
    def shown(subject: str, *values: Any) -> Any:
        return gr.Code(recipe.export_yaml(read(subject, values)), visible=True)

    def loaded(path: str, subject: str, *values: Any) -> list[Any]:
        name, content = taken(path)
        # the file may name no trigger word, nor the page: then it is what the file is called
        base = read(subject, (values[0] or re.sub(r"[^\w-]+", "", Path(name).stem)[:40] or "x", *values[1:]))
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise BadInput("The recipe is no UTF-8 text.", "Save it as UTF-8.") from problem
        made = recipe.import_yaml(text, base)
        words = "Every field of the recipe was taken over." if not made.ignored else (
            "Taken over, but for:\n\n" + "\n".join(f"* {html.escape(line)}" for line in made.ignored))
        return [None, made.plan.trigger, made.plan.subject, CUSTOM, words, *values_of(made.plan)]

    inputs = [page.subject, *controls.all()]
    _ui.event(controls.save.click, shown, inputs, [controls.yaml])
    _ui.event(controls.load.upload, loaded, [controls.load, *inputs],
              [controls.load, controls.trigger, page.subject, controls.preset, controls.ignored, *controls.settable()],
              **_ui.DECODING)


def measured(context: Context, token: str, wanted: Plan) -> tuple[bool, str]:
    """Whether a training fits, and its time and memory from a few real steps, as Markdown."""
    pictures, captions = material(context, token, wanted)
    try:
        made = estimate.measure(context, wanted, pictures, captions)
    except PlaygroundError as problem:
        return False, f"**Cannot start.** {html.escape(problem.what)} {html.escape(problem.remedy)}"
    if not made.fits:
        return False, f"**Does not fit here.** {html.escape(made.reason)}"
    small = sum(min(picture.size) < wanted.resolution for _, picture in draft.chosen(context, token))
    words = f" {small} of the photos are smaller than {wanted.resolution} pixels and are enlarged." if small else ""
    return True, (f"About **{duration(made.seconds)}** on this machine: {made.seconds_step:.2f} s a step, "
            f"{made.seconds_sample:.1f} s a sample, {gigabytes(made.memory)} of memory. "
            f"Measured with a few real steps and one real sample.{words}")


def material(context: Context, token: str, wanted: Plan) -> tuple[np.ndarray, list[str]]:
    """The pictures (N, side, side, 3) uint8 of the draft and their captions. BadInput for too few."""
    found = draft.chosen(context, token) if token else []
    if not plan.FEWEST <= len(found) <= plan.MOST:
        raise BadInput(f"There are {len(found)} photos to learn from.",
                       f"Add at least {plan.FEWEST}, or take a sample set.")
    side = (wanted.resolution, wanted.resolution)
    pictures = np.stack([np.asarray(picture.resize(side)) for _, picture in found])
    return pictures, [item.caption for item, _ in found]


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
