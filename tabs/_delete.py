"""A button that deletes, and asks once more before it does."""

from dataclasses import dataclass

import gradio as gr

from tabs import _ui


@dataclass(frozen=True)
class Delete:
    """The button, the question that it opens with its two answers, and the place where is said what was deleted."""

    ask: gr.Button
    sure: gr.Column
    yes: gr.Button
    no: gr.Button
    gone: gr.HTML

    def answered(self) -> gr.Column:
        """The update of `sure` that closes it."""
        return gr.Column(visible=False)


def build(label: str, question: str, name: str, css: str) -> Delete:
    """Lays out button and question; wires all but what "Yes, delete" does. `name` begins the ids of the parts."""
    with gr.Row():
        ask = gr.Button(label, variant="stop", scale=0, min_width=290, elem_id=f"{name}-delete")
    with gr.Column(visible=False, variant="panel", elem_id=f"{name}-sure") as sure:
        gr.Markdown(question)
        with gr.Row():
            yes = gr.Button("Yes, delete", variant="stop", size="sm", min_width=120)
            no = gr.Button("No, keep it", size="sm", min_width=120)
    gone = gr.HTML(css_template=css, elem_id=f"{name}-gone", padding=False)
    made = Delete(ask, sure, yes, no, gone)
    _ui.event(ask.click, lambda: (gr.Column(visible=True), ""), [], [sure, gone], show_progress="hidden")
    _ui.event(no.click, made.answered, [], [sure], show_progress="hidden")
    return made
