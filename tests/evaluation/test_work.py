"""Runs: what is generated once, kept, resumed, taken over; jobs in their own process; the n-gram baseline."""

import dataclasses
import time

import pytest

from playground.context import build_context
from playground.errors import BadInput, ModelMissing
from playground.evaluation import batch, exports, kinds, plan, providers, results, runs, work
from playground.evaluation.outputs import Output
from playground.evaluation.plan import Case, Plan, Prompt, Provider
from playground.settings import Settings
from tests.text import tiny_models

TINY = "openai-community/gpt2"
NGRAM = Provider("ngram:moby-dick:words:3", max_tokens=6)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A context of its own with a random GPT-2."""
    folder = tmp_path_factory.mktemp("evaluation")
    tiny_models.save(TINY, folder)
    return build_context(Settings(device="cpu", offline=True, data_dir=folder / "data", models_dir=folder))


def made(provider, prompts=("THE {{a}}", "once {{a}}"), cases=("WHALE", "king"), **more):
    checks = (kinds.made("char-count", {"min": 1}), kinds.made("contains", "e"))
    return Plan(tuple(map(Prompt, prompts)), (provider,), tuple(Case({"a": each}, checks) for each in cases), **more)


def finished(context, asked, previous=""):
    filled, _ = runs.sized(context, asked)
    kept = runs.add(context, filled, "ada", here=True, previous=previous)
    for _ in runs.here(context, kept):
        pass
    return kept


def texts(run):
    return [each.output.text for each in run.results.values()]


@pytest.fixture
def generations(monkeypatch):
    """The requests that reach a language model."""
    seen = []
    original = batch.generate

    def counting(context, model, provider, requests, check):
        seen.extend(requests)
        return original(context, model, provider, requests, check)

    monkeypatch.setattr(batch, "generate", counting)
    return seen


def test_at_temperature_0_every_prompt_is_written_once_for_all_repeats(tiny, generations):
    run = finished(tiny, made(Provider(TINY, max_tokens=4), repeats=5)).run()
    assert len(generations) == 4
    assert len(run.results) == 20 and run.complete
    assert run.summaries()[0].rate.effective == 2  # two cases, however often they are repeated


def test_above_it_every_seed_is_written_and_repeats(tiny, generations):
    provider = Provider(TINY, temperature=1.0, max_tokens=4)
    first = finished(tiny, made(provider, repeats=3)).run()
    assert len(generations) == 12
    assert len({result.output.text for result in first.results.values()}) > 4
    again = finished(tiny, made(provider, repeats=3)).run()
    assert texts(first) == texts(again)


def test_a_run_takes_over_what_an_earlier_one_has(tiny, generations):
    provider = Provider(TINY, max_tokens=4)
    first = finished(tiny, made(provider))
    generations.clear()
    finished(tiny, made(provider, cases=("WHALE", "king", "ship")), previous=first.id)
    assert {request.prompt for request in generations} == {"THE ship", "once ship"}


def test_a_run_that_was_stopped_goes_on_where_it_was(tiny, generations, monkeypatch):
    monkeypatch.setattr(work, "KEEP_EVERY", 0.0)
    monkeypatch.setitem(batch.ROWS, "cpu", 1)
    filled, _ = runs.sized(tiny, made(Provider(TINY, max_tokens=4), cases=("a", "b", "c")))
    kept = runs.add(tiny, filled, "ada", here=True)
    going = runs.here(tiny, kept)
    while next(going).outputs < 2:
        pass
    going.close()
    assert len(kept.store.outputs()) >= 2
    assert runs.find(tiny, kept.id).job.state == "paused"
    generations.clear()
    for _ in runs.here(tiny, kept):
        pass
    assert len(generations) <= 4
    assert kept.run().complete and runs.find(tiny, kept.id).job.state == "done"


def test_a_run_in_a_process_of_its_own_gives_the_same(tiny):
    asked = made(NGRAM, repeats=3)
    expected = finished(tiny, asked).run()
    filled, _ = runs.sized(tiny, asked)
    kept = runs.add(tiny, filled, "ada", here=False)
    deadline = time.monotonic() + 120
    while (job := tiny.jobs.get(kept.id)).state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert job.state == "done", (job.error, (job.folder / "log").read_text()[-2000:])
    assert job.progress["cells"] == asked.size
    found = runs.find(tiny, kept.id).run()
    assert texts(found) == texts(expected)
    assert found.complete


def test_a_model_that_is_not_here_is_said(tiny):
    filled, _ = runs.sized(tiny, made(Provider("Qwen/Qwen3-0.6B", max_tokens=2)))
    kept = runs.add(tiny, filled, "ada", here=True)
    with pytest.raises(ModelMissing, match="Qwen3"):
        list(runs.here(tiny, kept))


def test_the_baseline_writes_as_the_babble_tab_does(context):
    from playground.text.ngrams import corpora, generate

    source = providers.generator(context, NGRAM, "", None)
    from playground.evaluation.outputs import Request, never

    ((_, output),) = source.generate([Request("k", "call me", 5)], never)
    with context.cache.lease(corpora.spec("words")) as counted:
        assert "call me" + output.text == generate.babble(counted.table, 3, "call me", 6, seed=5)


def test_judge_and_similar_are_measured(context):
    checks = (kinds.made("similar", "a king", 0.0), kinds.made("llm-rubric", "is about a whale", metric="whale"))
    asked = Plan((Prompt("The {{a}}"),), (NGRAM,), (Case({"a": "whale"}, checks),))
    run = finished(context, asked).run()
    (result,) = run.results.values()
    similar, judged = result.score["verdicts"]
    assert similar["evidence"].startswith("cosine") and "P(yes)" in judged["evidence"]
    assert run.summaries()[0].metrics == {"whale": judged["score"]}


def test_a_missing_variable_names_its_cell():
    with pytest.raises(BadInput, match=r"Prompt 2 \(once \{\{b\}\}\), case 1 \(WHALE\): 'b' is undefined"):
        work.sheet(made(NGRAM, prompts=("x {{a}}", "once {{b}}")))


def test_large_runs_are_asked_about_and_larger_ones_refused(tiny):
    large = made(NGRAM, prompts=["{{a}}"] * 2, cases=[str(each) for each in range(300)])
    with pytest.raises(BadInput, match=r"600 cells.*tokens.*Tick"):
        runs.sized(tiny, large)
    runs.sized(tiny, large, agreed=True)
    with pytest.raises(BadInput, match=r"12,000 cells.*at most 10,000"):
        plan.checked(dataclasses.replace(large, repeats=20))


def test_results_are_exported(tiny):
    run = finished(tiny, made(NGRAM, cases=("=1+1", "king"))).run()
    table = exports.to_csv(run)
    assert table.count("\n") >= 5 and "'=1+1" in table
    data = results.to_json(run)
    assert data["stats"] == {"cells": 4, "passed": data["stats"]["passed"], "failed": 4 - data["stats"]["passed"],
                             "open": 0, "errors": 0, "complete": True}
    assert [each["prompt"] for each in data["results"]] == ["A", "B", "A", "B"]
    assert data["comparisons"][0]["verdict"]


def test_thumbs_agree_or_not_with_the_checks(tiny):
    kept = finished(tiny, made(NGRAM))
    for result in kept.run().results.values():
        kept.store.thumb(result.cell.id, result.passed)
    table, value = kept.run().agreement()
    assert table[0][1] == table[1][0] == 0 and table[0][0] + table[1][1] == 4
    assert value in (None, 1.0)
    kept.store.thumb("0-0-0-0", None)
    assert len(kept.store.thumbs()) == 3


def test_an_output_that_failed_is_tried_again(tiny):
    filled, _ = runs.sized(tiny, made(NGRAM))
    kept = runs.add(tiny, filled, "ada", here=True)
    key = next(iter(filled.keys()))
    kept.store.add_outputs([(key, Output("", finish="error", error="busy"))])
    for _ in runs.here(tiny, kept):
        pass
    assert not kept.store.outputs()[key].error


def test_comparing_runs_pairs_their_cases(tiny):
    first = finished(tiny, made(NGRAM, cases=("a", "b", "c"))).run()
    second = finished(tiny, made(NGRAM, cases=("c", "b", "x"))).run()
    same = results.compared(first, (0, 0), second, (0, 0))
    assert same.wins == same.losses == 0 and same.ties == 2


def test_what_is_no_run_is_refused(tiny):
    for run_id in ("nonsense", "", "x" * 22, None):
        with pytest.raises(BadInput):
            runs.find(tiny, run_id)
