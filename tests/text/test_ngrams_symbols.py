"""How texts are cut into symbols."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.text.ngrams import corpora, counts, generate, symbols


def spelled(text: str, unit: str) -> list[str]:
    cut = symbols.read(text, unit)
    return [cut.name(code) for code in cut.codes.tolist()]


def test_letters_are_folded_to_capitals_and_all_else_to_one_space() -> None:
    assert "".join(spelled("  Call me—Ishmael. (1851)\n", symbols.LETTERS)) == "CALL ME ISHMAEL"


def test_letters_of_the_book_against_a_regular_expression() -> None:
    text = corpora.moby_dick().text
    expected = re.sub("[^A-Z]+", " ", "".join(
        part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part)).upper()).strip()
    assert "".join(spelled(text, symbols.LETTERS)) == expected


@pytest.mark.parametrize(("text", "letters"), [
    ("Straße", "STRASE"), ("cafe\u0301 café", "CAFE CAFE"), ("naïve", "NAIVE"), ("soft\u00adhyphen", "SOFTHYPHEN")])
def test_accents_and_marks(text: str, letters: str) -> None:
    assert "".join(spelled(text, symbols.LETTERS)) == letters


def test_words_and_marks() -> None:
    assert spelled("“Don’t,” said the Carpet-Bag. 3 हिन्दी 鯨は", symbols.WORDS) == [
        "“", "don’t", ",", "”", "said", "the", "carpet-bag", ".", "3", "हिन्दी", "鯨", "は"]


def test_an_emoji_of_several_code_points_is_one_mark() -> None:
    assert spelled("hi 👩‍🚀!", symbols.WORDS) == ["hi", "👩‍🚀", "!"]


def test_a_start_keeps_its_spaces() -> None:
    cut = symbols.read("THE Q", symbols.LETTERS)
    assert cut.encode("_q") == [1, 18] and cut.encode("the ") == [21, 9, 6, 1]


def test_no_symbols_is_a_clear_error() -> None:
    with pytest.raises(BadInput, match="no letters"):
        symbols.read("鯨 1851", symbols.LETTERS)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(symbols.UNITS))
def test_any_unicode_is_cut_and_continued_or_refused(text: str, unit: str) -> None:
    try:
        cut = symbols.read(text, unit)
    except BadInput:
        return
    assert cut.codes.min() >= 1 and cut.codes.max() <= len(cut.vocabulary)
    assert len(cut.codes) == len(cut.starts) and (np.diff(cut.starts) > 0).all()
    for at in range(len(cut.codes)):
        piece = text[int(cut.starts[at]):cut.end(at)]
        name = cut.name(int(cut.codes[at]))
        assert unit == symbols.LETTERS or piece == name or piece.lower().startswith(name) or name == piece.lower()
    table = counts.count(cut)
    written = generate.babble(table, min(3, table.size), text, 5, seed=1)
    assert written.startswith(generate.read_start(cut, text))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=30))
def test_any_context_is_answered_or_refused(context: str) -> None:
    table = counts.count(symbols.read("to be or not to be that is the question", symbols.CHARACTERS))
    try:
        context.encode()
    except UnicodeEncodeError:
        with pytest.raises(BadInput, match="surrogate"):
            generate.next_symbols(table, 3, context)
        return
    rows = generate.next_symbols(table, 3, context)
    assert sum(row[2] for row in rows) == pytest.approx(1)
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)


def test_spelling_words_puts_spaces_where_they_belong() -> None:
    cut = symbols.read("“well,” he said (twice).", symbols.WORDS)
    assert "".join(symbols.pieces(cut, cut.codes.tolist())) == "“well,” he said (twice)."
