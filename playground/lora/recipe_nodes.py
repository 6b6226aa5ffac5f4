"""A stranger's recipe as values by their paths, each with its line; refused where it could cost time or memory.

A recipe needs no anchors and no tags. Its depth is bounded while it is scanned, since the scanner's time grows with
the square of it: 60,000 opening brackets would take minutes.
"""

import contextlib
from collections.abc import Iterator, Mapping

import yaml

from playground import checks
from playground.errors import BadInput
from playground.evaluation import yaml_nodes
from playground.evaluation.yaml_nodes import Node

LARGEST = 64_000  # bytes
REMEDY = "Show the recipe of this page to see what one looks like."
OPENING = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken,
           yaml.BlockMappingStartToken)
CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


def read(text: str) -> dict[str, Node]:
    """Every value of the file by its path, such as config.process[0].train.lr. BadInput with the line."""
    return dict(_walk(_parse(text), ""))


def _parse(text: str) -> Node:
    """The root of the file, with everything refused that a recipe does not need."""
    checks.text(text, "The recipe", LARGEST)
    if len(text.encode()) > LARGEST:
        raise BadInput(f"The recipe has {len(text.encode()):,} bytes.", f"Give at most {LARGEST:,}.")
    _refuse_tokens(text)
    return yaml_nodes.parse(text)


def _refuse_tokens(text: str) -> None:
    """Refuses anchors, aliases and tags, a file without values, and, before the scanner's time grows with the square
    of the depth, one that is nested too deeply."""
    kinds = {yaml.TagToken: "a tag (!name)", yaml.AnchorToken: "an anchor (&name)", yaml.AliasToken: "an alias (*name)"}
    values = depth = 0
    with contextlib.suppress(yaml.YAMLError):  # what is no YAML, the parser says better
        for token in yaml.scan(text, Loader=yaml_nodes.Loader):
            if type(token) in kinds:
                raise BadInput(f"Line {token.start_mark.line + 1}: {kinds[type(token)]} is not read here.",
                               "Write the value out.")
            depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
            if depth > yaml_nodes.DEEPEST:
                raise yaml_nodes.too_deep()
            values += isinstance(token, yaml.ScalarToken)
        if not values:
            raise BadInput("The recipe says nothing.", REMEDY)


def _walk(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    if path:
        yield path, node
    if node.is_mapping:
        for key, value in node.items():
            yield from _walk(value, f"{path}.{key}" if path else key)
    elif node.is_list:
        for number, value in enumerate(node.each()):
            yield from _walk(value, f"{path}[{number}]")


def is_null(node: Node) -> bool:
    """Whether nothing stands there."""
    return isinstance(node.node, yaml.ScalarNode) and node.node.tag.endswith(":null")


def single(nodes: Mapping[str, Node], path: str, used: set[str]) -> Node | None:
    """The single value at a path, or None where there is none or it is null."""
    node = nodes.get(path)
    if node is None:
        return None
    if node.is_mapping or node.is_list:
        raise node.wrong(f"{path} has to be a single value.")
    used.add(path)
    return None if is_null(node) else node
