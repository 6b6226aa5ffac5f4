"""Scoring an output: each assertion gives pass or fail, a score from 0 to 1 and its evidence.

As in promptfoo: a case passes when all its assertions do, or, where it has a threshold, when the weighted mean of
their scores reaches it; an assertion of weight 0 is only noted down. Sources: Levenshtein 1966; BLEU, Papineni et
al. 2002, computed by sacreBLEU (Post 2018) with its smoothing for single sentences; ROUGE-N, Lin 2004, as F1.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from playground.evaluation import batch, json_check, kinds, patterns, render
from playground.evaluation.outputs import Output
from playground.evaluation.plan import Assertion, Case

SHOWN = 120  # characters of a text quoted as evidence


@dataclass(frozen=True)
class Verdict:
    """What one assertion found. `threshold` is the one that was used, None where there is none."""

    type: str
    passed: bool
    score: float
    evidence: str
    weight: float = 1.0
    metric: str = ""
    threshold: float | None = None
    wanted: str = ""
    parts: tuple["Verdict", ...] = ()


@dataclass(frozen=True)
class Score:
    """What a cell came to, with every assertion's verdict."""

    passed: bool
    score: float
    verdicts: tuple[Verdict, ...] = ()

    def to_json(self) -> dict:
        """As JSON types."""
        return asdict(self)


@dataclass
class Measures:
    """What models said beforehand, in batches: cosines by (value, output), P(yes), P(no) by the judge's prompt."""

    cosines: dict[tuple[str, str], float] = field(default_factory=dict)
    judged: dict[str, tuple[float, float]] = field(default_factory=dict)


def score(case: Case, output: Output, measures: Measures) -> Score:
    """Every assertion of a case on an output. An output that is an error passes nothing."""
    if output.error:
        return Score(False, 0.0, (Verdict("output", False, 0.0, output.error),))
    verdicts = tuple(verdict(each, output, case.variables, measures) for each in case.assertions)
    return Score(*aggregate(verdicts, case.threshold), verdicts)


def aggregate(verdicts: Sequence[Verdict], threshold: float | None) -> tuple[bool, float]:
    """(passed, score) of several verdicts: their weighted mean; all must pass unless there is a threshold."""
    total = sum(each.weight for each in verdicts)
    mean = sum(each.weight * each.score for each in verdicts) / total if total else 1.0
    if threshold is not None:
        return mean >= threshold, mean
    return all(each.passed for each in verdicts if each.weight), mean


def verdict(assertion: Assertion, output: Output, variables: Mapping[str, Any], measures: Measures) -> Verdict:
    """One assertion on an output, its value filled in with the case's variables."""
    if assertion.kind == kinds.ASSERT_SET:
        parts = tuple(verdict(each, output, variables, measures) for each in assertion.parts)
        passed, mean = aggregate(parts, assertion.threshold)
        held = sum(part.passed for part in parts)
        return Verdict(assertion.type, passed, mean, f"{held} of {len(parts)} hold", assertion.weight,
                       assertion.metric, assertion.threshold, parts=parts)
    filled = replace(assertion, value=render.fill(assertion.value, variables))
    limit = filled.threshold if filled.threshold is not None else kinds.KINDS[filled.kind].threshold
    try:
        passed, points, evidence = CHECKS[filled.kind](replace(filled, threshold=limit), output, variables, measures)
    except patterns.TooSlow as problem:
        return Verdict(filled.type, False, 0.0, str(problem), filled.weight, filled.metric, limit, quoted(filled.value))
    if filled.negated:
        passed, points = not passed, 1 - points
    return Verdict(filled.type, passed, points, evidence, filled.weight, filled.metric, limit,
                   quoted(filled.value) if filled.value is not None else "")


def quoted(value: Any) -> str:
    """A value as evidence shows it, shortened."""
    text = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= SHOWN else text[:SHOWN - 1] + "…"


Found = tuple[bool, float, str]  # passed, score from 0 to 1, evidence
Checker = Callable[[Assertion, Output, Mapping[str, Any], Measures], Found]


def yes_or_no(passed: bool, evidence: str) -> Found:
    """A check without degrees."""
    return passed, float(passed), evidence


def over(value: float, threshold: float, words: str) -> Found:
    """A check whose value from 0 to 1 has to reach a threshold."""
    return value >= threshold, min(1.0, max(0.0, value)), f"{words} {value:.3f}, wanted at least {threshold:g}"


def under(value: float, threshold: float, words: str, unit: str = "") -> Found:
    """A check whose value must not exceed a threshold."""
    return yes_or_no(value <= threshold, f"{words} {value:,.4g}{unit}, wanted at most {threshold:,.4g}{unit}")


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
        return yes_or_no(False, "this provider does not tell its probabilities")
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
    "latency": latency, "llm-rubric": rubric}


def check_values(case: Case) -> None:
    """BadInput for assertions that could check no output: a broken expression or schema, a missing variable."""
    for each in flat(case.assertions):
        value = render.fill(each.value, case.variables)
        if each.kind == "regex":
            patterns.compiled(value)
        elif each.kind in ("is-json", "contains-json"):
            json_check.read_schema(value)
        elif each.kind == "llm-rubric":
            judge_prompt(replace(each, value=value), "", case.variables)


def flat(assertions: Sequence[Assertion]) -> list[Assertion]:
    """The assertions, those of sets in their place."""
    return [part for each in assertions for part in (each.parts or (each,))]
