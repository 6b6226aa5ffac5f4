"""The form of the Prompt evaluation tab: from its values to a plan and back."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from playground import checks
from playground.errors import BadInput
from playground.evaluation import cases, kinds, pictures, plan, providers, render, scores
from playground.evaluation.library import Check, Example
from playground.evaluation.plan import Assertion, Case, Plan, Prompt, Provider
from playground.evaluation.results import letters
from playground.settings import OFF
from tabs import _evaluation_references as references

PROMPTS, CHECKS = 3, 3
LONGEST_KIND = 60  # characters
NO_CHECK = ""
PARTING = " | "  # between stop strings
SETTINGS = 7
FIELDS = PROMPTS + 1 + 3 * CHECKS + SETTINGS + references.FIELDS


@dataclass(frozen=True)
class Form:
    """The values of the form, in the order of its components."""

    prompts: tuple[str, ...]
    header: list[str]
    rows: list[list[Any]]
    checks: tuple[Check, ...]
    models: tuple[str, ...]
    temperature: float
    max_tokens: int
    stop: str
    repeats: int
    seed: int
    judge: str
    steps: int
    guidance: float
    pictures: dict[str, str]

    @classmethod
    def of(cls, values: list[Any]) -> "Form":
        """From the components' values. BadInput for a check that is not complete."""
        prompts, table, rest = values[:PROMPTS], values[PROMPTS], values[PROMPTS + 1:]
        chosen = [rest[start:start + 3] for start in range(0, 3 * CHECKS, 3)]
        models, temperature, tokens, stop, repeats, seed, judge, *drawing = rest[3 * CHECKS:]
        return cls(tuple(prompts), [str(name) for name in table.columns], table.values.tolist(),
                   tuple(check(*each) for each in chosen if each[0]),
                   tuple(models or ()), temperature, tokens, stop or "", repeats, seed, judge or "",
                   *drawing[:2], drawing[2] or {})

    def plan(self, description: str = "") -> Plan:
        """As a plan. BadInput says what is missing."""
        found, issues = cases.read_table(self.header, self.rows)
        if issues:
            raise BadInput(str(issues[0].words).capitalize(), "Rename or remove it.")
        assertions = tuple(self.with_judge(each.assertion()) for each in self.checks)
        return pictures.gathered(Plan(
            tuple(Prompt(text) for text in self.prompts if text and text.strip()),
            tuple(providers.find(each, "", self.settings(each)) for each in self.models),
            tuple(Case(case.variables, (*assertions, *case.assertions), case.description, case.threshold)
                  for case in found),
            checks.whole(self.repeats, "The number of repeats", 1, plan.MOST_REPEATS), self.seed, description,
            pictures=pictures.checked(self.pictures)))

    def settings(self, model: str) -> dict[str, Any]:
        """What a model is told of the form: how to write, or how to draw."""
        stops = tuple(each.replace("\\n", "\n") for each in self.stop.split(PARTING) if each)
        told = {"temperature": self.temperature, "max_tokens": self.max_tokens, "stop": stops,
                "steps": self.steps or 0, "guidance": self.guidance or None}
        return {name: value for name, value in told.items() if name not in providers.useless(model, told)}

    def with_judge(self, assertion: Assertion) -> Assertion:
        """An assertion with the judge's prompt as it stands in the form."""
        own = assertion.kind == "llm-rubric" and self.judge.strip() and self.judge.strip() != scores.JUDGE.strip()
        return replace(assertion, prompt=self.judge) if own else assertion


def values_of(example: Example) -> list[Any]:
    """The form's values of an example."""
    return values(example.plan())[0]


