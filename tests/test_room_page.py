"""A page whose visitors' things may take a few megabytes, filled by raw requests; and one whose disk is nearly full."""

import asyncio
import os
import time

import httpx
import pytest

from playground import room
from playground.catalog import MB
from playground.diffusion import models
from tests.servers import picture, serving, until

pytestmark = pytest.mark.timeout(900)  # a page is started, on a machine that may be busy
ROOM, ONE = 6, 1  # megabytes of all visitors' things, of one upload request
BOUNDARY = b"frontier"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A public page with room for little, whose rates hold nobody up."""
    most = f"disk_mb={ROOM},upload_mb={ONE},uploads=1000,uploads_address=1000,joins=1000"
    with serving(tmp_path_factory.mktemp("room") / "data", "--mode", "public", "--limits", most) as server:
        yield server


def held(page):
    """Bytes of visitors' things on the disk."""
    return sum(room.taken(page.data / name) for name in room.FOLDERS)


def empty(page):
    """Deletes what was uploaded and waits until the page has noticed; a test begins with room."""
    for path in (page.data / "gradio").rglob("*"):
        if path.is_file() and "uploads" in path.parts:
            path.unlink()
    until(lambda: page.upload(picture()).status_code == 200, every=1)


def content(size):
    """The body of an upload with one file of so many bytes."""
    return (b'--%s\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n' % BOUNDARY
            + b"x" * size + b"\r\n--%s--\r\n" % BOUNDARY)


def head(page, *lines):
    """A request for an upload up to its body."""
    return "".join(f"{line}\r\n" for line in (
        "POST /gradio_api/upload HTTP/1.1", "Host: {}:{}".format(*page.connect_to),
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}", *lines, "")).encode()


def fill(page):
    """Uploads until one is refused; the statuses."""
    seen = []
    while len(seen) < 50 and (not seen or seen[-1] == 200):
        seen.append(page.upload(b"x" * 900_000).status_code)
    return seen


@pytest.mark.slow
def test_uploads_end_at_the_bound_and_deletion_makes_room_again(page):
    seen = fill(page)
    assert seen.count(200) >= 2
    assert seen[-1] == 507
    assert held(page) <= ROOM * MB
    refused = page.upload(b"x" * 900_000)
    assert refused.status_code == 507
    assert "Delete what you no longer need" in refused.json()["detail"]
    assert page.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1
    empty(page)


@pytest.mark.slow
def test_one_address_leaves_room_for_the_uploads_of_others(tmp_path_factory):
    most = "disk_mb=6,disk_each=2,upload_mb=1,uploads=1000,uploads_address=1000"
    data = tmp_path_factory.mktemp("shared") / "data"
    with serving(data, "--mode", "public", "--trusted-proxy", "127.0.0.1", "--limits", most) as server:
        def upload(address, cookies=None):
            return httpx.post(f"{server.url}/gradio_api/upload", files={"files": ("a.bin", b"x" * 800_000)},
                              headers={"x-forwarded-for": address}, cookies=cookies, timeout=120)

        browser = httpx.get(server.url, headers={"x-forwarded-for": "6.6.6.6"}, timeout=120).cookies
        codes = [upload("6.6.6.6", browser).status_code for _ in range(4)]
        assert codes == [200, 200, 507, 507]  # a browser's share
        codes = [upload("6.6.6.6").status_code for _ in range(4)]
        assert codes == [200, 507, 507, 507]  # scripts beside it, up to half of all
        assert "from your address" in upload("6.6.6.6").json()["detail"]
        assert upload("7.7.7.7").status_code == 200


@pytest.mark.slow
def test_a_full_page_refuses_before_the_body_is_sent(page):
    assert fill(page)[-1] == 507
    with page.connect() as wire:
        wire.sendall(head(page, "Content-Length: 900000"))
        assert b" 507 " in wire.recv(4096).split(b"\r\n")[0]
    empty(page)


@pytest.mark.slow
def test_many_at_once_and_in_parts_without_a_length_do_not_get_past_it(page):
    body = content(900_000)

    async def parts():
        for start in range(0, len(body), 50_000):
            yield body[start:start + 50_000]
            await asyncio.sleep(0.02)

    async def attack():
        kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
        async with httpx.AsyncClient(base_url=page.url, timeout=180, limits=httpx.Limits(max_connections=40)) as web:
            sent = [web.post("/gradio_api/upload", content=parts(), headers=kind) for _ in range(24)]
            return await asyncio.gather(*sent, return_exceptions=True)

    answers = asyncio.run(attack())
    codes = [answer.status_code for answer in answers if isinstance(answer, httpx.Response)]
    assert set(codes) <= {200, 507}
    assert codes.count(200) <= ROOM
    assert held(page) <= (ROOM + ONE) * MB
    empty(page)


@pytest.mark.slow
def test_an_upload_that_breaks_off_leaves_nothing(page):
    def files():
        return {f"{place}/{name}" for place, _, names in os.walk(page.data / "gradio") for name in names}

    until(lambda: held(page) < ONE * MB)  # what others broke off is gone
    time.sleep(room.EVERY)  # and the page knows
    before = files()
    with page.connect() as wire:
        wire.sendall(head(page, "Content-Length: 800000") + content(800_000)[:300_000])
        part = until(lambda: files() - before, 60)
    until(lambda: not files() & part, 60)


@pytest.mark.slow
def test_a_full_page_takes_no_job_and_writes_no_picture(page):
    files = [{"path": page.upload(picture(seed)).json()[0], "meta": {"_type": "gradio.FileData"}} for seed in range(2)]
    # also of a visitor: what lies in the other folders counts the same
    (page.data / "jobs" / "filler").mkdir()
    (page.data / "jobs" / "filler" / "file").write_bytes(b"x" * ROOM * MB)
    time.sleep(room.EVERY)
    for name, data in (("add_noise", [files[0], 100]), ("denoise", ["a face", 1, 3.0, 1, "DDIM", models.POCKET]),
                       ("evaluate_prompts", ["prompts: [hello]\nproviders: [echo]\ntests: [{}]\n"])):
        message = page.call(name, *data)
        assert not message["success"], name
        assert "all visitors may take" in str(message["output"]), (name, message)
    (page.data / "jobs" / "filler" / "file").unlink()
    (page.data / "jobs" / "filler").rmdir()
    empty(page)


@pytest.mark.slow
def test_a_disk_that_is_nearly_full_refuses_uploads_in_private_mode_too(tmp_path):
    with serving(tmp_path / "data", "--limits", "disk_free=100000000") as server:
        refused = server.upload(picture())
        assert refused.status_code == 507
        assert "nearly full" in refused.json()["detail"]
        assert server.ask("tokenize", "orange", "cl100k_base")[0]["count"] == 1
