"""The Word vectors tab in Chromium: examples, links, comparisons, maps, axes, analogies, own vectors, sentences."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
RANKED = ".wv-list b"


@pytest.fixture
def tab(page, url):
    """The page, opened on the tab by its link, with its first answer on it."""
    page.goto(f"{url}?tab=word-vectors")
    expect(page.locator(RANKED).first).to_have_text("father")
    return page


def click(page, title, exact=True):
    page.get_by_role("button", name=title, exact=exact).click()


def plot_text(page, text):
    return page.locator(".js-plotly-plot:visible text", has_text=re.compile(f"^{re.escape(text)}$")).first


def test_the_first_sight_answers_without_a_click(tab):
    expect(tab.locator(RANKED)).to_have_count(16)
    expect(tab.get_by_text("Read as mother + man − woman")).to_be_visible()
    expect(plot_text(tab, "= the sum")).to_be_visible()
    expect(tab.get_by_role("row", name="cow · horse 0.520 13.713")).to_be_visible()
    expect(tab.get_by_text("Odd one out: ocean")).to_be_visible()
    assert tab.evaluate(OVERFLOW) <= 0


def test_the_lectures_analogies_at_one_click(tab):
    for expression, hidden, shown in (("girl + man - woman", "boy", "boy"), ("you + his - he", "your", "you"),
                                      ("king - man + woman", "queen", "king")):
        click(tab, expression)
        expect(tab.get_by_text(f"Read as {expression.replace('-', '−')}")).to_be_visible()
        expect(tab.get_by_label("Expression")).to_have_value(expression)
        expect(tab.locator(RANKED).nth(0)).to_have_text(hidden)
        expect(tab.locator(RANKED).nth(8)).to_have_text(shown)


def test_an_example_sets_every_control(tab):
    tab.get_by_label("number input for Words to list").fill("3")
    click(tab, "king - man + woman")
    expect(tab.get_by_label("number input for Words to list")).to_have_value("8")
    expect(tab.locator(RANKED)).to_have_count(16)


def test_an_unknown_word_is_named_with_spellings_and_the_answer_stays(tab):
    tab.get_by_label("Expression").fill("mother + <b>kingg</b>")
    click(tab, "Compute")
    message = tab.locator(".toast-body")
    expect(message).to_contain_text("nothing can be divided by a word")
    tab.get_by_label("Expression").fill("mother + kingg<i>")
    click(tab, "Compute")
    expect(message.last).to_contain_text("“kingg<i>” is not among the 400,000 words")
    tab.get_by_label("Expression").fill("mother + kingg")
    tab.get_by_label("Expression").press("Enter")
    expect(message.last).to_contain_text("king")
    expect(tab.locator(RANKED).first).to_have_text("father")


def test_a_link_opens_its_expression(page, url):
    page.goto(f"{url}?tab=word-vectors&expression=paris%20-%20france%20%2B%20italy&top=4&vectors=glove-6b-50d")
    expect(page.locator(RANKED).first).to_have_text("rome")
    expect(page.locator(RANKED)).to_have_count(8)
    expect(page.get_by_label("Expression")).to_have_value("paris - france + italy")


def test_a_link_that_leads_nowhere_is_said_and_leaves_the_first_answer(page, url):
    page.goto(f"{url}?tab=word-vectors&expression=king%20-%20qqqqzzzzxx")
    expect(page.locator(".toast-body")).to_contain_text("qqqqzzzzxx")
    expect(page.locator(RANKED).first).to_have_text("father")


def test_words_are_compared(tab):
    tab.get_by_label("Words, parted by commas").fill("breakfast, cereal, dinner, lunch")
    click(tab, "Compare")
    expect(tab.get_by_text("Odd one out: cereal")).to_be_visible()
    expect(tab.locator(".wv-numbers tr")).to_have_count(4)
    expect(tab.locator(".wv-numbers tr").first.locator("td")).to_have_count(51)
    expect(plot_text(tab, "cereal")).to_be_visible()


def test_maps_by_every_example(tab):
    click(tab, "A map of words: PCA and t-SNE, the parallelogram", exact=False)
    expect(plot_text(tab, "computed")).to_be_visible()
    expect(tab.get_by_text("The red diamond is king + woman − man")).to_be_visible()
    click(tab, "Countries and capitals")
    expect(plot_text(tab, "tokyo")).to_be_visible()
    click(tab, "Five groups by t-SNE")
    expect(plot_text(tab, "wednesday")).to_be_visible()
    expect(tab.get_by_role("radio", name="t-SNE")).to_be_checked()
    click(tab, "The groups in 3-D")
    expect(tab.locator(".gl-container canvas").first).to_be_visible()
    click(tab, "The parallelogram of king and queen")
    expect(plot_text(tab, "computed")).to_be_visible()


def test_axes_by_every_example(tab):
    click(tab, "An axis of your own, from word pairs", exact=False)
    expect(plot_text(tab, "nurse")).to_be_visible()
    click(tab, "Animals by size and danger")
    expect(plot_text(tab, "hamster")).to_be_visible()
    expect(plot_text(tab, "mouse → elephant")).to_be_visible()
    click(tab, "People by gender and rank")
    expect(plot_text(tab, "duchess")).to_be_visible()
    click(tab, "From the countryside to the city")
    expect(plot_text(tab, "skyscraper")).to_be_visible()


def test_the_analogy_test_runs_and_stops(tab):
    click(tab, "The analogy test: how often is it right?", exact=False)
    click(tab, "One section (506 questions)")
    expect(tab.get_by_text("506 of 506 questions")).to_be_visible()
    expect(tab.get_by_role("row", name="capital-common-countries 79.2%")).to_be_visible()
    click(tab, "All sections")
    expect(tab.get_by_text(re.compile(r"of 19,544 questions"))).to_be_visible()
    expect(tab.get_by_role("row", name=re.compile("^all "))).to_be_visible()
    click(tab, "Stop")
    expect(tab.get_by_text("Stopped. What was scored until then stays below.")).to_be_visible()
    tab.wait_for_timeout(1500)
    expect(tab.get_by_text("Stopped. What was scored until then stays below.")).to_be_visible()


def test_ones_own_vectors(tab, tmp_path):
    path = tmp_path / "toy.txt"
    path.write_text("4 3\nsun 1 0 0.5\nmoon 0.9 0.1 0.5\nday 1 0 0\nnight 0.9 0.1 0\n")
    click(tab, "Your own vectors", exact=False)
    tab.locator("#wv-file input[type=file]").set_input_files(path)
    expect(tab.get_by_text("Loaded 4 words of 3 dimensions")).to_be_visible()
    expect(tab.get_by_label("Expression")).to_have_value("sun + moon")
    expect(tab.get_by_text("searched 4 words of 3 dimensions")).to_be_visible()
    click(tab, "king - man + woman")  # an example goes back to the set it is made for
    expect(tab.locator(RANKED).first).to_have_text("queen")


def test_sentences_and_documents(tab):
    click(tab, "Sentence similarity", exact=False)
    expect(tab.get_by_text(re.compile(r"Most alike: 1 and 2 \(0\.6"))).to_be_visible(timeout=90_000)
    expect(tab.get_by_text("the whole text", exact=True)).to_have_count(3)
    click(tab, "Too long to be read")
    expect(tab.get_by_text("Not read to the end: 1 of 3 texts.")).to_be_visible()
    expect(tab.get_by_text("256 of 411")).to_be_visible()
    expect(tab.locator(".wv-unread")).to_contain_text("purple submarine")
    tab.get_by_label("Sentences or documents").fill("A cat.\nA dog.")
    click(tab, "Compare texts")
    expect(tab.get_by_text("the whole text", exact=True)).to_have_count(2)
    click(tab, "Same meaning, other words")
    expect(tab.get_by_text("Least alike:")).to_be_visible()
    expect(tab.get_by_text("the whole text", exact=True)).to_have_count(5)


def test_a_phone_shows_it_all(browser, url):
    window = browser.new_context(viewport={"width": 375, "height": 812})
    phone = window.new_page()
    phone.goto(f"{url}?tab=word-vectors&__theme=dark")
    expect(phone.locator(RANKED).first).to_have_text("father")
    expect(phone.locator(".wv-bar").first).to_be_visible()
    assert phone.locator(".wv-bar").first.bounding_box()["width"] > 60
    assert phone.evaluate(OVERFLOW) <= 0
    window.close()