def values(asked: Plan) -> tuple[list[Any], list[str]]:
    """The form's values of a plan, and what of it has no place in the form."""
    notes = []
    if len(asked.prompts) > PROMPTS:
        notes.append(f"The form shows the first {PROMPTS} of {len(asked.prompts)} prompts.")
    shared = shared_checks(asked)
    try:
        header, rows = cases.table(asked.cases, shared)
    except BadInput as problem:
        notes.append(f"{problem.what} {problem.remedy}")
        header, rows = cases.table([Case(case.variables, (), case.description) for case in asked.cases])
    first = next((each for each in asked.providers if not each.draws), Provider(""))
    if len({same_settings(each) for each in asked.providers}) > len({each.draws for each in asked.providers}):
        notes.append("The models have different settings; the form shows those of the first.")
    offered = {identity for _, identity in providers.choices()}
    if any(each.id not in offered for each in asked.providers):
        notes.append("An endpoint is not part of the form: give its address, model and key again.")
    prompts = [each.text for each in asked.prompts[:PROMPTS]]
    chosen = [part for each in shared for part in (each.type, shown_value(each), shown_threshold(each))]
    stop = PARTING.join(each.replace("\n", "\\n") for each in first.stop)
    known = [each.id for each in asked.providers if each.id in offered]
    return [*prompts, *[""] * (PROMPTS - len(prompts)), {"headers": header, "data": rows},
            *chosen, *[NO_CHECK, "", ""] * (CHECKS - len(shared)), known,
            first.temperature, first.max_tokens, stop, asked.repeats, asked.seed,
            next((each.prompt for each in shared if each.prompt), scores.JUDGE), *references.of(asked)], notes


def check(kind: Any, value: str | None, threshold: str | None) -> Check:
    """A check of its three fields. BadInput for what is not one kind, or no number."""
    return Check(checks.text(kind, "The kind of a check", LONGEST_KIND), value or "",
                 kinds.number((threshold or "").strip()))


def shared_checks(asked: Plan) -> list[Assertion]:
    """The assertions that all cases have and that fit into the form's rows, at most CHECKS."""
    candidates = [each for each in asked.cases[0].assertions
                  if all(each in case.assertions for case in asked.cases) and is_plain(each)]
    return candidates[:CHECKS]


def is_plain(each: Assertion) -> bool:
    """Whether an assertion has nothing but type, value and threshold, in a form that can be typed."""
    typed = isinstance(each.value, str | int | list | type(None)) or (
        isinstance(each.value, dict) and set(each.value) == {"min", "max"})
    return typed and each.weight == 1 and not (each.metric or each.parts)


def shown_value(each: Assertion) -> str:
    """The value of an assertion as it is typed."""
    if isinstance(each.value, dict):
        return f"{each.value['min']}-{each.value['max']}"
    if isinstance(each.value, list):
        return ", ".join(map(str, each.value))
    return "" if each.value is None else str(each.value)


def shown_threshold(each: Assertion) -> str:
    """The threshold of an assertion as it is typed; empty for the usual one."""
    return "" if each.threshold is None else f"{each.threshold:g}"


def same_settings(provider: Provider) -> tuple:
    """What all models of a form that write, or all that draw, share."""
    if provider.draws:
        return provider.steps, provider.guidance
    return provider.temperature, provider.top_k, provider.top_p, provider.max_tokens, provider.stop


def with_columns(table: Any, prompts: list[str]) -> Any:
    """The table of cases with a column for each variable that a prompt names; gr.skip() where it has them all."""
    wanted: list[str] = []
    for prompt in prompts:
        try:
            wanted += sorted(render.variables(prompt or ""))
        except BadInput:
            return gr.skip()  # half typed; the run says what is wrong with it
    header = [str(name) for name in table.columns]
    missing = [name for name in dict.fromkeys(wanted) if name not in header]
    if not missing:
        return gr.skip()
    rows = [[*row, *[""] * len(missing)] for row in table.values.tolist()] or [[""] * (len(header) + len(missing))]
    return {"headers": [*header, *missing], "data": rows}


