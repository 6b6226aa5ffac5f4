"""YAML with line numbers, within bounds, read as promptfoo's parser reads it.

PyYAML's safe scanner, but the scalars of YAML 1.2 (js-yaml, which promptfoo uses): `yes`, `on` and dates are texts,
since a test case that says "Yes" means the word. No tag builds an object. Aliases are followed within a bound on
the size of the whole, so that a few lines cannot grow into gigabytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import yaml

from playground import checks
from playground.errors import BadInput

LONGEST = 500_000  # characters of a file
MOST_NODES = 100_000  # values in it, aliases followed
DEEPEST = 30
TAGS = ("map", "seq", "str", "null", "bool", "int", "float", "merge")


class Loader(yaml.SafeLoader):
    """The safe loader with the core schema of YAML 1.2."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


for tag, pattern, first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
        ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
                  r"|\.(?:nan|NaN|NAN))$", "-+.0123456789"),
        ("merge", r"^<<$", "<")):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))

SCALARS = {"null": lambda text: None, "bool": lambda text: text.lower() == "true",
           "int": lambda text: int(text, 0) if text[:2] in ("0o", "0x") else int(text),
           "float": lambda text: float(text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf")
                                       .replace(".nan", "nan").replace(".NaN", "nan").replace(".NAN", "nan"))}


@dataclass(frozen=True)
class Issue:
    """Something in a file that is not supported or was read otherwise than promptfoo would; line from 1."""

    line: int
    words: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.words}"


class Node:
    """A value of the file with its line."""

    def __init__(self, node: yaml.Node) -> None:
        self.node = node

    @property
    def line(self) -> int:
        """The line on which it starts, from 1."""
        return self.node.start_mark.line + 1

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it has items."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_text(self) -> bool:
        """Whether it is a string."""
        return isinstance(self.node, yaml.ScalarNode) and isinstance(self.plain(), str)

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values of a mapping, `<<` merged in. BadInput for keys that come twice or are no texts."""
        if not self.is_mapping:
            raise BadInput(f"Line {self.line}: a mapping (key: value) is expected here.", "Mend the line.")
        seen: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise BadInput(f"Line {key.start_mark.line + 1}: the key is not a text.", "Mend the line.")
            if key.tag.endswith(":merge"):
                merged.update(dict(Node(value).items()))
            elif key.value in seen:
                raise BadInput(f"Line {key.start_mark.line + 1}: {key.value!r:.80} stands there twice.",
                               "Remove one of them.")
            else:
                seen[key.value] = Node(value)
        yield from {**merged, **seen}.items()

    def each(self) -> list["Node"]:
        """The items of a list; a single value counts as a list of one."""
        return [Node(item) for item in self.node.value] if self.is_list else [self]

    def plain(self) -> Any:
        """The value as Python's None, bool, int, float, str, list and dict."""
        if self.is_mapping:
            return {key: value.plain() for key, value in self.items()}
        if self.is_list:
            return [Node(item).plain() for item in self.node.value]
        try:
            return SCALARS.get(self.node.tag.rpartition(":")[2], str)(self.node.value)
        except ValueError:
            raise self.wrong(f"{self.node.value!r:.40} is not what its tag says, or has too many digits.") from None

    def wrong(self, words: str) -> BadInput:
        """The error that this value cannot be used."""
        return BadInput(f"Line {self.line}: {words}", "Mend the line.")

    def text(self, what: str) -> str:
        """The value as a text; numbers and truth values as they are written."""
        if self.is_mapping or self.is_list:
            raise self.wrong(f"{what} is a text.")
        return self.node.value

    def number(self, what: str) -> float:
        """The value as a finite number."""
        value = self.plain()
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
            raise self.wrong(f"{what} is a number.")
        return float(value)


def parse(text: Any) -> Node:
    """The root of a file. BadInput with its line for what is no YAML, empty, too large or too deep."""
    checks.text(text, "The YAML", LONGEST)
    try:
        root = yaml.compose(text, Loader=Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise BadInput(f"{where}this is not YAML ({problem.problem or problem.context}).",
                       "Are the line before and its indentation right?") from None
    except yaml.YAMLError as problem:
        raise BadInput(f"This is not YAML ({problem!s:.200}).", "Remove control characters.") from None
    except RecursionError:
        raise too_deep() from None
    if root is None:
        raise BadInput("The YAML is empty.", "Write prompts, providers and tests.")
    count(root, {}, 0)
    return Node(root)


def is_text(scalar: str) -> bool:
    """Whether a scalar without quotes is read as a text, and not as a number or another word of YAML's."""
    known = Loader.yaml_implicit_resolvers
    return not any(pattern.match(scalar) for _, pattern in [*known.get(scalar[:1], []), *known.get(None, [])])


def count(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """How many values a node is when its aliases are followed. BadInput past the bounds."""
    if depth > DEEPEST:
        raise too_deep()
    if id(node) in known:
        return known[id(node)]
    if node.tag.removeprefix("tag:yaml.org,2002:") not in TAGS:
        raise BadInput(f"Line {node.start_mark.line + 1}: the tag {node.tag!r:.80} is not read.", "Remove it.")
    total = 1
    if isinstance(node, yaml.CollectionNode):
        children = node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
        for child in children:
            total += count(child, known, depth + 1)
            if total > MOST_NODES:
                raise BadInput(f"The YAML grows to more than {MOST_NODES:,} values when its aliases are followed.",
                               "Write it without so many aliases (*name).")
    known[id(node)] = total
    return total


def too_deep() -> BadInput:
    """The error of a file that is nested too deeply, or into itself."""
    return BadInput(f"The YAML is nested more than {DEEPEST} levels deep, or into itself.", "Flatten it.")
