"""Models in memory do not change with their files, and are not ended by them."""

import os

import pytest
import torch
from safetensors.torch import load_file, save_file

from playground import devices


def mapped():
    """The mappings of model files in this process, by their addresses (Linux tells them)."""
    if not os.path.exists("/proc/self/maps"):
        pytest.skip("only Linux tells which files are mapped")
    with open("/proc/self/maps", encoding="utf-8") as maps:
        return {line for line in maps if line.rstrip().endswith(".safetensors")}


def test_a_model_owns_its_memory(tmp_path):
    path, others = tmp_path / "model.safetensors", mapped()
    save_file({"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}, path)
    layer = torch.nn.Linear(3, 2)
    layer.load_state_dict(load_file(path), assign=True)  # as transformers and diffusers do
    assert mapped() > others
    before = layer(torch.ones(3)).detach().clone()
    assert devices.own_memory(layer) is layer
    assert mapped() <= others
    os.truncate(path, 8)
    assert torch.equal(layer(torch.ones(3)), before)


@pytest.mark.models
def test_no_file_of_a_loaded_model_stays_mapped(context):
    from playground.diffusion import models
    from playground.text import language_model
    from playground.text.vectors import sentences

    context.cache.drop_idle()
    before = mapped()
    for spec in (sentences.spec(context), models.spec(context, models.POCKET), language_model.spec(context)):
        with context.cache.lease(spec):
            assert mapped() <= before
