"""Which model fits how: decided from the files' headers and the budget, before anything is loaded."""

import pytest

from playground import catalog, devices
from playground.devices import Memory
from playground.diffusion import memory, models, requests, wording
from playground.errors import NotEnoughMemory
from tests.diffusion.tiny_pipelines import DEV, SD, SDXL, folder

pytestmark = pytest.mark.models
GB = 10**9


@pytest.fixture
def gpu(monkeypatch):
    """As if there were a GPU of the present."""
    monkeypatch.setattr(devices, "default_dtype", lambda device: "bfloat16")
    monkeypatch.setattr(devices, "memory", lambda device: Memory(64 * GB, 40 * GB))


def planned(key: str, device: str, budget: float) -> memory.Plan:
    model = models.find(key)
    return memory.plan(key, model.parts, model.room, device, int(budget * GB))


@pytest.mark.parametrize(("key", "budget", "offload"), [(SD, 8, False), (SDXL, 12, False), (SDXL, 10, True),
                                                        (DEV, 70, False), (DEV, 40, False), (DEV, 30, True)])
def test_on_a_gpu_whole_or_part_by_part(gpu, key, budget, offload):
    plan = planned(key, "cuda:0", budget)
    assert (plan.dtype, plan.offload) == ("bfloat16", offload)
    assert plan.bytes <= budget * GB


def test_what_cannot_fit_on_a_gpu_is_refused_with_numbers(gpu):
    with pytest.raises(NotEnoughMemory, match=r"33\.74 GB.*23\.80 GB"):
        planned(DEV, "cuda:0", 20)


@pytest.mark.parametrize(("key", "budget", "dtype"),
                         [(SD, 12, "float32"), (SDXL, 12, "bfloat16"), (SDXL, 20, "float32")])
def test_in_ram_full_precision_if_it_fits(key, budget, dtype):
    assert planned(key, "cpu", budget).dtype == dtype


def test_what_cannot_fit_in_ram_is_refused_before_any_download(tiny):
    with pytest.raises(NotEnoughMemory, match="smaller model"):
        planned(DEV, "cpu", 12)


def test_parameters_are_counted_from_the_headers(tiny, own_models):
    import torch
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(folder(own_models, SD), safety_checker=None)
    counted = memory.parameters(folder(own_models, SD))
    real = {name: sum(p.numel() for p in part.parameters()) for name, part in pipe.components.items()
            if isinstance(part, torch.nn.Module)}
    assert counted == real


def test_the_cache_accounts_for_the_bytes_that_are_there(tiny):
    spec = models.spec(tiny, SD)
    with tiny.cache.lease(spec) as pipe:
        measured = models.measure(pipe)
    assert measured == pytest.approx(spec.estimate, rel=0.02)
    assert any(each["name"] == SD and each["bytes"] == measured for each in tiny.cache.stats()["models"])


def test_the_published_sizes_agree_with_the_catalog():
    for model in models.MODELS[1:]:
        assert sum(model.parts.values()) * 2 == pytest.approx(catalog.find(model.key).download, rel=0.01)


def test_the_text_encoder_is_the_one_that_other_tabs_use(tiny):
    from playground.text.vectors import sentences

    tiny.cache.drop_idle()
    wording.listen(tiny, requests.check("cat"), models.spec(tiny, models.POCKET))
    before = tiny.cache.stats()["loads"]
    sentences.embed(tiny, ["cat"])
    assert tiny.cache.stats()["loads"] == before


# ---- prompts


def test_a_long_prompt_is_cut_where_the_encoder_stops(tiny):
    prompt = " ".join(f"word{number}" for number in range(30))
    made = wording.listen(tiny, requests.check(prompt), models.spec(tiny, models.POCKET)).wording
    assert (len(made.read), made.limit) == (24, 24)
    assert (made.read[0], made.read[-1]) == ("[CLS]", "[SEP]")
    assert made.unread.split()[-1] == "word29"
    assert len(made.read) + len(made.cut) == 2 + 60  # word and number are two tokens each


def test_the_words_know_their_tokens(tiny):
    made = wording.listen(tiny, requests.check("a  zyxwvut cat"), models.spec(tiny, models.POCKET)).wording
    assert [word.text for word in made.words] == ["a", "zyxwvut", "cat"]
    joined = "".join(made.read[place].removeprefix("##") for place in made.words[1].places)
    assert joined == "zyxwvut"
    assert made.cut == ()


def test_clips_tokens_and_limit(tiny):
    made = wording.listen(tiny, requests.check("cat " * 40, model=SD), models.spec(tiny, SD)).wording
    assert (len(made.read), made.limit) == (77, 77)
    assert made.read[-1] == "<|endoftext|>"
    assert made.unread.startswith("cat")
