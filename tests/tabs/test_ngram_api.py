"""/ngram_next and /babble as a script meets them, and the tab's handlers for what a visitor's own text brings."""

import os

import gradio as gr
import pytest

from playground.errors import BadInput
from playground.text.ngrams.corpora import Library
from tabs import _ngram_html, _ngram_own
from tabs._ngram_desk import BOOK, LONGEST_DRAFT, OWN, Controls, Desk, Draft


def test_ngram_next_gives_the_lectures_q(client):
    table = client.predict("moby-dick", "letters", 3, "_Q", api_name="/ngram_next")
    assert table["headers"] == ["symbol", "count", "probability"]
    assert table["data"] == [["U", 716, 1]]


def test_ngram_next_is_sorted_and_shows_a_space_as_a_space(client):
    rows = client.predict("moby-dick", "letters", 8, "THE WHITE", api_name="/ngram_next")["data"]
    assert rows[0][0] == " " and [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    assert sum(row[2] for row in rows) == pytest.approx(1)


def test_ngram_next_of_words(client):
    rows = client.predict("moby-dick", "words", 3, "the white", api_name="/ngram_next")["data"]
    assert rows[0][:2] == ["whale", 76]


def test_later_arguments_are_optional(client):
    assert len(client.predict(api_name="/ngram_next")["data"]) > 20
    assert client.predict(api_name="/babble")


def test_babble_repeats_with_its_seed(client):
    first, again, other = (client.predict("moby-dick", "letters", 5, "once upon a", 80, seed, api_name="/babble")
                           for seed in (7, 7, 8))
    assert first == again != other
    assert first.startswith("ONCE UPON A") and len(first) == 91


@pytest.mark.parametrize(("name", "arguments", "answer"), [
    ("/ngram_next", ("moby-duck", "letters", 3, "Q"), "corpus moby-duck is not known"),
    ("/ngram_next", ("moby-dick", "<b>", 3, "Q"), "&lt;b&gt;"),
    ("/ngram_next", ("moby-dick", "letters", 9, "Q"), "n is 9"),
    ("/ngram_next", ("moby-dick", "letters", 2.5, "Q"), "n is 2.5"),
    ("/babble", ("moby-dick", "letters", 3, "x" * 3_000, 10, 1), "start has 3,000 characters"),
    ("/babble", ("moby-dick", "letters", 3, "x", 10**9, 1), "length is"),
    ("/babble", ("moby-dick", "letters", 3, "x", 10, -1), "seed is -1")])
def test_what_cannot_be_done_gets_a_clear_answer_and_leaves_the_rest_as_it_was(client, name, arguments, answer):
    with pytest.raises(Exception, match=answer):
        client.predict(*arguments, api_name=name)
    assert client.predict("moby-dick", "letters", 3, "_Q", api_name="/ngram_next")["data"][0][0] == "U"


# ---- the desk behind the page

@pytest.fixture
def desk(context) -> Desk:
    return Desk(Library(context))


def controls(**changes) -> Controls:
    usual = {"corpus": BOOK, "unit": "letters", "n": 3, "start": "THE WHITE", "length": 20, "seed": 1}
    return Controls(**{**usual, **changes})


def test_babble_goes_on_from_the_cursor_and_keeps_what_was_chosen(desk):
    view = desk.babble(controls(), None, Draft())
    assert len(view.draft.marks) == 20 and view.draft.cursor == 0
    moved = desk.move(controls(), None, view.draft, 5)
    chosen = desk.choose(controls(), None, moved.draft, 27)  # Z
    assert len(chosen.draft.marks) == 6 and chosen.draft.marks[5].kind == _ngram_html.CHOSEN
    again = desk.babble(controls(), None, chosen.draft)
    assert again.draft.marks[:6] == chosen.draft.marks and len(again.draft.marks) == 26


def test_symbol_by_symbol_writes_what_babble_writes(desk):
    whole = desk.babble(controls(), None, Draft()).draft
    draft = Draft()
    for _ in range(20):
        draft = desk.step(controls(), None, draft).draft
    assert draft.marks == whole.marks and draft.cursor == 20
    assert desk.back(controls(), None, draft).draft.cursor == 19


def test_another_start_or_unit_begins_anew_and_another_n_does_not(desk):
    draft = desk.babble(controls(), None, Draft()).draft
    assert desk.look(controls(n=5), None, draft).draft.marks == draft.marks
    assert desk.look(controls(start="THE"), None, draft).draft.marks == ()
    assert desk.look(controls(unit="words"), None, draft).draft.marks == ()


def test_a_draft_ends_growing_with_a_remedy(desk):
    draft = desk.babble(controls(length=2_000), None, Draft()).draft
    draft = desk.move(controls(), None, draft, 2_000).draft
    draft = desk.babble(controls(length=2_000), None, draft).draft
    draft = desk.move(controls(), None, draft, LONGEST_DRAFT).draft
    with pytest.raises(BadInput, match="Start over"):
        desk.step(controls(), None, draft)


def test_own_text_is_asked_for_before_it_is_counted(desk):
    with pytest.raises(BadInput, match="no text of yours"):
        desk.babble(controls(corpus=OWN), None, Draft())


@pytest.mark.parametrize("code", [0, 28, 1.5, "A", None])
def test_a_symbol_that_is_not_there_cannot_be_chosen(desk, code):
    with pytest.raises(BadInput, match="The symbol"):
        desk.choose(controls(), None, Draft(), code)


def test_what_a_visitor_typed_is_escaped_everywhere(desk):
    evil = "<img src=x onerror=alert(1)>{{value}}${1}"
    own = desk.library.add(evil * 30)
    page = controls(corpus=OWN, unit="characters", start=evil, length=200, n=8)
    view = desk.babble(page, own, Draft())
    assert "<img" not in view.babble + view.bars + view.coverage and "&lt;img" in view.babble
    words = desk.babble(controls(corpus=OWN, unit="words", start=evil), own, Draft())
    assert "<img" not in words.babble + words.bars


def test_a_run_is_shown_with_its_place(desk):
    view = desk.babble(controls(unit="words", n=5, start="once upon a", length=60), None, Draft())
    assert 'data-place="1"' in view.babble and "Chapter 100." in view.babble
    assert "<mark>once\nupon a time let one drop into him" in view.babble


def test_an_upload_is_read_and_deleted(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file = tmp_path / "uploads" / "text.txt"
    file.parent.mkdir()
    file.write_text("to be", encoding="utf-8")
    assert _ngram_own.read_upload(str(file)) == b"to be" and not file.exists()
    with pytest.raises(BadInput, match="is gone"):
        _ngram_own.read_upload(str(file))
    with pytest.raises(BadInput, match="not an uploaded file"):
        _ngram_own.read_upload(os.devnull)


def test_examples_set_every_control(desk):
    from tabs import ngram_babble

    for example in ngram_babble.EXAMPLES:
        values = ngram_babble.run_example(desk, example)()
        assert len(values) == 11 and not any(value is gr.skip() for value in values)
        assert all(html for html in values[6:9])
