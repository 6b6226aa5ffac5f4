"""Every event of the page, sent what no control holds: it answers, or says in words what is wrong.

Sent as the queue does it, by Gradio's own reading of what was sent; models and jobs refuse at once, as a page whose
machine is full, so that what is looked at is the arguments.
"""

import asyncio
import inspect
import json
import logging
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.events import EventData
from gradio.state_holder import SessionState
from gradio.utils import get_type_hints
from starlette.requests import Request

import app
from playground.context import build_context
from playground.errors import BadInput
from playground.lora import plan, sheet
from playground.settings import Settings
from tabs import _inputs, _lora_api, _lora_photos, _next_desk, _next_inside, _ui
from tests.raw_browser import Form

JOB, BARE = "A" * 22, "B" * 22  # trainings: one whose row says nothing of it, one that says little
ODD = [None, "", "x" * 3000, "half \ud800", "²-0-0-0", "A" * 22, [], [["a", 1]], {"a": 1}, -1, 10**400, float("nan"),
       True, "a file", "in a list"]
CLICKS = [None, [], "x", {"index": None, "value": None}, {"index": 10**400, "value": 1, "place": "nan", "column": -1},
          {"way": "", "place": "-9"}, {"way": "a,b", "place": ""}, {"way": "1," * 999, "place": ""}, {"place": [1]},
          {"cell": "²-0-0-0", "item": "x", "seen": []}, {"column": 0, "token": float("inf")}]
LINKS = ("job", "lab", "run", "prompt", "text", "model", "steps", "seed", "n", "unit", "start", "a", "expression")
TURNS = 3  # of a generator; by then it has read its arguments


class Guest(Form):
    """Sends events to a page in this process."""

    def __init__(self, page, uploads):
        super().__init__(page.get_config_file())
        self.page, self.file = page, uploads / "odd.png"
        self.functions = {inspect.unwrap(fn.fn): fn for fn in page.fns.values() if fn.fn}  # once, however triggered

    def usual(self, fn):
        """What a fresh page sends."""
        return [self.value(part._id, {}) for part in fn.inputs]

    def odd(self, value, usual):
        """A value of ODD; a file is made anew, since it is gone when it was read."""
        if value == "a file":
            self.file.write_bytes(b"no picture")
            return {"path": str(self.file), "orig_name": "odd.png", "meta": {"_type": "gradio.FileData"}}
        return [usual] if value == "in a list" else value

    def cases(self, fn):
        """(data, click, query) of everything that is sent to a function, one of them odd at a time."""
        usual = self.usual(fn)
        yield usual, {}, ""
        for place, part in enumerate(fn.inputs):
            if not part.stateful:  # a state is the server's own
                yield from (([*usual[:place], self.odd(value, usual[place]), *usual[place + 1:]], {}, "")
                            for value in ODD)
        if any(isinstance(hint, type) and issubclass(hint, EventData) for hint in get_type_hints(fn.fn).values()):
            yield from ((usual, click, "") for click in CLICKS)
        if getattr(fn.fn, "__qualname__", "") == "Shell.on_open.<locals>.once":  # the first look at a tab
            slug = inspect.getclosurevars(inspect.unwrap(fn.fn)).nonlocals["slug"]
            yield from ((usual, {}, f"tab={slug}&{name}={value}") for name in LINKS
                        for value in ("nan", "%ED%A0%80", JOB, BARE))

    async def send(self, fn, state, case):
        """What breaks: an error that is not said in words; None where all is well."""
        data, click, query = case
        state.state_data.clear()
        scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": query.encode()}
        asked, iterator = gr.Request(Request(scope), session_hash="odd"), None
        try:
            for _ in range(TURNS):
                answer = await self.page.process_api(fn, data, state, asked, iterator,
                                                     event_data=EventData(None, click))
                iterator = answer["iterator"]
                if not answer["is_generating"]:
                    return None
        except gr.Error as problem:
            return problem if "broke on our side" in str(problem.message) else None
        except Exception as problem:  # Gradio answers with nothing to read
            return problem


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    data = tmp_path_factory.mktemp("odd")
    uploads = data / "gradio" / "uploads" / "odd"
    uploads.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(data / "gradio"))
        context = build_context(Settings(port=0, device="cpu", offline=True, data_dir=data))
        for spec, job in (({}, JOB), ({"plan": {"trigger": "x"}}, BARE)):
            context.jobs.table.add(job, "lora", "somebody", spec, 3600.0)
        patch.setattr(context.cache, "lease", refuse)
        patch.setattr(context.jobs, "submit", refuse)
        page = app.build_page(context)
        _inputs.install(page)
        yield Guest(page, uploads)
        page.close()


def refuse(*_, **__):
    """In place of what takes long."""
    raise BadInput("Not now.", "Try again later.")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_event_breaks_at_what_no_control_holds(guest, caplog):
    broken, tried = {}, 0
    caplog.set_level(logging.CRITICAL)

    async def send_all():
        nonlocal tried
        for function, fn in guest.functions.items():
            state = SessionState(guest.page)
            for case in guest.cases(fn):
                tried += 1
                if problem := await guest.send(fn, state, case):
                    broken.setdefault(f"{function.__module__}:{function.__qualname__}", []).append(
                        f"{str(case)[:300]}: {problem.__cause__ or problem!r}"[:600])

    asyncio.run(send_all())
    assert tried > 5000
    assert not broken, json.dumps(broken, indent=1)


@pytest.mark.parametrize(("sent", "ask"), [
    (None, lambda told: told.text("cell")), ([], lambda told: told.text("cell")),
    ({"cell": None}, lambda told: told.text("cell")), ({"cell": ["a"]}, lambda told: told.text("cell")),
    ({"at": "x"}, lambda told: told.number("at")), ({"at": "nan"}, lambda told: told.whole("at", 9)),
    ({"at": -1}, lambda told: told.whole("at", 9)), ({"at": "1" * 5000}, lambda told: told.whole("at", 9))])
def test_a_click_that_tells_nothing_useful_is_said(sent, ask):
    with pytest.raises(BadInput):
        ask(_ui.Told(None, sent))


def test_a_click_is_read():
    told = _ui.Told(None, {"cell": "0-1-2-3", "at": "4", "place": 7})
    assert (told.text("cell"), told.whole("at", 9), told.whole("place", 7)) == ("0-1-2-3", 4, 7)


@pytest.mark.parametrize("click", [("", "-9"), ("", "0"), ("a,b", ""), ("1," * 9, ""), ("", "²"), ("1,2,3,4", "")])
def test_a_click_on_no_token_is_said(context, click):
    desk = _next_desk.Desk(context)
    with pytest.raises(BadInput):
        desk.clicked(*click)(None, _next_desk.Look(), None)


def test_nothing_is_looked_into_without_a_text():
    with pytest.raises(BadInput, match="no text"):
        _next_inside.ids_of(_next_desk.Look().passage)


@pytest.mark.parametrize(("size", "side"), [(10**400, plan.LARGEST_SIDE), (-10**400, plan.SMALLEST_SIDE),
                                            (float("nan"), plan.SMALLEST_SIDE), (None, plan.SMALLEST_SIDE)])
def test_photos_are_judged_at_a_size_that_there_is(size, side):
    assert _lora_photos.possible(size) == side


def test_a_training_without_settings_is_said():
    bare = SimpleNamespace(id=JOB, state="done", place=0, error="", spec={}, progress={}, folder=Path("/nowhere"))
    with pytest.raises(BadInput, match="no settings"):
        _lora_api.status(bare)
    with pytest.raises(BadInput, match="no settings"):
        sheet.rows(bare)
