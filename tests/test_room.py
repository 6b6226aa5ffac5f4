"""Room on the disk: what stays free, what visitors' things may take together and each, measured now and then."""

import asyncio
import os
import shutil
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from playground import access, janitor, room, uploads
from playground.catalog import MB
from playground.context import build_context
from playground.errors import NoRoom
from playground.gan.lab import own
from playground.room import Room

Usage = namedtuple("Usage", "total used free")


class Clock:
    """Seconds, as a test says."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def made(tmp_path, clock):
    """A room of 10 MB, 2 MB a visitor."""
    return Room(tmp_path, access.limits("class", "disk_mb=10,disk_each=2,disk_free=0"), clock)


def put(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path


@pytest.fixture
def page(settings, tmp_path):
    """An engine of its own, with room for 4 MB in all and 1 MB a visitor."""
    chosen = replace(settings, data_dir=tmp_path, mode="class", limits="disk_mb=4,disk_each=1,disk_free=0")
    return build_context(chosen)


@pytest.mark.parametrize("folder", ["gradio/uploads/x", "visitors/x", "jobs/x/checkpoints"])
def test_what_visitors_have_takes_room_wherever_it_lies(made, tmp_path, folder):
    made.check(9 * MB)
    put(tmp_path / folder / "file", 6 * MB)
    made._measured_at = room.NEVER
    made.check(3 * MB)
    with pytest.raises(NoRoom, match="10 MB of disk that all visitors may take are used up"):
        made.check(5 * MB)


def test_models_take_none_of_it_and_links_are_not_followed(made, tmp_path):
    put(tmp_path / "models" / "large", 20 * MB)
    (tmp_path / "visitors").mkdir()
    (tmp_path / "visitors" / "x").symlink_to(tmp_path / "models")
    made.check(9 * MB)


def test_many_tiny_files_take_what_the_disk_gives_them(tmp_path):
    for number in range(200):
        put(tmp_path / "visitors" / f"{number}", 1)
    if put(tmp_path / "one", 1).stat().st_blocks == 0:
        pytest.skip("this disk keeps tiny files within their names")
    assert room.taken(tmp_path / "visitors") >= 200 * 512


def test_a_walk_is_made_every_few_seconds_at_most(made, tmp_path, clock, monkeypatch):
    walks, walk = [], room.taken
    monkeypatch.setattr(room, "taken", lambda folder: walks.append(folder) or walk(folder))
    for _ in range(50):
        made.check(1)
    assert len(walks) == len(room.FOLDERS)
    clock.now += room.EVERY
    made.check(1)
    assert len(walks) == 2 * len(room.FOLDERS)


def test_what_comes_between_two_walks_is_counted(made):
    async def upload():
        await made.admit(9 * MB)
        for _ in range(9):
            await made.brought(MB)
        with pytest.raises(NoRoom):
            await made.admit(2 * MB)
        await made.brought(MB // 2)
        with pytest.raises(NoRoom):
            await made.brought(MB)

    asyncio.run(upload())


def test_what_came_is_counted_once_when_it_is_found_on_the_disk(made, tmp_path, clock):
    async def upload():
        await made.admit(6 * MB)
        await made.brought(6 * MB)
        put(tmp_path / "gradio" / "file", 6 * MB)
        clock.now += room.EVERY
        await made.admit(3 * MB)

    asyncio.run(upload())


def test_deletion_makes_room_again(made, tmp_path, clock):
    file = put(tmp_path / "gradio" / "file", 10 * MB)
    with pytest.raises(NoRoom):
        made.check(MB)
    file.unlink()
    clock.now += room.EVERY
    made.check(MB)


def test_a_disk_that_is_nearly_full_takes_nothing_in_any_mode(tmp_path, monkeypatch):
    private = Room(tmp_path / "not" / "there", access.limits("private"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 501 * MB))
    private.check(MB)
    with pytest.raises(NoRoom, match=r"nearly full.*operator has made room"):
        private.check(2 * MB)


def test_alone_on_a_laptop_nothing_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 10**12))
    monkeypatch.setattr(room, "taken", lambda folder: pytest.fail("measured"))
    private = Room(tmp_path, access.limits("private"))
    private.check(10**11)
    asyncio.run(private.brought(10**11))


def test_what_is_past_its_time_goes_before_anything_is_refused(page, tmp_path):
    kept, old = put(tmp_path / "gradio" / "own.png", MB), put(tmp_path / "gradio" / "uploads" / "x" / "a", 3 * MB)
    stop = janitor.start(page, kept=lambda: {str(kept)})
    stop.set()
    for path in (kept, old):
        os.utime(path, (path.stat().st_mtime - janitor.PRESSED - 1,) * 2)
    page.room.check(2 * MB)
    assert (kept.exists(), old.exists()) == (True, False)


def test_what_was_just_sent_is_not_swept_to_make_room(page, tmp_path):
    fresh = put(tmp_path / "gradio" / "uploads" / "x" / "a", 3 * MB)
    janitor.start(page).set()
    with pytest.raises(NoRoom):
        page.room.check(2 * MB)
    assert fresh.exists()


def test_a_full_room_is_swept_now_and_then_not_at_each_request(made, tmp_path, clock):
    swept = []
    made.sweep = lambda: swept.append(1)
    put(tmp_path / "gradio" / "file", 10 * MB)
    for _ in range(20):
        with pytest.raises(NoRoom):
            made.check(MB)
    assert swept == [1]
    clock.now += room.SWEEP_EVERY
    with pytest.raises(NoRoom):
        made.check(MB)
    assert swept == [1, 1]


def test_no_job_begins_or_goes_on_where_all_room_is_taken(page, tmp_path):
    page.jobs.table.add("a" * 22, "lora", "somebody", {}, 60)
    page.jobs.table.change("a" * 22, "queued", state="cancelled")
    put(tmp_path / "gradio" / "uploads" / "x", 4 * MB)
    with pytest.raises(NoRoom):
        page.jobs.submit("lora", {}, "somebody")
    with pytest.raises(NoRoom):
        page.jobs.resume("a" * 22)
    assert page.jobs.get("a" * 22).state == "cancelled"
    assert page.jobs.table.known() == {"a" * 22}


def test_a_visitors_share_is_of_photos_and_jobs_and_no_others(page, tmp_path):
    ada, alan = (page.visitors.name(page.visitors.new()) for _ in range(2))
    put(tmp_path / "visitors" / ada / "photo.png", MB // 2)
    page.jobs.check_room(ada, MB // 4)
    page.jobs.table.add("a" * 22, "lora", ada, {}, 60)
    put(tmp_path / "jobs" / ("a" * 22) / "adapter", MB // 2)
    page.jobs.check_room(alan, MB // 2)
    with pytest.raises(NoRoom, match="a visitor may have 1 MB"):
        page.jobs.check_room(ada, MB // 4)
    with pytest.raises(NoRoom, match="a visitor may have 1 MB"):
        page.jobs.submit("gan-lab", {}, ada)
    page.jobs.check_room("", MB)  # one without a name has the whole room, and nobody's folders


def test_another_name_gives_the_same_sender_no_second_share(page, tmp_path):
    page.jobs.sender = lambda: ("browser", "1.2.3.4")
    page.jobs.table.add("a" * 22, "lora", "ada", {}, 60, **page.jobs._marks("ada"))
    put(tmp_path / "jobs" / ("a" * 22) / "adapter", MB)
    with pytest.raises(NoRoom, match="a visitor may have"):
        page.jobs.submit("gan-lab", {}, "alan")
    page.jobs.sender = lambda: ("another", "1.2.3.4")
    page.jobs.check_room("alan")


def test_a_disk_that_may_be_filled_is(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 0))
    Room(tmp_path, access.limits("private", "disk_free=0")).check(MB)


def test_photos_find_no_more_room_than_a_visitors_share(page):
    from PIL import Image

    from playground.lora import draft
    from playground.lora.photos import Photo

    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    token = page.visitors.new()
    with pytest.raises(NoRoom, match="a visitor may have"):
        draft.add(page, token, [Photo(f"{number}.png", Image.fromarray(noise)) for number in range(2)], "a photo")
    assert room.taken(page.visitors.place(token)) <= MB


def test_pictures_for_the_lab_find_no_more_room_either(page, tmp_path):
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "PNG")
    token = page.visitors.new()
    put(page.visitors.place(token) / "other", MB)
    with pytest.raises(NoRoom):
        own.keep(page, token, [buffer.getvalue()] * 20)
    assert not (page.visitors.place(token) / own.NAME).exists()


def test_an_evaluation_in_the_web_process_is_a_job_like_others(page, tmp_path):
    from playground.evaluation import runs

    put(tmp_path / "gradio" / "x", 4 * MB)
    with pytest.raises(NoRoom):
        runs.added_here(page, {}, "script")
    assert page.jobs.table.known() == set()


def test_what_one_sent_and_nobody_read_is_his_share_and_an_address_has_half(made, tmp_path):
    for browser in ("ada", "eve", "joe"):
        put(uploads.place(tmp_path / "gradio", browser, "1.1.1.1") / "x" / "file", int(1.6 * MB))
    made._measured_at = room.NEVER
    with pytest.raises(NoRoom, match="What you sent and nobody has read yet takes more than 2 MB"):
        made.check_upload(MB, "ada", "1.1.1.1")
    with pytest.raises(NoRoom, match="from your address"):
        made.check_upload(MB, "bob", "1.1.1.1")
    made.check_upload(MB // 20, "ada", "1.1.1.1")
    made.check_upload(MB, "bob", "2.2.2.2")
    made.check_upload(MB, "", "")  # no gatekeeper stands before a page of a test


def test_uploads_at_once_have_a_share_together(made):
    size = MB * 6 // 5
    with made.announced(size, "ada", "1.1.1.1"):
        made.check_upload(size, "ada", "1.1.1.1")
        with made.announced(size, "ada", "1.1.1.1"):
            with pytest.raises(NoRoom, match="nobody has read yet"):
                made.check_upload(size, "ada", "1.1.1.1")
            made.check_upload(size, "bob", "2.2.2.2")
        made.check_upload(size, "ada", "1.1.1.1")
    assert not made._coming


def test_what_an_upload_has_brought_counts_once(made):
    async def upload():
        with made.announced(MB, "ada", "1.1.1.1") as came:
            await came(MB // 4)
            assert set(made._coming.values()) == {MB * 3 // 4}
            await came(2 * MB)  # more than it announced
            assert not made._coming
        assert not made._coming

    asyncio.run(upload())


def test_an_address_may_have_what_a_visitor_may(tmp_path):
    made = Room(tmp_path, access.limits("class", "disk_mb=10,disk_each=8,disk_free=0"))
    put(uploads.place(tmp_path / "gradio", "ada", "1.1.1.1") / "x" / "file", 6 * MB)
    made.check_upload(MB, "ada", "1.1.1.1")


def test_a_browsers_uploads_are_found_wherever_it_sent_them(tmp_path):
    places = [put(uploads.place(tmp_path, browser, address) / "x" / "file", 1).parent.parent
              for browser, address in (("zuse", "1.1.1.1"), ("zuse", "2.2.2.2"), ("eve", "1.1.1.1"), ("", "1.1.1.1"))]
    assert sorted(uploads.of_browser(tmp_path, "zuse")) == sorted(places[:2])
    assert uploads.of_browser(tmp_path, "") == []
    assert not [place for place in places if "1.1.1.1" in str(place) or "zuse" in str(place)]  # in no hex number
