"""The Prompt evaluation tab's own HTML: progress, verdicts, the matrix, the chart.

Whatever a visitor or a model wrote is escaped here, braces and dollars too, since Gradio's HTML component reads
those as templates.
"""

import html
from collections.abc import Sequence
from typing import Any

from playground.errors import PlaygroundError
from playground.evaluation import statistics
from playground.evaluation.results import Result, Run, Summary
from playground.evaluation.runs import Kept, duration
from playground.evaluation.work import Progress
from tabs import _evaluation_pictures as drawn_pages
from tabs import _ui
from tabs._evaluation_pictures import escape

ALL, FAILURES, DIFFERENCES, OPEN = FILTERS = ("All cases", "Failures only", "Where prompts differ", "Not known yet")
MOST_ROWS = 100  # cases in the matrix; the export has all
MOST_SHOWN = 160  # characters of an output in the matrix
MOST_REPEATS = 5  # outputs of one place in the matrix
STATES = {"queued": "waits in the queue", "running": "runs", "done": "is done", "failed": "failed",
          "cancelled": "was stopped", "paused": "was stopped", "interrupted": "was interrupted"}


def note(text: str) -> str:
    """A line in the quiet colour, escaped."""
    return f'<p class="note">{escape(text)}</p>'


def lesson(text: str) -> str:
    """What to look at in an example."""
    return f'<p class="lesson">{escape(text)}</p>' if text else ""


def trouble(problem: PlaygroundError) -> str:
    """Why a run did not come to its end, in place."""
    return (f'<p class="alert" role="alert"><b>{escape(problem.what)}</b> {escape(problem.remedy)}</p>')


def linked(link: str) -> str:
    """The mark by which a run's link comes into the address bar; nothing for a run that nobody asked for."""
    return f'<span data-link="{escape(link)}"></span>' if link else ""


def progress(now: Progress | None, kept: Kept) -> str:
    """How far a run is."""
    job = kept.job
    if now is None:
        line = f"The run {STATES[job.state]}." + (f" {job.error}" if job.error else "")
        place = f" It is number {job.place} in the queue." if job.place else ""
        return f'<p class="note" role="status">{escape(line + place)}</p>'
    share = 100 * ((now.outputs / max(1, now.all_outputs)) * 0.9 + (now.cells / max(1, now.all_cells)) * 0.1)
    left = ""
    drawing = any(each.draws for each in kept.sheet.plan.providers)
    if now.phase == "writing" and now.speed and not drawing:
        tokens = (now.all_outputs - now.outputs) * kept.sheet.plan.providers[0].max_tokens
        left = f", at most {duration(tokens / now.speed)} to go at {now.speed:.0f} tokens a second"
    words = f"Scoring: {now.cells} of {now.all_cells} cells."
    if now.phase == "writing":
        words = f"{'Drawing' if drawing else 'Writing'}: {now.outputs} of {now.all_outputs} outputs{left}."
    return (f'<div role="status"><div class="run-bar"><i style="width:{share:.1f}%"></i></div>'
            f'<p class="note">{escape(words)}</p></div>')


def finished(kept: Kept, run: Run, seconds: float | None) -> str:
    """The line of a finished run: how much was written, and how much less than cells there are."""
    written = len(kept.sheet.keys())
    saved = f" ({written:,} different ones made)" if written < run.plan.size else ""
    took = f" in {seconds:.1f} s" if seconds else ""
    plural = "" if run.plan.size == 1 else "s"
    issues = "".join(f"<li>{escape(issue)}</li>" for issue in kept.issues)
    listed = f'<p class="note">Not supported, and left out:</p><ul class="issues">{issues}</ul>' if issues else ""
    return (f'<p class="note" role="status">Done: <b>{run.plan.size:,}</b> output{plural}{saved}{took}. '
            f"Kept under its link until it expires.</p>{listed}")


def verdicts(run: Run) -> str:
    """Each prompt's rate with its interval, and the paired comparisons in words."""
    lines = []
    for each in run.summaries():
        if not each.rate.trials:
            lines.append(unknown(run, each))
            continue
        rate, name = each.rate, run.column_name(each.prompt, each.provider)
        counted = (f"{rate.effective:.0f} cases" if rate.effective >= rate.trials - 0.5 else
                   f"{rate.trials} outputs worth about {rate.effective:.0f} independent ones")
        metrics = "".join(f" · {escape(metric)} {value:.2f}" for metric, value in each.metrics.items())
        errors = f" · <b>{each.errors} errors</b>" if each.errors else ""
        tokens = "" if run.plan.providers[each.provider].draws else f"{each.tokens:.0f} tokens, "
        lines.append(f'<p class="note"><b>{escape(name)}</b> passes <b>{100 * rate.share:.0f} %</b>, '
                     f"95 % interval {100 * rate.low:.0f} to {100 * rate.high:.0f} % ({counted}) · "
                     f"mean score {each.score:.2f}{metrics} · {tokens}{each.seconds:.1f} s"
                     f"{errors}</p>")
    for provider, a, b, result in run.comparisons()[:12]:
        if not result.wins + result.losses + result.ties:
            continue  # nothing is known of both yet
        names = [f"Prompt {run.column_name(number, provider)}" for number in (a, b)]
        settled = "settled" if result.settled else ""
        lines.append(f'<p class="verdict {settled}">{escape(statistics.verdict(result, *names))}</p>')
    return "".join(lines)


