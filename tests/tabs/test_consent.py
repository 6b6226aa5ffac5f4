"""Beside every upload of pictures stands whose they may be, what is kept of them, and where the rules are."""

import re

import gradio as gr
import pytest

import app
from playground.settings import Settings
from tabs import _consent

PICTURE = re.compile(r"^(image|\.(png|jpe?g|webp|gif|bmp|tiff?|hei[cf]|avif|svg))$")
HOURS = 7
FORMS = (gr.Row, gr.layouts.Form)  # what only sets components side by side


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), offline=True, limits=f"hours={HOURS}")
    return app.build_page(app.build_context(settings))


def takes_pictures(component):
    """Whether a visitor can give pictures by a component."""
    if isinstance(component, gr.Image | gr.ImageEditor | gr.Gallery | gr.MultimodalTextbox | gr.ImageSlider):
        return component.interactive is not False
    return isinstance(component, gr.File | gr.UploadButton) and any(
        PICTURE.match(kind) for kind in component.file_types or ["image"])


def uploads(page):
    """The components by which the page's own events are given pictures."""
    read = {component for fn in page.fns.values() if fn.api_visibility == "private" for component in fn.inputs}
    return [component for component in read if takes_pictures(component)]


def neighbours(component):
    """What stands in the component's row, and what comes next below."""
    row = component
    while isinstance(row.parent, FORMS):
        row = row.parent
    around = row.parent.children
    return [*getattr(row, "children", ()), *around[around.index(row) + 1:][:1]]


def lines(component):
    return [each for each in neighbours(component) if _consent.NAME in (getattr(each, "elem_classes", None) or ())]


def test_every_upload_of_pictures_has_its_line(page):
    found = uploads(page)
    assert {type(each).__name__ for each in found} >= {"File", "UploadButton", "Sketchpad"}
    assert len(found) >= 6
    missing = [each.label for each in found if len(lines(each)) != 1]
    assert not missing


def test_a_line_names_the_rules_and_what_is_kept_for_how_long(page):
    for upload in uploads(page):
        words = lines(upload)[0].value
        assert '<a href="privacy"' in words
        assert ("not kept" in words) or ("hour at most" in words) or (f"{HOURS} hours" in words), words
        if not isinstance(upload, gr.ImageEditor):  # nobody draws a photo
            assert "people who agreed" in words
            assert "of age" in words


def test_an_upload_without_its_line_is_found():
    with gr.Blocks() as page:
        with gr.Row():
            bare = gr.UploadButton("Add", file_types=["image"])
        gr.Markdown("something else")
        with gr.Row():
            said = gr.Image()
        _consent.line("Yours is not kept.")
        text = gr.File(file_types=[".txt"])
        for each in (bare, said, text):
            each.upload(lambda given: None, [each], api_visibility="private")
    assert {each for each in uploads(page) if not lines(each)} == {bare}
