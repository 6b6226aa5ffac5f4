"""The Next token tab in Chromium: bars, sliders, taking, drawing, continuing, the folds, links and odd texts."""

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FIRST = "#next-bars button.bar"
LOADING = 120_000  # ms: the very first look imports the libraries and loads the model


@pytest.fixture
def open_tab(browser, url):
    """Opens the tab with the parameters of a link, in a fresh visitor's window; no script of the page may fail."""
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    problems: list[str] = []

    def opened(parameters=""):
        page = window.new_page()
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{url}?tab=next-token{parameters}")
        expect(page.locator(FIRST)).to_have_count(12, timeout=LOADING)
        return page

    yield opened
    window.close()
    assert not problems


@pytest.fixture
def tab(open_tab):
    """The tab as it opens, with its first bars there without a click."""
    return open_tab()


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def open_fold(page, title):
    page.get_by_role("button", name=title).click()  # its name ends with an arrow


def text(page):
    return page.locator("#next-text textarea")


def tokens(page):
    return page.locator("#next-trail .trail button")


def widths(page, kind):
    """The widths in per cent of the bars of a kind, from the page's own styles."""
    return [float(each) for each in page.eval_on_selector_all(
        f"#next-bars .{kind}", "bars => bars.map(bar => parseFloat(bar.style.width))")]


def set_slider(page, label, value):
    box = page.get_by_role("spinbutton", name=f"number input for {label}")
    box.fill(str(value))
    box.press("Enter")


def test_the_first_look_shows_the_lectures_bars(tab):
    rows = tab.locator("#next-bars .bar").all_inner_texts()
    assert len(rows) == 13
    assert re.search(r"juice\s+18\.\d %", rows[0]) and re.search(r",\s+10\.\d %", rows[1])
    assert re.search(r"everything else\s+4\d\.\d %", rows[-1])
    expect(tab.locator("#next-summary")).to_contain_text("of 262,144 tokens possible")
    expect(tab.locator("#next-trail")).to_contain_text("5 of 2,048 tokens")


def test_temperature_moves_the_bars_and_leaves_ghosts(tab):
    set_slider(tab, "Temperature", 0)
    expect(tab.locator(FIRST).first).to_contain_text("100.0 %")
    expect(tab.locator("#next-summary")).to_contain_text("0.00 bits")
    now, ghosts = widths(tab, "now"), widths(tab, "ghost")
    assert now[0] == 100 and not any(now[1:])
    assert 10 < ghosts[0] < 25
    set_slider(tab, "Temperature", 2)
    expect(tab.locator(FIRST).first).not_to_contain_text("100.0 %")
    assert widths(tab, "now")[0] < widths(tab, "ghost")[0]


def test_top_k_leaves_k_tokens(tab):
    set_slider(tab, "Top-k", 3)
    expect(tab.locator("#next-summary")).to_contain_text("3 of 262,144 tokens possible")
    expect(tab.locator("#next-bars .bar.off")).to_have_count(9)
    expect(tab.locator("#next-bars .rest")).to_contain_text("0 %")


def test_take_click_draw_and_step_back(tab):
    button(tab, "Take the top").click()
    expect(text(tab)).to_have_value("He devoured the orange juice")
    expect(tokens(tab).last).to_have_attribute("title", re.compile(r"2\.\d bits of surprise \(18\.\d %\)"))
    second = tab.locator(FIRST).nth(1)
    second.click()
    expect(tokens(tab)).to_have_count(7)
    button(tab, "Draw one").click()
    expect(tokens(tab)).to_have_count(8)
    expect(tab.locator("#next-line")).to_contain_text(re.compile(r"The random number 0\.\d{4} fell into the slice of"))
    number = re.search(r"u = (0\.\d+)", tab.locator("#next-line").inner_text())[1]
    pin = tab.locator("#next-line .pin").get_attribute("style")
    assert float(re.search(r"left:([\d.]+)%", pin)[1]) == pytest.approx(100 * float(number), abs=0.01)
    for left in (7, 6, 5):
        button(tab, "Step back").click()
        expect(tokens(tab)).to_have_count(left)
    expect(text(tab)).to_have_value("He devoured the orange")
    button(tab, "Step back").click()
    expect(tab.get_by_text("There is nothing to step back over.")).to_be_visible()


def test_a_hundred_draws_stand_beside_the_probabilities(tab):
    button(tab, "Draw 100 times").click()
    expect(tab.locator("#next-bars .count")).to_have_count(13)
    counts = [int(each.strip("× ")) for each in tab.locator("#next-bars .count").all_inner_texts()]
    assert sum(counts) == 100
    assert 8 <= counts[0] <= 30  # of 18.5 expected
    expect(text(tab)).to_have_value("He devoured the orange")


def test_continuing_stops_when_asked_and_shows_what_else_could_have_come(tab):
    set_slider(tab, "Tokens to continue", 200)
    button(tab, "Continue").click()
    expect(tokens(tab).nth(7)).to_be_visible()
    button(tab, "Stop").click()
    expect(tab.locator("#next-bars .where")).to_contain_text("What comes after")
    tab.wait_for_timeout(1000)
    count = tokens(tab).count()
    assert 8 <= count < 150
    tab.wait_for_timeout(1500)
    assert tokens(tab).count() == count
    tokens(tab).nth(5).click()
    expect(tab.locator("#next-bars .where")).to_contain_text("in place of")
    expect(tab.locator("#next-bars .bar.here")).to_have_count(1)
    tab.locator(FIRST).first.click()
    expect(tokens(tab)).to_have_count(6)
    expect(text(tab)).to_have_value("He devoured the orange juice")