def unknown(run: Run, each: Summary) -> str:
    """The line of a prompt of which no case is settled yet: what is ticked or measured so far, and what waits."""
    waiting = any(drawn_pages.by_hand(result.score["verdicts"]) for result in run.results.values() if result.score)
    reasons = [why_open(result) for result in run.results.values() if result.score]
    words = "waits for your check lists: open an output and tick what you see" if waiting else \
        f"is {next(filter(None, reasons), 'not known')}"
    metrics = "".join(f" · {escape(metric)} {value:.2f}" for metric, value in each.metrics.items())
    return (f'<p class="note"><b>{escape(run.column_name(each.prompt, each.provider))}</b> {escape(words)}{metrics} · '
            f"{each.seconds:.1f} s each</p>")


def matrix(run: Run, view: str = ALL, picked: str = "") -> str:
    """Cases down, prompts (and models) across; each output a button that tells its story."""
    columns = list(run.columns())
    rows = [case for case in range(len(run.plan.cases)) if is_shown(run, case, view)]
    head = "".join(f'<th title="{escape(run.plan.prompts[prompt].text)}">'
                   f"{escape(run.column_name(prompt, provider))}: {escape(run.plan.prompts[prompt].name)}</th>"
                   for prompt, provider in columns)
    body = "".join(
        f'<tr><th class="case" scope="row">{escape(run.plan.cases[case].name(case))}</th>'
        + "".join(f"<td>{place(run, run.of(*column, case), picked)}</td>" for column in columns) + "</tr>"
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
    if view == OPEN:
        return any(result.passed is None for results_ in places for result in results_)
    return True


def place(run: Run, repeats: Sequence[Result], picked: str) -> str:
    """One place of the matrix: its outputs, equal ones once."""
    shown: dict[tuple[Any, Any], list[Result]] = {}
    for result in repeats:
        output = result.output
        shown.setdefault((output and (output.picture or output.text), result.passed), []).append(result)
    cells = [cell_button(run, group[0], len(group), picked) for group in list(shown.values())[:MOST_REPEATS]]
    hidden = len(shown) - len(cells)
    return "".join(cells) + (f'<span class="note">and {hidden} more</span>' if hidden > 0 else "")


def why_open(result: Result) -> str:
    """Why a scored output has neither passed nor failed: what was not measured, or what waits; '' where it has."""
    if not result.score or result.passed is not None:
        return ""
    return next((each["evidence"] for each in result.score["verdicts"] if each["passed"] is None), "")


def cell_button(run: Run, result: Result, times: int, picked: str) -> str:
    """An output as a button: coloured by pass or fail, its text shortened, its picture small."""
    open_ = ("open", "?") if result.score else ("", "·")
    state, sign = {True: ("pass", "✓"), False: ("fail", "✗"), None: open_}[result.passed]
    output = result.output
    text = "…" if output is None else output.error or output.text.strip() or "(nothing)"
    short = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    inner = drawn_pages.thumb(run, result) if output and output.picture else escape(short)
    state += " picture" if output and output.picture else ""
    reason = why_open(result)
    if reason:
        inner += f'<span class="why" title="{escape(reason)}">{escape(reason.partition(":")[0])}</span>'
    count = f' <span class="rest">× {times}</span>' if times > 1 else ""
    thumb = {True: " ▲", False: " ▼", None: ""}[result.thumb]
    chosen = "picked" if result.cell.id == picked else ""
    return (f'<button class="cell {state} {chosen}" data-cell="{result.cell.id}"><span class="sign">{sign}</span>'
            f"{inner}{count}{thumb}</button>")


def chart(run: Run) -> Any:
    """Pass rates with their intervals, a bar a column, the best on top. A plotly figure; its camera saves a picture."""
    import plotly.graph_objects as go

    lines = [each for each in reversed(run.summaries()) if each.rate.trials]
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
    title = {"text": "cases passed, %; lines: 95 % intervals", "font": {"size": 13}}
    figure.update_layout(xaxis={"range": [0, 102], "title": title},
                         margin={"l": 10, "r": 16, "t": 10, "b": 46})
    figure.update_yaxes(automargin=True)
    return figure


def short(text: str, most: int) -> str:
    """A text with its end cut off."""
    return text if len(text) <= most else text[:most - 1] + "…"
