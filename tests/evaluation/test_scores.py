"""Scorers against their reference libraries, by hand, and with outputs that want to break them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.evaluation import batch, json_check, kinds, scores
from playground.evaluation.outputs import Output
from playground.evaluation.plan import Assertion, Case
from playground.evaluation.scores import Measures

TEXT = "The quick brown fox jumps over the lazy dog."


def check(kind, value=None, output=TEXT, threshold=None, measures=None, variables=None, **more):
    answer = output if isinstance(output, Output) else Output(output)
    return scores.verdict(kinds.made(kind, value, threshold, **more), answer, variables or {}, measures or Measures())


@pytest.mark.parametrize(("kind", "value", "output", "passes"), [
    ("equals", "Yarr", " Yarr\n", True), ("equals", "Yarr", "yarr", False), ("equals", "", "", True),
    ("contains", "brown", TEXT, True), ("contains", "Brown", TEXT, False), ("icontains", "BROWN", TEXT, True),
    ("icontains", "STRASSE", "straße", True), ("contains-any", ["cat", "fox"], TEXT, True),
    ("contains-any", ["cat"], TEXT, False), ("contains-all", ["dog", "fox"], TEXT, True),
    ("contains-all", ["dog", "cat"], TEXT, False), ("icontains-all", ["DOG", "FOX"], TEXT, True),
    ("icontains-any", ["CAT", "FOX"], TEXT, True), ("starts-with", "The", "  The end", True),
    ("starts-with", "end", "The end", False), ("regex", r"\b\w{5}\b", TEXT, True), ("regex", r"^fox", TEXT, False),
    ("is-json", None, ' {"a": 1}\n', True), ("is-json", None, "{a: 1}", False), ("is-json", None, "NaN", False),
    ("is-json", None, '{"a": 1} ok', False), ("contains-json", None, 'Sure: {"a": [1]} ok', True),
    ("contains-json", None, "{{{[[[", False), ("word-count", 9, TEXT, True), ("word-count", {"min": 10}, TEXT, False),
    ("word-count", {"max": 9}, TEXT, True), ("char-count", {"min": 40, "max": 50}, TEXT, True)])
def test_plain_checks(kind, value, output, passes):
    found = check(kind, value, output)
    assert (found.passed, found.score) == (passes, float(passes))
    assert check(kind, value, output, negated=True).passed is not passes
    assert found.evidence


SCHEMA = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}


@pytest.mark.parametrize(("schema", "output", "passes"), [
    (SCHEMA, '{"amount": 3}', True), (SCHEMA, '{"amount": "3"}', False), (SCHEMA, "{}", False),
    ("type: array", "[]", True), ('{"type": "array"}', "{}", False), ({"pattern": "^a+$"}, '"aaa"', True),
    ({"pattern": "^a+$"}, '"b"', False), ({"$ref": "https://example.com/schema"}, "1", False),
    ({"patternProperties": {"(a+)+$": {}}}, '{"a": 1}', False)])
def test_schemas(schema, output, passes):
    assert check("is-json", schema, output).passed is passes


def test_a_schema_that_refers_elsewhere_opens_no_connection(monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was opened"))
    found = check("is-json", {"$ref": "http://127.0.0.1:9/x"}, "1")
    assert not found.passed and "refers to what is not in it" in found.evidence


@pytest.mark.parametrize("kind", ["regex", "is-json"])
def test_catastrophic_expressions_end_in_time(kind):
    evil = r"(a|a)*$"
    value, output = (evil, "a" * 60 + "!") if kind == "regex" else ({"pattern": evil}, f'"{"a" * 60}!"')
    start = time.perf_counter()
    found = check(kind, value, output)
    assert time.perf_counter() - start < 10
    assert not found.passed and "took longer" in found.evidence


NO_TEMPLATE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{"), min_size=1, max_size=40)


@given(st.text(max_size=40), NO_TEMPLATE.filter(str.strip))
def test_levenshtein_is_the_textbook_recurrence(output, value):
    a, b = output.strip(), value.strip()
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, old = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(old[j] + 1, row[-1] + 1, old[j - 1] + (x != y)))
    assert check("levenshtein", value, output, threshold=row[-1]).passed
    assert not check("levenshtein", value, output, threshold=row[-1] - 0.5).passed


def test_bleu_is_nltks():
    """nltk with the smoothing that sacreBLEU uses (exponential, Chen and Cherry 2014, method 3)."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    cut = Tokenizer13a()
    for output in (TEXT, "The quick brown fox sleeps beside the lazy dog.", "A quick brown dog jumps over the fox."):
        expected = sentence_bleu([cut(TEXT).split()], cut(output).split(),
                                 smoothing_function=SmoothingFunction().method3)
        assert check("bleu", TEXT, output).score == pytest.approx(expected, abs=0.01)
    assert check("bleu", TEXT, TEXT).score == pytest.approx(1.0)
    assert not check("bleu", TEXT, "Something else entirely.").passed


@pytest.mark.parametrize(("candidate", "reference", "n", "value"), [
    # Lin 2004, section 2: "police killed the gunman" against "police kill the gunman": 3 of 4 words each way
    ("police kill the gunman", "police killed the gunman", 1, 0.75),
    ("police kill the gunman", "police killed the gunman", 2, 1 / 3),
    # 6 of 7 words of the candidate, 6 of 6 of the reference: 2 x 6 / 13; and "the" counts twice at most
    ("the cat was found under the bed", "the cat was under the bed", 1, 12 / 13),
    ("the the the the", "the cat", 1, 2 / 6), ("a b", "c d", 1, 0.0), ("", "a", 1, 0.0), ("a", "a", 2, 0.0)])
