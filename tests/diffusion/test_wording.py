"""What of a prompt is read: by the pocket model's short encoder, by CLIP, by T5; and what is said of the rest."""

import pytest

from playground.diffusion import branches, forward, models, requests, trace, wording
from tests.diffusion.tiny_pipelines import SCHNELL, SD, SDXL

pytestmark = pytest.mark.models

LONG = "a red heart and " * 10 + "a lighthouse"
LETTERS = "abc " * 40 + "lighthouse"


def told(context, prompt="cat", negative="", model=models.POCKET, **values):
    request = requests.check(prompt, negative, model=model, **values)
    return wording.listen(context, request, models.spec(context, model))


@pytest.mark.parametrize(("model", "negative"), [(models.POCKET, LONG), (SD, LETTERS), (SDXL, LETTERS)])
def test_a_negative_prompt_that_is_cut_is_known(tiny, model, negative):
    heard = told(tiny, negative=negative, model=model, guidance=3.0)
    assert heard.negative.missed.endswith("lighthouse")
    assert not heard.wording.cut
    assert wording.cuts(heard.wording, heard.negative).startswith("The negative prompt was cut after")


@pytest.mark.parametrize(("model", "guidance"), [(models.POCKET, 1.0), (SD, 1.0), (SCHNELL, 3.0)])
def test_nothing_is_said_of_a_negative_prompt_that_the_network_is_not_told(tiny, model, guidance):
    assert told(tiny, negative=LONG, model=model, guidance=guidance).negative is None


def test_a_run_knows_how_its_negative_prompt_was_read(tiny):
    *_, made = trace.draw(tiny, requests.check("cat", LONG, steps=1, guidance=3.0))
    assert made.negative.missed.endswith("lighthouse")
    *_, forked = branches.fork(tiny, made, 0, prompt=LONG)
    assert forked.wording.missed.endswith("lighthouse")
    assert forked.negative == made.negative


def test_a_guess_knows_how_its_prompt_was_read(tiny):
    import numpy as np

    made = forward.guess(tiny, np.zeros((64, 64, 3), np.uint8), [500], prompt=LONG)
    assert made.wording.missed.endswith("lighthouse")


@pytest.mark.parametrize("model", [models.POCKET, SD, SDXL, SCHNELL])
def test_a_prompt_is_read_the_same_without_an_encoder(tiny, model):
    request = requests.check(LONG, model=model)
    spec = models.spec(tiny, model)
    assert wording.heard(tiny, request, spec) == wording.listen(tiny, request, spec).wording
