"""Encodings side by side, and the sentence in ten languages."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.text.tokenizing import languages, overview, tokens
from playground.text.tokenizing.compare import align

EMBEDDED = ["cl100k_base", "gemma-3-270m", "all-minilm-l6-v2"]


def texts_of(context, text, special=False, most=2000):
    """For each segment its text and, for each encoding, the texts of its tokens."""
    seen = overview.compare(context, text, EMBEDDED, special, most)
    segments = align([column.pieces for column in seen.columns], seen.shown)
    return [(text[segment.start:segment.end], [
        [piece.token.text for piece in column.pieces[first:last]]
        for column, (first, last) in zip(seen.columns, segment.pieces, strict=True)]) for segment in segments]


def test_a_hand_worked_alignment(context):
    assert texts_of(context, "He devoured it") == [
        ("He", [["He"], ["He"], ["he"]]),
        (" devoured", [[" dev", "oured"], [" devoured"], ["dev", "##oured"]]),
        (" it", [[" it"], [" it"], ["it"]])]


def test_tokens_that_models_add_stand_before_and_after_the_text(context):
    rows = texts_of(context, "it", special=True)
    assert rows == [("", [[], ["<bos>"], ["[CLS]"]]), ("it", [["it"], ["it"], ["it"]]), ("", [[], [], ["[SEP]"]])]
    assert texts_of(context, "", special=True) == [("", [[], ["<bos>"], ["[CLS]", "[SEP]"]])]
    assert texts_of(context, "") == []


@pytest.mark.parametrize("special", [False, True])
@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=40))
def test_segments_tile_the_text_and_hold_each_token_once_at_its_place(context, special, text):
    seen = overview.compare(context, text, EMBEDDED, special)
    segments = align([column.pieces for column in seen.columns], seen.shown)
    assert "".join(text[segment.start:segment.end] for segment in segments) == text
    for number, column in enumerate(seen.columns):
        at = 0
        for segment in segments:
            first, last = segment.pieces[number]
            assert first == at
            for piece in column.pieces[first:last]:
                assert piece.added or segment.start <= piece.start < piece.end <= segment.end
            at = last
        assert at == len(column.pieces)


def test_what_is_cut_short_ends_for_all_encodings_at_the_same_place(context):
    seen = overview.compare(context, "后後 " * 500, EMBEDDED, special=True, most=100)
    assert not seen.whole
    assert all(column.pieces[-1].end <= seen.shown < 1500 for column in seen.columns)
    align([column.pieces for column in seen.columns], seen.shown)


def test_ten_languages_cost_what_the_encodings_count(context):
    costs = languages.costs(context, EMBEDDED)
    assert len(costs) == 10 and costs[0].language == "English"
    for cost in costs:
        assert unicodedata.is_normalized("NFC", cost.sentence)
        for name, count in zip(EMBEDDED, cost.tokens, strict=True):
            assert tokens.tokenize(context, cost.sentence, name)["count"] == count
        unknown = [token["text"] for token in tokens.tokenize(context, cost.sentence, EMBEDDED[2])["tokens"]]
        assert cost.unknown == (0, 0, unknown.count("[UNK]"))
    assert min(cost.tokens[0] for cost in costs) == costs[0].tokens[0]  # English is the cheapest for GPT-4


def test_languages_refuse_unknown_encodings(context):
    with pytest.raises(BadInput):
        languages.costs(context, ["gpt-9"])
