"""JSON in an output, and whether it fits a schema: without fetching anything, and without endless patterns."""

import json
from collections.abc import Iterator
from typing import Any

from playground.errors import BadInput
from playground.evaluation import patterns


def strict(text: str) -> Any:
    """The value of a JSON text. ValueError for what is none, NaN and Infinity among it."""
    try:
        return json.loads(text, parse_constant=refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def refuse_constant(name: str) -> None:
    """NaN and Infinity are Python's and not JSON's."""
    raise ValueError(f"{name} is not JSON")


def first_inside(text: str) -> Any:
    """The first object or list in JSON that stands somewhere in a text. ValueError if there is none."""
    decoder = json.JSONDecoder(parse_constant=refuse_constant)
    starts = [place for place, character in enumerate(text) if character in "{["]
    for place in starts[:200]:  # an output of nothing but brackets is not searched for ever
        try:
            return decoder.raw_decode(text, place)[0]
        except (ValueError, RecursionError):
            continue
    raise ValueError("there is no JSON in it")


def read_schema(value: Any) -> dict | None:
    """The schema of an assertion's value: a mapping, or JSON or YAML text of one. BadInput if it is none."""
    if value is None:
        return None
    if isinstance(value, str):
        from playground.evaluation import yaml_nodes

        value = yaml_nodes.parse(value).plain()
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(value)
    except (SchemaError, RecursionError) as problem:
        raise BadInput(f"The JSON schema cannot be used ({getattr(problem, 'message', problem)!s:.200}).",
                       "See json-schema.org.") from None
    return value


def misfit(value: Any, schema: dict) -> str:
    """Why a value does not fit a schema, or '' if it does."""
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        error = best_match(validator()(schema, registry=empty_registry()).iter_errors(value))
    except (Unresolvable, RecursionError):
        return "the schema refers to what is not in it"
    return "" if error is None else f"{error.json_path}: {error.message!s:.200}"


def empty_registry() -> Any:
    """No schema but the given one is known, so that none is fetched."""
    from referencing import Registry

    return Registry()


def validator() -> Any:
    """The 2020-12 validator whose patterns have a time limit."""
    from jsonschema import Draft202012Validator, validators

    return validators.extend(Draft202012Validator, {"pattern": pattern, "patternProperties": no_patterns})


def pattern(_: Any, wanted: str, instance: Any, schema: dict) -> Iterator[Any]:
    """The keyword `pattern`, bounded in time."""
    from jsonschema import ValidationError

    if isinstance(instance, str) and not patterns.search(wanted, instance):
        yield ValidationError(f"{instance!r:.80} does not match {wanted!r:.80}")


def no_patterns(_: Any, wanted: Any, instance: Any, schema: dict) -> Iterator[Any]:
    """The keyword `patternProperties` is refused rather than run without a time limit."""
    from jsonschema import ValidationError

    yield ValidationError("patternProperties is not supported here")
