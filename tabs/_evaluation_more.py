"""The sections below the matrix: checks against thumbs, two answers in both orders, run against run, YAML, export."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.errors import BadInput
from playground.evaluation import cases, exports, judging, promptfoo, results, statistics
from playground.evaluation.plan import Case
from playground.evaluation.results import Run
from tabs import _evaluation_html as pages
from tabs import _ui
from tabs._evaluation_desk import Desk
from tabs._evaluation_form import Form, values

DOWNLOAD = """(name, text) => {
    if (!name) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}"""
TASK = 600  # characters of a prompt that the pair judge reads
LOOKS = _ui.looks("evaluation")  # a run may have ten thousand outputs
EXPORTS = {"CSV": exports.to_csv, "JSON": exports.to_json, "YAML": lambda run: exports.to_yaml(run.plan)}


@dataclass(frozen=True)
class Parts:
    """What the sections need of the tab."""

    run: gr.State
    form: list[Any]
    notes: gr.HTML
    start: gr.Button


def build(desk: Desk, parts: Parts) -> tuple[gr.Code, gr.Button]:
    """All sections; returns the YAML and the button that runs it."""
    _agreement(desk, parts)
    _pairs(desk, parts)
    other = _against(desk, parts)
    code, run = _yaml(desk, parts)
    _export(desk, parts)
    for button in (parts.start, run):  # the run before the next one is what that one is compared with
        _ui.event(button.click, lambda before: before, [parts.run], [other], show_progress="hidden")
    return code, run


def _agreement(desk: Desk, parts: Parts) -> None:
    """The visitor's thumbs against the checks."""
    with gr.Accordion("Do the checks agree with you?", open=False) as fold:
        gr.Markdown("Open outputs in the matrix and give thumbs, at least ten; a check list that you answered counts "
                    "as one. Then see how often the checks say the same, and which threshold would fit you best.",
                    elem_classes="explainer")
        compute = gr.Button("Compare checks with what I said", size="sm")
        shown = gr.HTML(elem_id="agreement")

    def agree(run_id: str) -> str:
        return agreement_html(desk.kept(run_id).run())

    _ui.event(compute.click, agree, [parts.run], [shown], **LOOKS)
    _ui.event(fold.expand, lambda run_id: agree(run_id) if run_id else "", [parts.run], [shown], **LOOKS)


def agreement_html(run: Run) -> str:
    """The two by two table, kappa in words, and the threshold that fits best."""
    table, value = run.agreement()
    count = sum(map(sum, table))
    if not count:
        return pages.note("Nothing to compare yet: click an output, then Good or Bad, or answer its check list. "
                          "Outputs that no check could measure do not count.")
    agreed = table[0][0] + table[1][1]
    shown = "–" if value is None else f"{value:.2f}"
    rows = "".join(f"<tr><th>{name}</th><td>{line[0]}</td><td>{line[1]}</td></tr>"
                   for name, line in zip(("Good", "Bad"), table, strict=True))
    few = "" if count >= 10 else " Too few to rely on: give some more."
    fits = "".join(f" With a threshold of {best[0]:.2f} on {words}, it would agree with {100 * best[1]:.0f} % of them."
                   for kind, words in results.GRADED.items() if (best := results.best_threshold(run.judged(kind))))
    return (f'<table class="table"><thead><tr><th></th><th>checks pass</th><th>checks fail</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
            f'<p class="note">Agreement {agreed} of {count}; Cohen\'s kappa <b>{shown}</b>: '
            f"{pages.escape(statistics.kappa_words(value))}.{few}{fits}</p>")


