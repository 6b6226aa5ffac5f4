"""The page as a script and as an operator meet it: /cache_status, the GAN's names, errors, start-up problems."""

import logging
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from playground import logs
from playground.errors import BadInput
from tabs import _shell, _ui

ROOT = Path(__file__).resolve().parent.parent.parent


def test_generate_faces_gives_a_gallery(client):
    gallery = client.predict(3, 42, 0.8, api_name="/generate_faces")
    assert len(gallery) == 3
    assert [item["caption"] for item in gallery] == ["seed 42", "seed 43", "seed 44"]
    assert Image.open(gallery[0]["image"]).size == (256, 256)


def test_later_arguments_are_optional(client):
    assert len(client.predict(api_name="/generate_faces")) == 8


def test_the_same_seed_gives_the_same_face_again(client):
    first, second = (client.predict(1, 7, 1.0, api_name="/generate_faces")[0]["image"] for _ in range(2))
    assert Image.open(first).tobytes() == Image.open(second).tobytes()


def test_face_walk_gives_its_frames(client):
    assert len(client.predict(1, 2, 5, api_name="/face_walk")) == 5


@pytest.mark.parametrize("arguments", [(65, 1, 1.0), (0, 1, 1.0), (1, 1, 9.0), (1, -5, 1.0)])
def test_values_past_the_sliders_get_a_clear_answer(client, arguments):
    with pytest.raises(Exception, match=r"Give a"):
        client.predict(*arguments, api_name="/generate_faces")
    assert len(client.predict(1, 1, 1.0, api_name="/generate_faces")) == 1


def test_cache_status_tells_what_is_resident(client):
    client.predict(1, 1, 1.0, api_name="/generate_faces")
    status = client.predict(api_name="/cache_status")
    assert {"hits", "misses", "loads", "evictions", "failures", "seconds_loading", "devices", "models"} <= set(status)
    model = next(model for model in status["models"] if model["name"] == "dcgan-faces-64")
    assert model["leases"] == 0
    assert 14_000_000 < model["bytes"] < 15_000_000
    assert status["devices"]["cpu"]["used"] >= model["bytes"]


def test_only_the_documented_names_are_public(client):
    readme = (ROOT / "README.md").read_text()
    for name in client.view_api(return_format="dict", print_info=False)["named_endpoints"]:
        assert f"`{name}`" in readme


def test_events_report_their_progress_at_results_only(client):
    config = client.config
    types = {each["id"]: each["type"] for each in config["components"]}
    events = [each for each in config["dependencies"] if each["api_visibility"] == "private" and each["backend_fn"]]
    places = {place for event in events for place in event["show_progress_on"] or event["outputs"]}
    assert len(events) > 100
    assert {types[place] for place in places} <= {"html", "plot", "gallery", "image", "video", "dataframe", "file",
                                                  "markdown", "textbox"}
    assert len(places) < 120  # the page visits them all at each report, and looks through the whole page for each


def test_an_engine_error_is_escaped():
    @_ui.guard
    def handler():
        raise BadInput("<img src=x onerror=alert(1)> is unknown.", "Use & try.")

    with pytest.raises(gr.Error) as caught:
        handler()
    assert "<img" not in caught.value.message
    assert "&lt;img" in caught.value.message
    assert "Use &amp; try." in caught.value.message


def test_a_bug_shows_a_reference_and_no_detail(caplog, monkeypatch):
    monkeypatch.setattr(logging, "_logRecordFactory", logs.record)  # as on a page that others reach
    words = "a visitor's words"

    @_ui.guard
    def handler():
        yield 1
        raise KeyError("secret path, " + words)

    stream = handler()
    assert next(stream) == 1
    with pytest.raises(gr.Error, match="reference") as caught:
        next(stream)
    assert "secret" not in caught.value.message
    reference = re.search(r"reference (\w+)", caught.value.message)[1]
    for told in (reference, "KeyError", f"{__file__}:", "in handler"):  # enough to mend it
        assert told in caplog.text
    assert "a visitor's words" not in caplog.text


def start(*arguments, **variables):
    return subprocess.run([sys.executable, "app.py", *arguments], capture_output=True, text=True, timeout=120,
                          cwd=ROOT, env={**os.environ, **variables}, check=False)


def test_a_port_in_use_names_the_remedy(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = start("--port", str(taken.getsockname()[1]), "--data-dir", str(tmp_path))
    assert ended.returncode == 2
    assert "Cannot listen" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_folder_that_cannot_be_made_names_the_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    ended = start(PLAYGROUND_DATA_DIR=str(tmp_path / "file" / "data"))
    assert ended.returncode == 2
    assert "--data-dir" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [("--device", "cuda:9"), ("--auth", "/nowhere"), ("--memory-budget", "x")])
def test_an_option_that_cannot_be_met_ends_with_words(arguments):
    ended = start(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Cannot start.")


def test_the_page_shows_an_error_when_weights_are_damaged(tmp_path):
    from playground.context import build_context
    from playground.errors import DamagedWeights
    from playground.gan import faces
    from playground.settings import Settings

    own = tmp_path / "own" / faces.MODEL
    own.mkdir(parents=True)
    (own / "weights.tar").write_bytes(b"PK\x03\x04")
    context = build_context(Settings(device="cpu", offline=True, data_dir=tmp_path, models_dir=tmp_path / "own"))
    with pytest.raises(DamagedWeights):
        faces.generate(context, 1, 1)
    stats = context.cache.stats()
    assert (stats["models"], stats["failures"], stats["devices"]["cpu"]["used"]) == ([], 1, 0)
    (own / "weights.tar").unlink()
    own.rmdir()
    assert len(faces.generate(context, 1, 1).pictures) == 1


def test_a_first_look_leaves_controls_alone_that_a_visitor_may_have_typed_into():
    prompt, steps, view = gr.Textbox(), gr.Number(), gr.HTML()
    before = {id(prompt): "a face", id(steps): 20}
    shown = _shell.news(("a face", 8, "a face"), [prompt, steps, view], before)
    assert shown == (gr.skip(), 8, "a face")  # the view is no control, and the steps came with a link
