"""What pictures need of the Prompt evaluation form: steps, guidance, and reference pictures by name."""

from pathlib import Path
from typing import Any

import gradio as gr

from playground.diffusion import requests
from playground.errors import BadInput
from playground.evaluation import pictures, plan
from playground.evaluation.plan import Plan, Provider
from tabs import _consent, _evaluation_style, _ui
from tabs import _evaluation_pictures as shown

COLUMN, CHECK = "reference", "picture-similar"
FIELDS = 3


def of(asked: Plan) -> list[Any]:
    """Steps, guidance and references of a plan; 0 stands for the model's usual steps and guidance."""
    first = next((each for each in asked.providers if each.draws), Provider(""))
    return [first.steps, first.guidance or 0, dict(asked.pictures)]


def lay_out(filled: list[Any], hours: int) -> tuple[list[Any], dict[str, Any]]:
    """The form's components, and those that belong to them alone. `hours`: after which a run goes."""
    with gr.Accordion("Pictures: steps, guidance, reference pictures", open=False, elem_id="evaluation-pictures"):
        with gr.Row():
            steps = gr.Slider(0, requests.MAX_STEPS, filled[0], step=1, label="Steps of a picture", min_width=150,
                              info="0: the model's usual")
            guidance = gr.Slider(0, requests.MAX_GUIDANCE, filled[1], step=0.5, label="Guidance", min_width=150,
                                 info="0: the model's usual; 1: off")
        gr.Markdown("A **reference picture** is what the check *picture-similar* compares with. Added ones get the "
                    "column *reference*, a row each.",
                    elem_classes="explainer")
        known = gr.State(filled[2])
        seen = gr.HTML(shown.references(filled[2]), elem_id="evaluation-references", padding=False,
                       css_template=_evaluation_style.CSS)
        with gr.Row():
            add = gr.UploadButton("Add reference pictures", file_count="multiple", size="sm", min_width=160,
                                  file_types=["image", ".heic", ".heif", ".avif"])
            clear = gr.Button("Remove them", size="sm", min_width=110)
        _consent.line(_consent.until_deleted("64 x 64 pixels of each are kept, in the form and in its runs", hours))
    return [steps, guidance, known], {"seen": seen, "add": add, "clear": clear}


def wire(own: dict[str, Any], known: gr.State, table: gr.Dataframe, checks: list[Any]) -> None:
    """Adding and removing. `checks` are the form's rows of checks, three components each."""
    _ui.event(known.change, shown.references, [known], [own["seen"]], show_progress="hidden")
    _ui.event(own["add"].upload, added, [own["add"], known, table, *checks], [known, table, *checks],
              **_ui.DECODING)
    _ui.event(own["clear"].click, removed, [table], [known, table])


def added(paths: Any, known: dict[str, str], table: Any, *checks: Any) -> tuple:
    """Files of a visitor as references: their names in the column, and the check that uses them."""
    files = paths if isinstance(paths, list) else [paths]
    found = dict(known or {})
    if len(found) + len(files) > plan.MOST_PICTURES:
        raise BadInput(f"These would be {len(found) + len(files)} reference pictures.",
                       f"Give at most {plan.MOST_PICTURES}.")
    names = []
    for path in files:
        names.append(pictures.named(Path(str(path)).stem, found))
        found[names[-1]] = pictures.reference(_ui.taken(path))
    return found, with_names(table, names), *with_check(list(checks))


def removed(table: Any) -> tuple:
    """No references, and an empty column."""
    header = [str(name) for name in table.columns]
    rows = [["" if name == COLUMN else cell for name, cell in zip(header, row, strict=True)]
            for row in table.values.tolist()]
    return {}, {"headers": header, "data": rows}


def with_names(table: Any, names: list[str]) -> dict[str, Any]:
    """The table of cases with names of references in the rows that have none yet."""
    header = [str(name) for name in table.columns]
    rows = table.values.tolist()
    if COLUMN not in header:
        header, rows = [*header, COLUMN], [[*row, ""] for row in rows]
    place, left = header.index(COLUMN), list(names)
    for row in rows:
        if left and not str(row[place] or "").strip():
            row[place] = left.pop(0)
    return {"headers": header, "data": rows}


def with_check(checks: list[Any]) -> list[Any]:
    """The rows of checks with one that compares with the column, in the first free row."""
    kinds = checks[::3]
    if CHECK in kinds or "" not in kinds:
        return checks
    place = 3 * kinds.index("")
    return [*checks[:place], CHECK, "{{" + COLUMN + "}}", "", *checks[place + 3:]]
