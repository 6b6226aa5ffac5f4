"""What the tokenizer tab shows: nothing a visitor typed becomes markup, nothing invisible stays so."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.text.tokenizing import overview
from tabs import _tokenizer_html as render
from tabs import _tokenizer_replay as replays
from tabs import tokenizer

TAG = re.compile(r"<(/?)([a-z0-9]+)")
OURS = {"div", "span", "i", "b", "br", "p", "bdi", "small", "table", "thead", "tbody", "tr", "th", "td", "s"}


@pytest.mark.parametrize("names", [["cl100k_base"], ["cl100k_base", "all-minilm-l6-v2"]])
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40) | st.text('<>&"\'/abc| \n', max_size=40), blanks=st.booleans())
def test_any_text_gives_balanced_markup_of_ours_alone(context, names, text, blanks):
    shown = render.panel(overview.compare(context, text, names), blanks)
    opened = [name for slash, name in TAG.findall(shown) if not slash and name != "br"]
    closed = [name for slash, name in TAG.findall(shown) if slash]
    assert set(opened) <= OURS and sorted(opened) == sorted(closed)
    assert not any(letter in shown for letter in "\u202e\u2066\u0000\u001b")


def test_markup_in_a_text_is_shown_and_not_run(context):
    shown = render.panel(overview.compare(context, '<img src=x onerror="alert(1)">', ["cl100k_base"]), False)
    assert "<img" not in shown and "&lt;" in shown
    words, at, played, _ = replays.begin(context, "<script>&amp;", "cl100k_base", False)
    assert "<script>" not in replays.step_html(played, 0) + replays.step_html(played, 99)
    assert "<script>" not in replays.step_html(None, 0, "<script>")
    assert at is not None and words


@pytest.mark.parametrize(("text", "blanks", "shown"), [
    ("a b", False, "a b"), ("a b", True, 'a<i class="ws">·</i>b'), ("\n", True, '<i class="ws">⏎</i>\n'),
    ("\x00", False, '<i class="hex">U+0000</i>'), ("\u200d", False, '<i class="hex">U+200D</i>'),
    ("👩\u200d👧", False, "👩\u200d👧"), ("\u202eabc", False, '<i class="hex">U+202E</i>abc'),
    ("&lt;", False, "&amp;lt;"), ("\u00a0", True, '<i class="hex">U+00A0</i>')])
def test_blanks_and_what_cannot_be_seen(text, blanks, shown):
    assert render.visible(text, blanks) == shown


def test_bytes_of_a_split_character_are_small_numbers():
    assert render.visible(" <0xE5><0x90>", False, split=True) == ' <i class="hex">E5 90</i>'
    assert render.visible("<0xE5>", False) == "&lt;0xE5&gt;"  # typed so


def test_neighbouring_tokens_differ_in_colour(context):
    for names in (["cl100k_base"], ["cl100k_base", "gemma-3-270m"]):
        shown = render.panel(overview.compare(context, "one two three four five six seven", names), False)
        found = re.findall(r'class="t (h\d|r\d[ab])', shown)
        by_row = [found] if len(names) == 1 else [[hue for hue in found if hue[1] == row] for row in "01"]
        for row in by_row:
            assert len(row) > 3 and all(left != right for left, right in pairwise(row))


def test_a_long_text_is_shown_in_part_and_says_so(context):
    shown = render.panel(overview.compare(context, "word " * 5000, ["cl100k_base"], most=render.MOST_PIECES), False)
    assert shown.count("data-d=") == render.MOST_PIECES
    assert "<b>5,001</b> tokens" in shown and "Shown: the first" in shown


def test_an_encoding_that_is_not_here_says_so_in_its_place(context):
    shown = render.panel(overview.compare(context, "text", ["o200k_base", "cl100k_base"]), False)
    assert "is not on this machine" in shown and "<b>1</b> token<" in shown


def test_a_link_carries_text_and_switches_and_comes_back():
    from urllib.parse import parse_qsl

    text = 'Who\'d use "后" & 50% +1?\n'
    query, fits = tokenizer.link_to(text, ["cl100k_base", "all-minilm-l6-v2"], True, False)
    assert fits
    assert tokenizer.from_link(dict(parse_qsl(query[1:]))) == (
        text, ["cl100k_base", "all-minilm-l6-v2"], True, False)


@pytest.mark.parametrize("text", ["x" * 7000, "后" * 1000, "x" * 1_000_000])
def test_a_text_too_long_for_a_link_is_left_out(text):
    query, fits = tokenizer.link_to(text, ["cl100k_base"], False, False)
    assert not fits and "text" not in query and len(query) < 200
