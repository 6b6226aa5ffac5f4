"""The lab's settings follow a choice of data, but never over a visitor's own."""

import pytest

from playground.gan.lab import presets, settings
from tabs import _gan_lab_settings as controls


@pytest.mark.parametrize("data", list(controls.TITLES))
def test_every_data_has_settings_that_can_run(data):
    run = presets.suited(data)
    assert run.data == data
    assert settings.read_plan(presets.alone(run, "A").as_dict()).runs == (run,)


def test_untouched_settings_become_those_of_the_data():
    points = controls.settings_of(presets.HEALTHY)
    faces = controls.suited(settings.FACES, *points)
    assert faces == controls.settings_of(presets.FACE_RUN)
    assert controls.suited(settings.RING, *faces) == points


def test_own_settings_stay():
    own = [7 if name == "batch" else value
           for name, value in zip(controls.OWN, controls.settings_of(presets.HEALTHY), strict=True)]
    assert all("value" not in update for update in controls.suited(settings.FACES, *own))
