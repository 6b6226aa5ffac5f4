"""A cell's whole story: the prompt as sent, what came, where it parts from another output, each check's evidence."""

from collections.abc import Sequence

from playground.evaluation import results
from playground.evaluation.outputs import Output
from playground.evaluation.results import Result, Run
from tabs import _evaluation_pictures as pictures
from tabs._evaluation_html import note
from tabs._evaluation_pictures import escape

FINISHES = {"end": "the model ended", "stop": "a stop string", "length": "the token limit", "error": "an error"}


def story(run: Run, result: Result) -> str:
    """What was sent, what came, each assertion's evidence, tokens and seconds."""
    name = run.plan.providers[result.cell.provider].name
    case = run.plan.cases[result.cell.case].name(result.cell.case)
    title = (f"Prompt {results.letters(result.cell.prompt)}, {case}, {name}, "
             f"repeat {result.cell.repeat + 1}, seed {result.seed}")
    body = note("No output yet.") if result.output is None else (
        drawn(run, result, result.output) if result.output.picture else written(run, result, result.output))
    return (f'<div class="story"><p class="note"><b>{escape(title)}</b></p><h4>Prompt as sent</h4>'
            f"<pre>{escape(result.prompt)}</pre>{body}</div>")


def drawn(run: Run, result: Result, output: Output) -> str:
    """A picture, the references beside it, the visitor's check list, and what the checks say."""
    return (f'<h4>Output</h4><div class="side-by-side">{pictures.drawn(run, result)}'
            f"<div>{pictures.checklist(result)}</div></div>"
            f'<p class="note">{output.prompt_tokens} tokens of the prompt read, drawn in {output.seconds:.1f} s'
            f"{cut(output)}</p>{evidence(result)}")


def written(run: Run, result: Result, output: Output) -> str:
    """A text, marked from where it parts from another one."""
    other, common = parting(run, result)
    rest = escape(output.text[common:])
    shown = escape(output.text[:common]) + (f"<mark>{rest}</mark>" if other else rest)
    parts = f"<h4>Marked: where it parts from {escape(other_name(run, result, other))}</h4>" if other else ""
    error = f'<p class="bad">{escape(output.error)}</p>' if output.error else ""
    return (f"<h4>Output</h4><pre>{shown or '(nothing)'}</pre>{error}{parts}{pictures.checklist(result)}"
            f'<p class="note">{output.prompt_tokens} tokens read, {output.tokens} written in {output.seconds:.2f} s '
            f"of its batch; ended by {FINISHES[output.finish]}{cut(output)}</p>{evidence(result)}")


def cut(output: Output) -> str:
    """What of the prompt the model did not read."""
    return f" · {output.cut} tokens of the prompt did not fit" if output.cut else ""


def evidence(result: Result) -> str:
    """The table of assertions of a cell."""
    if not result.score:
        return note("Not scored yet.")
    if not result.score["verdicts"]:
        return note("No assertions: every output passes.")
    rows = "".join(evidence_row(each) for each in flat(result.score["verdicts"]))
    head = "".join(f"<th>{title}</th>" for title in ("", "Check", "Wanted", "Evidence", "Score"))
    return (f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")


def flat(verdicts_: Sequence[dict], indent: str = "") -> list[dict]:
    """Verdicts with those of sets below them."""
    found = []
    for each in verdicts_:
        found.append({**each, "type": indent + each["type"]})
        if not pictures.by_hand([each]):  # the items of a check list stand above, with their buttons
            found += flat(each["parts"], indent + "– ")
    return found


def evidence_row(each: dict) -> str:
    """One assertion."""
    state, words = {True: ("good", "pass"), False: ("bad", "fail"), None: ("open", "open")}[each["passed"]]
    score = "–" if each["score"] is None else f"{each['score']:.2f}"
    weight = f" (weight {each['weight']:g})" if each["weight"] != 1 else ""
    return (f'<tr><td class="{state}">{words}</td><td>{escape(each["type"] + weight)}</td>'
            f"<td>{escape(each['wanted'])}</td><td>{escape(each['evidence'])}</td><td>{score}</td></tr>")


def parting(run: Run, result: Result) -> tuple[Result | None, int]:
    """Another output of this case that differs, and how many characters both begin with.

    Another repeat of the same prompt first, then another model, then another prompt.
    """
    cell, text = result.cell, result.output.text if result.output else ""
    others = sorted((each for other, each in run.results.items() if other.case == cell.case and other != cell
                     and is_text(each.output) and each.output.text != text),
                    key=lambda each: (each.cell.prompt != cell.prompt, each.cell.provider != cell.provider))
    if not others or not text:
        return None, len(text)
    return others[0], common_prefix(text, others[0].output.text)


def is_text(output: Output | None) -> bool:
    """Whether there is an output that can part from another one."""
    return output is not None and not output.error and not output.picture


def common_prefix(a: str, b: str) -> int:
    """How many characters two texts begin with alike."""
    return next((place_ for place_, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def other_name(run: Run, result: Result, other: Result) -> str:
    """What another output is called beside this one."""
    if other.cell.prompt != result.cell.prompt:
        return f"the output of prompt {run.column_name(other.cell.prompt, other.cell.provider)}"
    if other.cell.provider != result.cell.provider:
        return f"that of {run.plan.providers[other.cell.provider].name}"
    return f"repeat {other.cell.repeat + 1}"
