"""What a visitor deletes is gone from the disk to the last byte, and nothing of anybody else is."""

import dataclasses
import time

import numpy as np
import pytest
from PIL import Image

from playground import erasure
from playground.context import build_context
from playground.errors import BadInput, PlaygroundError
from playground.evaluation import pictures as references
from playground.evaluation import runs
from playground.evaluation.plan import Case, Plan, Prompt, Provider
from playground.gan.lab import client, data, own, presets, trained
from playground.gan.lab.settings import PICTURES, RunSettings
from playground.gan.lab.settings import Plan as Training
from playground.lora import draft
from playground.lora.photos import Photo
from tests.servers import picture

RUN = Training((RunSettings(data=PICTURES, batch=16, updates=20_000),), ("own",))


@pytest.fixture
def page(settings, tmp_path):
    """An engine with a data folder of its own."""
    made = build_context(dataclasses.replace(settings, data_dir=tmp_path, models_dir=None))
    yield made
    for job_id in made.jobs.table.known():
        made.jobs.delete(job_id)


def files_of(context):
    """Every byte of the data folder, by file."""
    return {path: path.read_bytes() for path in context.settings.data_dir.rglob("*") if path.is_file()}


def holding(context, *marks):
    """The files that hold one of these bytes."""
    return [path.name for path, content in files_of(context).items() if any(mark in content for mark in marks)]


def own_run(context, token):
    """A run under way on the visitor's pictures; the pixels of one of them as bytes."""
    own.keep(context, token, [picture(seed) for seed in range(data.FEWEST_PICTURES)])
    job = client.start(context, token, RUN, {"pictures": str(own.place(context, token))})
    deadline = time.monotonic() + 120
    while not (job.folder / client.SET).exists() or not client.look(context, job.id).frame:
        assert time.monotonic() < deadline, context.jobs.get(job.id)
        time.sleep(0.1)
    return job, context.visitors.place(token) / own.NAME


def evaluation(context, token):
    """A run with a reference picture of the visitor; a piece of the picture as it stands in the list of jobs."""
    uri = references.reference(picture(77))
    asked = Plan((Prompt("a {{thing}}"),), (Provider("ngram:moby-dick:words:3"),),
                 (Case({"thing": "shark", "reference": "mine"}),), pictures={"mine": uri})
    run = runs.add(context, runs.sized(context, asked)[0], context.visitors.name(token), here=True)
    return run, uri[500:560].encode()


def test_a_lab_run_goes_with_its_process_pictures_and_generator(page):
    token, other = page.visitors.new(), page.visitors.new()
    kept = page.visitors.place(other) / own.NAME
    own.keep(page, other, [picture(seed) for seed in range(100, 120)])
    job, pictures = own_run(page, token)
    (page.visitors.place(token) / own.GENERATOR).write_bytes(b"brought along")
    mark = pictures.read_bytes()[200:264]
    assert set(holding(page, mark)) >= {own.NAME, client.SET}  # the visitor's folder and the run's own
    process = page.jobs.get(job.id).process
    assert page.jobs.runner.alive(process)

    with page.cache.lease(trained.spec(client.checkpoint(page, job.id))):
        pass
    done = erasure.of_lab(page, token)
    assert done.jobs == {client.KIND: 1}
    assert done.files > 4
    assert not page.jobs.runner.alive(process)
    assert not job.folder.exists()
    assert not holding(page, mark, b"brought along", job.id.encode())
    assert not [row for row in page.cache.stats()["models"] if row["name"].startswith("gan-lab")]
    with pytest.raises(BadInput):
        client.look(page, job.id)
    assert kept.exists()


def test_everything_is_everything_of_the_visitor_and_of_nobody_else(page):
    token, other = page.visitors.new(), page.visitors.new()
    for each in (token, other):
        photo = Photo("me.png", noise(each == token))
        draft.add(page, each, [photo], "a photo of zzquokka")
    lab, _ = own_run(page, token)
    run, mark = evaluation(page, token)
    theirs, _ = evaluation(page, other)
    mine = [path.read_bytes() for path in (page.visitors.place(token) / draft.FOLDER).glob("*.png")]
    assert "jobs.db-wal" in holding(page, mark)

    done = erasure.everything(page, token)
    assert (done.photos, done.jobs) == (1, {"gan-lab": 1, runs.KIND: 1})
    assert not (page.visitors.folder / page.visitors.name(token)).exists()
    assert not holding(page, *mine, lab.id.encode(), run.id.encode(), page.visitors.name(token).encode())
    assert len(draft.items(page, other)) == 1
    assert page.jobs.get(theirs.id).visitor == page.visitors.name(other)
    assert erasure.everything(page, token) == erasure.Gone(0, {}, 0)

    assert holding(page, mark)  # the other visitor gave the same picture
    erasure.everything(page, other)
    assert not holding(page, mark)


def noise(mine):
    return Image.fromarray(np.random.default_rng(int(mine)).integers(0, 256, (64, 64, 3), dtype=np.uint8))


@pytest.mark.parametrize("token", ["", "..", None, "A" * 21, "A" * 22 + "/..", 7, ["A" * 22]])
def test_what_is_no_token_deletes_nothing(page, token):
    draft.folder(page, page.visitors.new())
    before = sorted(page.visitors.folder.iterdir())
    for erase in (erasure.everything, erasure.of_lab):
        with pytest.raises(BadInput):
            erase(page, token)
    assert sorted(page.visitors.folder.iterdir()) == before


def test_a_run_that_is_deleted_while_this_process_writes_it_leaves_nothing(page):
    token = page.visitors.new()
    run, _ = evaluation(page, token)
    steps = runs.here(page, run)
    next(steps)
    erasure.everything(page, token)
    run.job.folder.mkdir()  # as a picture that was just drawn would
    with pytest.raises(PlaygroundError):
        list(steps)
    assert not run.job.folder.exists()


def test_presets_are_not_ended_by_the_deletion_of_another_visitor(page):
    job = client.start(page, page.visitors.new(), presets.PRESETS[0].plan)
    erasure.of_lab(page, page.visitors.new())
    assert page.jobs.get(job.id).state in ("queued", "running")
