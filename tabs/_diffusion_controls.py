"""The controls of the Diffusion steps tab: what is drawn, and how."""

from typing import Any

import gradio as gr

from playground.catalog import MB
from playground.context import Context
from playground.diffusion import models, requests, schedulers
from playground.errors import NotEnoughMemory, PlaygroundError
from tabs import _ui

SEED = 47  # of the first look: a face in good light


class Controls:
    """Prompt, negative prompt, steps, guidance, seed, scheduler and model, in this order."""

    NAMES = ("steps", "guidance", "seed", "scheduler", "model")

    def __init__(self, context: Context) -> None:
        self.prompt = gr.Textbox("a photo of a face", label="Prompt", lines=2, max_lines=4, elem_id="diffusion-prompt")
        self.negative = gr.Textbox("", label="Negative prompt", max_lines=2, placeholder="what it should not be",
                                   info="Does nothing at guidance 1, and for FLUX.")
        self.steps = gr.Slider(1, requests.MAX_STEPS, 20, step=1, label="Steps")
        self.guidance = gr.Slider(1, requests.MAX_GUIDANCE, requests.GUIDANCE, step=0.5, label="Guidance",
                                  info="1: off")
        with gr.Row():
            self.seed = gr.Number(SEED, label="Seed", precision=0, minimum=0, maximum=requests.MAX_SEED, min_width=90)
            self.scheduler = gr.Dropdown(schedulers.names("pocket"), value=schedulers.DEFAULT, label="Scheduler",
                                         min_width=130)
        self.model = gr.Dropdown([(title(context, key), key) for key in models.names()], value=models.POCKET,
                                 label="Model")
        state = gr.Markdown(elem_classes="summary", elem_id="diffusion-model")
        _ui.event(self.model.change, self.adapted(context), [self.model, self.scheduler],
                  [self.scheduler, state], show_progress="hidden")
        chosen = [gr.State(False), gr.State(False)]  # whether the visitor set steps, guidance himself
        for slider, own in zip((self.steps, self.guidance), chosen, strict=True):
            _ui.event(slider.release, lambda: True, [], [own], show_progress="hidden")
        _ui.event(self.model.input, usual, [self.model, *chosen], [self.steps, self.guidance], show_progress="hidden")

    @property
    def all(self) -> list[Any]:
        """Every control, in order."""
        return [self.prompt, self.negative, self.steps, self.guidance, self.seed, self.scheduler, self.model]

    @staticmethod
    def adapted(context: Context) -> Any:
        """(model, scheduler) -> the samplers that the model can use, and how it can run here."""
        def adapt(key: str, chosen: str) -> tuple:
            known = schedulers.names(models.find(key).family)
            return gr.Dropdown(known, value=chosen if chosen in known else known[0]), condition(context, key)
        return adapt


def usual(key: str, own_steps: bool, own_guidance: bool) -> tuple[Any, Any]:
    """The steps and guidance that a model was made for, where the visitor has not set his own."""
    model = models.find(key)
    return gr.skip() if own_steps else model.steps, gr.skip() if own_guidance else model.guidance


def title(context: Context, key: str) -> str:
    """A model's name and picture size."""
    return f"{models.entry(key).title}, {models.find(key).size} px" if key != models.POCKET else "Pocket model, 64 px"


def condition(context: Context, key: str) -> str:
    """How a large model would run here, what it takes to get it, or why it cannot run; nothing for the bundled one."""
    entry = models.entry(key)
    size = f"{entry.download / 1e9:.1f} GB"
    try:
        how = "" if key == models.POCKET else models.planned(context, key).words
    except NotEnoughMemory as problem:
        return f"**Does not fit here.** {problem.what} {problem.remedy}"
    except PlaygroundError as problem:  # a damaged or half-copied model says so when it is drawn with
        return f"**{problem.what}** {problem.remedy}"
    if models.available(context, key):
        return how
    if context.settings.offline:
        return f"**Not on this machine** ({entry.key}, {size}), and --offline is set."
    if entry.download > context.settings.most.download_mb * MB:
        return f"**Not on this machine** ({entry.key}, {size}), and more than is downloaded for visitors here."
    return f"Not on this machine yet; the first picture downloads {size} ({entry.licence}). {how}"
