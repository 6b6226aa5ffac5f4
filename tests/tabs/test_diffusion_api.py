"""/denoise and /add_noise as a script meets them, and the tab's own words."""

import io
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import handle_file
from PIL import Image

from playground.diffusion import forward, models, trace
from tabs import _diffusion_checklist as checklist
from tabs import _diffusion_forward, _diffusion_html, diffusion_steps
from tests.conftest import settle
from tests.servers import PATIENCE, until

pytestmark = pytest.mark.models


@pytest.fixture
def photo(tmp_path):
    """A file as a phone makes it, with its position inside."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    path = tmp_path / "photo.jpg"
    Image.effect_noise((120, 80), 60).convert("RGB").save(path, exif=exif, quality=95)
    return path


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_denoise_gives_a_picture_and_both_galleries(client):
    picture, noisy, clean = client.predict("a photo of a face", 4, 3.0, 5, "DDIM", models.POCKET, api_name="/denoise")
    assert pixels(picture).shape == (64, 64, 3)
    assert (len(noisy), len(clean)) == (4, 4)
    assert pixels(noisy[0]["image"]).shape == pixels(clean[0]["image"]).shape == (64, 64, 3)
    assert np.abs(pixels(noisy[0]["image"]) - pixels(picture)).mean() > 5


def test_the_same_seed_gives_the_same_picture_and_another_does_not(client):
    first, again, other = (client.predict("red heart", 3, 3.0, seed, api_name="/denoise")[0] for seed in (1, 1, 2))
    assert np.array_equal(pixels(first), pixels(again))
    assert not np.array_equal(pixels(first), pixels(other))


def test_later_arguments_are_optional(client):
    assert len(client.predict("cat face", 2, api_name="/denoise")[1]) == 2


@pytest.mark.parametrize("arguments", [("cat", 0), ("cat", 101), ("cat", 2, 99), ("cat", 2, 3, -1),
                                       ("cat", 2, 3, 1, "PNDM"), ("cat", 2, 3, 1, "DDIM", "nothing")])
def test_values_out_of_range_get_a_clear_answer(client, arguments):
    with pytest.raises(Exception, match=r"Give a|Choose one of"):
        client.predict(*arguments, api_name="/denoise")


def test_a_model_that_is_not_here_is_said(client):
    with pytest.raises(Exception, match=r"--offline|smaller model"):
        client.predict("cat", 2, 3, 1, "DDIM", "stable-diffusion-v1-5/stable-diffusion-v1-5", api_name="/denoise")


def test_add_noise_is_the_closed_form(client, photo):
    shown = pixels(client.predict(handle_file(photo), 300, api_name="/add_noise"))
    clean = pixels(photo)
    assert shown.shape == clean.shape
    wanted = forward.add_noise(clean.astype(np.uint8), 300).astype(int)
    assert np.abs(shown - wanted).max() <= 1
    assert np.array_equal(pixels(client.predict(handle_file(photo), 0, api_name="/add_noise")), clean)


def test_an_uploaded_file_is_gone_after_reading_and_leaves_nothing_of_itself(client, photo, data_dir):
    shown = client.predict(handle_file(photo), 0, api_name="/add_noise")
    assert b"SecretCamera" not in Path(shown).read_bytes()
    assert not list((data_dir / "gradio").rglob("photo.jpg"))


@pytest.mark.parametrize("name", ["drawing.svg", "text.png", "moving.gif"])
def test_files_that_are_no_still_picture_are_refused(client, tmp_path, name):
    path = tmp_path / name
    if name == "moving.gif":
        Image.new("L", (8, 8)).save(path, save_all=True, append_images=[Image.new("L", (8, 8), 255)])
    else:
        path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(Exception, match=r"accepted here|animated"):
        client.predict(handle_file(path), 10, api_name="/add_noise")


@pytest.mark.parametrize("level", [-1, 1001, 2.5])
def test_levels_out_of_range(client, photo, level):
    with pytest.raises(Exception, match="0 to 1000"):
        client.predict(handle_file(photo), level, api_name="/add_noise")


def test_after_an_error_nothing_is_leased(client):
    status = client.predict(api_name="/cache_status")
    assert all(model["leases"] == 0 for model in status["models"])


# ---- without the page


def test_a_link_names_every_control():
    values = ("a", "b", 20, 3.0, 42, "DDIM", models.POCKET)
    query = {"tab": "diffusion-steps", "prompt": "x", "steps": "7", "guidance": "2.5", "seed": "9", "scheduler": "Heun"}
    assert diffusion_steps.with_link(query, values) == ("x", "b", 7.0, 2.5, 9.0, "Heun", models.POCKET)
    assert diffusion_steps.with_link({}, values) == values
    assert diffusion_steps.with_link({"prompt": "", "seed": "x"}, values)[4] == "x"


def test_what_a_visitor_typed_is_escaped():
    from playground.diffusion.attention import WordMap
    from playground.diffusion.wording import Word, Wording

    bad = "<img src=x onerror=alert(1)>"
    made = (_diffusion_html.tokens(Wording((bad,), (bad,), 1, (Word(bad, ()),)))
            + _diffusion_html.word_maps(np.zeros((8, 8, 3), np.uint8), [WordMap(bad, np.zeros((8, 8)), 0.1)])
            + _diffusion_html.films([(bad, [np.zeros((8, 8, 3), np.uint8)])]) + _diffusion_html.starting(bad))
    assert "<img src=x" not in made
    assert "&lt;img src=x" in made


def test_the_parts_of_a_prompt():
    assert checklist.parts(diffusion_steps.EXAMPLES[3][1]) == ["beach", "shark", "red umbrella", "lighthouse"]
    assert checklist.parts("") == []
    assert checklist.count(["beach"], "a beach and a shark") == "**1 of 2** parts are there. Missing: shark."
    assert checklist.count(["beach", "shark"], "a beach and a shark") == "All 2 parts of the prompt are there."
    assert "\\*" in checklist.count([], "a *star* and [a](link)")


def test_a_heic_upload_becomes_pixels(tmp_path, monkeypatch):
    import pillow_heif

    pillow_heif.register_heif_opener()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file = io.BytesIO()
    Image.new("RGB", (64, 32), "red").save(file, "HEIF")
    path = tmp_path / "uploads" / "phone.heic"
    path.parent.mkdir()
    path.write_bytes(file.getvalue())
    assert _diffusion_forward.read_upload(str(path)).shape == (32, 64, 3)
    assert not path.exists()


# ---- scripts that go away


@pytest.fixture
def counted(monkeypatch):
    """The steps that are done, each at a turn of its own."""
    done, step = [], trace.Run.step
    monkeypatch.setattr(trace, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(trace.Run, "step", lambda run, family: done.append(1) or step(run, family))
    return done


def ended(client, counted) -> None:
    """Few steps were done since, and nothing computes or is held when the next script has its picture."""
    seen = len(counted)
    client.predict("cat face", 2, api_name="/denoise")  # the lane has one place: it comes after the run has ended
    assert len(counted) <= seen + 2 + 4
    settle(client.src)
    assert all(model["leases"] == 0 for model in client.predict(api_name="/cache_status")["models"])


def test_a_cancelled_denoise_ends_between_two_steps(client, counted):
    job = client.submit("cat face", 100, api_name="/denoise")
    until(lambda: len(counted) >= 3)
    assert job.cancel()
    ended(client, counted)


@pytest.mark.parametrize("way", ["queue", "call"])
def test_a_denoise_whose_script_is_gone_ends_between_two_steps(client, counted, way):
    web = httpx.Client(base_url=client.src, timeout=PATIENCE)
    data = ["cat face", 100, 2.0, 1, "DDIM", models.POCKET]
    if way == "queue":
        functions = {each["api_name"]: each["id"] for each in web.get("config").json()["dependencies"]}
        body = {"data": data, "fn_index": functions["denoise"], "session_hash": "gone"}
        assert web.post("gradio_api/queue/join", json=body).status_code == 200
        answers = "gradio_api/queue/data?session_hash=gone"
    else:
        event = web.post("gradio_api/call/denoise", json={"data": data}).json()["event_id"]
        answers = f"gradio_api/call/denoise/{event}"
    with web.stream("GET", answers):
        until(lambda: len(counted) >= 3)
    web.close()
    ended(client, counted)


def test_a_script_gets_the_picture_by_predict_by_submit_and_by_iterating(client):
    by_predict = client.predict("cat face", 2, api_name="/denoise")
    by_submit = client.submit("cat face", 2, api_name="/denoise").result()
    *_, by_iterating = client.submit("cat face", 2, api_name="/denoise")
    for picture, noisy, clean in (by_predict, by_submit, by_iterating):
        assert np.array_equal(pixels(picture), pixels(by_predict[0]))
        assert len(noisy) == len(clean) == 2


def test_without_steps_and_guidance_it_is_the_models_own(client):
    made = client.predict("cat face", seed=3, api_name="/denoise")
    model = models.find(models.POCKET)
    assert len(made[1]) == model.steps
    named = client.predict("cat face", model.steps, model.guidance, 3, api_name="/denoise")
    assert np.array_equal(pixels(made[0]), pixels(named[0]))
