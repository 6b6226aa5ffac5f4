"""Personal LoRA: photos in, a training to watch, an adapter out. The sections are in tabs/_lora_*.py."""

from typing import Any

import gradio as gr

from playground.context import Context
from playground.lora import draft
from tabs import _lora_after, _lora_api, _lora_html, _lora_photos, _lora_plan, _lora_watch, _ui
from tabs._lora_style import CSS
from tabs._shell import Shell, Tab

SUMMARY = ("Show a diffusion model a few pictures of a person, a thing or a style, and watch it learn them. What it "
           "learns is a small adapter (LoRA) that you can take home.")

HOW = """
**LoRA.** The weights of the model stay as they are. Beside each attention matrix W two thin matrices A and B are
trained, and W + (alpha / rank) · B A is used in its place. B starts at zero, so step 0 is the untouched model. Rank 16
means that only a fraction of a percent to a few percent of the numbers are trained; the file is small.

**Trigger word.** Captions join what is in your pictures with a word that means nothing yet. Afterwards the word calls
it. Everything else in a caption is what the model already knows and need not learn.

**Each step** takes a few of your pictures as latents, adds noise of a random level, and asks the network for that noise
(or the velocity, as the model was made). The loss is the mean square error of the answer. It jumps about, because each
step draws other levels; judge by the samples.

**The grid** draws the same prompts from the same noise at every stage, so that columns differ only by what was learnt.
The control prompt has no trigger word: if it begins to look like your pictures, the adapter *leaks*.

**Likeness** is the share of the way, in a fixed feature space (outlines and colours), that the samples have come from
what the untouched model drew straight towards your pictures: 0 at the start, 1 at your pictures. It compares
checkpoints of one training and is no measure of identity. **Copy risk** is the largest correlation of a sample with
one of your pictures: near 1 the adapter repeats a picture instead of drawing a new one. The best checkpoint has the
most likeness with the least of both; it need not be the last.

**Prior preservation** adds pictures that the untouched model drew for the control prompt to every batch, so that it
keeps what it knew.

**Your data.** Photos are stored as plain pixels in a folder that only the secret link of your browser opens, are used
for this training alone, and expire {kept} hours after their last use. *Delete my data* removes them at once, with all
else that you have on this page.

Sources: [Hu et al. 2021](https://arxiv.org/abs/2106.09685) (LoRA), [Ruiz et al. 2022](https://arxiv.org/abs/2208.12242)
(DreamBooth: trigger word, prior preservation), [peft](https://github.com/huggingface/peft),
[ai-toolkit](https://github.com/ostris/ai-toolkit) (the recipe's format).
"""


def build(context: Context, shell: Shell) -> None:
    """Lays out the sections, opens links, adds the endpoints."""
    if not context.settings.most.training:
        gr.HTML(_lora_html.closed(context.settings.who), css_template=CSS)
    photos = _lora_photos.build(shell, context.settings.most.hours)
    controls = _lora_plan.build(context, shell, photos)
    resolution = controls.fields["resolution"]
    _lora_photos.wire(context, photos, resolution, controls.model)
    watch = _lora_watch.build(context, shell, photos, controls)
    _lora_after.build(context, photos, watch)
    shell.on_open(opened(context), [photos.token, photos.subject, resolution],
                  [*photos.shown(), *watch.started()], **_lora_photos.LOOKS)
    _ui.fold("How it works, and where it comes from", HOW.replace("{kept}", str(context.settings.most.hours)))
    _lora_api.build(context)


def opened(context: Context) -> Any:
    """The first look: the photos of the last visit, and the training that a link names, or the visitor's newest."""
    def open_tab(query: dict[str, str], token: str, subject: str, size: Any) -> tuple:
        kept = token and draft.items(context, token)
        shown = _lora_photos.show(context, token, subject, size) if kept else (gr.skip(),) * 3
        job_id = query.get("job") or newest(context, token)
        if not job_id:
            return (*shown, *(gr.skip(),) * 9)
        return (*shown, *_lora_watch.open_job(context, job_id))
    return open_tab


def newest(context: Context, token: str) -> str:
    """The id of a visitor's newest training, or ''."""
    if not token:
        return ""
    mine = context.jobs.table.of_visitor(context.visitors.name(token))
    return next((job.id for job in mine if job.kind == _lora_watch.training.KIND), "")


TAB = Tab("Personal LoRA", 30, SUMMARY, build)
