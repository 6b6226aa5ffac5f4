"""Adapters that a visitor brings: what is no LoRA, has absurd shapes, or fits another base is refused; a full disk."""

import json
import os
import struct
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from playground import storage
from playground.context import build_context
from playground.diffusion import families, models
from playground.errors import BadInput, DamagedWeights, StorageTrouble
from playground.lora import adapters, plan
from tests.diffusion import tiny_pipelines

PLAN = plan.check({"trigger": "joshug", "rank": 2, "alpha": 2})


@pytest.fixture(scope="module")
def small(settings, tmp_path_factory):
    """A context with a small pocket model."""
    root = tmp_path_factory.mktemp("models")
    tiny_pipelines.save_pocket(root)
    return build_context(replace(settings, models_dir=root, data_dir=tmp_path_factory.mktemp("data")))


def fresh(context):
    return families.wrap(models.spec(context, models.POCKET).load(), "pocket", 64)


@pytest.fixture
def adapter(small, tmp_path):
    """An untrained adapter as it is saved."""
    family = fresh(small)
    adapters.attach(family, PLAN)
    path = tmp_path / "a.safetensors"
    adapters.save(path, family, PLAN)
    return path


def header_of(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8:8 + length]), content[8 + length:]


def rewrite(path, header, body):
    told = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(told)) + told + body)


@pytest.mark.parametrize("shape", [[], [0, 4], [-1, 4], [2**40, 4], [4, 65_536], [1] * 5, ["4", 4], [True, None], "4x4",
                                   None, [4.0, 4], {"a": 1}])
def test_absurd_shapes_are_refused_before_anything_is_read(adapter, shape):
    header, body = header_of(adapter)
    name = next(name for name in header if name != "__metadata__")
    header[name]["shape"] = shape
    rewrite(adapter, header, body)
    with pytest.raises(BadInput, match="absurd shape"):
        adapters.read_card(adapter)


@pytest.mark.parametrize("name", ["unet.conv_in.weight", "text_encoder.x.weight", "__class__", "unet.lora_A",
                                  "../../x"])
def test_tensors_that_are_no_lora_are_refused(adapter, name):
    header, body = header_of(adapter)
    header[name] = {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}
    rewrite(adapter, header, body)
    with pytest.raises(BadInput, match="no LoRA"):
        adapters.read_card(adapter)


@pytest.mark.parametrize("ours", ["", "[]", "{}", "null", '{"plan": {}}', '{"plan": {"trigger": "x", "model": "y"}}',
                                  '{"plan": {"trigger": "x", "rank": 1e9}}', '{"plan": 3}', "[" * 5000])
def test_metadata_of_nonsense_is_refused(tmp_path, ours):
    path = tmp_path / "a.safetensors"
    metadata = {adapters.OURS: ours}
    path.write_bytes(to_bytes({"unet.x.lora_A.weight": torch.zeros(2, 2)}, metadata=metadata))
    with pytest.raises(BadInput):
        adapters.read_card(path)


@pytest.mark.parametrize("told", [
    {"unet.r": 10**9}, {"unet.lora_alpha": 1}, {"unet.target_modules": ["to_q"]}, {"unet.target_modules": 3},
    {"unet.rank_pattern": {"to_q": 10**9}}, {"unet.alpha_pattern": {"to_q": 5}}, {"unet.r": None}, []])
def test_settings_that_would_reserve_more_than_the_plan_says_are_refused(adapter, told):
    header, body = header_of(adapter)
    described = json.loads(header["__metadata__"][adapters.DIFFUSERS])
    header["__metadata__"][adapters.DIFFUSERS] = json.dumps({**described, **told} if told else told)
    rewrite(adapter, header, body)
    with pytest.raises(BadInput):
        adapters.read_card(adapter)


def test_shapes_of_another_base_are_refused_and_the_next_adapter_loads(small, adapter):
    tensors = load_file(adapter)
    wider = {name: torch.zeros(*(2 * side for side in tensor.shape)) for name, tensor in tensors.items()}
    other = adapter.with_name("other.safetensors")
    other.write_bytes(to_bytes(wider, metadata=header_of(adapter)[0]["__metadata__"]))
    with pytest.raises(BadInput, match="does not fit"):
        adapters.load(other, fresh(small), models.POCKET)
    assert adapters.load(adapter, fresh(small), models.POCKET).trigger == "joshug"


def test_layers_that_the_base_does_not_have_are_noticed(small, adapter):
    tensors = load_file(adapter)
    metadata = header_of(adapter)[0]["__metadata__"]
    strange = {name.replace("unet.", "unet.elsewhere.", 1) for name in tensors}
    assert strange
    renamed = {name.replace("unet.", "unet.elsewhere.", 1): tensor for name, tensor in tensors.items()}
    adapter.write_bytes(to_bytes(renamed, metadata=metadata))
    with pytest.raises((BadInput, DamagedWeights)):
        adapters.load(adapter, fresh(small), models.POCKET)


def test_a_cut_off_adapter_is_refused(small, adapter):
    whole = adapter.read_bytes()
    for share in (0.001, 0.3, 0.7, 0.99):
        adapter.write_bytes(whole[:int(len(whole) * share)])
        with pytest.raises((BadInput, DamagedWeights)):
            adapters.load(adapter, fresh(small), models.POCKET)


def test_an_adapter_that_is_too_large_is_refused_by_its_size(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.truncate(adapters.LARGEST + 1)  # a hole: takes no room on the disk
    with pytest.raises(BadInput, match="500 MB"):
        adapters.read_card(path)


@pytest.mark.parametrize("moment", ["while writing", "before the renaming"])
def test_a_full_disk_in_the_middle_of_a_checkpoint_leaves_the_earlier_one(small, adapter, monkeypatch, moment):
    earlier = adapter.read_bytes()
    family = fresh(small)
    adapters.attach(family, PLAN)

    def full(*details):
        raise OSError(28, "No space left on device")

    if moment == "while writing":
        real = os.fdopen

        def half(handle, mode):
            file = real(handle, mode)

            def write(content):
                file.write(content[:len(content) // 2])
                full()

            return FileOf(file, write)

        monkeypatch.setattr(storage.os, "fdopen", half)
    else:
        monkeypatch.setattr(storage.os, "replace", full)
    with pytest.raises(StorageTrouble, match="disk is full"):
        adapters.save(adapter, family, PLAN)
    monkeypatch.undo()
    assert adapter.read_bytes() == earlier
    assert [path.name for path in adapter.parent.iterdir()] == [adapter.name]  # nothing half-written stays
    assert adapters.load(adapter, fresh(small), models.POCKET).trigger == "joshug"


class FileOf(SimpleNamespace):
    """A file whose write() is another's."""

    def __init__(self, file, write):
        super().__init__(file=file, write=write)

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.file.close()
