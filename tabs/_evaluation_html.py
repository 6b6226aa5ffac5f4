"""The Prompt evaluation tab's own HTML: progress, verdicts, the matrix, a cell's whole story.

Whatever a visitor or a model wrote is escaped here, braces and dollars too, since Gradio's HTML component reads
those as templates.
"""

import html
from collections.abc import Sequence
from typing import Any

from playground.evaluation import results, statistics
from playground.evaluation.results import Result, Run
from playground.evaluation.runs import Kept, duration
from playground.evaluation.work import Progress
from tabs import _ui

ALL, FAILURES, DIFFERENCES = FILTERS = ("All cases", "Failures only", "Where prompts differ")
MOST_ROWS = 100  # cases in the matrix; the export has all
MOST_SHOWN = 160  # characters of an output in the matrix
MOST_REPEATS = 5  # outputs of one place in the matrix
TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})
STATES = {"queued": "waits in the queue", "running": "runs", "done": "is done", "failed": "failed",
          "cancelled": "was stopped", "paused": "was stopped", "interrupted": "was interrupted"}


def escape(text: Any) -> str:
    """Text as HTML that no template engine reads."""
    return html.escape(str(text)).translate(TEMPLATE)


def note(text: str) -> str:
    """A line in the quiet colour, escaped."""
    return f'<p class="note">{escape(text)}</p>'


def lesson(text: str) -> str:
    """What to look at in an example."""
    return f'<p class="lesson">{escape(text)}</p>' if text else ""


def progress(now: Progress | None, kept: Kept) -> str:
    """How far a run is."""
    job = kept.job
    if now is None:
        line = f"The run {STATES[job.state]}." + (f" {job.error}" if job.error else "")
        place = f" It is number {job.place} in the queue." if job.place else ""
        return f'<p class="note" role="status">{escape(line + place)}</p>'
    share = 100 * ((now.outputs / max(1, now.all_outputs)) * 0.9 + (now.cells / max(1, now.all_cells)) * 0.1)
    left = ""
    if now.phase == "writing" and now.speed:
        tokens = (now.all_outputs - now.outputs) * kept.sheet.plan.providers[0].max_tokens
        left = f", at most {duration(tokens / now.speed)} to go at {now.speed:.0f} tokens a second"
    words = (f"Writing: {now.outputs} of {now.all_outputs} outputs{left}." if now.phase == "writing"
             else f"Scoring: {now.cells} of {now.all_cells} cells.")
    return (f'<div role="status"><div class="run-bar"><i style="width:{share:.1f}%"></i></div>'
            f'<p class="note">{escape(words)}</p></div>')


def finished(kept: Kept, run: Run, seconds: float | None) -> str:
    """The line of a finished run: how much was written, and how much less than cells there are."""
    written = len(kept.sheet.keys())
    saved = f" ({written:,} different ones written)" if written < run.plan.size else ""
    took = f" in {seconds:.1f} s" if seconds else ""
    issues = "".join(f"<li>{escape(issue)}</li>" for issue in kept.issues)
    listed = f'<p class="note">Not supported, and left out:</p><ul class="issues">{issues}</ul>' if issues else ""
    return (f'<p class="note" role="status">Done: <b>{run.plan.size:,}</b> outputs{saved}{took}. '
            f"Kept for a day under its link.</p>{listed}")


def verdicts(run: Run) -> str:
    """Each prompt's rate with its interval, and the paired comparisons in words."""
    lines = []
    for each in run.summaries():
        rate, name = each.rate, run.column_name(each.prompt, each.provider)
        counted = (f"{rate.effective:.0f} cases" if rate.effective >= rate.trials - 0.5 else
                   f"{rate.trials} outputs worth about {rate.effective:.0f} independent ones")
        metrics = "".join(f" · {escape(metric)} {value:.2f}" for metric, value in each.metrics.items())
        errors = f" · <b>{each.errors} errors</b>" if each.errors else ""
        lines.append(f'<p class="note"><b>{escape(name)}</b> passes <b>{100 * rate.share:.0f} %</b>, '
                     f"95 % interval {100 * rate.low:.0f} to {100 * rate.high:.0f} % ({counted}) · "
                     f"mean score {each.score:.2f}{metrics} · {each.tokens:.0f} tokens, {each.seconds:.1f} s"
                     f"{errors}</p>")
    for provider, a, b, result in run.comparisons()[:12]:
        names = [f"Prompt {run.column_name(number, provider)}" for number in (a, b)]
        settled = "settled" if result.settled else ""
        lines.append(f'<p class="verdict {settled}">{escape(statistics.verdict(result, *names))}</p>')
    return "".join(lines)


