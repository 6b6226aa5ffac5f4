"""Whose job is next: senders take turns, whatever they call themselves and however many jobs each of them has."""

from types import SimpleNamespace

import hypothesis
from hypothesis import strategies

from playground.turns import in_turn


def job(sender, address="", queued=0.0):
    return SimpleNamespace(sender=sender, address=address, queued=queued)


def names(jobs):
    return [each.sender for each in jobs]


def test_a_second_job_goes_after_the_first_of_every_other():
    assert names(in_turn([job("a", queued=1), job("a", queued=2), job("b", queued=3)], {})) == ["a", "b", "a"]


def test_who_was_served_longest_ago_is_next():
    assert names(in_turn([job("a", queued=1), job("b", queued=2), job("c", queued=3)], {"a": 2, "b": 1})) == \
        ["c", "b", "a"]


def test_invented_visitors_delay_those_at_their_own_address():
    crowd = [job(f"v{number}", "6.6.6.6", number) for number in range(10)]
    assert names(in_turn([*crowd, job("ada", "1.1.1.1", 99)], {}))[:2] == ["v0", "ada"]
    assert names(in_turn([*crowd, job("ada", "1.1.1.1", 99)], {"6.6.6.6": 7}))[0] == "ada"


def test_who_may_start_no_more_goes_last():
    assert names(in_turn([job("a", queued=1), job("b", queued=2)], {"b": 5}, {"a"})) == ["b", "a"]


sent = strategies.lists(strategies.tuples(strategies.sampled_from("abcd"), strategies.sampled_from("xy")), max_size=12)


@hypothesis.given(sent, strategies.dictionaries(strategies.sampled_from("abcdxy"), strategies.integers(1, 9)))
def test_all_have_a_place_and_no_sender_overtakes_himself(sent, served):
    jobs = [job(sender, address, number) for number, (sender, address) in enumerate(sent)]
    order = in_turn(jobs, served)
    assert sorted(each.queued for each in order) == [each.queued for each in jobs]
    for one in set(sent):
        mine = [each.queued for each in order if (each.sender, each.address) == one]
        assert mine == sorted(mine)
