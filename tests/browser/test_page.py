"""The page in Chromium: it opens with faces on it, tabs and tools answer to mouse and keyboard, nothing overflows."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TITLES = ["GAN faces", "Diffusion steps", "Personal LoRA", "N-gram babble", "Word vectors", "Tokenizer", "Next token",
          "Prompt evaluation"]

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def faces(page):
    return page.locator("#faces .gallery-item img")


def test_the_first_page_shows_eight_tabs_and_faces_without_a_click(page):
    assert page.get_by_role("tab").all_text_contents() == TITLES
    expect(faces(page)).to_have_count(12)
    expect(page.get_by_text(re.compile(r"ms each"))).to_be_visible()


def test_new_faces_come_with_a_new_seed(page):
    expect(faces(page)).to_have_count(12)
    seed = page.get_by_label("Seed of the first face")
    page.get_by_role("button", name="New faces").click()
    expect(seed).not_to_have_value("42")
    expect(page.locator("#faces").get_by_text(f"seed {seed.input_value()}")).to_be_visible()


def test_a_link_rebuilds_its_faces(page, url):
    page.goto(f"{url}?tab=gan-faces&seed=77&count=2&truncation=0.9")
    expect(faces(page)).to_have_count(2)
    expect(page.locator("#faces").get_by_text("seed 77")).to_be_visible()
    page.get_by_role("button", name="Copy link to these faces").click()
    expect(page).to_have_url(re.compile(r"tab=gan-faces&seed=77&count=2&truncation=0.9"))


def test_a_link_with_nonsense_says_what_is_wrong(page, url):
    page.goto(f"{url}?tab=gan-faces&seed=<b>x</b>")
    expect(page.get_by_text("The seed is not a number")).to_be_visible()


def test_a_link_opens_its_tab(page, url):
    page.goto(f"{url}?tab=tokenizer")
    expect(page.get_by_role("tab", name="Tokenizer")).to_have_attribute("aria-selected", "true")


def test_an_example_sets_every_control(page):
    expect(faces(page)).to_have_count(12)
    page.get_by_role("button", name="A crowd of 64").click()
    expect(faces(page)).to_have_count(64)
    expect(page.get_by_label("Seed of the first face")).to_have_value("7")


def test_the_folds_fill_when_opened(page):
    expect(faces(page)).to_have_count(12)
    for title, label, count in (("Truncation filmstrip", "ψ = 1.5", 7), ("Face arithmetic", "= A − B + C", 4),
                                ("Inside the generator", "layer 4: 64 maps of 32 x 32", 6)):
        page.get_by_role("button", name=title).click()
        box = page.locator(".faces", has=page.get_by_text(label))
        expect(box.locator(".gallery-item img")).to_have_count(count)
    page.get_by_role("button", name="Walk from one face").click()
    expect(page.get_by_text("100 %", exact=True)).to_be_visible()
    expect(page.locator('img[src*="walk.gif"]')).to_be_visible()


def test_a_click_on_a_face_takes_it_to_the_tools(page):
    expect(faces(page)).to_have_count(12)
    page.get_by_role("button", name="Truncation filmstrip").click()
    faces(page).nth(3).click()
    expect(page.get_by_label("Seed of the face")).to_have_value("45")


def test_arrow_keys_move_between_tabs(page):
    page.get_by_role("tab", name="GAN faces").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Diffusion steps")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Prompt evaluation")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="GAN faces")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Prompt evaluation")).to_be_focused()


def test_the_bar_and_the_fold_show_the_cache(page):
    expect(faces(page)).to_have_count(12)
    expect(page.locator("#status")).to_contain_text("CPU")
    page.get_by_role("button", name="Models in memory").click()
    expect(page.locator("#cache-table")).to_contain_text("dcgan-faces-64")
    expect(page.locator("#cache-table")).to_contain_text("evicted")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_can_read_every_tab(browser, url, theme):
    window = browser.new_page(viewport={"width": 375, "height": 812})
    window.goto(f"{url}?__theme={theme}")
    window.get_by_role("tab").first.wait_for()
    for title in TITLES:
        tab = window.get_by_role("tab", name=title, exact=True)
        if tab.count():
            tab.click()
        else:
            window.get_by_role("button", name="More tabs").click()
            window.locator(".overflow-dropdown button", has_text=title).click()
        window.wait_for_timeout(300)
        assert window.evaluate(OVERFLOW) <= 0, title
    window.close()


def test_no_request_of_the_page_leaves_this_machine(browser, url):
    window = browser.new_page()
    outside = []
    window.on("request", lambda request: outside.append(request.url)
              if not request.url.startswith((url, "data:", "blob:", url.replace("127.0.0.1", "localhost"))) else None)
    window.goto(url)
    for title in TITLES:
        window.get_by_role("tab", name=title, exact=True).click()
        window.wait_for_timeout(300)
    window.close()
    assert outside == []
