"""The names of Personal LoRA as a script meets them, and the addresses of a training's files."""

import time

import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from playground import marks
from playground.diffusion import models

pytestmark = [pytest.mark.models, pytest.mark.slow]
ENDED = ("done", "failed", "cancelled", "interrupted", "paused")


@pytest.fixture(scope="module")
def files(context, tmp_path_factory):
    """Four pictures of the sample person as files."""
    from playground.lora import sample_sets

    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for number, photo in enumerate(sample_sets.pictures(context, "made-up person", count=4)):
        photo.picture.save(folder / f"{number}.png")
        paths.append(folder / f"{number}.png")
    return [handle_file(str(path)) for path in paths]


def wait(client, job, states=ENDED, seconds=240):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = client.predict(job, api_name="/training_status")
        if now["state"] in states:
            return now
        time.sleep(0.5)
    raise AssertionError(now)


@pytest.fixture(scope="module")
def trained(client, files):
    """The id of a training of two steps that a script ran to its end."""
    job = client.predict(files, "joshug", 2, 2, 1e-3, 1, models.POCKET, api_name="/start_training")
    assert wait(client, job)["state"] == "done"
    yield job
    client.predict(job, api_name="/delete_my_data")


def test_the_status_says_what_a_script_needs(client, trained):
    now = client.predict(trained, api_name="/training_status")
    assert {"state", "step", "steps", "loss", "eta_seconds", "samples", "adapter"} <= now.keys()
    assert (now["state"], now["step"], now["steps"], now["samples"]) == ("done", 2, 2, [0, 1, 2])
    assert now["loss"] > 0


def test_the_adapter_comes_by_the_address_in_the_status(client, url, trained, tmp_path):
    import httpx
    from safetensors.torch import load

    address = url + client.predict(trained, api_name="/training_status")["adapter"]
    got = httpx.get(address)
    assert got.status_code == 200
    assert "no-store" in got.headers["cache-control"]
    assert all(".lora_" in name for name in load(got.content))


@pytest.mark.parametrize("name", ["grid.png", "steps.gif", "sample-1-0.png"])
def test_the_grid_and_its_pictures_have_addresses(url, trained, name):
    import httpx

    got = httpx.get(f"{url}private/{trained}/{name}")
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("image/")
    assert marks.TYPE.encode() in got.content
    assert b"joshug" not in got.content


@pytest.mark.parametrize("path", [
    "private/{job}/captions.json", "private/{job}/resume.safetensors", "private/{job}/..%2f..%2fjobs.db",
    "private/{job}/sample-999-0.png", "private/AAAAAAAAAAAAAAAAAAAAAA/grid.png", "private/x/grid.png"])
def test_no_other_address_gives_anything(url, trained, path):
    import httpx

    assert httpx.get(url + path.format(job=trained)).status_code == 404


def test_a_picture_with_the_adapter(client, trained):
    first, second, other = (client.predict(trained, "a photo of a face, [trigger]", seed, 1.0,
                                           api_name="/generate_personal") for seed in (5, 5, 6))
    pixels = [Image.open(path).convert("RGB").tobytes() for path in (first, second, other)]
    assert pixels[0] == pixels[1] != pixels[2]
    assert Image.open(other).info["Comment"] == str(marks.Mark(f"{models.POCKET} with an adapter", 6))


def test_cancel_resume_and_delete(client, files):
    job = client.predict(files, "joshug", 5000, 2, 1e-3, 2500, models.POCKET, api_name="/start_training")
    wait(client, job, ("running",))
    client.predict(job, api_name="/cancel_training")
    assert wait(client, job)["state"] == "cancelled"
    assert client.predict(job, api_name="/resume_training")["state"] in ("queued", "running")
    gone = client.predict(job, api_name="/delete_my_data")
    assert gone["deleted"] is True and gone["files"] > 4
    with pytest.raises(AppError, match="no job with this id"):
        client.predict(job, api_name="/training_status")


@pytest.mark.parametrize(("change", "words"), [
    ({"trigger": "two words"}, "not one word"), ({"steps": 0}, "steps"), ({"rank": 9999}, "rank"),
    ({"learning_rate": 5}, "learning rate"), ({"model": "no-such-model"}, "model"), ({"consent": False}, "consent")])
def test_what_makes_no_sense_is_refused_by_name(client, files, change, words):
    with pytest.raises(AppError, match=words):
        client.predict(**{"files": files, "trigger": "joshug", "steps": 2, "rank": 2, **change},
                       api_name="/start_training")


def test_too_few_photos_and_strange_files_are_refused(client, files, tmp_path):
    with pytest.raises(AppError, match="2 pictures"):
        client.predict(files[:2], "joshug", 2, api_name="/start_training")
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    with pytest.raises(AppError, match=r"bad\.png"):
        client.predict([*files, handle_file(str(bad))], "joshug", 2, api_name="/start_training")


@pytest.mark.parametrize("job", ["", "x", "../../etc/passwd", "AAAAAAAAAAAAAAAAAAAAAA"])
def test_a_stranger_id_opens_nothing(client, job):
    for name in ("/training_status", "/cancel_training", "/resume_training", "/delete_my_data"):
        with pytest.raises(AppError, match="job"):
            client.predict(job, api_name=name)
