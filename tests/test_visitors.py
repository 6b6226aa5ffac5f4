"""Visitors: private, found again by their token alone, gone on request and at the end of their time."""

import os
import time

import pytest

from playground.errors import BadInput
from playground.visitors import Visitors


@pytest.fixture
def visitors(tmp_path):
    return Visitors(tmp_path / "visitors", kept=100)


def test_a_visitor_finds_their_folder_again(visitors):
    token = visitors.new()
    (visitors.place(token) / "photo.png").write_bytes(b"x")
    assert (Visitors(visitors.folder).place(token) / "photo.png").exists()


def test_two_visitors_share_nothing(visitors):
    first, second = visitors.new(), visitors.new()
    assert visitors.place(first) != visitors.place(second)


def test_the_disk_does_not_tell_the_token(visitors):
    token = visitors.new()
    assert token not in str(visitors.place(token))
    assert visitors.folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("token", ["", "..", "../../../etc/passwd", "/etc", None, 5, "a" * 23, "%2e%2e/aaaaa"])
def test_what_is_no_token_opens_nothing(visitors, token):
    with pytest.raises(BadInput):
        visitors.place(token)
    assert list(visitors.folder.iterdir()) == []


def test_deleted_is_gone(visitors):
    token = visitors.new()
    path = visitors.place(token)
    assert visitors.delete(token) is True
    assert not path.exists()
    assert visitors.delete(token) is False


def test_only_what_was_not_used_for_long_is_swept(visitors):
    old, fresh = visitors.place(visitors.new()), visitors.place(visitors.new())
    os.utime(old, (time.time() - 101,) * 2)
    assert visitors.sweep() == 1
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_use_puts_the_end_off(visitors):
    token = visitors.new()
    os.utime(visitors.place(token), (time.time() - 99,) * 2)
    assert visitors.expires(token) > time.time() + 98
    assert visitors.sweep() == 0
