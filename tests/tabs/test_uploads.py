"""What becomes of an uploaded file: read, and removed from the page's cache, nothing else ever."""

import asyncio

import pytest

from playground.errors import BadInput
from tabs import _files, _ui


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The page's cache of this test."""
    path = tmp_path / "cache"
    (path / "uploads").mkdir(parents=True)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(path))
    return path


def test_an_upload_is_read_and_gone(cache):
    photo = cache / "uploads" / "photo.jpg"
    photo.write_bytes(b"pixels")
    assert _ui.taken(str(photo)) == b"pixels"
    assert not photo.exists()
    with pytest.raises(BadInput, match="Upload it again"):
        _ui.taken(str(photo))


@pytest.mark.parametrize("way", ["own.txt", "uploads/../own.txt", "../own.txt", "uploads/../../own.txt"])
def test_a_file_that_is_no_upload_stays(cache, tmp_path, way):
    for folder in (tmp_path, cache):
        (folder / "own.txt").write_bytes(b"mine")
    assert _ui.taken(str(cache / way)) == b"mine"
    assert (tmp_path / "own.txt").exists()
    assert (cache / "own.txt").exists()


@pytest.mark.parametrize("path", [None, 7, "/no/such/file"])
def test_what_is_no_file_is_said(cache, path):
    with pytest.raises(BadInput):
        _ui.taken(path)


def test_uploads_that_anybody_asked_for_are_not_kept_for_ever():
    signals, statuses = _files.Few(asyncio.Event), _files.Few(None)
    for number in range(3 * _files.FEW):
        assert not signals[f"upload {number}"].is_set()
        statuses[f"upload {number}"] = number
    for kept in (signals, statuses):
        assert list(kept) == [f"upload {number}" for number in range(2 * _files.FEW, 3 * _files.FEW)]
    with pytest.raises(KeyError):
        statuses["another"]
