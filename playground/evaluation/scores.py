"""Scoring an output: each assertion gives pass, fail or not known, a score from 0 to 1 and its evidence.

As in promptfoo: a case passes when all its assertions do, or, where it has a threshold, when the weighted mean of
their scores reaches it; an assertion of weight 0 is only noted down. Sources: Levenshtein 1966; BLEU, Papineni et
al. 2002, computed by sacreBLEU (Post 2018) with its smoothing for single sentences; ROUGE-N, Lin 2004, as F1.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playground.errors import BadInput
from playground.evaluation import batch, json_check, kinds, patterns, pictures, render
from playground.evaluation.outputs import Output
from playground.evaluation.plan import Assertion, Case
from playground.evaluation.verdicts import (
    CHECKLIST,
    Found,
    Score,
    Verdict,
    aggregate,
    gathered,
    items_of,
    listed,
    not_measured,
    over,
    quoted,
    under,
    yes_or_no,
)


@dataclass
class Measures:
    """What models said beforehand, in batches: cosines by (value, output), P(yes), P(no) by the judge's prompt, cosines
    by (reference or caption, picture); `missing` says why a kind of assertion was not measured."""

    cosines: dict[tuple[str, str], float] = field(default_factory=dict)
    judged: dict[str, tuple[float, float]] = field(default_factory=dict)
    likeness: dict[tuple[str, str], float] = field(default_factory=dict)
    fits: dict[tuple[str, str], float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def score(case: Case, output: Output, measures: Measures) -> Score:
    """Every assertion of a case on an output. An output that is an error passes nothing."""
    if output.error:
        return Score(False, 0.0, (Verdict("output", False, 0.0, output.error),))
    verdicts = tuple(verdict(each, output, case.variables, measures) for each in case.assertions)
    return Score(*aggregate(verdicts, case.threshold), verdicts)


def verdict(assertion: Assertion, output: Output, variables: Mapping[str, Any], measures: Measures) -> Verdict:
    """One assertion on an output, its value filled in with the case's variables."""
    if assertion.kind == kinds.ASSERT_SET:
        made = Verdict(assertion.type, None, None, "", assertion.weight, assertion.metric, assertion.threshold)
        return gathered(made, tuple(verdict(each, output, variables, measures) for each in assertion.parts))
    filled = replace(assertion, value=render.fill(assertion.value, variables))
    limit = filled.threshold if filled.threshold is not None else kinds.KINDS[filled.kind].threshold
    made = Verdict(filled.type, None, None, "", filled.weight, filled.metric, limit,
                   quoted(filled.value) if filled.value is not None else "")
    if filled.kind == CHECKLIST:
        return listed(made, items_of(filled.value), {})
    try:
        passed, points, evidence = found(replace(filled, threshold=limit), output, variables, measures)
    except patterns.TooSlow as problem:
        return replace(made, passed=False, score=0.0, evidence=str(problem))
    if filled.negated and passed is not None:
        passed, points = not passed, 1 - points
    return replace(made, passed=passed, score=points, evidence=evidence)


def found(each: Assertion, output: Output, variables: Mapping[str, Any], measures: Measures) -> Found:
    """What an assertion finds, if it can look at such an output at all."""
    reads, drawn = kinds.KINDS[each.kind].reads, bool(output.picture)
    if reads == kinds.PICTURE and not drawn:
        return not_measured("it looks at pictures, and the output is a text")
    if reads == kinds.WORDS and drawn:
        return not_measured("it reads texts, and the output is a picture")
    return CHECKS[each.kind](each, output, variables, measures)


Checker = Callable[[Assertion, Output, Mapping[str, Any], Measures], Found]


def equals(each: Assertion, output: Output, *_: Any) -> Found:
    """The output is the value, but for spaces at its ends: a model that goes on with a text begins with one."""
    return yes_or_no(output.text.strip() == each.value.strip(), f"the output is {quoted(output.text.strip())!r}")


