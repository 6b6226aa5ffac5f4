"""The pictures of a training over HTTP, asked for with raw requests: each drawn once, whoever asks how often."""

import asyncio
import os
import shutil
import threading
import time

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from playground import access
from playground.errors import BadInput
from playground.gatekeeper import Gatekeeper
from playground.lora import sheet, sheets
from playground.visits import Door
from tabs import _private
from tests.lora.test_sheet import trained

ID = "j" * 22


class Site:
    """A web app with the address alone, over one training; counts what is drawn."""

    def __init__(self, folder, settings, monkeypatch, limits=""):
        self.job, self.drawn, self.at_once = trained(folder), [], 0
        self.job.kind = "lora"
        self.settings, self.jobs = settings, self
        self.app = FastAPI()
        self.app.auth = self.app.auth_dependency = None
        _private.install(self.app, self)
        self.web = Gatekeeper(self.app, Door(access.CLASS, access.limits(access.CLASS, limits)))
        self.drawing = threading.Lock()
        for name, draw in sheets.DRAWN.items():
            monkeypatch.setitem(sheets.DRAWN, name, self.counted(name, draw))

    def get(self, job_id):
        """As the list of jobs answers."""
        if job_id != ID:
            raise BadInput("There is no such job.", "Copy the link again.")
        return self.job

    def counted(self, name, draw):
        def drawing(*values):
            self.drawn.append(name)
            self.at_once += self.drawing.locked()
            with self.drawing:
                time.sleep(0.05)  # so that others have come meanwhile
                return draw(*values)
        return drawing

    def ask(self, *names, job_id=ID):
        """The answers to requests sent at once."""
        async def every():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.web), base_url="http://127.0.0.1") as http:
                return await asyncio.gather(*(http.get(f"/private/{job_id}/{name}") for name in names))
        return asyncio.run(every())


@pytest.fixture
def site(tmp_path, settings, monkeypatch):
    return Site(tmp_path / "job", settings, monkeypatch)


@pytest.mark.parametrize(("name", "kind"), [("grid.png", "image/png"), ("steps.gif", "image/gif")])
def test_a_sheet_is_drawn_once(site, name, kind):
    first, = site.ask(name)
    second, = site.ask(name)
    assert (first.status_code, first.headers["content-type"]) == (200, kind)
    assert second.content == first.content
    assert second.headers["cache-control"] == "private, no-store"
    assert site.drawn == [name]


def test_who_asks_at_once_is_answered_by_one_drawing(site):
    answers = site.ask(*["grid.png", "steps.gif"] * 10)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 2
    assert sorted(site.drawn) == ["grid.png", "steps.gif"]
    assert site.at_once == 0, "one drawing at a time"


def test_a_new_sample_is_drawn_and_the_old_sheet_goes(site):
    before, = site.ask("grid.png")
    path = sheet.sample(site.job, 40, 0)
    Image.new("RGB", (64, 64), "white").save(path)
    os.utime(path, ns=(1, 1))
    after, = site.ask("grid.png")
    site.job.progress = {"samples": [0, 40]}
    shorter, = site.ask("grid.png")
    assert len({before.content, after.content, shorter.content}) == 3
    assert len(list((site.job.folder / sheets.FOLDER).iterdir())) == 1


def test_the_mark_is_part_of_what_is_drawn(site):
    plain, seen = (sheets.drawn(site.job, "grid.png", visible) for visible in (False, True))
    assert plain != seen
    assert sheets.kept(site.job, "grid.png", True) == seen
    assert sheets.kept(site.job, "grid.png", False) is None


def test_a_disk_that_takes_nothing_still_gets_an_answer(site):
    (site.job.folder / sheets.FOLDER).touch()  # a file where a folder should be
    answer, = site.ask("grid.png")
    assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")


def test_a_training_deleted_meanwhile_stays_away(site):
    shutil.rmtree(site.job.folder)
    assert [answer.status_code for answer in site.ask("grid.png", "steps.gif", "sample-40-0.png")] == [404] * 3
    sheets.storage.attempt(sheets.keep, site.job.folder / sheets.FOLDER / "x-grid.png", b"late")
    assert not site.job.folder.exists()


def test_without_the_id_there_is_nothing(site):
    site.ask("grid.png")
    for guess in ("k" * 22, ID[:-1], ID.upper()):
        assert [answer.status_code for answer in site.ask("grid.png", "sample-40-0.png", job_id=guess)] == [404, 404]
    assert [answer.status_code for answer in site.ask("other.png", f"{sheets.FOLDER}")] == [404, 404]


def test_an_address_may_not_ask_without_end(tmp_path, settings, monkeypatch):
    site = Site(tmp_path / "job", settings, monkeypatch, "joins_address=5")
    codes = [answer.status_code for answer in site.ask(*["sample-40-0.png"] * 7)]
    assert (codes.count(200), codes.count(429)) == (5, 2)
