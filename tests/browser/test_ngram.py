"""The n-gram tab in Chromium: examples, bars, cursor, passages, count table, ladder, own text, language model."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def tab(page):
    """The page with the tab open and its first babble on it."""
    page.get_by_role("tab", name="N-gram babble").click()
    expect(page.locator("#ngram-text .ng-s").nth(199)).to_be_visible()
    return page


def bars(page):
    return page.locator("#ngram-bars button.ng-bar")


def example(page, title):
    page.get_by_role("button", name=title).click()


def test_the_first_sight_is_the_lectures_q(tab):
    expect(bars(tab)).to_have_count(1)
    expect(bars(tab)).to_contain_text(re.compile(r"U\s*100.0%\s*716"))
    expect(tab.locator("#ngram-bars")).to_contain_text("After _Q")
    expect(tab.locator("#ngram-coverage")).to_contain_text("530 of 272 = 729")
    expect(tab.locator("#ngram-text")).to_contain_text("THIS IS THE Q")


EXAMPLES = (("THE WHITE", "8", "letters", "THE WHITE WHALE"), ("once upon a …", "3", "words", "once upon a"),
            ("Letters at random", "1", "letters", "ONCE UPON A"),
            ("Learned by heart", "5", "words", "a time let one drop into him"),
            ("THIS IS THE Q", "3", "letters", "THIS IS THE QU"))


def test_an_example_sets_every_control_and_writes(tab):
    for title, n, unit, shown in EXAMPLES:
        example(tab, title)
        expect(tab.locator("#ngram-text")).to_contain_text(shown)
        expect(tab.get_by_label("number input for n", exact=True)).to_have_value(n)
        expect(tab.get_by_role("radio", name=re.compile(f"^{unit}"))).to_be_checked()
        expect(bars(tab).first).to_be_visible()


def test_a_bar_overrides_the_next_symbol(tab):
    example(tab, "THE WHITE")
    bars(tab).nth(1).click()  # N instead of the space
    expect(tab.locator("#ngram-text .ng-s")).to_have_count(1)
    expect(tab.locator("#ngram-text .ng-chosen").first).to_have_text("N")
    expect(tab.locator("#ngram-bars")).to_contain_text("After _WHITEN")
    tab.get_by_role("button", name="Babble", exact=True).click()
    expect(tab.locator("#ngram-text")).to_contain_text("THE WHITENESS")


def test_a_click_on_a_symbol_shows_what_could_have_stood_there_and_a_new_seed_writes_on(tab):
    tab.locator("#ngram-text .ng-s").nth(4).click()
    expect(tab.locator("#ngram-bars .ng-taken")).to_have_count(1)
    expect(tab.locator("#ngram-bars")).not_to_contain_text("After _Q")
    expect(tab.locator("#ngram-text .ng-s")).to_have_count(200)
    before = tab.locator("#ngram-text .ng-text").inner_text()
    tab.get_by_role("button", name="New seed").click()
    expect(tab.get_by_label("Seed", exact=True)).not_to_have_value("1")
    expect(tab.locator("#ngram-text .ng-text")).not_to_have_text(before)


def test_one_symbol_at_a_time(tab):
    tab.get_by_role("button", name="Start over").click()
    expect(tab.locator("#ngram-text .ng-s")).to_have_count(0)
    for written in (1, 2):
        tab.get_by_role("button", name="One symbol").click()
        expect(tab.locator("#ngram-text .ng-s")).to_have_count(written)
    expect(tab.locator("#ngram-text")).to_contain_text("THIS IS THE QU")


def test_a_copied_run_leads_to_its_place_in_the_book(tab):
    example(tab, "Learned by heart")
    tab.locator("#ngram-text a[data-place='1']").click()
    passage = tab.locator("#ngram-text li.ng-open")
    expect(passage).to_contain_text("Chapter 100. Leg and Arm")
    expect(passage.locator("mark")).to_contain_text("upon a time let one drop into him")


def test_the_count_table_is_searched_over_all_rows(tab):
    tab.get_by_role("button", name=re.compile("^Count table")).click()
    table = tab.locator("#ngram-table")
    expect(table).to_contain_text("5,226 different n-grams of n = 3")
    expect(table.locator("tbody tr").first).to_contain_text("TH")
    tab.get_by_label("Search in all of them").fill("qu")
    expect(table).to_contain_text(re.compile(r"hold .qu.,"))
    expect(table.locator("tbody tr").first).to_contain_text("QU")
    example(tab, "THE WHITE")
    expect(table).to_contain_text("different n-grams of n = 8")


def test_the_ladder_shows_every_order_with_its_perplexity(tab):
    tab.get_by_role("button", name=re.compile("^Shannon's ladder")).click()
    rows = tab.locator("#ngram-ladder tbody tr")
    expect(rows).to_have_count(9)
    expect(rows.nth(0)).to_contain_text("27.00")
    expect(tab.locator("#ngram-ladder .ng-best")).to_have_count(1)
    expect(rows.nth(8)).to_contain_text("THIS IS THE QU")
    example(tab, "once upon a")
    expect(rows.nth(8)).to_contain_text("once upon a time let")


def test_own_text_in_another_language_is_counted_and_an_unseen_context_is_shortened(tab):
    tab.get_by_role("radio", name="Your own text").check()
    tab.get_by_role("button", name="Babble", exact=True).click()
    expect(tab.get_by_text("There is no text of yours yet.")).to_be_visible()
    tab.get_by_role("radio", name="characters").check()
    tab.get_by_label("Paste a text, in any language").fill("<b>鲸鱼</b>在海里。" * 20)
    tab.get_by_role("button", name="Count this text").click()
    expect(tab.get_by_text(re.compile(r"Counted: \d+ characters of text"))).to_be_visible()
    expect(tab.locator("#ngram-text")).to_contain_text("鲸鱼")
    tab.get_by_label("Start", exact=True).fill("海鱼")
    tab.get_by_label("Start", exact=True).press("Enter")
    expect(tab.locator("#ngram-bars .ng-warn")).to_contain_text("海鱼 is never followed by anything")
    expect(tab.locator("#ngram-bars")).to_contain_text("Shortened to 鱼")
    tab.get_by_role("radio", name="Moby-Dick").check()
    expect(tab.locator("#ngram-text")).not_to_contain_text("鲸")


def test_a_file_is_counted(tab):
    tab.get_by_role("radio", name="Your own text").check()
    content = "Der Wal, der Wal und die See. ".encode("utf-16")
    tab.locator("input[type=file]").last.set_input_files(
        {"name": "wal.txt", "mimeType": "text/plain", "buffer": content})
    expect(tab.get_by_text(re.compile("Counted: 30 characters of text"))).to_be_visible()
    tab.locator("input[type=file]").last.set_input_files(
        {"name": "wal.txt", "mimeType": "text/plain", "buffer": b"\xff\x00\x12\x80"})
    expect(tab.get_by_text(re.compile("not UTF-8 text"))).to_be_visible()


def test_a_link_rebuilds_the_babble_and_nonsense_says_what_is_wrong(page, url):
    window = page.context.new_page()
    window.goto(f"{url}?tab=n-gram-babble&unit=words&n=4&start=the+white+whale&length=12&seed=5")
    window.locator("#ngram-text .ng-s").first.wait_for(timeout=120_000)
    expect(window.locator("#ngram-text .ng-s")).to_have_count(12)
    expect(window.locator("#ngram-bars")).to_contain_text("After the white whale")
    window.get_by_role("button", name="Copy link", exact=True).click()
    expect(window).to_have_url(re.compile("unit=words&n=4&start=the"))
    window.close()
    other = page.context.new_page()
    other.goto(f"{url}?tab=n-gram-babble&unit=<b>x</b>")
    other.get_by_role("tab").first.wait_for(timeout=120_000)
    expect(other.get_by_text("The unit <b>x</b> is not known.")).to_be_visible()


def test_a_phone_needs_no_sideways_scrolling(tab):
    tab.set_viewport_size({"width": 375, "height": 812})
    example(tab, "Learned by heart")
    expect(tab.locator("#ngram-text")).to_contain_text("a time let one drop")
    assert tab.evaluate(OVERFLOW) <= 0


@pytest.mark.slow
@pytest.mark.models
def test_the_language_model_continues_the_same_start(tab):
    example(tab, "once upon a")
    tab.get_by_role("button", name="The same start by a language model").click()
    tab.get_by_role("button", name="Continue with both").click()
    beside = tab.locator("#ngram-beside")
    expect(beside.locator(".ng-text")).to_have_count(2, timeout=120_000)
    expect(beside).to_contain_text("Repeated sequences of four words")
    expect(beside.locator(".ng-text").nth(1)).to_contain_text("once upon a time")
    tab.get_by_role("button", name="Stop", exact=True).last.click()