def matrix(run: Run, view: str = ALL, picked: str = "") -> str:
    """Cases down, prompts (and models) across; each output a button that tells its story."""
    columns = list(run.columns())
    rows = [case for case in range(len(run.plan.cases)) if is_shown(run, case, view)]
    head = "".join(f'<th title="{escape(run.plan.prompts[prompt].text)}">'
                   f"{escape(run.column_name(prompt, provider))}: {escape(run.plan.prompts[prompt].name)}</th>"
                   for prompt, provider in columns)
    body = "".join(
        f'<tr><th class="case" scope="row">{escape(run.plan.cases[case].name(case))}</th>'
        + "".join(f"<td>{place(run.of(prompt, provider, case), picked)}</td>" for prompt, provider in columns) + "</tr>"
        for case in rows[:MOST_ROWS])
    more = f"The first {MOST_ROWS} of {len(rows)} cases; the export has all." if len(rows) > MOST_ROWS else ""
    none = "" if rows else note("No case to show with this filter.")
    return (f'<div class="matrix" tabindex="0" aria-label="Outputs by case and prompt"><table><thead><tr><th>Case</th>'
            f"{head}</tr></thead><tbody>{body}</tbody></table></div>{none}"
            f'<p class="note">{escape(more)} Click an output for its whole story.</p>')


def is_shown(run: Run, case: int, view: str) -> bool:
    """Whether a case belongs into a filtered matrix."""
    places = [run.of(prompt, provider, case) for prompt, provider in run.columns()]
    if view == FAILURES:
        return any(result.passed is False for results_ in places for result in results_)
    if view == DIFFERENCES:
        return len({tuple(result.passed for result in results_) for results_ in places}) > 1
    return True


def place(repeats: Sequence[Result], picked: str) -> str:
    """One place of the matrix: its outputs, equal ones once."""
    shown: dict[tuple[Any, Any], list[Result]] = {}
    for result in repeats:
        shown.setdefault((result.output and result.output.text, result.passed), []).append(result)
    cells = [cell_button(group[0], len(group), picked) for group in list(shown.values())[:MOST_REPEATS]]
    hidden = len(shown) - len(cells)
    return "".join(cells) + (f'<span class="note">and {hidden} more</span>' if hidden > 0 else "")


def cell_button(result: Result, times: int, picked: str) -> str:
    """An output as a button: coloured by pass or fail, its text shortened."""
    state, sign = {True: ("pass", "✓"), False: ("fail", "✗"), None: ("", "·")}[result.passed]
    output = result.output
    text = "…" if output is None else output.error or output.text.strip() or "(nothing)"
    short = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    count = f' <span class="rest">× {times}</span>' if times > 1 else ""
    thumb = {True: " ▲", False: " ▼", None: ""}[result.thumb]
    chosen = "picked" if result.cell.id == picked else ""
    return (f'<button class="cell {state} {chosen}" data-cell="{result.cell.id}"><span class="sign">{sign}</span>'
            f"{escape(short)}{count}{thumb}</button>")


