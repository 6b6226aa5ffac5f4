"""Word maps: the attention is the network's own, sums to one, and watching changes nothing."""

import numpy as np
import pytest
import torch

from playground.diffusion import attention, models, requests, trace, wording
from playground.errors import BadInput
from tests.diffusion.tiny_pipelines import SCHNELL, SD, SDXL

pytestmark = pytest.mark.models


def run(context, prompt="a red cat", model=models.POCKET):
    return list(trace.draw(context, requests.check(prompt, steps=3, seed=3, model=model)))[-1]


@pytest.mark.parametrize("model", [models.POCKET, SD, SDXL])
def test_a_map_for_each_word_and_shares_below_one(tiny, model):
    maps = attention.maps(tiny, run(tiny, model=model))
    assert [each.word for each in maps] == ["a", "red", "cat"]
    assert all(each.map.shape == (32, 32) and each.map.min() >= 0 for each in maps)
    assert 0 < sum(each.share for each in maps) < 1


def test_all_tokens_together_get_all_attention(tiny):
    made = run(tiny)
    spec = models.spec(tiny, models.POCKET)
    told = wording.listen(tiny, made.request, spec)
    with tiny.cache.lease(spec) as pipe:
        seen = attention._average(pipe, models.find(models.POCKET), made, told)
    assert seen.shape == (24, 32, 32)
    np.testing.assert_allclose(seen.sum(axis=0), 1.0, atol=1e-4)


def test_the_watched_network_answers_the_same_and_the_shared_one_is_untouched(tiny):
    spec = models.spec(tiny, models.POCKET)
    told = wording.listen(tiny, requests.check("a red cat"), spec)
    state = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    with tiny.cache.lease(spec) as pipe, torch.inference_mode():
        processors = {name: id(each) for name, each in pipe.unet.attn_processors.items()}
        twin, keepers = attention._watched(pipe.unet)
        mine = twin(state, 500, encoder_hidden_states=told.states).sample
        torch.testing.assert_close(mine, pipe.unet(state, 500, encoder_hidden_states=told.states).sample)
        assert {name: id(each) for name, each in pipe.unet.attn_processors.items()} == processors
        assert all(keeper.count == 1 for keeper in keepers)
        shared = {tensor.data_ptr() for tensor in pipe.unet.parameters()}
        assert {tensor.data_ptr() for tensor in twin.parameters()} == shared  # no second copy in memory


def test_a_word_of_several_tokens_gets_the_sum_of_them(tiny):
    maps = attention.maps(tiny, run(tiny, "zyxwvut cat"))
    assert [each.word for each in maps] == ["zyxwvut", "cat"]


def test_no_prompt_has_no_words(tiny):
    assert attention.maps(tiny, run(tiny, "")) == []


def test_flux_has_no_such_layers(tiny):
    made = run(tiny)
    made.request = requests.check("cat", model=SCHNELL)
    with pytest.raises(BadInput, match="FLUX"):
        attention.maps(tiny, made)
