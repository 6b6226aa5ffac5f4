"""Which model fits how on which machine: a pure choice from the published sizes, and refusals with their reason."""

from dataclasses import replace

import pytest

from playground import devices
from playground.devices import Memory
from playground.diffusion import memory, models
from playground.diffusion.memory import LAYERS, MODEL, NONE, SDPA, SLICED, TILE, Machine
from playground.errors import NotEnoughMemory
from tests.diffusion.tiny_pipelines import DEV, SCHNELL, SD, SDXL, TURBO

GB = 10**9
GIB = 2**30
HALVES = {"cuda:0": "bfloat16", "mps": "float16", "cpu": "float32"}


def needs(key: str, adapters: bool = False) -> memory.Needs:
    model = models.find(key)
    return memory.Needs(models.entry(key).title, model.parts, model.size, model.step, model.scores, model.pixel,
                        model.family == "flux", adapters)


def planned(key: str, device: str, budget: float, ram: float = 40, half: str = "", **more: bool) -> memory.Plan:
    return memory.plan(needs(key, **more), Machine(device, int(budget * GB), int(ram * GB), half or HALVES[device]))


@pytest.mark.parametrize(("key", "device", "budget", "dtype", "offload", "attention", "slicing", "tile"), [
    (SD, "cuda:0", 12, "bfloat16", NONE, SDPA, False, 0),
    (SD, "cuda:0", 4, "bfloat16", NONE, SDPA, True, 0),
    (SD, "cuda:0", 2, "bfloat16", LAYERS, SDPA, True, 0),
    (SDXL, "cuda:0", 14, "bfloat16", NONE, SDPA, False, 0),
    (SDXL, "cuda:0", 10.7, "bfloat16", NONE, SDPA, True, 0),
    (SDXL, "cuda:0", 8, "bfloat16", NONE, SDPA, True, TILE),
    (SDXL, "cuda:0", 6.4, "bfloat16", MODEL, SDPA, True, 0),
    (SDXL, "cuda:0", 4, "bfloat16", LAYERS, SDPA, True, 0),
    (TURBO, "cuda:0", 8, "bfloat16", NONE, SDPA, True, 0),  # 512 pixels a side: no tiles
    (SCHNELL, "cuda:0", 66, "bfloat16", NONE, SDPA, False, 0),
    (DEV, "cuda:0", 37, "bfloat16", NONE, SDPA, True, 0),
    (DEV, "cuda:0", 28, "bfloat16", MODEL, SDPA, False, 0),
    (DEV, "cuda:0", 22, "bfloat16", LAYERS, SDPA, False, 0),
    (SD, "mps", 16, "float16", NONE, SDPA, False, 0),
    (SD, "mps", 5, "float16", NONE, SLICED, True, 0),
    (SDXL, "mps", 12, "float16", NONE, SLICED, True, TILE),
    (TURBO, "mps", 12, "float16", NONE, SDPA, True, 0),
    (DEV, "mps", 64, "bfloat16", NONE, SDPA, False, 0),
    (SD, "cpu", 20, "float32", NONE, SDPA, False, 0),
    (SD, "cpu", 8, "float32", NONE, SDPA, True, 0),
    (SD, "cpu", 4, "bfloat16", NONE, SDPA, True, 0),
    (SDXL, "cpu", 24, "float32", NONE, SDPA, True, 0),
    (SDXL, "cpu", 16, "float32", NONE, SDPA, True, TILE),
    (SDXL, "cpu", 12, "bfloat16", NONE, SDPA, True, 0),
    (SCHNELL, "cpu", 64, "bfloat16", NONE, SDPA, False, 0),
])
def test_each_family_on_each_machine(key, device, budget, dtype, offload, attention, slicing, tile):
    plan = planned(key, device, budget)
    assert (plan.dtype, plan.offload, plan.attention, plan.vae_slicing, plan.vae_tile) == (
        dtype, offload, attention, slicing, tile)
    assert plan.bytes <= budget * GB
    assert (plan.waiting > 0) == (offload != NONE)
    assert plan.vae_tiling == (tile > 0)


