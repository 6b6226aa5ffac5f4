"""Forks and settings side by side: the same state goes on exactly, and only what was changed changes."""

import numpy as np
import pytest
import torch

from playground.diffusion import branches, requests, schedulers, trace
from playground.errors import BadInput

pytestmark = pytest.mark.models


def run(context, **values):
    settings = {"steps": 6, "seed": 3, "guidance": 3.0, **values}
    return list(trace.draw(context, requests.check("a red cat", **settings)))[-1]


@pytest.mark.parametrize("scheduler", schedulers.names("pocket"))
def test_a_fork_with_nothing_changed_is_the_same_run_bit_for_bit(tiny, scheduler):
    made = run(tiny, scheduler=scheduler)
    again = list(branches.fork(tiny, made, 3))[-1]
    assert all(torch.equal(a, b) for a, b in zip(made.states, again.states, strict=True))
    assert np.array_equal(made.film.final, again.film.final)
    # decoded in batches of other sizes, in which sums may be taken in another order
    assert np.abs(made.film.clean.astype(int) - again.film.clean).max() <= 1


def test_a_fork_shares_what_was_before_it_and_nothing_after(tiny):
    made = run(tiny)
    other = list(branches.fork(tiny, made, 3, prompt="a dog"))[-1]
    assert all(torch.equal(a, b) for a, b in zip(made.states[:4], other.states[:4], strict=True))
    assert not torch.equal(made.states[4], other.states[4])
    assert other.request.prompt == "a dog"
    assert len(other.film.clean) == 6


def test_a_fork_at_the_start_is_a_run_of_its_own(tiny):
    other = list(branches.fork(tiny, run(tiny), 0, guidance=7.0))[-1]
    assert np.array_equal(other.film.final, run(tiny, guidance=7.0).film.final)


@pytest.mark.parametrize("at", [-1, 6, 2.5, None])
def test_a_fork_outside_the_run_is_refused(tiny, at):
    with pytest.raises(BadInput, match="step to fork at"):
        list(branches.fork(tiny, run(tiny), at))


def test_side_by_side_is_each_alone(tiny):
    request = requests.check("a red cat", steps=4, seed=3)
    wanted = branches.guidances(request, "1, 3; 8")
    *frames, made = branches.side_by_side(tiny, wanted)
    assert [each.request.guidance for each in made] == [1, 3, 8]
    for each in made:
        alone = run(tiny, steps=4, guidance=each.request.guidance)
        assert np.array_equal(each.film.final, alone.film.final)
    assert {frame.step for frame in frames[-1]} == {4}


def test_two_schedulers_in_lockstep(tiny):
    wanted = [requests.check("a red cat", steps=4, scheduler=name) for name in ("DDIM", "Heun")]
    made = list(branches.side_by_side(tiny, wanted))[-1]
    assert [each.steps for each in made] == [4, 7]


@pytest.mark.parametrize("values", ["", "1", "1,2,3,4,5,6,7", "1, x", "1, 99"])
def test_lists_of_guidances_that_cannot_be(tiny, values):
    with pytest.raises(BadInput):
        list(branches.side_by_side(tiny, branches.guidances(requests.check("cat"), values)))
