"""The GAN lab in Chromium: it trains, holds, steps, looks back, survives a reload, and its networks can be used."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.fields import fill
from tests.servers import picture

pytestmark = pytest.mark.browser

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
STEP = re.compile(r"after ([\d,]+) updates")


@pytest.fixture
def lab(page):
    """The fold, opened; its first run has begun."""
    expect(page.locator("#faces .gallery-item img")).to_have_count(12)
    page.get_by_role("button", name="GAN lab: train").click()
    expect(page.locator("#lab-live .lab-plane")).to_have_count(1, timeout=120_000)
    yield page
    hold(page)


def step(page):
    return int(STEP.search(page.locator("#lab-live").inner_text())[1].replace(",", ""))


def hold(page):
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.locator("#lab-status")).to_contain_text("On hold")


def test_a_plain_link_starts_nothing(page):
    expect(page.locator("#faces .gallery-item img")).to_have_count(12)
    assert page.locator("#lab-live .lab-card").count() == 0
    assert "lab=" not in page.url


def test_it_trains_holds_steps_scrubs_and_survives_a_reload(lab, url):
    expect(lab.locator("#lab-live")).to_contain_text("modes covered")
    lab.wait_for_function("() => /after \\d\\d+ updates/.test(document.querySelector('#lab-live').innerText)")
    hold(lab)
    lab.wait_for_timeout(600)
    held = step(lab)
    lab.wait_for_timeout(600)
    assert step(lab) == held

    made = lab.locator("#lab-live .lab-plane path").nth(1)
    before = made.get_attribute("d")
    lab.get_by_role("button", name="One step of G").click()
    lab.wait_for_function("(old) => document.querySelectorAll('#lab-live .lab-plane path')[1].getAttribute('d') != old",
                          arg=before)

    slide = lab.get_by_label("Look back")
    slide.fill("1")
    expect(lab.locator("#lab-live")).to_contain_text("after 1 updates (looking back)")
    expect(lab.locator("#lab-film output")).to_have_text("after update 1")
    slide.fill("31")
    expect(lab.locator("#lab-live")).not_to_contain_text("looking back")

    expect(lab).to_have_url(re.compile(r"tab=gan-faces&lab=[\w-]{22}$"))
    old = lab.url
    lab.get_by_role("button", name="New link").first.click()
    expect(lab).not_to_have_url(old)
    expect(lab).to_have_url(re.compile(r"tab=gan-faces&lab=[\w-]{22}$"))
    lab.reload()
    expect(lab.locator("#lab-live")).to_contain_text(f"after {held:,} updates")
    lab.get_by_role("button", name="Go on", exact=True).click()
    expect(lab.locator("#lab-live")).not_to_contain_text(f"after {held:,} updates")
    now = lab.url
    lab.get_by_role("button", name="New link").first.click()  # while it runs: the page goes on looking
    expect(lab).not_to_have_url(now)
    before = step(lab)
    lab.wait_for_function("(old) => +/after ([\\d,]+) updates/.exec(document.querySelector('#lab-live').innerText)[1]"
                          ".replace(',', '') > old", arg=before)
    other = lab.context.new_page()
    other.goto(old)
    expect(other.get_by_text("There is no job with this id.").first).to_be_visible()
    other.close()


def test_a_failure_runs_beside_its_cure_and_sets_the_controls(lab):
    lab.get_by_role("button", name="Vanishing gradient | another loss").click()
    expect(lab.locator("#lab-live .lab-plane")).to_have_count(2, timeout=120_000)
    expect(lab.locator("#lab-live")).to_contain_text("Cure: −log D")
    expect(lab.locator("#lab-watch")).to_contain_text("stands still")
    lab.get_by_role("button", name="Settings of the runs").click()
    expect(lab.get_by_label("Train run B beside run A")).to_be_checked()
    expect(lab.get_by_label("Loss of A", exact=True)).to_have_value(re.compile("saturating"))
    expect(lab.get_by_label("D steps per G step, B")).to_have_value("5")
    assert lab.evaluate(OVERFLOW) <= 0


def test_a_drawing_is_learnt(lab):
    lab.get_by_role("button", name="Settings of the runs").click()
    choose_data(lab, "own drawing")
    pad = lab.locator("#lab-drawing canvas").last
    expect(lab.locator("#lab-drawing button[aria-label=Brush]")).to_have_class(re.compile("highlight"))
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.mouse.move(x - 70, y)
    lab.mouse.down()
    lab.mouse.move(x + 70, y + 20, steps=10)
    lab.mouse.up()
    lab.wait_for_timeout(1000)  # the pad draws with the next frames
    lab.get_by_role("button", name="Start with these settings").click()
    expect(lab.locator("#lab-live")).to_contain_text("Run A")
    expect(lab.locator("#lab-live")).not_to_contain_text("modes covered")


def test_data_brings_settings_that_suit_it_unless_there_are_own_ones(lab):
    lab.get_by_role("button", name="Settings of the runs").click()
    choose_data(lab, "digits 8 x 8")
    expect(lab.get_by_label("Batch size, A")).to_have_value("64")
    expect(lab.get_by_label("Batch size, B")).to_have_value("64")
    fill(lab.get_by_label("Batch size, A"), "48")
    choose_data(lab, "two moons")
    expect(lab.get_by_label("Batch size, B")).to_have_value("128")
    expect(lab.get_by_label("Batch size, A")).to_have_value("48")


def choose_data(page, name):
    page.get_by_label("Data", exact=True).click()
    page.get_by_role("option", name=name).click()


def test_settings_that_make_no_sense_are_refused_by_name(lab):
    lab.get_by_role("button", name="Settings of the runs").click()
    lab.get_by_label("Label smoothing, A").fill("0.9")
    lab.get_by_role("button", name="Start with these settings").click()
    expect(lab.get_by_text("Label smoothing is 0.9")).to_be_visible()


def test_digits_are_judged_guessed_and_drawn(lab):
    lab.get_by_role("button", name="Handwritten digits").click()
    expect(lab.locator("#lab-live img.lab-sheet").first).to_be_visible(timeout=120_000)
    lab.get_by_role("button", name="Ask D: is this picture real?").click()
    expect(lab.locator("#lab-verdict")).to_contain_text("of 200 real pictures")
    lab.get_by_role("button", name="Quiz: which ones").click()
    expect(lab.locator("#lab-quiz .lab-pictures img")).to_have_count(10)
    lab.locator("#lab-quiz").get_by_label("3", exact=True).check()
    lab.get_by_role("button", name="Check my guess").click()
    expect(lab.locator("#lab-score")).to_contain_text(re.compile(r"You were right on \d+ of 10, D on \d+"))
    lab.get_by_role("button", name="Keep the generator, and use it").click()
    expect(lab.locator("#lab-use .gallery-item img")).to_have_count(36 + 7 + 12)


def test_own_pictures_are_judged_outside_the_cache_and_deleted_with_the_run(page, context):
    page.get_by_role("button", name="GAN lab: train").click()
    page.get_by_role("button", name="Settings of the runs").click()
    choose_data(page, "own pictures 32 x 32")
    expect(page.locator(".consent", has_text="32 x 32")).to_be_visible()
    page.locator("#lab-pictures input[type=file]").set_input_files(
        [{"name": f"{number}.png", "mimeType": "image/png", "buffer": picture(number)} for number in range(20)])
    expect(page.get_by_text("20 pictures are ready")).to_be_visible()
    page.get_by_role("button", name="Start with these settings").click()
    expect(page.locator("#lab-live img.lab-sheet").first).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Ask D: is this picture real?").click()
    expect(page.locator("#lab-seen img")).to_have_attribute("src", re.compile("^data:image/png"))
    job = re.search(r"lab=([\w-]{22})", page.url)[1]
    folder = context.settings.data_dir / "jobs" / job
    assert folder.exists()

    page.get_by_role("button", name="Delete this run and its pictures").click()
    page.get_by_role("button", name="No, keep it").first.click()
    expect(page.locator("#lab-sure")).to_be_hidden()
    assert folder.exists()
    page.get_by_role("button", name="Delete this run and its pictures").click()
    page.locator("#lab-sure").get_by_role("button", name="Yes, delete").click()
    expect(page.locator("#lab-gone")).to_contain_text("Deleted.")
    expect(page.locator("#lab-live")).to_contain_text("No run.")
    expect(page.locator("#lab-seen img")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("lab="))
    assert not folder.exists()
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("No run is under way.")).to_be_visible()


def test_a_strangers_link_says_so(page, url):
    page.goto(f"{url}?tab=gan-faces&lab=nonsense")
    expect(page.get_by_text("This is not the id of a job")).to_be_visible()


def test_a_phone_can_use_it(browser, url):
    window = browser.new_page(viewport={"width": 375, "height": 812})
    window.goto(f"{url}?tab=gan-faces")
    window.get_by_role("button", name="GAN lab: train").click()
    expect(window.locator("#lab-live .lab-plane")).to_have_count(1, timeout=120_000)
    assert window.evaluate(OVERFLOW) <= 0
    hold(window)
    window.close()