@pytest.mark.parametrize(("key", "device", "budget", "ram", "reason"), [
    (DEV, "cuda:0", 28, 30, r"33\.74 GB.*28\.00 GB on cuda:0.*30\.00 GB of RAM, too little"),
    (SCHNELL, "cuda:0", 2, 40, r"largest layer alone has about 1\.19 GB"),
    (SD, "cuda:0", 2, 2, r"2\.00 GB of RAM, too little"),
    (DEV, "cpu", 12, 12, r"33\.74 GB.*12\.00 GB here"),
    (SDXL, "cpu", 6, 6, r"6\.94 GB.*6\.00 GB here"),
    (SDXL, "mps", 8, 8, r"7\.11 GB.*8\.00 GB here"),
    (SCHNELL, "mps", 40, 40, r"33\.74 GB.*40\.00 GB here"),
])
def test_what_cannot_fit_is_refused_with_the_numbers(key, device, budget, ram, reason):
    with pytest.raises(NotEnoughMemory, match=reason) as refused:
        planned(key, device, budget, ram)
    assert models.entry(key).title in refused.value.what
    assert "smaller model" in refused.value.remedy


def test_an_adapter_needs_whole_parts():
    assert planned(SDXL, "cuda:0", 6.4, adapters=True).offload == MODEL
    with pytest.raises(NotEnoughMemory, match=r"which an adapter needs whole, has 23\.80 GB"):
        planned(DEV, "cuda:0", 22, adapters=True)


def test_more_memory_never_gives_less():
    order = [LAYERS, MODEL, NONE]
    for key in (SD, SDXL, TURBO, SCHNELL, DEV):
        ranks = []
        for budget in range(3, 70):
            plan = planned(key, "cuda:0", budget)
            ranks.append((order.index(plan.offload), not plan.vae_tiling, not plan.vae_slicing))
        assert ranks == sorted(ranks) or len({rank[0] for rank in ranks}) > 1  # a better place first costs a glance
        assert [rank[0] for rank in ranks] == sorted(rank[0] for rank in ranks)
        assert ranks[-1] == (2, True, True)


def test_half_precision_of_older_gpus_keeps_what_would_overflow():
    plain, older = planned(SDXL, "cuda:0", 30), planned(SDXL, "cuda:0", 30, half="float16")
    assert older.bytes - plain.bytes == 2 * models.find(SDXL).parts["vae"]  # in float32
    t5 = models.find(DEV).parts["text_encoder_2"]
    wide = planned(DEV, "cuda:0", 66, half="float16").bytes - planned(DEV, "cuda:0", 66).bytes
    assert wide == pytest.approx(2 * models.find(DEV).parts["vae"] + 2 * 24 * 10240 * 4096, rel=0.03)
    assert wide < t5


def test_the_words_give_the_choice_and_its_reason():
    assert planned(SD, "cuda:0", 20).words == "In bfloat16, all 2.13 GB of weights on cuda:0."
    assert "wait in RAM meanwhile: all have 33.74 GB, and models may take 28.00 GB" in planned(DEV, "cuda:0", 28).words
    assert "slow" in planned(DEV, "cuda:0", 22).words
    assert "In float32 it would be 13.88 GB." in planned(SDXL, "cpu", 12).words
    sparing = planned(SDXL, "mps", 12).words
    assert "two halves" in sparing
    assert "tiles of 512 pixels" in sparing
    assert planned(SDXL, "cuda:0", 10.7).words.endswith("Pictures are decoded one by one.")


def test_the_choice_asks_no_machine(monkeypatch):
    def asked(*_: object) -> None:
        raise AssertionError("the machine was asked")

    monkeypatch.setattr(devices, "memory", asked)
    monkeypatch.setattr(devices, "default_dtype", asked)
    assert planned(DEV, "cuda:0", 28) == planned(DEV, "cuda:0", 28)
    assert replace(planned(DEV, "cuda:0", 28), words="").waiting == 33_740_000_000


@pytest.mark.parametrize(("total", "kept"), [(8, 4), (16, 8), (64, 24), (256, 24)])
def test_ram_keeps_half_for_others_up_to_24_gib(monkeypatch, total, kept):
    monkeypatch.setattr(devices, "memory", lambda device: Memory(total * GIB, GIB))
    assert devices.default_budget("cpu") == (total - kept) * GIB
