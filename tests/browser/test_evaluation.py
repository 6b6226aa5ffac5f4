"""The Prompt evaluation tab in Chromium: a first result, a run from the form, a cell's story, filters, links, YAML."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

# the baseline of word counts answers in milliseconds, which keeps these tests about the page
YAML = """prompts:
  - 'the white {{what}}'
  - 'call {{what}}'
providers:
  - id: ngram:moby-dick:words:3
    config: {max_tokens: 5}
tests:
  - vars: {what: whale}
    assert: [{type: char-count, value: {min: 1}}]
  - vars: {what: me}
    assert: [{type: contains, value: <b>never</b>}]
  - vars: {what: "{{7*7}} <img src=x>"}
    assert: [{type: python, value: x}]
evaluateOptions: {repeat: 2}
"""


@pytest.fixture
def tab(page, url):
    """The tab, its first example done."""
    page.goto(f"{url}?tab=prompt-evaluation")
    expect(page.locator("#evaluation-status")).to_contain_text("Done:", timeout=200_000)
    return page


def run_yaml(tab, text):
    """Runs a YAML text and waits for its end."""
    fold = tab.get_by_role("button", name=re.compile("The same as YAML"))
    if not tab.get_by_role("button", name="Run this YAML").is_visible():
        fold.click()
    editor = tab.locator("#evaluation-yaml .cm-content")
    expect(editor).to_contain_text("prompts:")  # the form, written when the fold opens
    editor.click()
    tab.keyboard.press("Control+a")
    tab.keyboard.press("Delete")
    tab.keyboard.insert_text(text)
    tab.wait_for_timeout(600)  # the editor tells the page of a change after a moment
    tab.get_by_role("button", name="Run this YAML").click()


def test_the_first_example_is_there_without_a_click_and_says_how_sure_it_is(tab):
    verdicts = tab.locator("#evaluation-verdicts")
    expect(verdicts).to_contain_text("Not enough cases to tell")
    expect(verdicts).to_contain_text(re.compile(r"B passes \d+ %, 95 % interval \d+ to \d+ %"))
    expect(tab.locator("#evaluation-matrix .cell")).to_have_count(20)
    expect(tab.locator("#evaluation-chart .barlayer .point")).to_have_count(2)
    story = tab.locator("#evaluation-story")
    expect(story).to_contain_text("Prompt as sent")
    expect(story).to_contain_text("icontains")
    tab.get_by_role("button", name="New link").last.click()  # it is this browser's own
    expect(tab).to_have_url(re.compile(r"tab=prompt-evaluation&run=[\w-]{22}"))


def test_a_run_from_yaml_with_its_stories_filters_thumbs_and_link(tab, url):
    run_yaml(tab, YAML)
    status, matrix = tab.locator("#evaluation-status"), tab.locator("#evaluation-matrix")
    expect(status).to_contain_text("12 outputs")
    expect(status).to_contain_text("Line 13: the assertion 'python' is not supported")
    expect(matrix).to_contain_text("{{7*7}} <img src=x>")
    assert matrix.locator("img").count() == 0

    tab.get_by_label("Failures only").check()
    expect(matrix.locator("tbody tr")).to_have_count(1)
    expect(matrix.locator(".cell.pass")).to_have_count(0)
    matrix.locator(".cell").first.click()
    story = tab.locator("#evaluation-story")
    expect(story).to_contain_text("missing: <b>never</b>")
    tab.get_by_role("button", name="▼ Bad").click()
    expect(matrix.locator(".cell", has_text="▼")).to_have_count(1)
    tab.get_by_role("button", name="Do the checks agree with you?").click()
    expect(tab.locator("#agreement")).to_contain_text("Agreement 1 of 1")

    tab.get_by_role("button", name="Copy link to this run").click()
    expect(tab).to_have_url(re.compile(r"tab=prompt-evaluation&run=[\w-]{22}"))
    old = tab.url
    tab.get_by_role("button", name="New link").last.click()
    expect(tab).not_to_have_url(old)
    now = tab.url
    tab.goto(old)
    expect(tab.get_by_text("There is no job with this id.").first).to_be_visible()
    tab.goto(now)
    expect(tab.locator("#evaluation-status")).to_contain_text("12 outputs", timeout=120_000)
    expect(tab.locator("#prompt-a textarea")).to_have_value("the white {{what}}")
    expect(tab.locator("#evaluation-matrix .cell", has_text="▼")).to_have_count(1)


def test_the_form_runs_and_a_new_variable_gets_its_column(tab):
    run_yaml(tab, YAML)
    expect(tab.locator("#evaluation-status")).to_contain_text("12 outputs")
    tab.get_by_role("button", name="Load this YAML into the form").click()
    expect(tab.locator("#prompt-b textarea")).to_have_value("call {{what}}")
    tab.locator("#prompt-c textarea").fill("{{what}} and {{who}}")
    tab.locator("#prompt-a textarea").click()
    expect(tab.locator("#cases-table th", has_text="who").first).to_be_visible()
    tab.locator("#evaluation-run").click()
    expect(tab.locator("#evaluation-matrix thead th")).to_have_count(4)
    expect(tab.locator("#evaluation-status")).to_contain_text("18 outputs")


def test_what_is_wrong_is_said_and_the_page_goes_on(tab):
    run_yaml(tab, "prompts:\n  - 'a'\n  - {label: x\ntests: []")
    expect(tab.get_by_text(re.compile(r"Line \d+, column \d+: this is not YAML"))).to_be_visible()
    tab.locator("#prompt-a textarea").fill("{{ ''.__class__ }}")
    tab.locator("#evaluation-run").click()
    expect(tab.get_by_text("The template reads '__class__'")).to_be_visible()


def test_a_link_to_no_run_says_so(page, url):
    page.goto(f"{url}?tab=prompt-evaluation&run=nonsense")
    expect(page.get_by_text("This is not the id of a job")).to_be_visible()


def test_an_output_opens_in_the_next_token_tab(tab):
    tab.locator("#evaluation-matrix .cell").nth(1).click()
    tab.get_by_role("button", name="Open in next token where it parts").click()
    expect(tab.get_by_role("tab", name="Next token")).to_have_attribute("aria-selected", "true")
    expect(tab.locator("#next-text textarea")).to_have_value(re.compile("Sentiment:|Answer:"))


SLOW = """prompts: ['Once upon a time {{what}}', 'There was {{what}}']
providers: [{id: gemma-3-270m, config: {max_tokens: 24, temperature: 1}}]
tests: [{vars: {what: [a dog, a cat, a king, a ship, a tree, a road, a song, a door, a wolf, a star, a lamp, a boat]}}]
evaluateOptions: {repeat: 2}
"""


def test_a_reload_in_the_middle_finds_the_run_again_and_goes_on(tab):
    run_yaml(tab, SLOW)
    expect(tab.locator("#evaluation-status")).to_contain_text("Writing:")
    expect(tab).to_have_url(re.compile(r"tab=prompt-evaluation&run=[\w-]{22}"))
    tab.reload()
    tab.get_by_role("button", name="Go on with this run").click(timeout=120_000)
    expect(tab.locator("#evaluation-status")).to_contain_text("Done: 48 outputs", timeout=200_000)
    expect(tab.locator("#prompt-a textarea")).to_have_value("Once upon a time {{what}}")


def test_a_run_is_stopped_and_deleted(tab):
    run_yaml(tab, SLOW.replace("repeat: 2", "repeat: 3"))
    expect(tab.locator("#evaluation-status")).to_contain_text("Writing:")
    tab.get_by_role("button", name="Stop", exact=True).click()
    expect(tab.locator("#evaluation-status")).to_contain_text("it can go on where it was")
    tab.get_by_role("button", name="Delete this run").click()
    expect(tab.locator("#evaluation-status")).to_contain_text("The run is deleted")
    expect(tab.locator("#evaluation-matrix .cell")).to_have_count(0)


def test_the_lectures_picture_prompt_runs_with_one_click_and_is_ticked(tab):
    tab.get_by_role("button", name="Beach, shark, umbrella, lighthouse", exact=True).click()
    expect(tab.locator("#evaluation-status")).to_contain_text("Done: 16 outputs", timeout=200_000)
    matrix, story = tab.locator("#evaluation-matrix"), tab.locator("#evaluation-story")
    expect(matrix.locator("img.drawn")).to_have_count(16)
    expect(tab.locator("#evaluation-verdicts")).to_contain_text("waits for your check lists")
    for item, name in (("beach", "I see"), ("shark", "I do not see"), ("red umbrella", "I see"),
                       ("lighthouse", "I do not see")):
        story.get_by_role("button", name=f"{name} {item}", exact=True).click()
        expect(story.get_by_role("button", name=f"{name} {item}", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(story).to_contain_text("you see 2 of 4")
    # its twin of the other seed is not ticked, so the case is not settled; what is ticked shows at once
    expect(tab.locator("#evaluation-verdicts")).to_contain_text("red umbrella 1.00 · lighthouse 0.00")
    expect(matrix.locator(".cell.fail")).to_have_count(1)
    tab.get_by_label("Not known yet").check()
    expect(matrix.locator("tbody tr")).to_have_count(4)
    tab.goto(tab.url)  # found again by its link, ticks and all
    expect(tab.locator("#evaluation-matrix .cell.fail")).to_have_count(1, timeout=120_000)
    expect(tab.locator("#evaluation-story")).to_contain_text("you see 2 of 4")


def test_a_reference_picture_is_added_and_compared(tab, tmp_path):
    from PIL import Image

    run_yaml(tab, "prompts: ['{{what}} circle']\nproviders: [{id: pocket-diffusion-64, config: {steps: 2}}]\n"
                  "tests: [{vars: {what: red}}]")
    expect(tab.locator("#evaluation-status")).to_contain_text("Done: 1 output")
    tab.get_by_role("button", name="Load this YAML into the form").click()
    expect(tab.locator("#prompt-a textarea")).to_have_value("{{what}} circle")
    Image.new("RGB", (90, 90), "red").save(tmp_path / "all red.png")
    tab.get_by_role("button", name="Pictures: steps, guidance, reference pictures").click()
    tab.locator("#evaluation-pictures input[type=file]").set_input_files(tmp_path / "all red.png")
    expect(tab.locator("#evaluation-references figcaption")).to_have_text("all-red")
    expect(tab.locator("#cases-table")).to_contain_text("all-red")
    tab.locator("#evaluation-run").click()
    expect(tab.locator("#evaluation-story")).to_contain_text("reference: all-red")
    expect(tab.locator("#evaluation-story")).to_contain_text("cosine")


def test_a_run_is_compared_with_the_one_before(tab):
    run_yaml(tab, YAML)
    expect(tab.locator("#evaluation-status")).to_contain_text("12 outputs")
    tab.get_by_role("button", name="Run this YAML").click()
    expect(tab.locator("#evaluation-status")).to_contain_text("12 outputs")
    tab.get_by_role("button", name="Compare with another run").click()
    tab.get_by_role("button", name="Compare", exact=True).click()
    expect(tab.locator("#against")).to_contain_text("A of this run is better on 0 cases")


@pytest.mark.parametrize(("kind", "words"), [("CSV", "prompt,provider,case"), ("JSON", '"results"'),
                                             ("YAML", "prompts:")])
def test_a_run_is_exported(tab, kind, words):
    tab.get_by_role("button", name=re.compile("^Export ")).click()
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name=f"Download {kind}").click()
    assert waiting.value.suggested_filename == f"evaluation.{kind.lower()}"
    assert words in waiting.value.path().read_text(encoding="utf-8")


def test_it_fits_a_phone(browser, url):
    window = browser.new_page(viewport={"width": 375, "height": 800})
    window.goto(f"{url}?tab=prompt-evaluation")
    expect(window.locator("#evaluation-status")).to_contain_text("Done:", timeout=200_000)
    assert window.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    window.close()
