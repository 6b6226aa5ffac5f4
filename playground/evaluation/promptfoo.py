"""promptfoo's YAML: read into a Plan with a list of what is not supported, and written from one.

Read: description, prompts (texts, or id/label/raw), providers (ids, or id/label/config), defaultTest, tests with
vars (lists of values are multiplied out), assert, threshold, description, options (rubricPrompt),
assert-set, $ref to assertionTemplates, evaluateOptions.repeat; beyond promptfoo: evaluateOptions.seed, and pictures,
reference pictures by name as data URIs, which may also stand in vars and values. What else stands in the file is
listed by its line.
Source of the format: the reference at promptfoo.dev/docs/configuration.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any

from playground.errors import BadInput
from playground.evaluation import kinds, pictures, plan, providers, yaml_nodes
from playground.evaluation.plan import Assertion, Case, Plan, Prompt, Provider
from playground.evaluation.yaml_nodes import Issue, Node
from playground.settings import OFF

FILES = ("file://", "http://", "https://", "huggingface://", "package:", "exec:", "python:")
ENDINGS = (".txt", ".json", ".csv", ".yaml", ".yml", ".py", ".js", ".ts", ".md", ".jsonl", ".xlsx")
TOP = ("description", "prompts", "providers", "targets", "defaultTest", "tests", "evaluateOptions",
       "assertionTemplates", "pictures")
TEST = ("description", "vars", "assert", "threshold", "options")


@dataclass
class Reader:
    """Collects issues while a file is read; `reach` is how far endpoints may lie."""

    reach: str = OFF
    issues: list[Issue] = field(default_factory=list)
    templates: dict[str, Node] = field(default_factory=dict)

    def note(self, node: Node, words: str) -> None:
        """Lists something that is not supported."""
        self.issues.append(Issue(node.line, words))

    def rest(self, known: tuple[str, ...], items: dict[str, Node], where: str) -> None:
        """Lists the keys that are not read."""
        for key, node in items.items():
            if key not in known:
                self.note(node, f"{where} {key!r:.60} is not supported and was left out.")

    # ---- prompts and providers

    def prompt(self, node: Node) -> Prompt | None:
        """One prompt; None for one that lies in a file."""
        label, text = "", node
        if node.is_mapping:
            items = dict(node.items())
            self.rest(("id", "label", "raw"), items, "prompts:")
            text = items.get("raw") or items.get("id") or node
            label = items["label"].text("The label") if "label" in items else ""
        words = text.text("A prompt")
        if is_file(words):
            self.note(node, f"the prompt {words!r:.80} lies in a file, which is not read here. Paste its text.")
            return None
        return Prompt(words, label)

    def provider(self, node: Node) -> Provider | None:
        """One provider; None for one that is not available here."""
        label, config, identity = "", {}, node
        if node.is_mapping:
            items = dict(node.items())
            if "id" not in items and len(items) == 1:
                (name, inner), = items.items()
                return self.known_provider(node, name, "", dict(inner.items()).get("config"))
            self.rest(("id", "label", "config"), items, "providers:")
            identity, config = items.get("id"), items.get("config")
            label = items["label"].text("The label") if "label" in items else ""
            if identity is None:
                raise node.wrong("a provider needs an id.")
        return self.known_provider(node, identity.text("A provider"), label, config or None)

    def known_provider(self, node: Node, name: str, label: str, config: Node | None) -> Provider | None:
        """A provider with its settings, if it is one of ours."""
        settings = self.settings(config) if config else {}
        for useless in providers.useless(name, settings):
            self.note(config, f"config: {useless} means nothing to {name!r:.60} and was left out.")
            del settings[useless]
        try:
            return plan.checked_provider(providers.find(name, label, settings, reach=self.reach))
        except BadInput as problem:
            self.note(node, f"{problem.what} It was left out.")
            return None

    def settings(self, config: Node) -> dict[str, Any]:
        """A provider's config: promptfoo's names to ours."""
        found: dict[str, Any] = {}
        for key, node in config.items():
            if key in ("temperature", "top_p", "topP"):
                found["temperature" if key == "temperature" else "top_p"] = node.number(key)
            elif key in ("top_k", "topK", "max_tokens", "max_completion_tokens", "max_new_tokens"):
                found["top_k" if key in ("top_k", "topK") else "max_tokens"] = int(node.number(key))
            elif key in ("steps", "guidance"):
                found[key] = int(node.number(key)) if key == "steps" else node.number(key)
            elif key == "stop":
                found["stop"] = tuple(each.text("A stop string") for each in node.each())
            elif key in ("apiBaseUrl", "apiKeyEnvar"):
                found["base_url" if key == "apiBaseUrl" else "key_variable"] = node.text(key)
            elif key == "apiKey":
                self.note(node, "a key does not belong into a file. It was not read; give it on the page.")
            else:
                self.note(node, f"config: {key!r:.60} is not supported and was left out.")
        return found

    # ---- tests

    def tests(self, node: Node | None, default: dict[str, Node]) -> list[Case]:
        """All cases, variables with several values multiplied out."""
        if node is None:
            return self.cases({}, default)
        found: list[Case] = []
        for each in node.each():
            if each.is_mapping:
                items = dict(each.items())
                self.rest(TEST, items, "tests:")
                found += self.cases(items, default)
            else:
                self.note(each, f"the tests {each.text('A test')!r:.80} lie in a file. Load it as a table instead.")
        return found

    def cases(self, items: dict[str, Node], default: dict[str, Node]) -> list[Case]:
        """The cases of one entry of tests."""
        options = {**self.options(default.get("options")), **self.options(items.get("options"))}
        assertions = [*self.assertions(default.get("assert"), options), *self.assertions(items.get("assert"), options)]
        threshold = items.get("threshold") or default.get("threshold")
        words = items["description"].text("The description") if "description" in items else ""
        values = {**self.variables(default.get("vars")), **self.variables(items.get("vars"))}
        return [Case(combination, tuple(assertions), words, threshold.number("The threshold") if threshold else None)
                for combination in multiplied(values)]

    def options(self, node: Node | None) -> dict[str, str]:
        """The options of a test that are read."""
        items = dict(node.items()) if node else {}
        self.rest(("rubricPrompt",), items, "options:")
        return {key: each.text(key) for key, each in items.items() if key == "rubricPrompt"}

    def variables(self, node: Node | None) -> dict[str, Any]:
        """The variables of a test, by name."""
        if node is None:
            return {}
        if not node.is_mapping:
            self.note(node, "vars: a mapping of names and values is read, files are not.")
            return {}
        found = {}
        for name, value in node.items():
            if value.is_text and is_file(value.plain()):
                self.note(value, f"the variable {name!r:.60} lies in a file, which is not read here.")
            found[name] = value.plain()
        return found

    # ---- assertions

    def assertions(self, node: Node | None, options: dict[str, str]) -> list[Assertion]:
        """The assertions of a list."""
        read = [self.assertion(each, options) for each in node.each()] if node else []
        return [each for each in read if each is not None]

    def assertion(self, node: Node, options: dict[str, str]) -> Assertion | None:
        """One assertion; None for a type that is not known here."""
        items = dict(node.items())
        if "$ref" in items:
            items = {**self.template(items["$ref"]), **{key: each for key, each in items.items() if key != "$ref"}}
        if "type" not in items:
            raise node.wrong("an assertion needs a type.")
        name = items["type"].text("The type")
        if name == kinds.ASSERT_SET:
            return self.assert_set(node, items, options)
        found = kinds.known(name)
        if found is None:
            self.note(node, f"the assertion {name!r:.60} is not supported and was left out.")
            return None
        self.rest(("type", "value", "threshold", "weight", "metric", "rubricPrompt"), items, f"{name}:")
        prompt = items["rubricPrompt"].text("rubricPrompt") if "rubricPrompt" in items else options.get("rubricPrompt")
        try:
            return kinds.made(found[0], items["value"].plain() if "value" in items else None,
                              negated=found[1], prompt=prompt or "" if found[0] == "llm-rubric" else "",
                              **self.numbers(items))
        except BadInput as problem:
            raise node.wrong(problem.what) from None

    def assert_set(self, node: Node, items: dict[str, Node], options: dict[str, str]) -> Assertion | None:
        """A group that passes as a whole, by its threshold if it has one."""
        self.rest(("type", "assert", "threshold", "weight", "metric"), items, "assert-set:")
        parts = self.assertions(items.get("assert"), options)
        if any(part.parts for part in parts):
            raise node.wrong("an assert-set cannot hold another one.")
        return Assertion(kinds.ASSERT_SET, parts=tuple(parts), **self.numbers(items)) if parts else None

    def numbers(self, items: dict[str, Node]) -> dict[str, Any]:
        """Threshold, weight and metric."""
        found: dict[str, Any] = {key: items[key].number(f"The {key}") for key in ("threshold", "weight")
                                 if key in items}
        if found.get("weight", 1.0) < 0:
            raise items["weight"].wrong("a weight is 0 or more.")
        return {**found, "metric": items["metric"].text("The metric")} if "metric" in items else found

    def template(self, node: Node) -> dict[str, Node]:
        """The assertion that a $ref names."""
        name = node.text("$ref").rpartition("/")[2]
        if name not in self.templates:
            raise node.wrong(f"there is no assertion template {name!r:.60}.")
        return dict(self.templates[name].items())


def read(text: Any, reach: str = OFF) -> tuple[Plan, list[Issue]]:
    """The plan of a file, and what in it is not supported, by line. BadInput with its line for what is broken.

    `reach` is how far the endpoints that it names may lie (Settings.reach).
    """
    root, reader = yaml_nodes.parse(text), Reader(reach)
    items = dict(root.items())
    reader.rest(TOP, items, "the key")
    reader.templates = dict(items["assertionTemplates"].items()) if "assertionTemplates" in items else {}
    default = dict(items["defaultTest"].items()) if "defaultTest" in items and items["defaultTest"].is_mapping else {}
    reader.rest(TEST, default, "defaultTest:")
    prompts = [reader.prompt(each) for each in items["prompts"].each()] if "prompts" in items else []
    listed = items.get("providers") or items.get("targets")
    models = [found for each in (listed.each() if listed else []) if (found := reader.provider(each))]
    if not models:
        reader.note(listed or root, f"no model of the file is available here; {providers.DEFAULT} is used instead.")
        models = [Provider(providers.DEFAULT)]
    options = dict(items["evaluateOptions"].items()) if "evaluateOptions" in items else {}
    reader.rest(("repeat", "seed"), options, "evaluateOptions:")
    numbers = {key: int(node.number(key)) for key, node in options.items() if key in ("repeat", "seed")}
    made = Plan(tuple(each for each in prompts if each), tuple(models),
                tuple(reader.tests(items.get("tests"), default)),
                numbers.get("repeat", 1), numbers.get("seed", 0),
                items["description"].text("The description") if "description" in items else "",
                pictures=pictures.checked(items["pictures"].plain() if "pictures" in items else {}))
    return plan.checked(pictures.gathered(made)), sorted(dict.fromkeys(reader.issues), key=lambda issue: issue.line)


def is_file(text: str) -> bool:
    """Whether a text names a file or an address rather than being what it says."""
    return text.startswith(FILES) or ("\n" not in text and " " not in text and text.lower().endswith(ENDINGS))


def multiplied(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the variables that have a list of values, as promptfoo multiplies them out."""
    names = list(values)
    choices = [value if isinstance(value, list) and value else [value] for value in values.values()]
    size = 1
    for each in choices:
        size *= len(each)
    if size > plan.MOST_CASES:
        raise BadInput(f"The variables of one test give {size:,} cases.", f"Give at most {plan.MOST_CASES:,}.")
    return [dict(zip(names, combination, strict=True)) for combination in itertools.product(*choices)]
