"""Models that come from the hub or by download, tested on files of the same layout that the test makes."""

import gzip
import hashlib
from dataclasses import replace

import pytest

from playground import catalog, weights
from playground.catalog import Entry, Hub, TiktokenRanks
from playground.errors import DamagedWeights, ModelMissing


@pytest.fixture
def store(settings, tmp_path):
    return weights.WeightStore(replace(settings, data_dir=tmp_path / "data"))


def test_a_model_in_the_hub_cache_is_found_offline(store, tmp_path, monkeypatch):
    import huggingface_hub.constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "hub" / "models--openai-community--gpt2"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    snapshot = repo / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (snapshot / name).write_text("{}")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    item = catalog.find("openai-community/gpt2")
    assert store.available(item)
    located = store.locate(item)
    assert located.folder == snapshot
    assert set(located.files) == {"config.json", "model.safetensors", "tokenizer.json"}


def test_no_pattern_of_the_hub_takes_a_pickle():
    for item in catalog.ENTRIES:
        for source in item.sources:
            if isinstance(source, Hub):
                assert not any(pattern.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl", "*"))
                               for pattern in source.patterns)


def test_a_hub_that_cannot_be_reached_is_said(settings, tmp_path, monkeypatch):
    import huggingface_hub

    def unreachable(repo, *, local_files_only, **options):
        from huggingface_hub.errors import LocalEntryNotFoundError

        raise LocalEntryNotFoundError("offline") if local_files_only else ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    online = weights.WeightStore(replace(settings, data_dir=tmp_path, offline=False))
    said = []
    with pytest.raises(ModelMissing, match="Connect to the internet"):
        online.locate(catalog.find("Qwen/Qwen3-0.6B"), lambda fraction, words: said.append(words))
    assert said == ["Downloading Qwen3 0.6B, 1,192 MB"]


def test_a_gensim_download_is_found_again(store):
    path = store.models / "gensim" / "glove-wiki-gigaword-50" / "glove-wiki-gigaword-50.gz"
    path.parent.mkdir(parents=True)
    with gzip.open(path, "wt") as file:
        file.write("2 3\ncat 1 0 0\ndog 0 1 0\n")
    item = catalog.find("glove-wiki-gigaword-50")
    assert store.available(item)
    assert store.locate(item).files == {"glove-wiki-gigaword-50.gz": path}


def test_a_rank_file_is_checked_each_time_it_changed(store):
    ranks = b"IQ== 0\nIg== 1\n"
    source = TiktokenRanks("https://example.org/tiny.tiktoken", hashlib.sha256(ranks).hexdigest())
    item = Entry("tiny", "Tiny", "tokenizer", "tiktoken", (source,), 1, 1, "MIT", "https://example.org")
    path = weights.ranks_file(store, source)
    path.parent.mkdir(parents=True)
    path.write_bytes(ranks)
    assert store.locate(item).files == {"tiny.tiktoken": path}
    path.write_bytes(ranks + b"Iw== 2\n")
    with pytest.raises(DamagedWeights, match="downloaded again"):
        store.locate(item)


def test_a_rank_file_lies_where_tiktoken_itself_would_look(store, monkeypatch):
    from tiktoken.load import read_file_cached

    source = next(source for source in catalog.find("o200k_base").sources if isinstance(source, TiktokenRanks))
    path = weights.ranks_file(store, source)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"IQ== 0\n")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(path.parent))
    assert read_file_cached(source.url) == b"IQ== 0\n"
