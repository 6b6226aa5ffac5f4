"""The Diffusion steps tab in Chromium: a first picture, the scrubber, examples, each tool, and stopping."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.fields import fill

pytestmark = [pytest.mark.browser, pytest.mark.models]


@pytest.fixture
def tab(browser, url):
    """A fresh window with a picture drawn in four steps, by a link; fails the test on an error in the console."""
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    page, problems = window.new_page(), []
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{url}?tab=diffusion-steps&prompt=cat+face&steps=4&seed=5")
    expect(page.locator("#diffusion-view .df-panels")).to_be_visible()
    yield page
    window.close()
    assert not problems


def steps(page):
    return page.locator("#diffusion-view input[type=range]")


def label(page):
    return page.locator("#diffusion-view output")


def opened(page, title: str):
    page.get_by_role("button", name=title).click()


def test_the_first_look_has_a_picture_without_a_click(page):
    page.get_by_role("tab", name="Diffusion steps").click()
    expect(label(page)).to_have_text("after step 20: the picture")
    expect(page.locator("#diffusion-note")).to_contain_text("40 network calls")


def test_what_is_typed_while_the_first_picture_is_drawn_stays(page, url):
    page.goto(f"{url}?tab=diffusion-steps")
    prompt = page.locator("#diffusion-prompt textarea")
    prompt.fill("robot face")
    expect(page.locator("#diffusion-note")).to_contain_text("40 network calls", timeout=120_000)
    expect(prompt).to_have_value("robot face")


def test_the_scrubber_moves_all_rows_without_the_server(tab):
    requests = []
    expect(label(tab)).to_have_text("after step 4: the picture")
    tab.on("request", lambda request: requests.append(request.url) if "queue" in request.url else None)
    steps(tab).fill("1")
    expect(label(tab)).to_contain_text("before step 2 of 4")
    expect(label(tab)).to_contain_text("signal-to-noise ratio")
    places = [tile.evaluate("e => getComputedStyle(e).backgroundPositionX")
              for tile in tab.locator("#diffusion-view .df-tile").all()]
    assert places == ["25%"] * 3
    strip = tab.locator("#diffusion-view .df-strip").first
    box = strip.bounding_box()
    strip.click(position={"x": box["width"] * 0.5, "y": 5})
    expect(label(tab)).to_contain_text("before step 3 of 4")
    steps(tab).press("ArrowRight")
    expect(label(tab)).to_contain_text("before step 4 of 4")
    tab.get_by_role("button", name="Play the steps").click()
    expect(label(tab)).to_have_text("after step 4: the picture")
    assert not requests


def test_a_link_sets_the_controls_and_comes_back(tab):
    expect(tab.locator("#diffusion-prompt textarea")).to_have_value("cat face")
    expect(tab.get_by_label("Seed", exact=True)).to_have_value("5")
    tab.get_by_role("button", name="Copy link to this picture").click()
    expect(tab).to_have_url(re.compile(r"tab=diffusion-steps&prompt=cat\+face.*steps=4.*seed=5"))


def test_an_example_sets_every_control(tab):
    tab.get_by_role("button", name="A red heart in 8 steps").click()
    expect(label(tab)).to_have_text("after step 8: the picture")
    expect(tab.locator("#diffusion-prompt textarea")).to_have_value("red heart")
    expect(tab.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(tab.get_by_label("Scheduler")).to_have_value("DPM-Solver++")


def test_beach_and_shark_opens_the_check_list(tab):
    tab.get_by_role("button", name="Beach and shark").click()
    expect(label(tab)).to_have_text("after step 20: the picture")
    seen = tab.locator("#diffusion-seen")
    for part in ("beach", "shark", "red umbrella", "lighthouse"):
        expect(seen.get_by_label(part)).to_be_visible()
    seen.get_by_label("beach").check()
    expect(tab.locator("#diffusion-checklist")).to_contain_text("1 of 4 parts are there. Missing: shark")


def test_noise_levels_of_one_picture(tab):
    tab.get_by_role("button", name="Noise levels of one picture").click()
    expect(tab.locator("#forward-strip img")).to_have_count(2)
    expect(tab.locator("#forward-near")).to_contain_text("t = 350")
    expect(tab.locator("#forward-guess")).to_contain_text("one-shot guess, off by")
    tab.locator("#diffusion-forward").get_by_label("number input for Noise level t").fill("900")
    tab.keyboard.press("Tab")
    expect(tab.locator("#forward-near")).to_contain_text("t = 900")
    tab.get_by_role("button", name="Denoise from here").click()
    expect(tab.locator("#forward-guess")).to_contain_text("level 900")


def test_an_own_picture_is_cleaned_and_taken(tab, tmp_path):
    from PIL import Image

    Image.new("RGB", (300, 200), "green").save(tmp_path / "own.png")
    opened(tab, "Adding noise")
    expect(tab.locator("#forward-strip img")).to_have_count(2)
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Use your own picture").click()
    before = tab.locator("#forward-near img").first.get_attribute("src")
    chooser.value.set_files(tmp_path / "own.png")
    expect(tab.locator("#forward-near img").first).not_to_have_attribute("src", before)
    expect(tab.locator("#diffusion-forward").get_by_label("your picture")).to_be_checked()


def test_the_tools_fill_when_opened(tab):
    opened(tab, "Prompt: its tokens")
    expect(tab.locator("#diffusion-tokens")).to_contain_text("[CLS]")
    expect(tab.locator("#diffusion-maps img")).to_have_count(2)
    opened(tab, "Fork: another prompt")
    expect(tab.locator("#diffusion-fork .df-long img")).to_have_count(2)
    opened(tab, "Side by side")
    expect(tab.locator("#diffusion-side .df-many img")).to_have_count(4)
    expect(tab.locator("#diffusion-side .df-long img")).to_have_count(4)
    opened(tab, "Films to download")
    expect(tab.locator("video")).to_have_count(1)
    expect(tab.locator('img[src*="steps.gif"]')).to_be_visible()


def test_gan_against_diffusion_and_clip(tab):
    opened(tab, "GAN against diffusion")
    expect(tab.locator("#diffusion-versus")).to_contain_text("times as long")
    expect(tab.locator("#diffusion-versus .df-faces img")).to_have_count(8)
    opened(tab, "Text and picture in one space")
    expect(tab.locator("#diffusion-clip-table")).to_contain_text("CLIP is not on this machine")


def test_stop_gives_the_last_picture_back(tab):
    fill(tab.get_by_label("number input for Steps"), "100")
    tab.get_by_role("button", name="Draw", exact=True).click()
    expect(tab.locator("#diffusion-view .df-live")).to_be_visible()
    tab.get_by_role("button", name="Stop").first.click()
    expect(label(tab)).to_have_text("after step 4: the picture")
    expect(tab.locator("#diffusion-note")).to_contain_text("Stopped")
    tab.get_by_role("button", name="A red heart in 8 steps").click()
    expect(label(tab)).to_have_text("after step 8: the picture")


def test_a_face_of_the_gan_is_sent_over_to_be_noised(page):
    page.get_by_role("button", name="Twelve new people").click()
    page.get_by_role("button", name="Add noise to the first face").click()
    expect(page.get_by_role("tab", name="Diffusion steps")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#forward-near img").first).to_be_visible()
    expect(page.get_by_label("Seed of the GAN face")).to_have_value("42")


def test_the_truncation_of_the_face_is_sent_with_it(page):
    page.get_by_role("button", name="Tame (ψ 0.6)").click()
    expect(page.get_by_label("number input for Truncation ψ")).to_have_value("0.6")
    page.get_by_role("button", name="Add noise to the first face").click()
    expect(page.locator("#forward-strip img")).to_have_count(2)
    expect(page.get_by_label("number input for ψ of the GAN face")).to_have_value("0.6")
    sent = page.locator("#forward-near img").first.get_attribute("src")
    fill(page.get_by_label("number input for ψ of the GAN face"), "1")
    page.keyboard.press("Tab")
    expect(page.locator("#forward-near img").first).not_to_have_attribute("src", sent)
