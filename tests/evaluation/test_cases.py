"""Test cases as a table: promptfoo's CSV."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.evaluation import cases
from playground.evaluation.plan import Assertion, Case

CSV = ('body,__expected,__description,__threshold\n"Hello, ""world""",similar(0.8): Ahoy,hi,0.5\n'
       'food,icontains: grub,,\n')


def test_a_csv_is_read_as_promptfoo_reads_it():
    found, issues = cases.read_csv("\ufeff" + CSV)
    assert found == [
        Case({"body": 'Hello, "world"'}, (Assertion("similar", "Ahoy", 0.8),), "hi", 0.5),
        Case({"body": "food"}, (Assertion("icontains", "grub"),))]
    assert issues == []


def test_several_expectations_and_columns_that_are_not_supported():
    found, issues = cases.read_csv("a,__expected1,__expected2,__prefix\nx,contains: x,y,z\n")
    assert [each.type for each in found[0].assertions] == ["contains", "equals"]
    assert "__prefix" in issues[0].words


@pytest.mark.parametrize(("text", "words"), [
    ("a,b\n1\n", "Line 2 .* 1 columns, its header 2"), ('a\n"open\n', "broken"), ("a\n", "no cases"),
    ("a,a\n1,2\n", "twice"), ("a b\n1\n", "cannot be a variable"), ("", "empty"),
    ("a,__threshold\nx,\ny,high\n", "Line 3: .*not a number"),
    ("a,__expected\nx,similar(high): y\n", "Line 2: .*not a number"),
    ("a\n" + "x" * 20_001, "Line 2: .*20,001|A cell has")])
def test_broken_tables_name_the_line(text, words):
    with pytest.raises(BadInput, match=words):
        cases.read_csv(text)


def test_a_table_is_written_and_read_back():
    found, _ = cases.read_csv(CSV)
    header, rows = cases.table([case for case in found if case.threshold is None])
    assert cases.read_csv(cases.write_csv(header, rows))[0] == [found[1]]


def test_empty_cells_of_a_page_are_empty():
    assert cases.read_table(["a", "b"], [[None, float("nan")], ["x", None]])[0] == [Case({"a": "x", "b": ""})]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_words(text):
    try:
        cases.read_csv(text)
    except BadInput as problem:
        assert problem.what