def holds(every: bool, fold: bool) -> Checker:
    """A check for texts in the output: all of them or any, capitals or not."""
    def check(each: Assertion, output: Output, *_: Any) -> Found:
        values = each.value if isinstance(each.value, list) else [each.value]
        text = output.text.casefold() if fold else output.text
        found = [value for value in values if (value.casefold() if fold else value) in text]
        missing = [value for value in values if value not in found]
        words = f"found: {', '.join(found)}" if found else "found none"
        if every and missing:
            words = f"missing: {', '.join(missing)}"
        return yes_or_no(not missing if every else bool(found), quoted(words))
    return check


def starts_with(each: Assertion, output: Output, *_: Any) -> Found:
    """The output begins with the value, spaces aside."""
    text = output.text.lstrip()
    return yes_or_no(text.startswith(each.value.lstrip()), f"it begins with {text[:len(each.value) + 10]!r}")


def expression(each: Assertion, output: Output, *_: Any) -> Found:
    """The regular expression is found."""
    found = patterns.search(each.value, output.text)
    return yes_or_no(found is not None, "nothing matches" if found is None else f"matched {quoted(found)!r}")


def json_in(anywhere: bool) -> Checker:
    """A check for JSON that is the whole output, or stands somewhere in it."""
    def check(each: Assertion, output: Output, *_: Any) -> Found:
        try:
            value = json_check.first_inside(output.text) if anywhere else json_check.strict(output.text.strip())
        except ValueError as problem:
            return yes_or_no(False, f"not JSON: {problem!s:.120}")
        schema = json_check.read_schema(each.value)
        problem = json_check.misfit(value, schema) if schema else ""
        return yes_or_no(not problem, problem or ("JSON that fits the schema" if schema else "JSON"))
    return check


def counted(unit: str, count: Callable[[str], int]) -> Checker:
    """A check for a number of words or characters."""
    def check(each: Assertion, output: Output, *_: Any) -> Found:
        number = count(output.text)
        ends = each.value if isinstance(each.value, dict) else {"min": each.value, "max": each.value}
        passed = ends.get("min", 0) <= number <= ends.get("max", number)
        wanted = f"{ends.get('min', 0)} to {ends.get('max', 'any')}" if isinstance(each.value, dict) else each.value
        return yes_or_no(passed, f"{number} {unit}, wanted {wanted}")
    return check


def levenshtein(each: Assertion, output: Output, *_: Any) -> Found:
    """The edit distance, spaces at the ends aside."""
    from rapidfuzz.distance import Levenshtein

    return under(Levenshtein.distance(output.text.strip(), each.value.strip()), each.threshold, "edit distance")


def bleu(each: Assertion, output: Output, *_: Any) -> Found:
    """BLEU from 0 to 1."""
    from sacrebleu import sentence_bleu

    value = sentence_bleu(output.text.strip(), [each.value.strip()]).score / 100
    return over(value, each.threshold, "BLEU")


def rouge(each: Assertion, output: Output, *_: Any) -> Found:
    """ROUGE-1 as F1."""
    return over(rouge_n(output.text, each.value), each.threshold, "ROUGE-1 F1")


def rouge_n(candidate: str, reference: str, n: int = 1) -> float:
    """The harmonic mean of the shares of n-grams (words and marks) of either text that the other has too, 0 to 1."""
    ours, theirs = (Counter(grams(text, n)) for text in (candidate, reference))
    common = sum((ours & theirs).values())
    return 2 * common / (sum(ours.values()) + sum(theirs.values())) if common else 0.0


def grams(text: str, n: int) -> list[tuple[str, ...]]:
    """The n-grams of a text's words and punctuation marks, capitals kept."""
    words = re.findall(r"\w+|[^\w\s]", text)
    return [tuple(words[place:place + n]) for place in range(len(words) - n + 1)]


def similar(each: Assertion, output: Output, _: Any, measures: Measures) -> Found:
    """The cosine, measured beforehand."""
    return over(measures.cosines[each.value, output.text], each.threshold, "cosine")


