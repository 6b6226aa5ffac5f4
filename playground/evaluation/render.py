"""Filling {{variables}} into a prompt: a small, safe part of Jinja2.

promptfoo renders with Nunjucks, whose templates look the same. A template of a visitor is code, so only this is
let through: names, fields of them, a few filters, if and one level of for, comparisons. No calls, no arithmetic,
no macros, no imports; rendered in Jinja's immutable sandbox, and stopped when the text grows too long.
"""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, meta, nodes
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from playground.errors import BadInput

LONGEST = 100_000  # characters of a rendered text
STEPS = 20_000  # pieces that a loop may put out
FILTERS = ("upper", "lower", "trim", "title", "capitalize", "length", "first", "last", "default", "tojson", "escape",
           "int", "float", "round")
ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Const,
           nodes.Filter, nodes.If, nodes.For, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
           nodes.Keyword)


@functools.cache
def environment() -> ImmutableSandboxedEnvironment:
    """The sandbox: no globals, few filters, missing variables are errors."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, finalize=as_text,
                                         keep_trailing_newline=True)
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS} | {"dump": made.filters["tojson"]}
    return made


def as_text(value: Any) -> Any:
    """A value as a prompt shows it: lists and mappings as JSON, as promptfoo does."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "true" if value is True else "false" if value is False else "" if value is None else value


@functools.lru_cache(maxsize=512)
def compiled(template: str) -> tuple[Any, frozenset[str]]:
    """The template and the variables that it reads. BadInput for what is no template, or is more than one."""
    try:
        tree = environment().parse(template)
        refuse(tree, loops=0)
        return environment().from_string(template), frozenset(meta.find_undeclared_variables(tree))
    except TemplateSyntaxError as problem:
        raise BadInput(f"The template is not complete: {problem.message} (its line {problem.lineno}).",
                       "Variables are written {{name}}.") from None
    except (TemplateError, RecursionError) as problem:
        raise BadInput(f"The template cannot be used ({problem!s:.200}).", "Variables are written {{name}}.") from None


def refuse(node: nodes.Node, loops: int) -> None:
    """BadInput for the first node of a template that is not let through."""
    loops += isinstance(node, nodes.For)
    if not isinstance(node, ALLOWED) or loops > 1:
        raise BadInput(f"The template uses {type(node).__name__.lower()} in its line {node.lineno}.",
                       f"Use {{{{names}}}}, if, one for, and the filters {', '.join(FILTERS)}.")
    name = str(getattr(node, "attr", "") or getattr(node, "name", ""))
    if isinstance(node, nodes.Name | nodes.Getattr) and name.startswith("_"):
        raise BadInput(f"The template reads {name!r:.60} in its line {node.lineno}.",
                       "Names that begin with _ are closed.")
    for child in node.iter_child_nodes():
        refuse(child, loops)


def variables(template: str) -> set[str]:
    """The names that a template needs. BadInput if it is none."""
    return set(compiled(template)[1])


def render(template: str, values: Mapping[str, Any]) -> str:
    """The text of a template. BadInput for a missing variable, what is not allowed, or more than LONGEST characters."""
    made, _ = compiled(template)
    parts, length = [], 0
    try:
        for number, part in enumerate(made.generate(**{str(name): value for name, value in values.items()})):
            length += len(part)
            if length > LONGEST or number > STEPS:
                raise BadInput(f"The rendered prompt is longer than {LONGEST:,} characters.", "Shorten it.")
            parts.append(part)
    except UndefinedError as problem:
        raise BadInput(f"{problem.message}.", "Add this variable to the case, or take it out of the prompt.") from None
    except (SecurityError, TemplateError, TypeError, ValueError, OverflowError) as problem:
        raise BadInput(f"The template cannot be rendered ({problem!s:.200}).", "Use plain {{names}}.") from None
    return "".join(parts)


def is_name(text: str) -> bool:
    """Whether a text can be a variable's name."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text))


def fill(value: Any, values: Mapping[str, Any]) -> Any:
    """A value of an assertion with its texts rendered, at any depth."""
    if isinstance(value, str):
        return render(value, values) if "{{" in value or "{%" in value else value
    if isinstance(value, list | tuple):
        return [fill(each, values) for each in value]
    return value
