"""Test cases as a table: promptfoo's CSV, in which a column is a variable and __expected an assertion.

Columns with a meaning of their own: __expected and __expected1, 2, … (short forms such as `icontains: grub`; a text
alone means equals), __description, __threshold. Any other column that begins with __ is listed as not supported.
"""

import csv
import io
from collections.abc import Sequence
from typing import Any

from playground import checks
from playground.errors import BadInput
from playground.evaluation import kinds, plan, render
from playground.evaluation.plan import Assertion, Case
from playground.evaluation.yaml_nodes import Issue

LONGEST = 500_000  # characters of a CSV
LONGEST_CELL = 20_000
EXPECTED, DESCRIPTION, THRESHOLD = "__expected", "__description", "__threshold"


def read_csv(text: Any) -> tuple[list[Case], list[Issue]]:
    """The cases of a CSV with a header. BadInput names the line that is broken."""
    checks.text(text, "The CSV", LONGEST)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((reader.line_num, row))
    except csv.Error as problem:
        raise BadInput(f"Line {reader.line_num} of the CSV is broken ({problem}).",
                       "Put texts with commas or quotes into \"…\", and double quotes inside.") from None
    if len(rows) < 2:
        raise BadInput("The CSV has no cases.",
                       "Write the names of the variables in its first line, a case a line below.")
    header = [name.strip() for name in rows[0][1]]
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise BadInput(f"Line {line} of the CSV has {len(row)} columns, its header {len(header)}.",
                           "Are there commas outside of quotes?")
    return read_table(header, [row for _, row in rows[1:]], [line for line, _ in rows[1:]])


def read_table(header: Sequence[str], rows: Sequence[Sequence[Any]],
               lines: Sequence[int] | None = None) -> tuple[list[Case], list[Issue]]:
    """The cases of a table, blank rows left out. BadInput names the row (or the line of its file)."""
    issues = [Issue(1, f"the column {name!r:.60} is not supported and was left out.")
              for name in header if name.startswith("__") and not is_special(name)]
    check_header(header)
    found = []
    for number, row in enumerate(rows, 1):
        cells = {name: as_cell(value) for name, value in zip(header, row, strict=True)}
        if not any(value.strip() for value in cells.values()):
            continue
        where = f"Line {lines[number - 1]}" if lines else f"Row {number}"
        try:
            found.append(case_of(cells))
        except BadInput as problem:
            raise BadInput(f"{where}: {problem.what}", problem.remedy) from None
    if len(found) > plan.MOST_CASES:
        raise BadInput(f"The table has {len(found):,} cases.", f"Give at most {plan.MOST_CASES:,}.")
    return found, issues


def check_header(header: Sequence[str]) -> None:
    """BadInput for names that are no variables, or come twice."""
    for name in header:
        if not name.startswith("__") and not render.is_name(name):
            raise BadInput(f"The column {name!r:.60} cannot be a variable.",
                           "Use letters, digits and _, and begin with a letter.")
        if list(header).count(name) > 1:
            raise BadInput(f"The column {name!r:.60} stands there twice.", "Rename one of them.")


def as_cell(value: Any) -> str:
    """A cell of a table as text; what a page leaves empty is ''."""
    if value is None or value != value:  # NaN, as pandas has it for nothing
        return ""
    text = str(value)
    return checks.text(text, "A cell", LONGEST_CELL, empty=True)


def is_special(name: str) -> bool:
    """Whether a column is read as other than a variable."""
    return name in (DESCRIPTION, THRESHOLD) or (name.startswith(EXPECTED) and (
        name == EXPECTED or name.removeprefix(EXPECTED).isdigit()))


def case_of(cells: dict[str, str]) -> Case:
    """The case of one row."""
    expected = [kinds.short(value) for name, value in cells.items()
                if name.startswith(EXPECTED) and is_special(name) and value.strip()]
    threshold = cells.get(THRESHOLD, "").strip()
    try:
        limit = float(threshold) if threshold else None
    except ValueError:
        raise BadInput(f"The threshold {threshold!r:.40} is not a number.", "Write a number from 0 to 1.") from None
    return Case({name: value for name, value in cells.items() if not name.startswith("__")},
                tuple(expected), cells.get(DESCRIPTION, ""), limit)


def table(cases: Sequence[Case], shared: Sequence[Assertion] = ()) -> tuple[list[str], list[list[str]]]:
    """Header and rows of cases; assertions that all of them share (`shared`) are left out.

    BadInput for assertions that have no short form.
    """
    names = list(dict.fromkeys(name for case in cases for name in case.variables))
    own = [[each for each in case.assertions if each not in shared] for case in cases]
    most = max(map(len, own), default=0)
    expected = [EXPECTED if most == 1 else f"{EXPECTED}{number + 1}" for number in range(most)]
    described = any(case.description for case in cases)
    header = [*([DESCRIPTION] if described else []), *names, *expected]
    rows = []
    for case, assertions in zip(cases, own, strict=True):
        spelled = [kinds.spelled(each) for each in assertions]
        rows.append([*([case.description] if described else []),
                     *(render.as_text(case.variables.get(name, "")) for name in names),
                     *spelled, *[""] * (most - len(spelled))])
    return header, [[str(cell) for cell in row] for row in rows]


def write_csv(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
