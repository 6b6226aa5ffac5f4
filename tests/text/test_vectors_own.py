"""A visitor's own vectors: what gensim writes is read back, what is damaged or too large is refused."""

import gzip
import pickle

import numpy as np
import pytest

from playground.errors import BadInput, NotEnoughMemory
from playground.text.vectors import arithmetic, formats, models
from playground.text.vectors.models import OwnFile

WORDS = ["alpha", "beta", "größe", "猫", "new_york", "delta"]
RAW = np.random.default_rng(7).normal(size=(6, 5)).astype(np.float32)


@pytest.fixture
def written():
    """gensim's KeyedVectors of the words, to write files with."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(5)
    keyed.add_vectors(WORDS, RAW)
    return keyed


@pytest.mark.parametrize(("suffix", "binary", "header"), [
    (".txt", False, True), (".vec", False, False), (".bin", True, True), (".gz", True, True), (".gz", False, True)])
def test_what_gensim_writes_is_read_back(written, tmp_path, suffix, binary, header):
    path = tmp_path / f"own{suffix}"
    written.save_word2vec_format(str(path), binary=binary, write_header=header)
    vectors = formats.read(path, "own")
    assert vectors.words == WORDS
    assert np.array([vectors.raw(number) for number in range(6)]) == pytest.approx(RAW, rel=1e-5)
    assert np.linalg.norm(vectors.unit, axis=1) == pytest.approx(np.ones(6), rel=1e-6)


def test_an_accepted_file_answers_and_shares_one_place_in_the_cache(written, tmp_path, context):
    path, copy = tmp_path / "toy.txt", tmp_path / "other.txt"
    written.save_word2vec_format(str(path))
    copy.write_bytes(path.read_bytes())
    own, again = models.accept(context, str(path)), models.accept(context, str(copy))
    assert own.title == "toy.txt (6 words, 5 dimensions)"
    assert models.spec(context, own).key == models.spec(context, again).key
    with context.cache.lease(models.spec(context, own)) as vectors:
        found = arithmetic.solve(vectors, '"alpha" - 0.5 * "new york"', 3)
    expected = written.most_similar([("alpha", 1.0)], [("new_york", -0.5)], topn=3)
    assert [(each.word, pytest.approx(each.cosine, abs=1e-6)) for each in found.without_inputs] == expected


@pytest.mark.parametrize(("content", "why"), [
    (b"", "empty"),
    (b"\n\n", "empty"),
    (b"hello\n", "neither"),
    (b"<html><body>no vectors</body></html>", "neither"),
    (b"2 3\nking 1 2\nqueen 1 2 3\n", "second line"),
    (b"2 3\nking 1 2 3\nqueen 1 2\n", "cannot be read"),
    (b"2 3\nking 1 2 3\nqueen one two three\n", "cannot be read"),
    (b"3 3\nking 1 2 3\nqueen 4 5 6\n", "cut off|cannot be read"),
    (b"2 3\nking 1 2 nan\nqueen 4 5 6\n", "no finite number"),
    (b"2 2\nking 1e30 1e30\nqueen 4 5\n", "no finite number"),
    (b"0 3\n", "announces 0 vectors"),
    (b"2 0\nking\nqueen\n", "announces 2 vectors of 0"),
    (b"4000000 4096\nking 1 2\n", "second line"),
    (b"999999999999999999999 300\nking 1 2\n", "At most"),
    (b"3000000 300\nking \x00\x01\x02\x03", "cut off"),
    (pickle.dumps({"king": [1, 2, 3]}), "neither|empty"),
    (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "neither"),
])
def test_files_that_are_none_are_refused(tmp_path, context, content, why):
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    before = context.cache.stats()["models"]
    with pytest.raises(BadInput, match=why) as problem:
        models.accept(context, str(path))
    assert problem.value.remedy
    assert [model["name"] for model in context.cache.stats()["models"]] == [model["name"] for model in before]


def test_a_cut_binary_is_refused(written, tmp_path):
    path = tmp_path / "own.bin"
    written.save_word2vec_format(str(path), binary=True)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BadInput):
        formats.read(path, "own")


def test_sizes_packing_and_absence(tmp_path, context, monkeypatch):
    path = tmp_path / "own.txt"
    path.write_text("1 2\nking 1 2\n")
    monkeypatch.setattr(models, "LARGEST", 5)
    with pytest.raises(BadInput, match="MB"):
        models.accept(context, str(path))
    monkeypatch.undo()
    packed = tmp_path / "own.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(BadInput, match="Packed"):
        models.accept(context, str(packed))
    for absent in (str(tmp_path / "none.txt"), str(tmp_path), None, 7):
        with pytest.raises(BadInput):
            models.accept(context, absent)


def test_a_file_that_expired_is_asked_for_again(tmp_path, context):
    gone = OwnFile(str(tmp_path / "gone.txt"), "gone.txt", "0" * 64, 10, 10)
    with pytest.raises(BadInput, match="Upload it again"), context.cache.lease(models.spec(context, gone)):
        pass


def test_what_does_not_fit_is_refused_before_it_is_read(tmp_path, context):
    huge = OwnFile(str(tmp_path / "huge.bin"), "huge.bin", "1" * 64, 5_000_000, 4096)
    budget = context.cache.stats()["devices"]["cpu"]["budget"]
    if models.spec(context, huge).estimate > budget:
        with pytest.raises(NotEnoughMemory), context.cache.lease(models.spec(context, huge)):
            pass
    assert models.spec(context, huge).estimate > 80e9


def test_a_folder_of_ones_own_copies_is_used(written, tmp_path):
    from playground.context import build_context
    from playground.settings import Settings

    folder = tmp_path / "models" / "glove-wiki-gigaword-100"
    folder.mkdir(parents=True)
    written.save_word2vec_format(str(folder / "vectors.txt"))
    mine = build_context(Settings(port=0, device="cpu", offline=True, data_dir=tmp_path / "data",
                                  models_dir=tmp_path / "models"))
    with mine.cache.lease(models.spec(mine, "glove-wiki-gigaword-100")) as vectors:
        assert vectors.words == WORDS