def test_typing_is_followed(tab):
    text(tab).click()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("Once upon a", delay=40)
    expect(text(tab)).to_have_value("Once upon a")
    expect(tab.locator(FIRST).first).to_contain_text(re.compile(r"time\s*97\.\d %"))


@pytest.mark.parametrize(("name", "start", "temperature", "first"), [
    ("Once upon a", "Once upon a", "1", r"time\s*97\.\d %"),
    ("Temperature 0", "For my 16th birthday, Poseidon gave me a", "0", r"100\.0 %"),
    ("Top-k 5", "He devoured the orange", "1", r"juice\s*\d\d\.\d %")])
def test_examples_set_every_control(tab, name, start, temperature, first):
    set_slider(tab, "Top-p", 0.2)
    button(tab, name).click()
    expect(text(tab)).to_have_value(start)
    expect(tab.get_by_role("spinbutton", name="number input for Temperature")).to_have_value(temperature)
    expect(tab.get_by_role("spinbutton", name="number input for Top-p")).to_have_value("1")
    expect(tab.locator(FIRST).first).to_contain_text(re.compile(first))


def test_the_three_phases(tab):
    open_fold(tab, "Phase 1 · The text becomes a matrix")
    expect(tab.get_by_text("D x N = 640 x 5, 3,200 numbers")).to_be_visible()
    open_fold(tab, "Phase 2 · Who looks at whom")
    expect(tab.get_by_text("token that is looked at")).to_be_visible()
    open_fold(tab, "Phase 2 · How context moves a word")
    expect(tab.get_by_text("Nearness to the last token of “He devoured the orange”")).to_be_visible()
    open_fold(tab, "Phase 3 · The best guess after each layer")
    grid = tab.locator("#next-lens tbody tr")
    expect(grid).to_have_count(19)
    expect(grid.first.locator("td").last).to_contain_text("orange")
    expect(grid.last.locator("td").last).to_contain_text("juice")
    button(tab, "Take the top").click()  # what stands open follows the text
    expect(tab.get_by_text("D x N = 640 x 6, 3,840 numbers")).to_be_visible()
    expect(grid.first.locator("td").last).to_contain_text("juice")


def test_the_tree_can_be_taken(tab):
    open_fold(tab, "The tree of what may come")
    boxes = tab.locator("#next-tree button")
    expect(boxes).to_have_count(39)
    boxes.nth(2).click()  # the likeliest way of three tokens
    expect(tokens(tab)).to_have_count(8)
    expect(text(tab)).to_have_value(re.compile(r"He devoured the orange juice.+"))


def test_the_wrestling_post_yields_its_pairs(tab):
    button(tab, "Wrestling post").click()
    expect(tab.locator("#next-pairs tbody tr")).to_have_count(35)
    expect(tab.locator("#next-pairs")).to_contain_text("Two hours of wrestling")
    expect(tab.locator("#next-pairs")).to_contain_text(re.compile(r"Mean loss \d\.\d{3} nats"))


def test_a_link_brings_text_and_controls_back(open_tab):
    page = open_tab("&text=Once+upon+a&temperature=0.5&top_k=7&seed=9")
    expect(page.locator(FIRST).first).to_contain_text("time")
    expect(page.get_by_role("spinbutton", name="number input for Top-k")).to_have_value("7")
    button(page, "Copy link").click()
    expect(page).to_have_url(re.compile(r"text=Once\+upon\+a&model=gemma-3-270m&temperature=0.5&top_k=7"))


@pytest.mark.parametrize("odd", [
    "<img src=x onerror=alert(1)>", "${value} {{value}} `x`", "שלום עולם", "👩‍👩‍👧", "a\tb"])
def test_odd_texts_are_shown_as_they_are(open_tab, odd):
    page = open_tab(f"&text={quote(odd)}")
    shown = "".join(tokens(page).all_inner_texts()).replace("<bos>", "").replace("␣", " ").replace("⇥", "\t")
    assert re.sub(r"U\+200D", "\u200d", shown) == odd
    assert page.locator("#next-trail img").count() == 0


def test_an_empty_text_is_refused_in_words(tab):
    text(tab).fill(" ")
    button(tab, "Read the text").click()
    expect(tab.get_by_text("The text is empty.")).to_be_visible()


def test_a_text_sent_from_another_tab_is_read_on_arrival(tab):
    tab.get_by_role("tab", name="Tokenizer", exact=True).click()
    send = button(tab, "Send to next token")
    sent = tab.get_by_role("tabpanel").filter(has=send).get_by_role("textbox").first
    expect(sent).to_have_value(re.compile("后"))  # the tokenizer's own first text
    send.click()
    expect(text(tab)).to_have_value(re.compile("后"))
    expect(tab.locator("#next-bars .where")).to_contain_text("後")
