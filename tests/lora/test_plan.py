"""What a training's plan takes, and what it refuses with a reason."""

import pytest

from playground.diffusion import models
from playground.errors import BadInput
from playground.lora import plan

SD = "stable-diffusion-v1-5/stable-diffusion-v1-5"


@pytest.mark.parametrize(("model", "side"), [(models.POCKET, 1024), (models.POCKET, 80), (SD, 528), (SD, 500),
                                             ("black-forest-labs/FLUX.1-dev", 520)])
def test_a_resolution_that_the_model_cannot_take_is_refused_with_what_it_can(model, side):
    with pytest.raises(BadInput, match=f"resolution is {side}; {model}") as told:
        plan.check({"trigger": "joshug", "model": model, "resolution": side})
    assert f"Give {models.find(model).size}" in told.value.remedy


def test_smaller_sides_in_steps_of_sixteen_are_taken():
    assert plan.check({"trigger": "joshug", "model": SD, "resolution": 400}).resolution == 400


def test_models_that_draw_in_a_few_steps_are_not_trained():
    assert set(plan.TRAINABLE) < set(models.names())
    for model in ("black-forest-labs/FLUX.1-schnell", "stabilityai/sdxl-turbo"):
        with pytest.raises(BadInput, match="model"):
            plan.check({"trigger": "joshug", "model": model})
        with pytest.raises(BadInput, match="model"):
            plan.preset("balanced", model, "joshug")
