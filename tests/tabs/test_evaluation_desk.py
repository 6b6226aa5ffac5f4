"""The Prompt evaluation tab's handlers without a page: endpoints, trouble in place, ticks, references, deletion."""

import dataclasses
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas
import pytest
from PIL import Image

from playground.diffusion import models
from playground.errors import BadInput
from playground.evaluation import library, promptfoo
from playground.evaluation.plan import Provider
from tabs import _evaluation_form as form
from tabs import _evaluation_html as pages
from tabs import _evaluation_references as references
from tabs._evaluation_desk import OUTPUTS, Desk

KEY = "sk-typed-on-the-page-42"
EXAMPLE = library.Example("Small", "", ("a {{thing}}",), ("thing",), (("shark",), ("cat",)),
                          (library.Check("checklist", "{{thing}}, sea"),), "", models=(models.POCKET,), steps=1)


def last(frames):
    *_, outputs = frames
    assert len(outputs) == OUTPUTS
    return outputs


def filled(example):
    """The form's values as the page sends them."""
    values = form.values_of(example)
    table = values[form.PROMPTS]
    values[form.PROMPTS] = pandas.DataFrame(table["data"], columns=table["headers"])
    return values


@pytest.fixture
def server():
    """An OpenAI-compatible server on this machine."""
    class Stub(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.server.seen.append((self.headers["Authorization"], body))
            content = json.dumps({"choices": [{"message": {"content": "positive"}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Quiet."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    made.seen, made.url = [], f"http://127.0.0.1:{made.server_port}/v1"
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_model_of_the_visitor_answers_where_the_operator_allows_it(context, server, caplog):
    caplog.set_level(0)
    allowing = dataclasses.replace(context, settings=dataclasses.replace(context.settings, endpoints="private"))
    example = dataclasses.replace(library.FIRST, models=("ngram:moby-dick:words:3",), rows=library.REVIEWS[:2])
    given = ["ada", "", pages.ALL, False, server.url, "mine", KEY, *filled(example)]
    with pytest.raises(BadInput, match="does not go there"):
        list(Desk(context).run_form(*given))
    assert not server.seen
    frames = list(Desk(allowing).run_form(*given))
    assert len(server.seen) == 4 and {key for key, _ in server.seen} == {f"Bearer {KEY}"}
    assert "openai:mine" in frames[-1][4] and KEY not in str(frames) + caplog.text
    run = Desk(allowing).kept(frames[-1][0])
    shown, notes = form.values(run.sheet.plan)
    assert "give its address, model and key again" in " ".join(notes)
    assert shown[form.PROMPTS + 1 + 3 * form.CHECKS] == ["ngram:moby-dick:words:3"]  # what the form can offer
    context.jobs.delete(run.id)


def test_a_model_that_is_not_here_is_said_in_place_and_the_form_stays(context):
    asked = dataclasses.replace(EXAMPLE.plan(), providers=(Provider(models.MODELS[1].key, steps=1),))
    outputs = last(Desk(context).start(asked, "ada"))
    assert 'role="alert"' in outputs[1] and "Stable Diffusion 1.5" in outputs[1] and "offline" in outputs[1]
    assert outputs[4].count('class="cell') == 2 and "a shark" in outputs[5]  # the matrix, and a cell's prompt
    assert outputs[8].visible  # it can go on once the model is here
    context.jobs.delete(outputs[0])


def test_a_check_list_is_ticked_and_the_rates_follow(context):
    desk = Desk(context)
    outputs = last(desk.run_example(EXAMPLE, "ada", pages.ALL))
    run_id = outputs[0]
    assert "waits for your check lists" in outputs[2] and not outputs[3].visible
    assert outputs[4].count('src="data:image/png;base64,') == 2 and 'data-item="sea"' in outputs[5]
    for item, seen in (("shark", "yes"), ("sea", "no")):
        verdicts, chart, matrix, story, _, cell = desk.tick(run_id, pages.ALL, "0-0-0-0", item, seen)
    assert "passes <b>0 %</b>" in verdicts and "shark 1.00 · sea 0.00" in verdicts and chart.visible
    assert 'class="cell fail picture picked"' in matrix and cell == "0-0-0-0"
    assert story.count('aria-pressed="true"') == 2 and "you see 1 of 2" in story
    assert pages.matrix(desk.kept(run_id).run(), pages.OPEN).count("<tr><th") == 2  # the head, and the other case
    for item, seen in (("nothing", "yes"), ("sea", "maybe")):
        with pytest.raises(BadInput, match="no such item"):
            desk.tick(run_id, pages.ALL, "0-0-0-0", item, seen)
    assert 'aria-pressed="true"' not in desk.tick(run_id, pages.ALL, "0-1-0-0", "sea", "")[3]
    context.jobs.delete(run_id)


def test_what_was_not_measured_says_so_in_its_cell_with_the_remedy(context):
    desk = Desk(context)
    asked = dataclasses.replace(EXAMPLE, rows=(("shark",),), checks=(library.Check("clip-score"),))
    outputs = last(desk.start(asked.plan(), "ada"))
    assert '>not measured</span>' in outputs[4] and "offline" in outputs[4] and 'cell open' in outputs[4]
    assert "CLIP" in outputs[2] and "offline" in outputs[2]  # the verdicts give the reason too
    context.jobs.delete(outputs[0])


def test_a_run_is_deleted_with_its_pictures(context):
    desk = Desk(context)
    run_id = last(desk.run_example(EXAMPLE, "ada", pages.ALL))[0]
    folder = desk.kept(run_id).job.folder
    assert list(folder.rglob("*.png"))
    assert desk.delete(run_id)[0] == "" and not folder.exists()
    with pytest.raises(BadInput):
        desk.look(run_id, pages.ALL, "0-0-0-0")
    assert desk.still_there(run_id) == ""


def test_a_new_link_is_for_an_ended_run_of_ones_own(context):
    desk = Desk(context)
    run_id = last(desk.run_example(EXAMPLE, "ada", pages.ALL))[0]
    key = desk.kept(run_id).job.key
    with pytest.raises(BadInput, match="another browser"):
        desk.renew(run_id, "eve")
    for state in ("queued", "running", "paused"):  # somebody's page may follow it by the id that it has
        context.jobs.table.change(key, context.jobs.table.read(key).state, state=state, process="", started=time.time())
        with pytest.raises(BadInput, match="not at its end"):
            desk.renew(run_id, "ada")
    context.jobs.table.change(key, "paused", state="done")
    renewed, link = desk.renew(run_id, "ada")
    assert renewed != run_id and link.endswith(renewed)
    with pytest.raises(BadInput, match="new link"):
        desk.look(run_id, pages.ALL, "0-0-0-0")
    assert desk.look(renewed, pages.ALL, "0-0-0-0")[3] == "0-0-0-0"
    context.jobs.delete(renewed)


def test_references_get_their_names_their_column_and_their_check(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    folder, paths = tmp_path / "uploads", []
    folder.mkdir()
    for name in ("My shark!", "sea"):
        paths.append(str(folder / f"{name}.png"))
        Image.new("RGB", (90, 90), "blue").save(paths[-1])
    table = pandas.DataFrame([["shark", ""], ["sea", ""]], columns=["thing", "note"])
    known, cases, *checks = references.added(paths, {}, table, "contains", "x", "", "", "", "", "", "", "")
    assert list(known) == ["My-shark", "sea"] and not list(folder.glob("*.png"))
    assert cases == {"headers": ["thing", "note", "reference"], "data": [["shark", "", "My-shark"], ["sea", "", "sea"]]}
    assert checks[:6] == ["contains", "x", "", "picture-similar", "{{reference}}", ""]
    assert references.removed(pandas.DataFrame(cases["data"], columns=cases["headers"]))[1]["data"][0][2] == ""


@pytest.mark.parametrize("example", library.ALL, ids=lambda each: each.title)
def test_an_example_survives_the_form(example):
    made = form.Form.of(filled(example)).plan(example.title)
    assert made == example.plan()


def test_what_the_form_cannot_show_is_said():
    asked, _ = promptfoo.read("prompts: [a, b, c, d]\nproviders: [gemma-3-270m, {id: gemma-3-270m, config: "
                              "{temperature: 1}}, pocket-diffusion-64]\ntests: [{}]")
    notes = form.values(asked)[1]
    assert any("first 3 of 4" in note for note in notes) and any("different settings" in note for note in notes)
