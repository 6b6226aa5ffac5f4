"""Turns between visitors in a line of waiting events, whatever comes, is served or is given up."""

import asyncio
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from playground import fair
from playground.fair import FairLine, Presence


@dataclass(eq=False)
class Asked:
    """An event that waits."""

    who: str
    name: str


def line_of(*names):
    line = FairLine(lambda event: event.who)
    for name in names:
        line.append(Asked(name[0], name))
    return line


def served(line, count=None):
    """The names of the next ones, in order."""
    names = []
    while line and (count is None or len(names) < count):
        event = line.choose({}, 1)
        names.append(event.name)
        line.take(event)
    return names


def test_a_second_event_goes_after_the_first_of_another():
    assert served(line_of("a1", "a2", "a3", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_one_who_is_served_has_had_his_turn():
    line = line_of("a1", "a2", "a3")
    assert served(line, 1) == ["a1"]
    for name in ("b1", "b2"):
        line.append(Asked("b", name))
    assert served(line) == ["b1", "a2", "b2", "a3"]


def test_one_at_a_time_comes_no_more_often_than_many_at_once():
    line = line_of("a1", "a2", "a3", "b1")
    order = served(line, 2)
    line.append(Asked("b", "b2"))  # only now, after b1 was answered
    order += served(line, 2)
    line.append(Asked("b", "b3"))
    assert [*order, *served(line)] == ["a1", "b1", "a2", "b2", "a3", "b3"]


def test_a_crowd_of_made_up_visitors_delays_those_at_its_own_address_alone():
    line = FairLine(lambda event: event.who, lambda event: "near" if event.who[0] == "e" else "far")
    for number in range(20):
        line.append(Asked(f"e{number}", f"e{number}"))
    order = served(line, 1)
    for name in ("a1", "a2", "b1"):
        line.append(Asked(name[0], name))
    for number in range(20, 23):  # and goes on making up new ones
        order += served(line, 2)
        line.append(Asked(f"e{number}", f"e{number}"))
    assert order == ["e0", "a1", "e1", "b1", "e2", "a2", "e3"]


def test_an_address_that_is_full_waits_and_holds_up_nobody():
    line = FairLine(lambda event: event.who, lambda event: event.who)
    for name in ("a1", "b1"):
        line.append(Asked(name[0], name))
    assert line.choose({}, 2, {"a"}).name == "b1"
    assert line.choose({}, 2, {"a", "b"}) is None


def test_what_is_given_up_costs_no_turn():
    line = line_of("a1", "b1", "b2", "b3")
    for event in [event for event in line if event.who == "b"]:
        line.remove(event)
    line.append(Asked("a", "a2"))
    line.append(Asked("b", "b4"))
    assert served(line) == ["a1", "b4", "a2"]


def test_who_has_the_fewest_under_way_goes_first():
    line = line_of("a1", "a2", "b1", "c1")
    assert line.choose({"a": 2, "b": 1, "c": 1}, 8).name == "b1"
    assert line.choose({"a": 1, "b": 1, "c": 1}, 8).name == "a1", "of equal ones, whose turn it is"


def test_who_has_his_share_waits_and_holds_up_nobody():
    line = line_of("a1", "a2", "b1")
    assert line.choose({"a": 2}, 2).name == "b1"
    line.take(line.choose({"a": 2}, 2))
    assert line.choose({"a": 2}, 2) is None
    assert [event.name for event in line] == ["a1", "a2"], "he stays in the line"
    assert line.choose({"a": 1}, 2).name == "a1"


@given(st.lists(st.one_of(st.sampled_from("abcd"), st.none(), st.integers(0, 5)), max_size=60))
def test_whatever_comes_nobody_is_lost_or_overtaken_twice(steps):
    line, number, waits, history = line_of(), 0, {}, []
    for step in steps:
        if isinstance(step, str):
            number += 1
            event = Asked(step, f"{step}{number}")
            line.append(event)
            waits[event] = []
        elif line and step is None:
            event = line[0]
            assert event is next(each for each in waits if each.who == event.who), "his own events keep their order"
            line.take(event)
            history.append(event)
            waits.pop(event)
            for other in waits:
                waits[other].append(event.who)
        elif line and step < len(line):
            waits.pop(event := line[step])
            line.remove(event)
        assert sorted(event.name for event in line) == sorted(event.name for event in waits)
        for event, passed in waits.items():
            ahead = next(each for each in waits if each.who == event.who) is event
            if ahead:  # while the same event waits as its visitor's next, another is served twice at most: his turn
                others = {who: passed.count(who) for who in set(passed) - {event.who}}
                own = passed.count(event.who)
                assert all(times <= own + 2 for times in others.values())


def test_long_use_keeps_little_in_memory():
    line = line_of()
    for number in range(2000):
        line.append(Asked(f"visitor {number}", str(number)))
        served(line)
    assert (len(line._visitors), len(line._addresses), len(line._arrived)) == (1, 1, 0)
    for number in range(2000):
        line.append(Asked(f"visitor {number}", str(number)))
        served(line, int(number > 3))
    assert (len(line._visitors), len(line._arrived), len(line)) == (fair.KEPT, 4, 4)


def test_somebody_listens_as_long_as_one_stream_is_open():
    presence = Presence()
    with presence.listening(["s", "t"], None):
        with presence.listening(["s"], None):
            assert "s" in presence
        assert "s" in presence
        assert "t" in presence
    assert "s" not in presence
    assert not presence._open


def test_what_a_reader_may_not_have_yet_is_counted():
    presence, seen, reading = Presence(), [], asyncio.Event()

    async def send(message):
        seen.append(presence.unsent("s"))
        if len(seen) > 1:  # the web server takes no more before the part before is read
            await reading.wait()

    async def stream():
        with presence.listening(["s"], send) as sent:
            await sent({"type": "http.response.start"})
            task = asyncio.create_task(sent({"body": b"x" * 1000}))
            await asyncio.sleep(0)
            seen.append(presence.unsent("s"))
            reading.set()
            await task
            await sent({"body": b"x" * 10})
            seen.append(presence.unsent("s"))
        seen.append(presence.unsent("s"))

    asyncio.run(stream())
    assert seen == [0, 1000, 1000, 1010, 10, 0]
    assert not presence._unsent
