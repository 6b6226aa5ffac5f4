"""Files that a visitor takes from the page say that they are generated, for machines and, if wanted, for the eye."""

import io

import numpy as np
import pytest
from playwright.sync_api import expect

from playground import marks
from playground.diffusion import models

pytestmark = [pytest.mark.browser, pytest.mark.models]


def served(page, selector):
    """The bytes behind a picture or film of the page."""
    found = page.locator(selector).first
    expect(found).to_be_visible()
    answer = page.request.get(found.evaluate("e => e.currentSrc || e.src"))
    assert answer.ok
    return answer.body()


def test_the_files_of_a_run_say_so(page, url):
    page.goto(f"{url}?tab=diffusion-steps&prompt=cat+face+Zanzibar&steps=4&seed=5")
    expect(page.locator("#diffusion-note")).to_contain_text("4 steps")
    page.get_by_role("button", name="Films to download").click()
    for selector in ('img[src*="strip.png"]', 'img[src*="steps.gif"]', "video", 'img[src*="picture.png"]'):
        content = served(page, selector)
        assert marks.TYPE.encode() in content
        assert str(marks.Mark(models.POCKET, 5)).encode() in content
        assert b"Zanzibar" not in content


def test_faces_are_marked_for_the_eye_on_request(page):
    faces = "#faces .gallery-item img"
    plain = served(page, faces)
    before = page.locator(faces).first.get_attribute("src")
    page.get_by_label(marks.VISIBLE, exact=True).check()
    expect(page.locator(faces).first).not_to_have_attribute("src", before)
    seen = served(page, faces)
    assert marks.TYPE.encode() in plain and marks.TYPE.encode() in seen
    corner, rest = differs(plain, seen)
    assert corner > 0.5
    assert rest == 0


def differs(one, other):
    """The shares of pixels that differ, in the lower left corner and in the upper three quarters."""
    from PIL import Image

    first, second = (np.asarray(Image.open(io.BytesIO(content))) for content in (one, other))
    changed = (first != second).any(-1)
    return changed[-10:, :30].mean(), changed[:192].mean()
