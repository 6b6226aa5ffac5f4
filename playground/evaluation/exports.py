"""A run as a file: JSON with everything, CSV with a row a cell, YAML of the plan in promptfoo's format."""

import json
from collections.abc import Sequence
from typing import Any

import yaml

from playground.evaluation import cases, kinds, results, yaml_nodes
from playground.evaluation.plan import Assertion, Case, Plan, Provider
from playground.evaluation.results import Run

PICTURE_SIDE = 512  # pixels a side of a picture in a JSON file
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins with one


class Dumper(yaml.SafeDumper):
    """Texts of several lines in block style, as people write them."""


def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """A string; as a block where it has lines and YAML allows it, escaped where it has line breaks of Unicode's.

    Quoted where a reader of YAML 1.2 would take it for a number: the library writes YAML 1.1, to which 0E0 is a text.
    """
    escaped = set(text) & set("\x85\u2028\u2029") or not yaml_nodes.is_text(text)
    style = '"' if escaped else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Dumper.add_representer(str, represent_text)
Dumper.ignore_aliases = lambda self, data: True


def to_data(run: Run, issues: Sequence[str] = ()) -> dict[str, Any]:
    """Everything of a run for scripts, drawn pictures as data URIs."""
    data = results.to_json(run, issues)
    for each in data["results"]:
        each["picture"] = run.album.uri(each["picture"], PICTURE_SIDE) if each["picture"] else ""
    return data


def to_json(run: Run) -> str:
    """Everything of a run, as a file."""
    return json.dumps(to_data(run), indent=2, ensure_ascii=False)


def to_csv(run: Run) -> str:
    """A row a cell. What a spreadsheet would take for a formula gets an apostrophe in front."""
    names = list(dict.fromkeys(name for case in run.plan.cases for name in case.variables))
    header = ["prompt", "provider", "case", *names, "repeat", "seed", "output", "pass", "score", "tokens", "seconds",
              "failed", "thumb"]
    rows = []
    for result in run.results.values():
        one = results.result_json(run, result)
        failed = "; ".join(f"{each['type']}: {each['evidence']}" for each in one["assertions"]
                           if each["passed"] is False)
        shown = "(picture)" if one["picture"] else one["output"]
        rows.append([one["prompt"], one["provider"], one["case"] + 1, *(one["vars"].get(name, "") for name in names),
                     one["repeat"] + 1, one["seed"], shown, one["pass"], one["score"], one["tokens"],
                     one["seconds"], failed or one["error"], one["thumb"]])
    return cases.write_csv(header, [[harmless(cell) for cell in row] for row in rows])


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def to_yaml(plan: Plan) -> str:
    """The plan in promptfoo's format. An endpoint's key is part of no plan."""
    shared = [each for each in (plan.cases[0].assertions if plan.cases else ())
              if all(each in case.assertions for case in plan.cases)]
    data: dict[str, Any] = {"description": plan.description} if plan.description else {}
    data["prompts"] = [{"raw": each.text, "label": each.label} if each.label else each.text for each in plan.prompts]
    data["providers"] = [provider_yaml(each) for each in plan.providers]
    if plan.repeats != 1 or plan.seed:
        data["evaluateOptions"] = {"repeat": plan.repeats, "seed": plan.seed}
    if shared and len(plan.cases) > 1:
        data["defaultTest"] = {"assert": [assertion_yaml(each) for each in shared]}
    else:
        shared = []
    data["tests"] = [case_yaml(each, shared) for each in plan.cases]
    if plan.pictures:
        data["pictures"] = plan.pictures
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def provider_yaml(provider: Provider) -> Any:
    """A provider by its id, with the settings that are not the default."""
    plain = Provider(provider.id)
    names = {"temperature": "temperature", "top_k": "top_k", "top_p": "top_p", "max_tokens": "max_tokens",
             "base_url": "apiBaseUrl", "key_variable": "apiKeyEnvar", "steps": "steps", "guidance": "guidance"}
    config = {theirs: getattr(provider, ours) for ours, theirs in names.items()
              if getattr(provider, ours) != getattr(plain, ours)}
    if provider.stop:
        config["stop"] = list(provider.stop)
    entry = {"id": provider.id, "label": provider.label, "config": config}
    kept = {key: value for key, value in entry.items() if value}
    return kept if len(kept) > 1 else provider.id


def case_yaml(case: Case, shared: list[Assertion]) -> dict[str, Any]:
    """A test without the assertions of defaultTest. Lists stand in a list, or they would be multiplied out."""
    own = [each for each in case.assertions if each not in shared]
    entry = {"description": case.description, "threshold": case.threshold,
             "vars": {name: [value] if isinstance(value, list) else value for name, value in case.variables.items()},
             "assert": [assertion_yaml(each) for each in own]}
    return {key: value for key, value in entry.items() if value not in ("", None, [], {})}


def assertion_yaml(assertion: Assertion) -> dict[str, Any]:
    """An assertion with what is not the default."""
    entry = {"type": assertion.type, "value": assertion.value, "threshold": assertion.threshold,
             "weight": None if assertion.weight == 1 else assertion.weight, "metric": assertion.metric or None,
             "rubricPrompt": assertion.prompt or None,
             "assert": [assertion_yaml(part) for part in assertion.parts] or None}
    if assertion.kind == kinds.ASSERT_SET:
        entry["type"] = kinds.ASSERT_SET
    return {key: value for key, value in entry.items() if value is not None}
