"""What scripts call of Personal LoRA: start_training, training_status, and the others of its table in the README."""

from typing import Any

import gradio as gr

from playground import erasure, marks
from playground.context import Context
from playground.diffusion import models
from playground.errors import BadInput
from playground.job_table import Job
from playground.lora import drawing, photos, plan
from playground.lora import job as training
from tabs import _lora_watch, _sessions, _ui
from tabs._lora_photos import taken

EVERYTHING = "everything"  # in place of a job's id: all that this script's session has here


def build(context: Context) -> None:
    """The endpoints."""
    start = [gr.File(file_count="multiple", visible=False, label="files"), text("trigger"), number("steps", 300),
             number("rank", 16), number("learning_rate", 1e-3), number("sample_every", 50),
             text("model", models.POCKET), gr.Checkbox(True, visible=False, label="consent")]
    _ui.endpoint(starter(context), start, [text("job id")], "start_training", **_ui.COMPUTE)
    _ui.endpoint(lambda job_id: status(_lora_watch.get(context, job_id)), [text("job id")], [json_out()],
                 "training_status")
    for name in ("cancel", "resume"):
        _ui.endpoint(asker(context, name), [text("job id")], [json_out()], f"{name}_training")

    def delete(job_id: str, request: gr.Request) -> dict:
        if job_id == EVERYTHING:
            gone = erasure.everything(context, _ui.script_token(request))
            _sessions.forget(request)
            return {"job": job_id, "deleted": True, "files": gone.files, "jobs": dict(gone.jobs)}
        job = _lora_watch.get(context, job_id)
        return {"job": job_id, "deleted": True, "files": erasure.remove(context, job)}

    _ui.endpoint(delete, [text("job id")], [json_out()], "delete_my_data")
    image = gr.Image(format="png", visible=False, label="image")
    _ui.endpoint(generator(context, image), [text("job id"), text("prompt", "a photo of a face, [trigger]"),
                                      number("seed", 42), number("strength", 1.0)],
                 [image], "generate_personal", **_ui.PICTURES)


def starter(context: Context) -> Any:
    """files, trigger, numbers, model -> job id."""
    def start(files: list[str] | None, trigger: str, steps: Any, rank: Any, learning_rate: Any, sample_every: Any,
              model: str, consent: bool, request: gr.Request) -> str:
        sent = [taken(path) for path in files or []]
        training.check_open(context)
        new, refused = photos.read_files(sent)
        if not consent:
            raise BadInput("Nothing starts without consent.", "Send pictures of yourself, or with permission.")
        if refused:
            raise BadInput(f"{refused[0].name}: {refused[0].reason}", "Leave it out, or send another.")
        base = plan.as_dict(plan.preset("balanced", model, trigger))
        wanted = plan.check({**base, "steps": steps, "rank": rank, "alpha": rank, "learning_rate": learning_rate,
                             "sample_every": sample_every})
        square = [photos.crop(each.picture, photos.middle_square(each.picture)) for each in new]
        captions = [plan.caption(wanted.subject, wanted.model == models.POCKET)] * len(new)
        return training.submit(context, wanted, square, captions, _ui.script_token(request)).id
    return start


def asker(context: Context, words: str) -> Any:
    """job id -> status, after asking."""
    def ask(job_id: str) -> dict:
        _lora_watch.get(context, job_id)
        return status(getattr(context.jobs, words)(job_id))
    return ask


def status(job: Job) -> dict:
    """state, step, steps, loss, eta_seconds, samples (the steps at which they were drawn), adapter (newest step).

    BadInput for a training without settings.
    """
    now, wanted = job.progress, plan.check(job.spec.get("plan"))
    made = drawing.checkpoints(job)
    return {"job": job.id, "state": job.state, "step": now.get("step", 0), "steps": wanted.steps,
            "loss": now.get("loss"), "eta_seconds": now.get("eta_seconds"), "samples": now.get("samples", []),
            "adapter": f"private/{job.id}/adapter-{max(made)}.safetensors" if made else None,
            "best": now.get("best"), "scores": now.get("scores", []), "place": job.place, "error": job.error}


def generator(context: Context, image: gr.Image) -> Any:
    """job id, prompt, seed, strength -> marked picture file, with the best checkpoint."""
    def generate(job_id: str, prompt: str, seed: Any, strength: Any) -> str:
        path = drawing.adapter(_lora_watch.get(context, job_id))
        asked = drawing.request(path, prompt, seed)
        *_, last = drawing.pairs(context, path, asked, strength)
        return _ui.marked([last.told], [drawing.mark(asked, marks.wanted(context.settings))], image)[0]
    return generate


def text(label: str, value: str = "") -> gr.Textbox:
    """An argument or a result that is text."""
    return gr.Textbox(value, label=label, visible=False)


def number(label: str, value: float) -> gr.Number:
    """An argument that is a number."""
    return gr.Number(value, label=label, visible=False)


def json_out() -> gr.JSON:
    """A result in JSON types."""
    return gr.JSON(visible=False, label="status")
