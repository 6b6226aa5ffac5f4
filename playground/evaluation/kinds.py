"""The assertions that are known: what each needs, its default threshold, and promptfoo's short form of them."""

import re
from dataclasses import dataclass
from typing import Any

from playground.errors import BadInput
from playground.evaluation.plan import Assertion
from playground.evaluation.verdicts import CHECKLIST

TEXT, LIST, NOTHING, SCHEMA, RANGE, CAPTION = "text", "list", "nothing", "schema", "range", "caption"
WORDS, PICTURE, ANY = "words", "picture", "any"  # what an assertion can look at
PROMPT = "{{prompt}}"  # the prompt as it was sent


@dataclass(frozen=True)
class Kind:
    """What an assertion's value is, what it says, its default threshold (None: it has none), what it looks at."""

    value: str
    words: str
    threshold: float | None = None
    ours: bool = False  # not a type of promptfoo
    reads: str = WORDS


KINDS = {
    "equals": Kind(TEXT, "the output is exactly the value, spaces at the ends aside"),
    "contains": Kind(TEXT, "the output holds the value"),
    "icontains": Kind(TEXT, "the output holds the value, capitals or not"),
    "contains-any": Kind(LIST, "the output holds one of the values"),
    "contains-all": Kind(LIST, "the output holds all of the values"),
    "icontains-any": Kind(LIST, "the output holds one of the values, capitals or not"),
    "icontains-all": Kind(LIST, "the output holds all of the values, capitals or not"),
    "starts-with": Kind(TEXT, "the output begins with the value, spaces at the start aside"),
    "regex": Kind(TEXT, "the regular expression is found in the output"),
    "is-json": Kind(SCHEMA, "the output is JSON, and fits the schema if one is given"),
    "contains-json": Kind(SCHEMA, "some part of the output is JSON, and fits the schema if one is given"),
    "word-count": Kind(RANGE, "so many words: a number, or min and max"),
    "char-count": Kind(RANGE, "so many characters: a number, or min and max", ours=True),
    "levenshtein": Kind(TEXT, "at most so many characters to insert, delete or replace", 5.0),
    "bleu": Kind(TEXT, "BLEU of the output against the value, 0 to 1", 0.5),
    "rouge-n": Kind(TEXT, "ROUGE-1 F1 of the output against the value, 0 to 1", 0.75),
    "similar": Kind(TEXT, "cosine of the sentence vectors (MiniLM)", 0.75),
    "perplexity": Kind(NOTHING, "the model's perplexity of its own output is at most the threshold", 50.0),
    "latency": Kind(NOTHING, "the output took at most so many milliseconds", 5000.0, reads=ANY),
    "llm-rubric": Kind(TEXT, "a language model says yes rather than no, read from its logits", 0.5),
    "picture-similar": Kind(TEXT, "the picture is like a reference picture in shapes and colours (cosine)", 0.8,
                            ours=True, reads=PICTURE),
    "clip-score": Kind(CAPTION, "CLIP finds that picture and caption fit (cosine); no value: the prompt", 0.25,
                       ours=True, reads=PICTURE),
    CHECKLIST: Kind(LIST, "you look at the output and tick what is in it", ours=True, reads=ANY),
}
ASSERT_SET = "assert-set"
SHORT = re.compile(r"(?P<kind>[a-z][a-z-]*)(?:\((?P<threshold>[^)]*)\))?(?::\s*(?P<value>.*))?", re.DOTALL)


def known(name: str) -> tuple[str, bool] | None:
    """(kind, negated) of a type, or None if there is no such type here."""
    negated = name.startswith("not-")
    kind = name.removeprefix("not-")
    return (kind, negated) if kind in KINDS else None


def short(text: str) -> Assertion:
    """promptfoo's short form, as in the column __expected: `icontains: grub`, `similar(0.8): Ahoy`, else equals."""
    match = SHORT.fullmatch(text.strip())
    found = known(match["kind"]) if match else None
    if not match or not found:
        return Assertion("equals", text)
    kind, negated = found
    value = (match["value"] or "").strip()
    if KINDS[kind].value == TEXT and not value:
        return Assertion("equals", text)  # the word itself, such as "contains"
    return made(kind, parsed(KINDS[kind], value), number(match["threshold"]), negated)


def spelled(assertion: Assertion) -> str:
    """The short form of an assertion. BadInput for one that has none."""
    value = assertion.value
    if assertion.parts or assertion.weight != 1 or isinstance(value, dict):
        raise BadInput(f"The assertion {assertion.type} does not fit into a table cell.", "Keep it in YAML.")
    threshold = "" if assertion.threshold is None else f"({assertion.threshold:g})"
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
    return f"{assertion.type}{threshold}" + (f": {shown}" if shown else "")


def parsed(kind: Kind, text: str) -> Any:
    """The value of a short form: lists are parted by commas, ranges written 3 or 3-10."""
    if kind.value == LIST:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind.value == RANGE:
        match = re.fullmatch(r"(\d+)(?:\s*(?:-|to)\s*(\d+))?", text.strip())
        if not match:
            raise BadInput(f"{text!r:.60} is no number and no range.", "Write 20, or 5-20.")
        return {"min": int(match[1]), "max": int(match[2])} if match[2] else int(match[1])
    return None if kind.value == NOTHING or not text else text


def number(text: str | None) -> float | None:
    """A threshold in parentheses."""
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise BadInput(f"The threshold {text!r:.40} is not a number.", "Write a number, such as 0.8.") from None


def made(kind: str, value: Any, threshold: float | None = None, negated: bool = False, **more: Any) -> Assertion:
    """An assertion whose value fits its kind. BadInput says what is missing."""
    wanted = KINDS[kind]
    if wanted.value == TEXT and not isinstance(value, str | int | float):
        raise BadInput(f"The assertion {kind} needs a value: {wanted.words}.", "Give the text.")
    if wanted.value == TEXT and not str(value).strip() and kind != "equals":
        raise BadInput(f"The assertion {kind} has an empty value.", "Give the text.")
    if wanted.value == LIST:
        value = value if isinstance(value, list | tuple) else [value]
        if not value or not all(isinstance(each, str | int | float) for each in value):
            raise BadInput(f"The assertion {kind} needs a list of texts.", "Give at least one.")
        value = [str(each) for each in value]
    if wanted.value == RANGE:
        value = bounds(kind, value)
    if wanted.value == CAPTION:
        value = str(value) if value is not None and str(value).strip() else PROMPT
    if kind in ("latency", "perplexity") and threshold is None:
        threshold = wanted.threshold
    return Assertion(kind, str(value) if wanted.value == TEXT else value, threshold, negated=negated, **more)


def bounds(kind: str, value: Any) -> Any:
    """A number, or a mapping with min and max, of which one may be missing."""
    ends = value if isinstance(value, dict) else {"min": value, "max": value}
    good = set(ends) <= {"min", "max"} and ends and all(
        isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in ends.values())
    if not good:
        raise BadInput(f"The assertion {kind} needs a whole number, or min and max.", "Write value: {min: 5, max: 20}.")
    return value
