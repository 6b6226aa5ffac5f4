"""Models that come from the hub or by download, tested on files of the same layout that the test makes."""

import gzip
import hashlib
from dataclasses import replace
from types import SimpleNamespace

import pytest

from playground import catalog, snapshots, weights
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


@pytest.fixture
def hub(settings, tmp_path, monkeypatch):
    """A store that is online, and a hub whose download can break off after a number of files."""
    import huggingface_hub

    folder = tmp_path / "hub" / "models--Qwen--Qwen3-0.6B" / "snapshots" / "1"
    files = {"config.json": "{}", "model.safetensors.index.json": '{"weight_map": {"a": "1.safetensors", '
             '"b": "2.safetensors"}}', "1.safetensors": "x", "2.safetensors": "y"}

    def snapshot_download(repo, *, local_files_only, **options):
        from huggingface_hub.errors import LocalEntryNotFoundError

        if local_files_only and not folder.exists():
            raise LocalEntryNotFoundError("nothing here")
        if local_files_only:  # as the library does: whatever there is
            return str(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in list(files.items())[:made.most]:
            (folder / name).write_text(content)
        if made.most < len(files):
            raise ConnectionError("broken off")
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repo, name, revision: (
        str(folder / name) if (folder / name).exists() else None))
    made = SimpleNamespace(most=len(files), folder=folder, item=catalog.find("Qwen/Qwen3-0.6B"), files=files,
                           store=weights.WeightStore(replace(settings, data_dir=tmp_path / "data", offline=False)))
    return made


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_download_that_broke_off_goes_on(hub, most):
    hub.most = most
    with pytest.raises(ModelMissing):
        hub.store.locate(hub.item)
    assert not hub.store.available(hub.item)
    hub.most = len(hub.files)
    assert set(hub.store.locate(hub.item).files) == set(hub.files)
    assert hub.store.available(hub.item)
    assert not list(hub.store.models.glob(".*"))


def test_all_shards_of_a_download_that_was_killed_are_not_enough(hub):
    """What comes after them may be missing."""
    hub.store.locate(hub.item)
    snapshots.mark(hub.store.models, hub.item.sources[0]).touch()
    assert not hub.store.available(hub.item)
    (hub.folder / "config.json").unlink()
    assert "config.json" in hub.store.locate(hub.item).files


@pytest.mark.parametrize("gone", ["1.safetensors", "2.safetensors", "both"])
def test_what_another_program_left_out_of_the_cache_is_fetched(hub, gone):
    hub.store.locate(hub.item)
    for name in ("1.safetensors", "2.safetensors", "model.safetensors.index.json") if gone == "both" else (gone,):
        (hub.folder / name).unlink()
    assert not hub.store.available(hub.item)
    assert set(hub.store.locate(hub.item).files) == set(hub.files)


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
