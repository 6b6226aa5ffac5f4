"""From a trained work folder to a measured model with a card, on tiny networks and a synthetic set."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from playground.diffusion.pocket import __main__ as command
from playground.diffusion.pocket import autoencoder, captions, card, denoiser, evaluate, frozen, latents, pipeline
from playground.diffusion.pocket.training import Run
from tests.diffusion.pocket_set import small_set

pytestmark = pytest.mark.models
TINY, RUN = (16, 16, 16), Run(steps=1, batch=2, peak=1e-3)
NAMES = (captions.FACE, "red heart", "cat face", "pizza")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(work, folder): everything from the set to the card, with few pictures and steps."""
    work = tmp_path_factory.mktemp("work")
    folder = work / "model"
    small_set(work)
    autoencoder.train(work, RUN, resume=False, channels=TINY)
    latents.prepare(work, *frozen.load_text_encoder(), faces=8, channels=TINY)
    denoiser.train(work, RUN, resume=False, channels=(32, 64), grids=False)
    command._export(SimpleNamespace(work=work, model=folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "CLASSES", NAMES)
        patch.setattr(evaluate, "SEEDS", 1)
        patch.setattr(evaluate, "STEPS", 2)
        patch.setattr(evaluate, "AXES", 2)
        patch.setattr(card, "SHOWN", NAMES[:2])
        evaluate.write(work, folder, faces=2)
        card.write(work, folder)
    return work, folder


def test_the_numbers_are_written_and_finite(made):
    numbers = json.loads((made[1] / "numbers.json").read_text())
    assert set(numbers["retrieval_by_class"]) == set(NAMES)
    assert numbers["faces_drawn"] == 2 and numbers["seconds_a_picture_20_steps"] > 0
    assert set(numbers["frechet"]) >= {"gan", "gan through autoencoder", "pocket model", "noise"}
    assert np.isfinite([*numbers["frechet"].values(), *numbers["autoencoder_psnr_db"].values()]).all()


def test_the_card_tells_what_was_trained_with_correct_checksums(made):
    text = (made[1] / "README.md").read_text()
    for name, sha256 in pipeline.checksums(made[1]).items():
        assert f"| {sha256} | {name} |" in text
    assert "12 faces (8 for the denoiser)" in text and "3 emoji from" in text
    assert "1 steps,\n2 pictures in all" in text and "1 more were held out" in text
    assert "Held-out pictures are 4 faces and " in text
    assert evaluate.table(json.loads((made[1] / "numbers.json").read_text())) in text


def test_the_grid_has_a_row_a_prompt(made):
    from PIL import Image

    assert Image.open(made[1] / "samples.png").size == (64 * card.COLUMNS, 64 * 2)


def test_a_class_without_pictures_is_an_error(made, monkeypatch):
    monkeypatch.setattr(evaluate, "CLASSES", ("unicorn",))
    with pytest.raises(ValueError, match="unicorn"):
        evaluate.class_references(made[0])
