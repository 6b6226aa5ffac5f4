"""The grammar of expressions: what they mean, and where their mistakes are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.text.vectors.expressions import LONGEST, parse


@pytest.mark.parametrize(("text", "terms"), [
    ("king", {"king": 1}),
    ("king - man + woman", {"king": 1, "man": -1, "woman": 1}),
    ("king-man+woman", {"king": 1, "man": -1, "woman": 1}),
    ("king − man – woman", {"king": 1, "man": -1, "woman": -1}),
    ("0.5 * woman", {"woman": 0.5}),
    ("woman * .5 / 2", {"woman": 0.25}),
    ("2 × 3 * king ÷ 4", {"king": 1.5}),
    ("-(a - 2*(b + -c))", {"a": -1, "b": 2, "c": -2}),
    ("(1 + 2) * a - (3 - 1) * b", {"a": 3, "b": -2}),
    ("a + a - b - b", {"a": 2, "b": -2}),
    ("a - a + b", {"a": 0, "b": 1}),
    ('"new   york" - city', {"new york": 1, "city": -1}),
    ("“mother-in-law” + «2000» - \"3\"", {"mother-in-law": 1, "2000": 1, "3": -1}),
    ("- - + -a", {"a": -1}),
    ("don't + u.s. + 3d", {"don't": 1, "u.s.": 1, "3d": 1}),
    ("שלום - 猫 + 👩‍👧", {"שלום": 1, "猫": -1, "👩‍👧": 1}),
])
def test_meaning(text, terms):
    assert parse(text).terms == pytest.approx(terms)
    assert list(parse(text).terms) == list(terms)


@pytest.mark.parametrize(("text", "at", "why"), [
    ("king man", 6, "operator is missing"),
    ("king (man)", 6, "operator is missing"),
    ("king * queen", 6, "cannot be multiplied"),
    ("2 / king", 3, "divided by a word"),
    ("king / 0", 6, "divides by zero"),
    ("king / (1 - 1)", 6, "divides by zero"),
    ("king + 2", 6, "cannot be added"),
    ("2 - king", 3, "cannot be added"),
    ("(king", 6, "character 1 is not closed"),
    ("king)", 5, "never opened"),
    ("()", 2, "word or a number should be"),
    ("king +", 7, "expression ends"),
    ("* king", 1, "“\\*”"),
    ('king + "new york', 8, "never closed"),
    ('""', 1, "nothing between"),
    ("(" * 41 + "a" + ")" * 41, 41, "too many parentheses"),
])
def test_mistakes_are_placed(text, at, why):
    with pytest.raises(BadInput, match=why) as problem:
        parse(text)
    assert f"at character {at}:" in problem.value.what
    assert problem.value.remedy


@pytest.mark.parametrize("text", ["", "   ", "\n", "3", "3 + 4", "a" * (LONGEST + 1), "a\ud800", None, 7,
                                  "9" * 400 + " * a", "1000001 * a", " + ".join(f"w{number}" for number in range(65))])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(BadInput):
        parse(text)


def test_written_out():
    assert str(parse("-man + 0.5*king - 2*(woman)")) == "−man + 0.5 · king − 2 · woman"


WORDS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(1, 9)


@st.composite
def sums(draw, depth=0):
    """An expression as text, with its weights worked out beside it."""
    kind = draw(st.sampled_from(["word", "times", "plus", "minus", "negative"] if depth < 4 else ["word"]))
    if kind == "word":
        word = draw(WORDS)
        return word, {word: 1}
    text, terms = draw(sums(depth + 1))
    if kind == "times":
        number = draw(NUMBERS)
        return f"{number}*({text})", {word: weight * number for word, weight in terms.items()}
    if kind == "negative":
        return f"-({text})", {word: -weight for word, weight in terms.items()}
    other, others = draw(sums(depth + 1))
    sign = 1 if kind == "plus" else -1
    total = {word: terms.get(word, 0) + sign * others.get(word, 0) for word in {*terms, *others}}
    return f"{text} {'+' if sign == 1 else '-'} ({other})", total


@given(sums())
def test_any_sum_comes_to_its_weights(case):
    text, terms = case
    if len(text) <= LONGEST:
        assert parse(text).terms == pytest.approx(terms)
