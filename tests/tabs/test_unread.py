"""What lies unread is counted by whose it is, in about as many bytes as it takes."""

import asyncio
from types import SimpleNamespace

import pytest

from playground.fair import Presence
from tabs import _unread
from tabs._unread import Unread


@pytest.fixture
def queue():
    return SimpleNamespace(pending_messages_per_session={})


@pytest.fixture
def unread(queue, monkeypatch):
    monkeypatch.setattr(_unread, "MINE", 1000)
    monkeypatch.setattr(_unread, "NEAR", 2500)
    return Unread(queue, Presence(), far=5000)


def put(unread, queue, session, whose, size):
    line = queue.pending_messages_per_session.setdefault(session, asyncio.Queue())
    message = SimpleNamespace(output="x" * size)
    line.put_nowait(message)
    unread.came(f"event of {session}", session, whose, message)


def test_sessions_of_one_visitor_count_together(unread, queue):
    for session in ("a", "b"):
        put(unread, queue, session, ("ada", "1.1.1.1"), 600)
    put(unread, queue, "c", ("bea", "1.1.1.1"), 600)
    assert unread.too_much() == ({"ada"}, set())


def test_at_an_address_with_much_unread_less_is_too_much_and_who_reads_goes_on(unread, queue):
    for number in range(4):
        put(unread, queue, f"s{number}", (f"made up {number}", "1.1.1.1"), 700)
    put(unread, queue, "r", ("reader", "1.1.1.1"), 10)
    put(unread, queue, "x", ("other", "2.2.2.2"), 700)
    assert unread.too_much() == ({f"made up {number}" for number in range(4)}, set())
    for number in range(4, 8):
        put(unread, queue, f"s{number}", (f"made up {number}", "1.1.1.1"), 700)
    assert unread.too_much()[1] == {"1.1.1.1"}


def test_what_was_read_counts_no_more_and_leaves_no_note(unread, queue):
    for _ in range(3):
        put(unread, queue, "a", ("ada", ""), 600)
    line = queue.pending_messages_per_session["a"]
    assert unread.too_much() == ({"ada"}, set())
    while not line.empty():
        line.get_nowait()
    assert unread.too_much() == (set(), set())
    assert not unread._whose and not unread._sizes
    put(unread, queue, "a", ("ada", ""), 600)
    assert unread.too_much() == (set(), set())


def test_what_was_taken_out_unread_counts_no_more(unread, queue):
    for size in (1200, 100):
        put(unread, queue, "a", ("ada", ""), size)
    assert unread.too_much() == ({"ada"}, set())
    queue.pending_messages_per_session["a"].get_nowait()
    unread.count_anew("a")
    assert unread.too_much() == (set(), set())
    assert 0 < unread.of("a") < 300


async def send(message):
    """The web server takes all that it is given."""


def test_what_is_on_its_way_counts_as_well(unread, queue):
    async def stream():
        with unread._presence.listening(["a"], send) as sent:
            put(unread, queue, "a", ("ada", "1.1.1.1"), 1200)
            queue.pending_messages_per_session["a"].get_nowait()
            assert unread.too_much() == (set(), set()), "between the line and the web server for a moment"
            await sent({"body": b"x" * 1200})
            assert unread.too_much() == ({"ada"}, set())
        assert unread.too_much() == (set(), set())

    asyncio.run(stream())


def test_a_stream_of_one_event_counts_for_its_session(unread, queue):
    async def stream():
        with unread._presence.listening(["event of a"], send) as sent:
            put(unread, queue, "a", ("ada", "1.1.1.1"), 1200)
            queue.pending_messages_per_session["a"].get_nowait()
            await sent({"body": b"x" * 1200})
            assert unread.too_much() == ({"ada"}, set())
            for number in range(200):
                unread.came(f"another {number}", "a", ("ada", "1.1.1.1"), SimpleNamespace(output=""))
            assert unread.too_much() == ({"ada"}, set())
            assert len(unread._events["a"]) <= _unread.EVENTS
        assert unread.too_much() == (set(), set())
        assert not unread._events

    asyncio.run(stream())
