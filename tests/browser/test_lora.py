"""Personal LoRA in Chromium: sample set, consent, a short training with its grid, reload, stop, draw, delete."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.fields import fill

pytestmark = [pytest.mark.browser, pytest.mark.models]
TRAINING = 240_000  # ms: a process that imports torch and diffusers, on two busy cores


@pytest.fixture
def tab(page, url):
    """The tab with the made-up person's photos on it."""
    page.goto(f"{url}?tab=personal-lora")
    expect(page.locator("#lora-photos .lo-empty")).to_be_visible()
    page.get_by_role("button", name="Sample: made-up person").click()
    expect(page.locator("#lora-photos .lo-card")).to_have_count(10)
    page.get_by_label("Name (a nickname will do)").fill("Joshua Guggenheim")
    expect(page.locator("#lora-warning")).to_contain_text("joshuag")
    return page


def expert(page, **values):
    page.get_by_role("button", name="Expert: every number").click()
    for label, value in values.items():
        fill(page.get_by_label(label.replace("_", " "), exact=True), str(value))


def train(page):
    expert(page, Steps=8, Rank=2, Steps_of_a_sample=2)
    fill(page.get_by_label("Sample every, steps"), "4")
    page.get_by_text("These are pictures of me").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator("#lora-estimate")).to_contain_text("real steps", timeout=TRAINING)


def test_nothing_starts_without_consent(tab):
    tab.get_by_role("button", name="Train", exact=True).click()
    expect(tab.get_by_text("nothing starts without it")).to_be_visible()
    expect(tab.locator("#lora-grid .lo-empty")).to_be_visible()


def test_an_ordinary_word_is_warned_of(tab):
    tab.locator("#lora-trigger textarea, #lora-trigger input").fill("person")
    expect(tab.locator("#lora-warning")).to_contain_text("ordinary word")


@pytest.mark.slow
def test_a_training_is_watched_found_again_drawn_with_and_deleted(tab, browser):
    train(tab)
    expect(tab).to_have_url(re.compile("job="))
    expect(tab.locator("#lora-grid thead th")).to_have_count(2, timeout=TRAINING)
    tab.reload()  # in the middle of it
    expect(tab.locator("#lora-grid thead th").nth(1)).to_be_visible()
    other = browser.new_page()  # elsewhere, by the secret link
    other.goto(tab.url)
    expect(other.locator("#lora-grid thead th").nth(3)).to_have_text(re.compile("step 8"), timeout=TRAINING)
    expect(other.locator("#lora-state")).to_contain_text("Done", timeout=TRAINING)
    assert other.locator("#lora-grid img").first.evaluate("image => image.naturalWidth") == 64
    with other.expect_download() as download:
        other.get_by_role("link", name=re.compile("adapter")).first.click()
    assert re.fullmatch(r"joshuag-\d{6}\.safetensors", download.value.suggested_filename)
    other.close()

    expect(tab.locator("#lora-state")).to_contain_text("Done")
    expect(tab.locator("#lora-grid tbody tr")).to_have_count(3)  # two prompts and the control
    tab.get_by_role("button", name="Draw with and without").click()
    expect(tab.locator("#lora-drawn .lo-compare")).to_contain_text("joshuag", timeout=TRAINING)

    passed_on, picture = tab.url, tab.locator("#lora-grid img").first.evaluate("image => image.src")
    tab.get_by_role("button", name="New secret link").click()
    expect(tab).not_to_have_url(passed_on)
    expect(tab).to_have_url(re.compile("job="))
    assert tab.request.get(picture).status == 404
    other = browser.new_page()
    other.goto(passed_on)
    expect(other.locator("#lora-state")).to_contain_text("no job with this id")
    other.close()

    expect(tab.locator("#lora-grid img").first).not_to_have_attribute("src", re.compile(passed_on[-22:]))
    picture = tab.locator("#lora-grid img").first.evaluate("image => image.src")
    assert tab.request.get(picture).status == 200
    delete_everything(tab)
    expect(tab.locator("#lora-gone")).to_contain_text("Deleted")
    expect(tab.locator("#lora-photos .lo-empty")).to_be_visible()
    assert tab.request.get(picture).status == 404
    expect(tab).not_to_have_url(re.compile("job="))
    tab.reload()
    expect(tab.locator("#lora-grid .lo-empty")).to_be_visible()


