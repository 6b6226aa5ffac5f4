"""Whose the files of the page's cache are: by any spelling, shared, forgotten, and never a file elsewhere."""

from pathlib import Path

import pytest

from playground import served
from playground.errors import StorageTrouble
from playground.served import EVERYBODY, Served


@pytest.fixture
def cache(tmp_path):
    path = tmp_path / "cache"
    path.mkdir()
    return path


@pytest.fixture
def notes(cache):
    return Served(cache)


@pytest.fixture
def made(cache):
    """Makes a file of the cache."""
    def make(name):
        path = cache / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"pixels")
        return path
    return make


def test_a_file_is_its_browsers_alone(notes, made):
    face = made("1a2b/face.png")
    notes.note(str(face), "ada")
    assert notes.allows(face, "ada")
    assert not notes.allows(face, "eve")
    assert not notes.allows(face, EVERYBODY)


def test_what_nobody_was_handed_and_what_a_script_made_is_open(notes, made):
    assert notes.allows(made("start.png"), "eve")
    face = made("face.png")
    for browser in ("ada", EVERYBODY):
        notes.note(face, browser)
    assert notes.allows(face, "eve")


@pytest.mark.parametrize("spelled", [
    "{cache}/1a2b/face.png", "{cache}/1a2b/../1a2b/face.png", "{cache}//1a2b/./face.png", "{cache}/link/face.png",
    "{cache}/1A2B/FACE.png", "{cache}/file=/../1a2b/face.png"])
@pytest.mark.parametrize("address", ["gradio_api/file={}", "gradio_api/file/{}", "file={}", "FILE={}",
                                     "gradio_api//file={}"])
def test_no_spelling_of_an_address_is_another_file(notes, made, cache, spelled, address):
    notes.note(made("1a2b/face.png"), "ada")
    (cache / "link").symlink_to(cache / "1a2b")
    path = spelled.format(cache=cache)
    assert not notes.allows_address(address.format(path), "eve")
    assert not notes.allows_address(address.format(path.lstrip("/")), "eve")
    assert notes.allows_address(address.format(path), "ada")


@pytest.mark.parametrize("address", ["", "config", "gradio_api/file=/no/such\0file"])
def test_other_addresses_are_not_its_affair(notes, address):
    assert notes.allows_address(address, "eve")


def test_what_is_forgotten_is_gone_but_for_others_who_have_it(notes, made):
    mine, both, scripts = (made(f"{name}.png") for name in ("mine", "both", "scripts"))
    for path, browser in ((mine, "ada"), (both, "ada"), (both, "eve"), (scripts, "ada"), (scripts, EVERYBODY)):
        notes.note(path, browser)
    assert notes.forget(EVERYBODY) == 0
    assert notes.forget("ada") == 1
    assert [path.exists() for path in (mine, both, scripts)] == [False, True, True]
    assert not notes.allows(both, "ada")
    assert notes.allows(both, "eve")
    assert notes.forget("ada") == 0


def test_what_is_outside_and_what_is_the_pages_own_is_neither_closed_nor_removed(notes, made, cache):
    own, outside = made("start.png"), made("../jobs.db")
    notes.keep([str(own)])
    for path in (own, outside, cache / "../jobs.db"):
        notes.note(path, "ada")
        assert notes.allows(path, "eve")
    assert notes.forget("ada") == 0
    assert own.exists()
    assert outside.exists()


@pytest.mark.parametrize("path", ["/" + "a/" * 100_000, "file/" * 2000, "/a" * 65, "/" + "a" * 5000])
def test_what_names_no_file_costs_nothing_and_is_refused(notes, monkeypatch, path):
    looked = []
    monkeypatch.setattr(served.os.path, "realpath", lambda path: looked.append(path) or str(path))
    assert not notes.allows(path, "eve")
    assert not notes.allows_address(f"gradio_api/file={path}", "eve")
    assert notes.allows_address(f"config/{path}", "eve")  # no address of a file
    assert not looked


def test_what_cannot_be_removed_keeps_nothing_else_and_stays_closed(notes, made, monkeypatch):
    paths = [made(f"{number}.png") for number in range(3)]
    for path in paths:
        notes.note(path, "ada")
    unlink = Path.unlink

    def stuck(path, **how):
        if path == paths[1]:
            raise PermissionError(13, "no")
        unlink(path, **how)

    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(StorageTrouble):
        notes.forget("ada")
    assert [path.exists() for path in paths] == [False, True, False]
    assert not notes.allows(paths[1], "eve")
    monkeypatch.undo()
    assert notes.forget("ada") == 1


def test_two_spellings_of_a_letter_are_the_same_name(notes, made):
    notes.note(made("1a2b/caf\u00e9.png"), "ada")
    assert not notes.allows(made("1a2b/cafe\u0301.png"), "eve")


def test_notes_of_files_that_are_gone_are_dropped(notes, made, monkeypatch):
    monkeypatch.setattr(served, "MORE", 10)
    notes._prune_at = 10
    for number in range(100):
        path = made(f"{number}.png")
        notes.note(path, "ada")
        if number:
            path.unlink()
    assert len(notes._paths) <= 12
    assert not notes.allows(path.with_name("0.png"), "eve")
