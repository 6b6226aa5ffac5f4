"""Faces: the same seed is the same face, and the formulas are what they claim."""

import math

import numpy as np
import pytest
import torch

from playground import catalog
from playground.errors import BadInput, DamagedWeights
from playground.gan import dcgan, display, faces, inside
from playground.marks import Mark

pytestmark = pytest.mark.models


def test_a_seed_is_a_face_alone_or_in_a_crowd(context):
    crowd = faces.generate(context, 9, 100)
    alone = faces.generate(context, 1, 104)
    assert crowd.pictures.shape == (9, 64, 64, 3)
    assert crowd.seeds[4] == 104
    assert np.abs(crowd.pictures[4].astype(int) - alone.pictures[0]).max() <= 1


def test_different_seeds_are_different_faces(context):
    first, second = faces.generate(context, 2, 7).pictures.astype(float)
    assert np.abs(first - second).mean() > 10


def test_the_picture_is_what_the_bare_network_gives(context):
    path = context.weights.locate(catalog.find(faces.MODEL)).files["weights.tar"]
    state = torch.load(path, map_location="cpu", weights_only=True)["netG_state_dict"]
    z = faces.latent(3)[None, :, None, None]
    value = z
    for number in range(5):  # the layers written out by hand from the checkpoint
        stride, padding = (1, 0) if number == 0 else (2, 1)
        value = torch.nn.functional.conv_transpose2d(value, state[f"main.{number * 3}.weight"], None, stride, padding)
        if number < 4:
            norm = f"main.{number * 3 + 1}."
            value = torch.relu(torch.nn.functional.batch_norm(
                value, state[norm + "running_mean"], state[norm + "running_var"], state[norm + "weight"],
                state[norm + "bias"]))
    expected = ((torch.tanh(value)[0].permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
    assert np.abs(faces.generate(context, 1, 3).pictures[0].astype(int) - expected).max() <= 1


def test_truncation_zero_is_one_face_and_one_changes_nothing(context):
    same = faces.generate(context, 3, 5, 0.0).pictures
    assert (same == same[0]).all()
    assert torch.equal(faces.latent(5, 1.0), torch.randn(100, generator=torch.Generator().manual_seed(5)))


def test_a_walk_starts_and_ends_at_its_faces(context):
    steps = faces.walk(context, 1, 2, 5)
    ends = faces.generate(context, 2, 1).pictures
    assert np.abs(steps.pictures[[0, -1]].astype(int) - ends).max() <= 1
    assert steps.seeds == (1, -1, -1, -1, 2)


def test_slerp_on_a_hand_worked_case():
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    middle = faces.slerp(a, b, 0.5)
    assert middle.tolist() == pytest.approx([math.sqrt(0.5)] * 2)
    assert faces.slerp(a, b, 1 / 3).tolist() == pytest.approx([math.cos(math.pi / 6), math.sin(math.pi / 6)])
    assert faces.slerp(a, a, 0.3).tolist() == pytest.approx([1.0, 0.0])


def test_arithmetic_that_cancels_gives_the_first_face_back(context):
    made = faces.arithmetic(context, 11, 12, 12).pictures.astype(int)
    assert np.abs(made[3] - made[0]).max() <= 1


def test_the_layers_end_in_the_face(context):
    seen = inside.trace(context, 42)
    assert [layer.maps.shape for layer in seen.layers] == [(16, side, side) for side in (4, 8, 16, 32)]
    assert all(layer.maps.min() >= 0 and layer.maps.max() <= 1 for layer in seen.layers)
    assert np.abs(seen.picture.astype(int) - faces.generate(context, 1, 42).pictures[0]).max() <= 1
    assert seen.z == pytest.approx(faces.latent(42).reshape(10, 10).numpy())


@pytest.mark.parametrize("values", [
    (0, 1, 1.0), (65, 1, 1.0), (2.5, 1, 1.0), (1, -1, 1.0), (1, 2**31, 1.0), (1, 1, 1.6), (1, 1, -0.1),
    (1, 1, float("nan")), (None, 1, 1.0), ("8", 1, 1.0), (1, "x", 1.0)])
def test_values_past_the_sliders_are_refused(context, values):
    with pytest.raises(BadInput):
        faces.generate(context, *values)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_a_file_that_is_no_generator_is_named(tmp_path, content):
    path = tmp_path / "weights.tar"
    path.write_bytes(content)
    with pytest.raises(DamagedWeights, match=r"weights\.tar"):
        dcgan.load_generator(path)


def test_a_pickle_with_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    path = tmp_path / "weights.tar"
    torch.save({"netG_state_dict": Evil()}, path)
    with pytest.raises(DamagedWeights):
        dcgan.load_generator(path)
    assert not (tmp_path / "ran").exists()


def test_true_pixels_are_exact_and_smooth_ones_are_lanczos(context):
    picture = faces.generate(context, 1, 42).pictures[0]
    exact = np.asarray(display.enlarge(picture, display.PIXELS))
    assert (exact[::4, ::4] == picture).all()
    assert np.asarray(display.enlarge(picture)).shape == (256, 256, 3)


def test_the_animation_goes_there_and_back_for_ever(context):
    import io

    from PIL import Image

    walk = faces.walk(context, 1, 2, 5).pictures
    gif = Image.open(io.BytesIO(display.looping_gif(walk, Mark(faces.MODEL))))
    assert (gif.n_frames, gif.info["loop"]) == (8, 0)


def test_a_mosaic_shows_every_map():
    maps = np.stack([np.full((2, 2), value) for value in (0.0, 0.25, 0.5, 1.0)])
    sheet = np.asarray(display.mosaic(maps, cell=4, gap=0))
    assert sheet.shape == (8, 8)
    assert [int(sheet[0, 0]), int(sheet[0, 7]), int(sheet[7, 0]), int(sheet[7, 7])] == [0, 64, 128, 255]
