"""What the server keeps for each open page: as much as Gradio's own sessions do for events, and little memory."""

import tracemalloc

import gradio as gr
import numpy as np
import pytest
from gradio.state_holder import SessionState

import app
from playground.settings import Settings
from tabs._sessions import LeanSession, LeanSessions, one_of_most

CONNECTIONS = 50


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return app.build_page(app.build_context(Settings(data_dir=tmp_path_factory.mktemp("data"), offline=True)))


@pytest.fixture
def sessions(page):
    holder, before = LeanSessions(), getattr(page, "state_holder", None)
    holder.set_blocks(page)
    yield holder
    page.state_holder = before


def state_of(page) -> gr.State:
    return next(block for block in page.blocks.values() if isinstance(block, gr.State))


def test_it_has_all_that_gradios_own_has(page):
    assert vars(LeanSession(page)).keys() - {"sizes"} == vars(SessionState(page)).keys()


def test_fifty_open_pages_take_little(sessions):
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(CONNECTIONS):
        assert isinstance(sessions[f"s{number}"], LeanSession)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken / CONNECTIONS < 0.2e6  # bytes; Gradio's own takes 1.7 million


def test_a_state_is_kept_for_its_session_alone(page, sessions):
    state = state_of(page)
    sessions["a"][state._id] = {"mine": 1}
    assert sessions["a"][state._id] == {"mine": 1}
    assert sessions["b"][state._id] == state.value
    assert [value for _, value, _ in sessions["a"].state_components] == [{"mine": 1}]


def test_a_component_that_an_event_replaced_is_kept_without_its_settings(page, sessions):
    text = next(block for block in page.blocks.values() if isinstance(block, gr.Textbox))
    other = gr.Textbox(label="another", render=False)
    session = sessions["a"]
    session[text._id] = other
    session._update_config(text._id)
    session._update_value_in_config(text._id, "a long text")
    assert session[text._id] is other
    assert sessions["b"][text._id] is text
    assert not list(session.components)


def test_the_oldest_goes_when_there_are_too_many(page, sessions):
    sessions.capacity = 2
    for name in ("a", "b", "a", "c"):
        sessions[name]
    assert "b" not in sessions
    assert "a" in sessions


def test_a_browsers_states_are_forgotten_on_all_its_pages(page):
    state, before = state_of(page), getattr(page, "state_holder", None)
    holder = LeanSessions(lambda session: OWNERS.get(session, ("", "")))
    holder.set_blocks(page)
    for name in (*OWNERS, "script", "another script"):
        holder[name][state._id] = "mine"
    for name in ("b1", "script"):
        holder.forget(name)
    page.state_holder = before
    kept = [name for name in holder.session_data if holder.session_data[name].state_data]
    assert kept == ["a1", "c1", "another script"]
    assert holder["b2"][state._id] == state.value


OWNERS = {"a1": ("ada", "1.1.1.1"), "b1": ("bob", "1.1.1.1"), "b2": ("bob", "1.1.1.1"), "c1": ("cy", "2.2.2.2")}


@pytest.mark.parametrize(("sessions", "gone"), [
    (["a1", "b1", "b2", "c1"], "b1"),  # of who holds most at the address that holds most
    (["c1", "a1", "b1"], "a1"), (["c1", "a1"], "c1"), (["x", "y", "a1", "b1", "z"], "x")])
def test_who_goes_when_there_are_too_many(sessions, gone):
    assert one_of_most(sessions, lambda session: OWNERS.get(session, ("", ""))) == gone


def test_who_invents_sessions_displaces_his_own(page):
    before = getattr(page, "state_holder", None)
    holder = LeanSessions(lambda session: ("", "6.6.6.6") if session[0] == "e" else ("ada", "1.1.1.1"))
    holder.set_blocks(page)
    holder.capacity = 5
    for name in ("ada 1", "ada 2", *(f"e{number}" for number in range(50))):
        holder[name]
    assert list(holder.session_data) == ["ada 1", "ada 2", "e47", "e48", "e49"]
    assert holder.time_last_used.keys() == holder.session_data.keys()
    page.state_holder = before


@pytest.fixture
def crowded(page):
    before = getattr(page, "state_holder", None)
    holder = LeanSessions(lambda session: OWNERS.get(session, ("", "")), most=1_000_000)
    holder.set_blocks(page)
    yield holder
    page.state_holder = before


def test_states_that_take_too_much_go_of_who_holds_most(page, crowded):
    state = state_of(page)
    for name, size in (("c1", 200_000), ("b1", 100_000), ("a1", 350_000), ("b2", 300_000)):
        crowded[name][state._id] = np.zeros(size, np.uint8)
    crowded["c1"]
    assert [len(crowded[name].state_data) for name in ("a1", "b1", "b2", "c1")] == [1, 1, 1, 1]
    crowded["c1"][state._id] = np.zeros(300_000, np.uint8)  # 1.05 MB: bob has most, and b1 is what he left
    crowded["c1"]
    assert [len(crowded.session_data[name].state_data) for name in ("a1", "b1", "b2", "c1")] == [1, 0, 1, 1]
    assert crowded["b1"][state._id] == state.value
    crowded["b1"][state._id] = np.zeros(2_000_000, np.uint8)
    crowded["a1"]
    assert sum(session.bytes for session in crowded.session_data.values()) <= 1_000_000
    assert "a1" in crowded.session_data and crowded["c1"].bytes > 300_000


def test_a_state_that_is_replaced_or_forgotten_counts_no_more(page, crowded):
    state = state_of(page)
    for _ in range(20):
        crowded["a1"][state._id] = np.zeros(300_000, np.uint8)
    assert 300_000 < crowded["a1"].bytes < 310_000
    crowded["a1"][state._id] = None
    assert crowded["a1"].bytes < 100
    crowded["a1"][state._id] = np.zeros(300_000, np.uint8)
    crowded["a1"]._state_ttl[state._id] = (0, crowded["a1"]._state_ttl[state._id][1])
    crowded.delete_all_expired_state()
    assert crowded["a1"].bytes == 0
