"""The lab's own end: a visitor's runs, pictures, drawing and brought generator are removed, and the lab is empty."""

from typing import Any

import gradio as gr

from playground import erasure
from playground.context import Context
from playground.errors import BadInput
from playground.gan.lab import client
from tabs import _delete, _ui
from tabs._gan_lab_style import CSS

LABEL = "Delete this run and its pictures"
QUESTION = ("This ends the run and removes it with your earlier ones in the lab, your pictures and drawings, and a "
            "generator that you loaded. Links to the runs open nothing any more.")
FORGET_LINK = """() => { const here = new URL(location); here.searchParams.delete("lab");
                        history.replaceState(null, "", here); }"""
EMPTY = '<div class="lab-empty"><b>No run.</b> Start one with a button above, or with settings of your own.</div>'


def build() -> _delete.Delete:
    """Lays out the button and its question."""
    return _delete.build(LABEL, QUESTION, "lab", CSS)


def wire(context: Context, button: _delete.Delete, inputs: list[Any], emptied: list[tuple[Any, Any]]) -> None:
    """Deletes on the second click. `inputs` are token and job; `emptied` what shows them, with its empty value."""
    def delete(token: str, job_id: str, request: gr.Request) -> list[Any]:
        words = gone(erase(context, token, job_id), _ui.forget_uploads(request))
        return [button.answered(), words, *(value for _, value in emptied)]

    _ui.event(button.yes.click, delete, inputs, [button.sure, button.gone, *(part for part, _ in emptied)],
              show_progress="hidden", **_ui.DECODING).success(None, None, None, js=FORGET_LINK)


def erase(context: Context, token: str, job_id: str) -> erasure.Gone:
    """Removes what the visitor has in the lab. BadInput where the run on the page is somebody else's."""
    if job_id and not is_own(context, token, job_id):
        raise BadInput("This run was started in another browser, and only there it can be deleted.",
                       f"It goes by itself {context.settings.most.hours} hours after its last use.")
    return erasure.of_lab(context, token) if token else erasure.Gone()


def is_own(context: Context, token: str, job_id: Any) -> bool:
    """Whether a run is the visitor's; also one that is gone already."""
    try:
        job = client.get(context, job_id)
    except BadInput:
        return True
    return bool(token) and job.visitor == context.visitors.name(token)


def gone(done: erasure.Gone, uploads: int) -> str:
    """What was deleted, in words."""
    runs = sum(done.jobs.values())
    if not done.files and not runs and not uploads:
        return '<div class="lab-empty" role="status">There was nothing of yours in the lab.</div>'
    return (f'<div class="lab-empty" role="status"><b>Deleted.</b> {runs} {"run" if runs == 1 else "runs"} and '
            f"{done.files + uploads} files (pictures, drawings, networks) are gone from this machine.</div>")