def perplexity(each: Assertion, output: Output, *_: Any) -> Found:
    """The model's perplexity of its own output at temperature 1."""
    if output.logprob is None:
        return not_measured("this provider does not tell its probabilities")
    return under(batch.perplexity(output.logprob, output.tokens), each.threshold, "perplexity")


def latency(each: Assertion, output: Output, *_: Any) -> Found:
    """Milliseconds from the start of the batch to the end of the output."""
    return under(output.seconds * 1000, each.threshold, "it took", " ms")


def rubric(each: Assertion, output: Output, variables: Mapping[str, Any], measures: Measures) -> Found:
    """P(yes) / (P(yes) + P(no)), measured beforehand."""
    yes, no = measures.judged[judge_prompt(each, output.text, variables)]
    share = yes / (yes + no) if yes + no else 0.0
    return (share >= each.threshold, share,
            f"P(yes) {yes:.3f}, P(no) {no:.3f}: {share:.3f} for yes, wanted at least {each.threshold:g}")


def looks_like(each: Assertion, output: Output, _: Any, measures: Measures) -> Found:
    """The cosine with a reference picture, measured beforehand."""
    return over(measures.likeness[each.value, output.picture], each.threshold, "cosine")


def fits_caption(each: Assertion, output: Output, _: Any, measures: Measures) -> Found:
    """CLIP's cosine, measured beforehand where CLIP is to be had."""
    if each.kind in measures.missing:
        return not_measured(measures.missing[each.kind])
    return over(measures.fits[each.value, output.picture], each.threshold, "CLIP's cosine")


JUDGE = """Decide whether an answer meets a criterion.

Criterion: The answer names a colour.
Answer: The sky is blue.
Does the answer meet the criterion? yes

Criterion: The answer names a colour.
Answer: I went home early.
Does the answer meet the criterion? no

Criterion: {{rubric}}
Answer: {{output}}
Does the answer meet the criterion?"""


def judge_prompt(assertion: Assertion, output: str, variables: Mapping[str, Any]) -> str:
    """What the judge reads: the assertion's own prompt or JUDGE, {{rubric}}, {{output}} and variables filled in."""
    return render.render(assertion.prompt or JUDGE,
                         {**variables, "rubric": assertion.value, "output": output.strip()})


CHECKS: dict[str, Checker] = {
    "equals": equals, "contains": holds(True, False), "icontains": holds(True, True),
    "contains-any": holds(False, False), "contains-all": holds(True, False),
    "icontains-any": holds(False, True), "icontains-all": holds(True, True), "starts-with": starts_with,
    "regex": expression, "is-json": json_in(False), "contains-json": json_in(True),
    "word-count": counted("words", lambda text: len(text.split())), "char-count": counted("characters", len),
    "levenshtein": levenshtein, "bleu": bleu, "rouge-n": rouge, "similar": similar, "perplexity": perplexity,
    "latency": latency, "llm-rubric": rubric, "picture-similar": looks_like, "clip-score": fits_caption}


def with_prompt(case: Case, prompt: str) -> Case:
    """The case with the prompt as sent among what its assertions can name; a variable of that name goes first."""
    return replace(case, variables={"prompt": prompt, **case.variables})


def check_values(case: Case, references: Mapping[str, str] | None = None) -> None:
    """BadInput for assertions that could check no output: a broken expression or schema, a missing variable or
    reference picture."""
    for each in flat(case.assertions):
        value = render.fill(each.value, with_prompt(case, "").variables)
        if each.kind == "regex":
            patterns.compiled(value)
        elif each.kind in ("is-json", "contains-json"):
            json_check.read_schema(value)
        elif each.kind == "picture-similar":
            pictures.find(references or {}, value)
        elif each.kind == CHECKLIST and not items_of(value):
            raise BadInput("The check list is empty.", "Give its items, parted by commas.")
        elif each.kind == "llm-rubric":
            judge_prompt(replace(each, value=value), "", case.variables)


def flat(assertions: Sequence[Assertion]) -> list[Assertion]:
    """The assertions, those of sets in their place."""
    return [part for each in assertions for part in (each.parts or (each,))]
