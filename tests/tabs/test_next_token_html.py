"""The Next token tab's own HTML: what a text can hold is shown and never becomes markup or a template."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.text.next_token.distribution import Shape
from playground.text.next_token.inside import Guess
from playground.text.next_token.pairs import Pair, Training
from playground.text.next_token.passage import Passage
from playground.text.next_token.predict import Choice, Prediction
from playground.text.next_token.sampling import Draw
from playground.text.next_token.tree import Node
from tabs import _next_figures, _next_html

EVIL = "<img src=x onerror=alert(1)>${value}{{value}}`\"'"


class Reader(HTMLParser):
    """Collects the tags and the text of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def prediction(token: str) -> Prediction:
    choices = (Choice(token, 7, 0.6, 0.5), Choice("b", 8, 0.0, 0.2))
    return Prediction(choices, (0.4, 0.3), Shape(1.5, 2.83, 90), 100)


@given(st.text(max_size=20))
def test_a_token_of_any_characters_is_text_only(token):
    shown = _next_html.visible(token)
    assert set(Reader(shown).tags) <= {"bdi", "span"}
    assert not set("{}$`") & set(shown)


@pytest.mark.parametrize(("token", "shown"), [
    (" juice", "␣juice"), ("\n\n", "↵↵"), ("\t", "⇥"), ("\x00", "U+0000"), ("\u200f", "U+200F"), ("", "∅"),
    ("<b>", "<b>"), ("שלום", "שלום")])
def test_what_cannot_be_seen_has_a_mark(token, shown):
    assert Reader(_next_html.visible(token)).text == shown


@pytest.mark.parametrize("html", [
    _next_html.bars(prediction(EVIL), {7: 60, 8: 1}, 7), _next_html.where([EVIL], EVIL),
    _next_html.draw_line(Draw(7, 0.3, 0.0, 0.6), prediction(EVIL).choices, EVIL),
    _next_html.trail(Passage("m", (1, 2), 2, (None, 3.0), EVIL), [EVIL, EVIL], 1, 1),
    _next_figures.lens([EVIL], [[Guess(EVIL, 0.5, 1)]]), _next_figures.tree([Node((7,), EVIL, 0.5, 0.5)]),
    _next_figures.pairs(Training((Pair(EVIL, EVIL, 0.5, 0.69),), 0.69, 2.0))])
def test_no_text_becomes_markup_or_template(html):
    assert "img" not in Reader(html).tags
    assert "<img" in Reader(html).text or "<img" in Reader(html).text.replace("␣", " ")
    assert not re.search(r"[{}`]|\$\{", html)


def test_bars_are_to_scale_and_hold_everything_else():
    html = _next_html.bars(prediction("a"), {7: 60, 9: 40})
    assert re.findall(r'class="now" style="width:([\d.]+)%', html) == ["100.00", "0.00", "66.67"]
    assert re.findall(r'class="ghost" style="width:([\d.]+)%', html) == ["83.33", "33.33", "50.00"]
    assert re.findall(r"× (\d+)", html) == ["60", "0", "40"]
    assert "98 other tokens together" in html


def test_a_text_past_the_context_is_cut_in_sight():
    html = _next_html.context_meter(2101, 2048, 53)
    assert "does not see its first 53 tokens" in html and "width:100.0%" in html
    assert "does not see" not in _next_html.context_meter(5, 2048, 0)
    trail = _next_html.trail(Passage("m", (1, 2, 3), 3, (None,) * 3, "abc"), ["a", "b", "c"], 2, None)
    assert re.findall(r'class="(\w*) ', trail).count("cut") == 2
    long = _next_html.trail(Passage("m", tuple(range(500)), 500, (None,) * 500, ""), ["x"] * 400, 0, None)
    assert "100 earlier tokens" in long and 'data-place="499"' in long and 'data-place="99"' not in long


@pytest.mark.parametrize(("probability", "shown"), [
    (1.0, "100.0 %"), (0.1852, "18.5 %"), (0.0043, "0.43 %"), (1e-9, "< 0.001 %"), (0.0, "0 %")])
def test_percentages_are_short(probability, shown):
    assert _next_html.percent(probability) == shown