def story(run: Run, result: Result) -> str:
    """A cell's whole story: what was sent, what came, each assertion's evidence, tokens and seconds."""
    output = result.output
    name = run.plan.providers[result.cell.provider].name
    case = run.plan.cases[result.cell.case].name(result.cell.case)
    title = (f"Prompt {results.letters(result.cell.prompt)}, {case}, {name}, "
             f"repeat {result.cell.repeat + 1}, seed {result.seed}")
    if output is None:
        return f'<div class="story"><p class="note"><b>{escape(title)}</b></p>{note("Not written yet.")}</div>'
    other, common = parting(run, result)
    shown = escape(output.text[:common]) + (f"<mark>{escape(output.text[common:])}</mark>" if other else
                                            escape(output.text[common:]))
    parts = (f"<h4>Marked: where it parts from {escape(other_name(run, result, other))}</h4>" if other else "")
    cut = f" · {output.cut} tokens of the prompt did not fit" if output.cut else ""
    finish = {"end": "the model ended", "stop": "a stop string", "length": "the token limit",
              "error": "an error"}[output.finish]
    error = f'<p class="bad">{escape(output.error)}</p>' if output.error else ""
    return (f'<div class="story"><p class="note"><b>{escape(title)}</b></p><h4>Prompt as sent</h4>'
            f"<pre>{escape(result.prompt)}</pre><h4>Output</h4><pre>{shown or '(nothing)'}</pre>{error}{parts}"
            f'<p class="note">{output.prompt_tokens} tokens read, {output.tokens} written in {output.seconds:.2f} s '
            f"of its batch; ended by {finish}{cut}</p>{evidence(result)}</div>")


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
        found += flat(each["parts"], indent + "– ")
    return found


def evidence_row(each: dict) -> str:
    """One assertion."""
    state, words = ("good", "pass") if each["passed"] else ("bad", "fail")
    weight = f" (weight {each['weight']:g})" if each["weight"] != 1 else ""
    return (f'<tr><td class="{state}">{words}</td><td>{escape(each["type"] + weight)}</td>'
            f"<td>{escape(each['wanted'])}</td><td>{escape(each['evidence'])}</td><td>{each['score']:.2f}</td></tr>")


def parting(run: Run, result: Result) -> tuple[Result | None, int]:
    """Another output of this case that differs, and how many characters both begin with.

    Another repeat of the same prompt first, then another model, then another prompt.
    """
    cell, text = result.cell, result.output.text if result.output else ""
    others = sorted((each for other, each in run.results.items() if other.case == cell.case and other != cell
                     and each.output and not each.output.error and each.output.text != text),
                    key=lambda each: (each.cell.prompt != cell.prompt, each.cell.provider != cell.provider))
    if not others or not text:
        return None, len(text)
    return others[0], common_prefix(text, others[0].output.text)


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


def chart(run: Run) -> Any:
    """Pass rates with their intervals, a bar a column, the best on top. A plotly figure; its camera saves a picture."""
    import plotly.graph_objects as go

    lines = list(reversed(run.summaries()))
    # plotly reads tags, so names are escaped; a column's name is its own, or bars would be summed up
    names = [html.escape(short(run.column_name(each.prompt, each.provider), 34)) for each in lines]
    prompts = [html.escape(run.plan.prompts[each.prompt].name) for each in lines]
    shares = [100 * each.rate.share for each in lines]
    figure = go.Figure(go.Bar(
        x=shares, y=names, orientation="h", width=0.5,
        error_x={"type": "data", "symmetric": False, "array": [100 * each.rate.high - x for each, x in
                                                               zip(lines, shares, strict=True)],
                 "arrayminus": [x - 100 * each.rate.low for each, x in zip(lines, shares, strict=True)],
                 "color": "#f59e0b", "thickness": 2.5},
        customdata=prompts, hovertemplate="%{y}: %{customdata}<br>%{x:.0f} % pass<extra></extra>"))
    _ui.style(figure, height=90 + 42 * len(lines))
    figure.update_layout(xaxis={"range": [0, 102], "title": {"text": "cases passed, %", "font": {"size": 13}}},
                         margin={"l": 10, "r": 16, "t": 10, "b": 46})
    figure.update_yaxes(automargin=True)
    return figure


def short(text: str, most: int) -> str:
    """A text with its end cut off."""
    return text if len(text) <= most else text[:most - 1] + "…"