def _pairs(desk: Desk, parts: Parts) -> None:
    """A judge that sees two answers, in both orders."""
    with gr.Accordion("Let a judge choose between two prompts, in both orders", open=False):
        gr.Markdown("Judges favour an answer for its place. So each pair is asked twice, A first and B first; only an "
                    "answer that wins in both places wins. Nothing is generated: the judge's next token is read, yes "
                    "against no.", elem_classes="explainer")
        with gr.Row():
            first = gr.Textbox("A", label="Prompt", max_length=2, min_width=80)
            second = gr.Textbox("B", label="against prompt", max_length=2, min_width=80)
            ask = gr.Button("Ask the judge", min_width=120)
        prompt = gr.Textbox(judging.PAIR, label="The judge's prompt: {{task}}, {{first}} and {{second}} are filled in",
                            lines=6, max_lines=14)
        shown = gr.HTML(elem_id="pairs")

    def judge(run_id: str, a: str, b: str, text: str) -> str:
        run = desk.kept(run_id).run()
        pairs = pairs_of(run, number_of(run, a), number_of(run, b))
        found = judging.swapped(desk.context, [(task, x, y) for _, task, x, y in pairs], run.plan.judge, text)
        return pairs_html(a.upper(), b.upper(), [name for name, *_ in pairs], found)

    _ui.event(ask.click, judge, [parts.run, first, second, prompt], [shown], **_ui.COMPUTE)


def number_of(run: Run, letter: str) -> int:
    """The number of a prompt by its letter. BadInput for one that the run does not have."""
    names = [results.letters(number) for number in range(len(run.plan.prompts))]
    if str(letter).strip().upper() not in names:
        raise BadInput(f"There is no prompt {letter!r:.10} in this run.", f"It has {', '.join(names)}.")
    return names.index(letter.strip().upper())


def pairs_of(run: Run, a: int, b: int) -> list[tuple[str, str, str, str]]:
    """(case, task, answer A, answer B) of the first repeat and model. BadInput where there is nothing to compare."""
    found = []
    for number, case in enumerate(run.plan.cases):
        one, two = run.of(a, 0, number)[0], run.of(b, 0, number)[0]
        if one.output and two.output and one.output.text.strip() != two.output.text.strip():
            found.append((case.name(number), two.prompt[-TASK:], one.output.text.strip(), two.output.text.strip()))
    if not found:
        raise BadInput("The two prompts gave the same answers in every case.", "Choose two that differ.")
    return found[:100]


def pairs_html(a: str, b: str, names: Sequence[str], found: Sequence[judging.Preference]) -> str:
    """Each case's preference in both orders, and the count in words."""
    rows = "".join(
        f"<tr><td>{pages.escape(name)}</td><td>{each.ab:.2f}</td><td>{1 - each.ba:.2f}</td>"
        f"<td>{pages.escape({'A': a, 'B': b}.get(each.winner, 'it depends on the order'))}</td></tr>"
        for name, each in zip(names, found, strict=True))
    wins = [sum(each.winner == letter for each in found) for letter in "AB"]
    consistent = sum(each.consistent for each in found)
    first = sum(each.ab >= 0.5 for each in found) + sum(each.ba >= 0.5 for each in found)
    result = statistics.Paired(*wins, len(found) - sum(wins), statistics.sign_test(*wins),
                               statistics.cases_needed(*wins, len(found)))
    return (f'<div class="scroll"><table class="table"><thead><tr><th>Case</th><th>for {pages.escape(a)}, first</th>'
            f"<th>for {pages.escape(a)}, second</th><th>wins</th></tr></thead><tbody>{rows}</tbody></table></div>"
            f'<p class="note">The judge is consistent in <b>{consistent} of {len(found)}</b> cases, and says that the '
            f"first answer is better in {first} of {2 * len(found)} questions (an even-handed judge: half).</p>"
            f'<p class="verdict">{pages.escape(statistics.verdict(result, f"Prompt {a}", f"Prompt {b}"))}</p>')