def test_rouge_by_hand(candidate, reference, n, value):
    assert scores.rouge_n(candidate, reference, n) == pytest.approx(value)


def test_similar_reads_the_cosine_and_perplexity_the_tokens():
    measures = Measures(cosines={("a", "b"): 0.8})
    assert check("similar", "a", "b", measures=measures).passed
    assert not check("similar", "a", "b", 0.81, measures=measures).passed
    assert check("similar", "a", "b", measures=measures, negated=True).score == pytest.approx(0.2)
    assert batch.perplexity(-4.0, 4) == pytest.approx(2.718281828)
    assert check("perplexity", None, Output("x", tokens=4, logprob=-4.0), 2.8).passed
    assert not check("perplexity", None, Output("x", tokens=4, logprob=-4.0), 2.7).passed
    assert "does not tell" in check("perplexity", None, Output("x")).evidence


def test_latency_counts_milliseconds():
    assert check("latency", None, Output("x", seconds=0.9), 900).passed
    assert not check("latency", None, Output("x", seconds=0.91), 900).passed


def test_the_judge_is_yes_against_no():
    asked = scores.judge_prompt(kinds.made("llm-rubric", "polite"), " Hello ", {})
    assert "Criterion: polite\nAnswer: Hello\n" in asked
    found = check("llm-rubric", "polite", " Hello ", measures=Measures(judged={asked: (0.3, 0.1)}))
    assert found.passed and found.score == pytest.approx(0.75)
    assert "P(yes) 0.300, P(no) 0.100" in found.evidence


def test_the_judges_own_prompt_knows_the_variables():
    each = kinds.made("llm-rubric", "about {{topic}}", prompt="{{topic}}|{{rubric}}|{{output}}")
    measures = Measures(judged={"bees|about bees|Bzz": (0.1, 0.3)})
    assert scores.verdict(each, Output("Bzz"), {"topic": "bees"}, measures).score == pytest.approx(0.25)


def test_values_are_filled_in_with_the_cases_variables():
    assert check("icontains", "{{animal}}", variables={"animal": "FOX"}).passed
    assert check("contains-all", ["{{a}}", "dog"], variables={"a": "fox"}).passed


def test_a_case_passes_by_all_or_by_its_threshold():
    parts = (kinds.made("contains", "fox"), kinds.made("contains", "cat", weight=3.0))
    strict = scores.score(Case(assertions=parts), Output(TEXT), Measures())
    assert (strict.passed, strict.score) == (False, 0.25)
    assert scores.score(Case(assertions=parts, threshold=0.25), Output(TEXT), Measures()).passed
    noted = scores.score(Case(assertions=(parts[0], kinds.made("contains", "cat", weight=0.0))), Output(TEXT),
                         Measures())
    assert (noted.passed, noted.score) == (True, 1.0)


def test_a_set_passes_by_its_threshold():
    parts = (kinds.made("contains", "fox"), kinds.made("contains", "cat"))
    found = scores.verdict(Assertion("assert-set", threshold=0.5, parts=parts), Output(TEXT), {}, Measures())
    assert found.passed and found.score == 0.5 and [part.passed for part in found.parts] == [True, False]
    assert not scores.verdict(Assertion("assert-set", parts=parts), Output(TEXT), {}, Measures()).passed


def test_an_output_that_is_an_error_passes_nothing():
    found = scores.score(Case(), Output("", finish="error", error="refused"), Measures())
    assert not found.passed and found.verdicts[0].evidence == "refused"


@pytest.mark.parametrize(("text", "expected"), [
    ("icontains: grub", Assertion("icontains", "grub")), ("Yarr", Assertion("equals", "Yarr")),
    ("similar(0.8): Ahoy", Assertion("similar", "Ahoy", 0.8)), ("is-json", Assertion("is-json")),
    ("not-contains: a: b", Assertion("contains", "a: b", negated=True)), ("contains", Assertion("equals", "contains")),
    ("contains-any: a, b", Assertion("contains-any", ["a", "b"])), ("latency(900)", Assertion("latency", None, 900.0)),
    ("word-count: 5-20", Assertion("word-count", {"min": 5, "max": 20})), ("note: x", Assertion("equals", "note: x"))])
def test_short_forms(text, expected):
    assert kinds.short(text) == expected
    if expected.kind != "equals" and not isinstance(expected.value, dict):
        assert kinds.short(kinds.spelled(expected)) == expected


@pytest.mark.parametrize(("case", "words"), [
    (Case(assertions=(Assertion("regex", "(["),)), "not a regular expression"),
    (Case(assertions=(Assertion("regex", "(((a{1000}){1000}){1000})"),)), "multiply past 100,000"),
    (Case(assertions=(Assertion("regex", "x" * 2001),)), "2,001 characters"),
    (Case(assertions=(Assertion("is-json", {"type": "nonsense"}),)), "JSON schema"),
    (Case(assertions=(Assertion("contains", "{{missing}}"),)), "missing")])
def test_assertions_that_could_check_nothing_are_refused_before_the_run(case, words):
    with pytest.raises(BadInput, match=words):
        scores.check_values(case)


@given(st.text(max_size=200))
def test_json_is_found_or_refused_in_any_text(text):
    for read in (json_check.strict, json_check.first_inside):
        try:
            read(text)
        except ValueError as problem:
            assert str(problem)


def test_json_nested_without_end_is_refused():
    for read in (json_check.strict, json_check.first_inside):
        with pytest.raises(ValueError):
            read("[" * 200_000)
