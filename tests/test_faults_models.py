"""Models in memory do not change with their files, and are not ended by them."""

import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from playground import devices


def on_file(*modules):
    """How many tensors of modules are views of a mapped file of weights (Linux tells what is mapped where)."""
    if not os.path.exists("/proc/self/maps"):
        pytest.skip("only Linux tells which files are mapped")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        lines = [line.partition(" ")[0].partition("-") for line in maps if line.rstrip().endswith(".safetensors")]
    ranges = [range(int(first, 16), int(last, 16)) for first, _, last in lines]
    tensors = [tensor for module in modules for tensor in (*module.parameters(), *module.buffers())]
    assert tensors
    return sum(any(tensor.data_ptr() in each for each in ranges) for tensor in tensors)


def test_a_model_owns_its_memory(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}, path)
    layer = torch.nn.Linear(3, 2)
    layer.load_state_dict(load_file(path), assign=True)  # as transformers and diffusers do
    assert on_file(layer) == 2
    before = layer(torch.ones(3)).detach().clone()
    assert devices.own_memory(layer) is layer
    assert on_file(layer) == 0
    os.truncate(path, 8)
    assert torch.equal(layer(torch.ones(3)), before)


@pytest.mark.models
def test_no_loaded_model_lies_on_a_mapped_file(context):
    from playground.diffusion import models
    from playground.text import language_model
    from playground.text.vectors import sentences

    context.cache.drop_idle()
    with context.cache.lease(sentences.spec(context)) as encoder:
        assert on_file(encoder) == 0
    with context.cache.lease(models.spec(context, models.POCKET)) as pipe:
        assert on_file(*models.networks(pipe)) == 0
    with context.cache.lease(language_model.spec(context)) as gemma:
        assert on_file(gemma.model) == 0
