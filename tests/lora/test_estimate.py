"""The estimate before a training: real steps on a pipeline of its own, of which nothing stays; what does not fit."""

import itertools
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from playground import devices
from playground.context import build_context
from playground.diffusion import models
from playground.errors import PlaygroundError
from playground.lora import estimate, job, learning, plan
from tests.diffusion import tiny_pipelines


@pytest.fixture(scope="module")
def small(settings, tmp_path_factory):
    """A context with small pipelines, whose cache is its own."""
    root = tmp_path_factory.mktemp("models")
    tiny_pipelines.save_pocket(root)
    tiny_pipelines.save_sd(root)
    return build_context(replace(settings, models_dir=root, data_dir=tmp_path_factory.mktemp("data")))


def planned(**values):
    return plan.check({"trigger": "joshug", "steps": 40, "rank": 2, "alpha": 2, "batch": 2, "sample_every": 20,
                       "sample_steps": 2, **values})


def measured(context, wanted):
    side = wanted.resolution
    pictures = np.random.default_rng(0).integers(0, 256, (4, side, side, 3), dtype=np.uint8)
    return estimate.measure(context, wanted, pictures, ["a photo of [trigger]"] * 4)


def held(context):
    return {(row["name"], row["variant"]) for row in context.cache.stats()["models"]}


@pytest.mark.parametrize("values", [{}, {"prior_weight": 0.5, "targets": plan.WIDE}], ids=["plain", "prior"])
def test_a_training_is_measured_and_nothing_stays(small, values):
    shared = models.spec(small, models.POCKET)
    with small.cache.lease(shared) as pipe:
        before = {name: value.clone() for name, value in pipe.unet.state_dict().items()}
    told = measured(small, planned(**values))
    assert told.fits
    assert told.reason == ""
    assert 0 < told.seconds_step < told.seconds
    assert 0 < told.seconds_sample < told.seconds
    with small.cache.lease(shared) as pipe:
        after = pipe.unet.state_dict()
        assert after.keys() == before.keys()  # no adapter was put onto the pipeline that the tabs share
        assert all(torch.equal(value, after[name]) for name, value in before.items())
        assert told.memory > models.measure(pipe)
    assert {variant for name, variant in held(small) if name == models.POCKET} == {"inference"}


def test_the_whole_is_reckoned_from_its_parts(small):
    wanted = planned(prior_weight=0.5)  # samples after 0, 20 and 40 steps, of two prompts, two seeds each
    told = estimate.reckoned(small, wanted, estimate.Timed(load=3, lesson=5, step=0.5, sample=2, memory=7))
    assert told.seconds == 2 * 3 + 5 + 40 * 0.5 + (3 * 2 * 2 + job.PRIORS + 1) * 2
    assert (told.seconds_step, told.seconds_sample, told.memory, told.fits) == (0.5, 2, 7, True)


def test_a_model_that_cannot_be_loaded_does_not_fit(small):
    tight = build_context(replace(small.settings, memory_budget=1000))
    told = measured(tight, planned())
    assert not told.fits
    assert "may take" in told.reason
    assert told.memory == 0


def test_steps_that_need_more_than_there_is_do_not_fit(small):
    budget = small.cache.stats()["devices"]["cpu"]["budget"]
    told = estimate.reckoned(small, planned(), estimate.Timed(1, 1, 1, 1, memory=budget + 1))
    assert not told.fits
    assert "smaller batch" in told.reason


def test_running_out_of_memory_in_a_step_is_an_answer(small, monkeypatch):
    def fail(learner):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    monkeypatch.setattr(learning.Learner, "learn", fail)
    told = measured(small, planned())
    assert not told.fits
    assert "ran out of memory" in told.reason
    assert not any("estimate" in variant for _, variant in held(small))


def test_what_is_wrong_with_the_training_itself_is_raised(small, monkeypatch):
    def fail(learner):
        raise PlaygroundError("The loss is no number at step 1.", "Lower the learning rate.")

    monkeypatch.setattr(learning.Learner, "learn", fail)
    with pytest.raises(PlaygroundError, match="no number"):
        measured(small, planned())
    assert not any("estimate" in variant for _, variant in held(small))
    assert small.gate.state().busy == ""


def test_slow_steps_are_fewer(small, monkeypatch):
    taken = []
    real = learning.Learner.learn
    monkeypatch.setattr(learning.Learner, "learn", lambda learner: taken.append(real(learner)))
    monkeypatch.setattr(estimate, "PATIENCE", 1e-9)
    assert measured(small, planned(batch=1)).seconds_step > 0
    assert len(taken) == 1


def test_a_batch_that_could_not_fit_is_refused_before_it_is_tried(small, monkeypatch):
    batches, real = [], learning.Learner.learn
    monkeypatch.setattr(learning.Learner, "learn", lambda learner: batches.append(learner.plan.batch) or real(learner))
    budget = small.cache.stats()["devices"]["cpu"]["budget"]
    grown = itertools.count(step=budget // 4)
    monkeypatch.setattr(estimate, "resident", lambda: next(grown))
    told = measured(small, planned(batch=32))
    assert not told.fits
    assert "A batch of 32 takes about" in told.reason
    assert batches == [1]


def test_another_family_is_measured_as_well(small):
    assert measured(small, planned(model=tiny_pipelines.SD, resolution=64)).fits


def test_two_visitors_at_once_do_not_share_a_pipeline(small):
    told = []
    threads = [threading.Thread(target=lambda: told.append(measured(small, planned()))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.fits for each in told] == [True, True]


def test_growth_sees_what_comes_and_goes():
    code = ("import threading, numpy as np\n"
            "from playground.lora import estimate\n"
            "with estimate.Growth('cpu') as growth:\n"
            "    block = np.ones(80_000_000, dtype=np.uint8)\n"
            "    threading.Event().wait(10 * estimate.WATCH)\n"
            "    del block\n"
            "print(growth.bytes)")
    # a process of its own: in this one earlier tests' memory may be given back meanwhile
    grown = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 70_000_000 < grown < devices.memory("cpu").total