@pytest.mark.slow
def test_a_training_is_stopped_and_keeps_what_it_learnt(tab):
    expert(tab, Steps=2000, Rank=2, Steps_of_a_sample=2)
    fill(tab.get_by_label("Sample every, steps"), "1000")
    tab.get_by_text("These are pictures of me").click()
    tab.get_by_role("button", name="Train", exact=True).click()
    expect(tab.locator("#lora-state")).to_contain_text("loss", timeout=TRAINING)
    tab.get_by_role("button", name="Stop and keep").click()
    expect(tab.locator("#lora-state")).to_contain_text("Stopped and kept", timeout=TRAINING)
    expect(tab.locator("#lora-links a").first).to_contain_text("adapter of step")
    tab.reload()
    expect(tab.locator("#lora-state")).to_contain_text("Stopped and kept")
    expect(tab.locator("#lora-photos .lo-card")).to_have_count(10)
    link = tab.url
    first = tab.locator("#lora-links a").first.evaluate("link => link.href")
    train_again(tab)
    delete_everything(tab)
    expect(tab.locator("#lora-gone")).to_contain_text("2 trainings", timeout=TRAINING)
    assert tab.request.get(first).status == 404  # also of the training that was no longer on the page
    tab.goto(link)
    expect(tab.locator("#lora-state")).to_contain_text("No training here")


def delete_everything(page):
    """Both clicks."""
    page.get_by_role("button", name="Delete my data").click()
    page.locator("#lora-sure").get_by_role("button", name="Yes, delete").click()


def train_again(page):
    """A second training, seen to have begun."""
    page.get_by_label("Name (a nickname will do)").fill("Joshua Guggenheim")
    expert(page, Steps=2000, Rank=2, Steps_of_a_sample=2)
    fill(page.get_by_label("Sample every, steps"), "1000")
    page.get_by_text("These are pictures of me").click()
    before = page.url
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page).not_to_have_url(before, timeout=TRAINING)
    expect(page.locator("#lora-state")).to_contain_text("loss", timeout=TRAINING)


def test_uploads_are_checked_one_by_one(page, url, tmp_path):
    from PIL import Image

    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.effect_noise((200, 160), 80).convert("RGB").save(good)
    bad.write_bytes(b"no picture")
    page.goto(f"{url}?tab=personal-lora")
    expect(page.locator("#lora-photos .lo-empty")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add photos").click()
    chooser.value.set_files([good, bad])
    expect(page.locator("#lora-photos .lo-card")).to_have_count(1)
    expect(page.locator("#lora-notes")).to_contain_text("bad.png was not taken")
    expect(page.locator("#lora-photos .lo-card")).to_contain_text("face")
    page.get_by_role("button", name="Sample: drawing style").click()
    expect(page.get_by_text("photos of your own are in the list")).to_be_visible()
    expect(page.locator("#lora-photos .lo-card")).to_have_count(1)


def test_photos_are_judged_by_the_size_of_the_model(tab):
    card = tab.locator("#lora-photos .lo-card").first
    expect(card).not_to_contain_text("the training works at")
    tab.get_by_label("Model", exact=True).click()
    tab.get_by_role("option", name="Stable Diffusion 1.5").click()
    expect(card).to_contain_text("64 x 64 pixels; the training works at 512 x 512")
    tab.get_by_text("custom", exact=True).click()  # also where the numbers are no preset's
    tab.get_by_label("Model", exact=True).click()
    tab.get_by_role("option", name="Pocket diffusion, 64 x 64").click()
    expect(card).not_to_contain_text("the training works at")
