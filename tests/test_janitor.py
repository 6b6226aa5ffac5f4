"""The sweep runs without anybody asking, and survives a disk that refuses."""

import os
import time
from dataclasses import replace

from playground import janitor
from playground.context import build_context
from playground.visitors import Visitors


def test_expired_folders_go_by_themselves(settings, tmp_path):
    context = build_context(replace(settings, data_dir=tmp_path))
    old = context.visitors.place(context.visitors.new())
    os.utime(old, (1, 1))
    stop = janitor.start(context, every=0.01)
    deadline = time.monotonic() + 10
    while old.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    stop.set()
    assert not old.exists()


def test_a_disk_that_refuses_is_logged(settings, tmp_path, monkeypatch, caplog):
    context = build_context(replace(settings, data_dir=tmp_path))
    os.utime(context.visitors.place(context.visitors.new()), (1, 1))
    monkeypatch.setattr(Visitors, "sweep", lambda self: (_ for _ in ()).throw(OSError(30, "Read-only file system")))
    assert janitor.sweep(context) == 0
    assert "Read-only" in caplog.text


def test_the_pages_cache_loses_what_is_old_and_not_its_own(settings, tmp_path):
    context = build_context(replace(settings, data_dir=tmp_path))
    orphan, own, fresh = (tmp_path / "gradio" / name / "face.png" for name in ("orphan", "own", "fresh"))
    for path in (orphan, own, fresh):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
    for path in (orphan, own, orphan.parent):
        os.utime(path, (1, 1))
    assert janitor.sweep(context, {str(own)}) == 1
    assert (orphan.exists(), own.exists(), fresh.exists()) == (False, True, True)
    os.utime(orphan.parent, (1, 1))  # emptied just now, so it counts as written: the next sweep but one takes it
    janitor.sweep(context, {str(own)})
    assert not orphan.parent.exists()
