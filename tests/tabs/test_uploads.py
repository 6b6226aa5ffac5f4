"""What becomes of an uploaded file: read, and removed from the page's cache, nothing else ever."""

import pytest

from playground.errors import BadInput
from tabs import _ui


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The page's cache of this test."""
    path = tmp_path / "cache"
    path.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(path))
    return path


def test_an_upload_is_read_and_gone(cache):
    (cache / "photo.jpg").write_bytes(b"pixels")
    assert _ui.taken(str(cache / "photo.jpg")) == b"pixels"
    assert not (cache / "photo.jpg").exists()


def test_a_file_elsewhere_stays(cache, tmp_path):
    (tmp_path / "own.txt").write_bytes(b"mine")
    assert _ui.taken(str(cache / ".." / "own.txt")) == b"mine"
    assert (tmp_path / "own.txt").exists()


@pytest.mark.parametrize("path", [None, 7, "/no/such/file"])
def test_what_is_no_file_is_said(cache, path):
    with pytest.raises(BadInput):
        _ui.taken(path)
