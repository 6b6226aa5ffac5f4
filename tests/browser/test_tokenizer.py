"""The tokenizer tab as a visitor uses it."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PANEL, REPLAY, FOUND = "#tokenizer-panel", "#tokenizer-replay", "#tokenizer-lookup"


@pytest.fixture
def tab(page, url):
    """The tab, opened by its link."""
    page.goto(f"{url}?tab=tokenizer")
    page.locator(f"{PANEL} .t").first.wait_for()
    return page


def count(tab, number: int, card: int = 0) -> None:
    """Asserts the number of tokens that a card shows."""
    expect(tab.locator(f"{PANEL} .tok-count b").nth(card)).to_have_text(f"{number:,}")


def test_it_opens_with_the_lectures_example_and_counts_as_one_types_pastes_and_deletes(tab):
    count(tab, 11)
    expect(tab.locator(PANEL)).to_contain_text("22 characters")
    expect(tab.locator(f"{PANEL} .t")).to_have_count(11)
    expect(tab.locator(f"{REPLAY} .t").first).to_be_visible()
    expect(tab.locator(FOUND)).to_contain_text("15546")

    field = tab.locator("#tokenizer-text textarea")
    field.fill("")
    expect(tab.locator(PANEL)).to_contain_text("Type something above")
    field.press_sequentially("He devoured the orange", delay=15)
    expect(tab.locator(f"{PANEL} .t")).to_have_text(["He", " dev", "oured", " the", " orange"])
    count(tab, 5)
    tab.keyboard.press("Backspace")
    tab.keyboard.press("Backspace")
    count(tab, 6)  # " orange" was one token, " oran" is two

    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.evaluate("navigator.clipboard.writeText('strawberry')")
    field.press("Control+A")
    tab.keyboard.press("Control+V")
    count(tab, 3)


def test_hover_and_keys_tell_id_bytes_and_place(tab):
    tip = tab.locator(".tok-tip")
    tab.locator(f"{PANEL} .t").nth(4).hover()
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("id 34547")
    expect(tip).to_contain_text("bytes E5 90 8E")
    expect(tip).to_contain_text("character 11 · byte 11 to 13")
    tab.locator(f"{PANEL} .t").first.focus()
    tab.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("token 1 · id 4265")
    tab.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_blanks_on_the_switch_and_bytes_of_split_characters(tab):
    tab.get_by_role("button", name="Code", exact=True).click()
    expect(tab.locator(f"{PANEL} .tok-flow")).to_contain_text("⏎")
    expect(tab.locator(f"{PANEL} .tok-flow")).to_contain_text("·")
    tab.get_by_label("Show blanks and line breaks").uncheck()
    expect(tab.locator(f"{PANEL} .tok-flow")).not_to_contain_text("⏎")

    tab.get_by_role("button", name="Split emoji").click()
    expect(tab.locator(f"{PANEL} .t .hex").first).to_have_text("F0 9F 91")
    assert "�" not in tab.locator(PANEL).inner_text()
    tab.locator(f"{PANEL} .t").nth(2).hover()
    expect(tab.locator(".tok-tip")).to_contain_text("part of 👩 (U+1F469)")


def test_three_encodings_side_by_side_and_special_tokens_on_the_switch_alone(tab):
    tab.get_by_role("button", name="Three encodings").click()
    expect(tab.locator(f"{PANEL} .tok-card")).to_have_count(3)
    for card, number in enumerate((17, 18, 15)):
        count(tab, number, card)
    rows = tab.locator(f"{PANEL} .tok-seg").first.locator(".tok-row")
    expect(rows).to_have_text(["Grandmother", "Grandmother", "grandmother"])

    tab.get_by_role("button", name="Special tokens", exact=True).click()
    expect(tab.locator(f"{PANEL} .t.special")).to_have_text(["[CLS]", "<|endoftext|>", "[SEP]", "[SEP]"])
    tab.get_by_label("Special tokens").uncheck()
    expect(tab.locator(f"{PANEL} .t.special")).to_have_count(0)


def test_the_merges_are_replayed_step_by_step(tab):
    tab.get_by_role("button", name="He devoured").click()
    count(tab, 5)
    expect(tab.locator(f"{REPLAY} .tok-parts .t")).to_have_count(9)
    for _ in range(2):
        tab.get_by_role("button", name="Next ▶").click()
    expect(tab.locator(f"{REPLAY} .tok-parts .t")).to_have_count(7)
    expect(tab.locator(f"{REPLAY} .tok-steps tbody tr")).to_have_count(2)
    tab.get_by_role("button", name="◀ Back").click()
    expect(tab.locator(f"{REPLAY} .tok-parts .t")).to_have_count(8)
    for left in range(6, 0, -1):
        tab.get_by_role("button", name="Next ▶").click()
        expect(tab.locator(f"{REPLAY} .tok-parts .t")).to_have_count(left + 1)
    expect(tab.locator(REPLAY)).to_contain_text("Done after 7 merges")
    assert tab.locator(f"{REPLAY} .tok-parts .t").all_text_contents() == ["·dev", "oured"]
    tab.locator(f"{PANEL} .t").last.click()
    expect(tab.locator(f"{REPLAY} .tok-parts .t")).to_have_count(7)  # " orange", before any merge


def test_ids_are_looked_up_and_refused(tab):
    field = tab.locator("#tokenizer-ids input, #tokenizer-ids textarea")
    field.fill("34547")
    tab.get_by_role("button", name="Look up").click()
    expect(tab.locator(f"{FOUND} tbody")).to_contain_text("后")
    expect(tab.locator(FOUND)).to_contain_text("Its neighbours")
    field.fill("100270")
    tab.get_by_role("button", name="Look up").click()
    expect(tab.get_by_text("cl100k_base has no token 100270.")).to_be_visible()
    expect(tab.locator(f"{FOUND} tbody")).to_contain_text("后")


def test_ten_languages_fill_when_opened_and_go_into_the_text(tab):
    tab.get_by_role("button", name="One sentence in ten languages").click()
    rows = tab.locator("#tokenizer-languages tbody tr")
    expect(rows).to_have_count(10)
    costs = [int(re.match(r"\d+", text)[0]) for text in tab.locator("#tokenizer-languages td b + small").evaluate_all(
        "cells => cells.map(cell => cell.previousSibling.previousSibling.textContent)")]
    assert len(costs) == 10 and min(costs) == costs[0]
    tab.get_by_role("button", name="Hindi", exact=True).click()
    count(tab, costs[6])


def test_a_link_opens_with_its_text_encoding_and_switches(page, url):
    page.goto(f"{url}?tab=tokenizer&text={quote('to be <b>or</b> not')}&encodings=all-minilm-l6-v2&blanks=1")
    expect(page.locator(f"{PANEL} .tok-name")).to_have_text("all-minilm-l6-v2 (BERT WordPiece)")
    expect(page.locator("#tokenizer-text textarea")).to_have_value("to be <b>or</b> not")
    expect(page.locator(f"{PANEL} .t").first).to_have_text("to")
    expect(page.get_by_label("Show blanks and line breaks")).to_be_checked()
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_url(re.compile(r"encodings=all-minilm-l6-v2.*text=to\+be"))


def test_the_text_goes_to_the_next_token_tab(tab):
    tab.get_by_role("button", name="He devoured").click()
    count(tab, 5)
    tab.get_by_role("button", name="Send to next token").click()
    expect(tab.get_by_role("tab", name="Next token")).to_have_attribute("aria-selected", "true")
    expect(tab.locator("#next-text textarea")).to_have_value("He devoured the orange")


def test_a_million_characters_answer_and_the_next_text_too(tab):
    field = tab.locator("#tokenizer-text textarea")
    field.fill("Call me Ishmael. " * 58_800)
    expect(tab.locator(f"{PANEL} .tok-note")).to_contain_text("The counts are of the whole text.")
    expect(tab.get_by_role("button", name="Text too long for a link")).to_be_disabled()
    field.fill("x" * 1_000_001)
    expect(tab.get_by_text("The text has 1,000,001 characters.")).to_be_visible()
    field.fill("He devoured the orange")
    count(tab, 5)


def test_every_example_sets_the_text_and_leaves_nothing_empty(tab):
    from tabs.tokenizer import EXAMPLES

    for title, text, names, special, blanks in EXAMPLES:
        tab.get_by_role("button", name=title, exact=True).click()
        expect(tab.locator("#tokenizer-text textarea")).to_have_value(text)
        expect(tab.locator(f"{PANEL} .tok-card")).to_have_count(len(names))
        expect(tab.locator(f"{PANEL} .t").first).to_be_visible()
        expect(tab.locator(f"{REPLAY} .t").first).to_be_visible()
        expect(tab.get_by_label("Special tokens")).to_be_checked(checked=special)
        expect(tab.get_by_label("Show blanks and line breaks")).to_be_checked(checked=blanks)
