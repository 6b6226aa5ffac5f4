"""Values as a script may send them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import checks
from playground.errors import BadInput

NOT_NUMBERS = [None, "3", True, [1], {}, math.nan, math.inf, -math.inf, 10**400]


@pytest.mark.parametrize("value", [*NOT_NUMBERS, -0.1, 2.1])
def test_real_refuses(value):
    with pytest.raises(BadInput, match="Level"):
        checks.real(value, "Level", 0, 2)


@pytest.mark.parametrize("value", [*NOT_NUMBERS, 0, 9, 2.5])
def test_whole_refuses(value):
    with pytest.raises(BadInput, match="Count"):
        checks.whole(value, "Count", 1, 8)


def test_numbers_in_range_pass():
    assert checks.whole(3.0, "Count", 1, 8) == 3
    assert checks.real(2, "Level", 0, 2) == 2.0


@given(st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.booleans()))
def test_whole_gives_a_number_in_range_or_bad_input(value):
    try:
        assert 1 <= checks.whole(value, "Count", 1, 8) <= 8
    except BadInput:
        assert not (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 8)


@pytest.mark.parametrize("value", [None, 3, "", "  \n", "x" * 11, "half \ud83d"])
def test_text_refuses(value):
    with pytest.raises(BadInput, match="Text"):
        checks.text(value, "Text", 10)


def test_choice_names_what_is_known():
    with pytest.raises(BadInput, match="letters, words"):
        checks.choice("vowels", "Unit", ["letters", "words"])