def lay_out(example: Example, hours: int) -> list[Any]:
    """The components, filled with an example, in the order of Form. `hours`: after which a run goes."""
    filled = values_of(example)
    with gr.Row(equal_height=True):
        prompts = [gr.Textbox(filled[number], label=f"Prompt {letters(number)}", lines=7, max_lines=16, min_width=240,
                              placeholder="Another wording; empty: not used" if number else "",
                              elem_id=f"prompt-{letters(number).lower()}") for number in range(PROMPTS)]
    table = gr.Dataframe(
        filled[PROMPTS], label="Test cases: a column a {{variable}}, a row a case; __expected holds a check of the row",
        type="pandas", interactive=True, wrap=True, max_height=300, elem_id="cases-table", column_count=2)
    gr.Markdown("**Checks** of every output: which, against what value ({{variables}} are filled in), and with what "
                "threshold, where it has one.", elem_classes="explainer")
    checked = [part for number in range(CHECKS) for part in check_row(number, filled[PROMPTS + 1 + 3 * number:])]
    start = PROMPTS + 1 + 3 * CHECKS
    written = settings(filled[start:start + SETTINGS])
    drawn, own = references.lay_out(filled[start + SETTINGS:], hours)
    references.wire(own, drawn[-1], table, checked)
    return [*prompts, table, *checked, *written, *drawn]


def check_row(number: int, filled: list[Any]) -> list[Any]:
    """One check for all cases: what, against what, how much of it."""
    choices = [("no check" if number else "no check: every output passes", NO_CHECK)]
    for name, kind in kinds.KINDS.items():
        choices += [(f"{name}: {kind.words}", name), (f"not-{name}: the opposite", f"not-{name}")]
    slim = {"container": False, "show_label": False}  # the line above says what they are; labels are for readers
    with gr.Row():
        return [gr.Dropdown(choices, value=filled[0], label=f"Check {number + 1}", min_width=200, scale=4, **slim),
                gr.Textbox(filled[1], label=f"Value of check {number + 1}", placeholder="value", min_width=140,
                           scale=4, max_lines=4, **slim),
                gr.Textbox(filled[2], label=f"Threshold of check {number + 1}", placeholder="usual", min_width=80,
                           scale=1, **slim)]


def endpoint_box(reach: str) -> list[gr.Textbox]:
    """Address, model and key of an endpoint: invisible, and refused, unless the operator allows endpoints."""
    with gr.Accordion("A model behind an OpenAI-compatible endpoint", open=False, visible=reach != OFF), gr.Row():
        return [gr.Textbox(label="Address, such as https://host/v1", min_width=200),
                gr.Textbox(label="Model", min_width=120),
                gr.Textbox(label="Key: used for this run, never kept", type="password", min_width=160)]


def with_endpoint(asked: Plan, url: str, name: str, reach: str) -> Plan:
    """The plan with a model at an endpoint as well, if one is named. BadInput where that is not allowed."""
    if not (url or "").strip():
        return asked
    first = next((each for each in asked.providers if not each.draws), Provider(""))
    outside = providers.find(f"openai:{(name or '').strip()}", "", {
        "base_url": url.strip(), "temperature": first.temperature, "max_tokens": first.max_tokens, "stop": first.stop},
        reach=reach)
    return replace(asked, providers=(*asked.providers, outside))


def settings(filled: list[Any]) -> list[Any]:
    """Models and how they write."""
    with gr.Row():
        models = gr.Dropdown(providers.choices(), value=filled[0], multiselect=True, label="Models", min_width=240,
                             scale=2)
        temperature = gr.Slider(0, 2, filled[1], step=0.05, label="Temperature", min_width=150,
                                info="0: the likeliest token, always")
        tokens = gr.Slider(1, 200, filled[2], step=1, label="Tokens at most", min_width=150)
    with gr.Row():
        stop = gr.Textbox(filled[3], label="Stop at", min_width=120, info="\\n is a line break; part several by ' | '")
        repeats = gr.Slider(1, plan.MOST_REPEATS, filled[4], step=1, label="Repeats of each cell", min_width=150,
                            info="each with its own seed, the same for all prompts")
        seed = gr.Number(filled[5], label="First seed", precision=0, minimum=0, min_width=100)
    with gr.Accordion("The judge's prompt, for the check llm-rubric", open=False):
        judge = gr.Textbox(filled[6], label="Its answer is read as P(yes) against P(no) of the next token", lines=8,
                           max_lines=20, info="{{rubric}} is the check's value, {{output}} the answer; the case's "
                           "variables are known too.", elem_id="judge-prompt")
    return [models, temperature, tokens, stop, repeats, seed, judge]