def _against(desk: Desk, parts: Parts) -> gr.Textbox:
    """This run against another one; returns the field of the other."""
    with gr.Accordion("Compare with another run", open=False):
        gr.Markdown("The same cases in two runs are paired: change one thing, run again, and see whether it helped.",
                    elem_classes="explainer")
        with gr.Row():
            other = gr.Textbox(label="Link or id of the other run: the one before, unless you name another", scale=3,
                               min_width=200)
            go = gr.Button("Compare", min_width=100)
        shown = gr.HTML(elem_id="against")

    def compare(run_id: str, text: str) -> str:
        if not (text or "").strip():
            raise BadInput("There is no other run.", "Paste the link of one, or run something else first.")
        this, that = desk.kept(run_id).run(), desk.kept(text.strip().rpartition("run=")[2]).run()
        return against_html(this, that)

    _ui.event(go.click, compare, [parts.run, other], [shown], **LOOKS)
    return other


def against_html(this: Run, that: Run) -> str:
    """Every column of this run against the column of the other that stands at its place."""
    lines = []
    for column in this.columns():
        if column not in set(that.columns()):
            continue
        result = results.compared(this, column, that, column)
        if result.wins + result.losses + result.ties == 0:
            raise BadInput("The two runs have no case in common that both have scored.", "Compare runs of one table.")
        name = this.column_name(*column)
        lines.append(f'<p class="verdict {"settled" if result.settled else ""}">'
                     + pages.escape(statistics.verdict(result, f"{name} of this run", f"{name} of the other")) + "</p>")
    return "".join(lines)


def _yaml(desk: Desk, parts: Parts) -> tuple[gr.Code, gr.Button]:
    """The plan as YAML and CSV, in and out of the form."""
    with gr.Accordion("The same as YAML (promptfoo's format), or cases from CSV", open=False) as fold:
        code = gr.Code(label="YAML: prompts, providers, defaultTest, tests", language="yaml", lines=12, max_lines=24,
                       elem_id="evaluation-yaml")
        with gr.Row():
            write, read, run = (gr.Button(name, size="sm", min_width=120) for name in (
                "Write the form as YAML", "Load this YAML into the form", "Run this YAML"))
        table = gr.Textbox(label="Cases as CSV: names of variables in the first line; __expected holds a check",
                           lines=4, max_lines=10)
        load = gr.Button("Load this CSV into the form", size="sm")

    def written(*filled: Any) -> str:
        return exports.to_yaml(Form.of(list(filled)).plan())

    def loaded(text: str) -> tuple:
        plan, issues = promptfoo.read(text, desk.context.settings.reach)
        filled, notes = values(plan)
        listed = "".join(pages.note(str(each)) for each in [*issues, *notes])
        return (*filled, listed or pages.note("All of it is in the form."))

    def csv_loaded(text: str) -> tuple:
        found, issues = cases.read_csv(text)
        header, rows = cases.table([Case(case.variables, case.assertions, case.description) for case in found])
        return {"headers": header, "data": rows}, "".join(pages.note(str(each)) for each in issues)

    def opened(text: str, *filled: Any) -> Any:
        return gr.skip() if str(text or "").strip() else written(*filled)

    _ui.event(fold.expand, opened, [code, *parts.form], [code], **LOOKS)
    _ui.event(write.click, written, parts.form, [code], **LOOKS)
    _ui.event(read.click, loaded, [code], [*parts.form, parts.notes], **_ui.DECODING)
    _ui.event(load.click, csv_loaded, [table], [parts.form[3], parts.notes], **LOOKS)
    return code, run


def _export(desk: Desk, parts: Parts) -> None:
    """Files made in the browser, so that no copy lies on the server."""
    with gr.Accordion("Export", open=False):
        gr.Markdown("The chart's camera saves it as a picture.", elem_classes="explainer")
        with gr.Row():
            buttons = {name: gr.Button(f"Download {name}", size="sm", min_width=110) for name in EXPORTS}
        name, text = gr.Textbox(visible=False), gr.Textbox(visible=False)

    for kind, button in buttons.items():
        def made(run_id: str, kind: str = kind) -> tuple[str, str]:
            return f"evaluation.{kind.lower()}", EXPORTS[kind](desk.kept(run_id).run())

        written = _ui.event(button.click, made, [parts.run], [name, text], **_ui.DECODING)
        written.success(None, [name, text], None, js=DOWNLOAD)

