"""Batched writing against the rows alone: transformers' pipeline at temperature 0, our own draws above it."""

import pytest

from playground.context import build_context
from playground.evaluation import batch
from playground.evaluation.outputs import Request
from playground.evaluation.plan import Provider
from playground.settings import Settings
from playground.text import generation, language_model
from tests.text import tiny_models

TINY = "openai-community/gpt2"
PROMPTS = ["Once upon a", "He devoured the orange", "The capital of France is",
           "Review: I loved it.\nSentiment: positive\nReview: It broke at once.\nSentiment:", "A"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A context whose GPT-2 is a random model with 32 tokens of context."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.save(TINY, folder)
    return build_context(Settings(device="cpu", offline=True, data_dir=folder / "data", models_dir=folder))


def written(context, name, prompts, seeds=(0,), **settings):
    """Outputs by (prompt, seed)."""
    provider = Provider(name, **settings)
    requests = [Request(f"{seed} {prompt}", prompt, seed) for prompt in prompts for seed in seeds]
    with context.cache.lease(language_model.spec(context, name)) as model:
        found = dict(batch.generate(context, model, provider, requests))
    return {(prompt, seed): found[f"{seed} {prompt}"] for prompt in prompts for seed in seeds}


def test_temperature_0_is_the_pipeline_cell_by_cell(context):
    from transformers import pipeline

    found = written(context, "gemma-3-270m", PROMPTS, max_tokens=12)
    with context.cache.lease(language_model.spec(context)) as model:
        pipe = pipeline("text-generation", model=model.model, tokenizer=model.tokenizer)
        for prompt in PROMPTS:
            expected = pipe(prompt, do_sample=False, max_new_tokens=12, return_full_text=False)[0]["generated_text"]
            assert found[prompt, 0].text == expected


@pytest.mark.parametrize("settings", [{}, {"top_k": 7}, {"top_p": 0.8}, {"temperature": 2.5}])
def test_draws_are_those_of_the_next_token_tab(tiny, settings):
    settings = {"temperature": 1.0, **settings}
    found = written(tiny, TINY, ["THE WHITE", "a king"], seeds=(3, 4), max_tokens=8, **settings)
    for (prompt, seed), output in found.items():
        alone = "".join(generation.continue_text(tiny, prompt, name=TINY, max_tokens=8, seed=seed, **settings))
        assert output.text == alone


def test_log_probabilities_are_those_of_a_fresh_pass(tiny):
    import torch

    (output,) = written(tiny, TINY, ["a king"], max_tokens=6, temperature=1.0).values()
    with tiny.cache.lease(language_model.spec(tiny, TINY)) as model, torch.inference_mode():
        ids = model.encode("a king")
        taken = [step.draw.token for step in generation.steps(
            tiny, model, ids, Provider(TINY, temperature=1.0).controls, seed=0, max_tokens=6)]
        logs = model.model(model.tensor([*ids, *taken])).logits[0].log_softmax(dim=-1)
        expected = sum(float(logs[len(ids) - 1 + place, token]) for place, token in enumerate(taken))
    assert output.tokens == len(taken)
    assert output.logprob == pytest.approx(expected, abs=1e-3)


def test_stop_strings_and_lengths(context):
    whole = written(context, "gemma-3-270m", ["Once upon a"], max_tokens=10)["Once upon a", 0]
    assert (whole.finish, whole.tokens) == ("length", 10)
    stop = whole.text[8:11]
    found = written(context, "gemma-3-270m", ["Once upon a"], max_tokens=10, stop=(stop, "never"))["Once upon a", 0]
    assert (found.text, found.finish) == (whole.text[:whole.text.index(stop)], "stop")


def test_a_prompt_longer_than_the_context_loses_its_beginning(tiny):
    (output,) = written(tiny, TINY, ["x" * 80], max_tokens=8, temperature=1.0).values()
    assert output.cut > 0
    assert output.prompt_tokens + 8 <= 32


def test_more_rows_than_a_batch_holds_are_all_answered(tiny, monkeypatch):
    monkeypatch.setitem(batch.ROWS, "cpu", 3)
    prompts = ["a" * length for length in range(1, 9)]
    together = written(tiny, TINY, prompts, max_tokens=5, temperature=1.0)
    monkeypatch.setitem(batch.ROWS, "cpu", 1)
    alone = written(tiny, TINY, prompts, max_tokens=5, temperature=1.0)
    assert {key: output.text for key, output in together.items()} == {key: each.text for key, each in alone.items()}


def test_a_check_that_raises_stops_between_two_steps_and_frees_the_gate(tiny):
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with tiny.cache.lease(language_model.spec(tiny, TINY)) as model, pytest.raises(KeyboardInterrupt):
        list(batch.generate(tiny, model, Provider(TINY, max_tokens=9), [Request("k", "a", 0)], check))
    assert tiny.gate.state().busy == ""


def test_a_pass_whose_keys_were_lost_begins_anew(tiny, monkeypatch):
    expected = written(tiny, TINY, ["a king", "THE"], max_tokens=6, temperature=1.0)
    forward, calls = batch.Batch._forward, []

    def failing(self):
        calls.append(1)
        if len(calls) == 3:
            self._past = None  # as a pass that ran out of memory leaves it
        return forward(self)

    monkeypatch.setattr(batch.Batch, "_forward", failing)
    found = written(tiny, TINY, ["a king", "THE"], max_tokens=6, temperature=1.0)
    assert {key: each.text for key, each in found.items()} == {key: each.text for key, each in expected.items()}


def test_yes_and_no_are_the_models_own_probabilities(context):
    import torch

    prompts = ["Is the sky blue? Answer yes or no. Answer:", "no, no, no, no,"]
    with context.cache.lease(language_model.spec(context)) as model:
        found = batch.yes_and_no(context, model, prompts)
        for prompt, pair in zip(prompts, found, strict=True):
            with torch.inference_mode():
                probabilities = model.model(model.tensor(model.encode(prompt))).logits[0, -1].softmax(dim=-1)
            for word, value in zip(("yes", "no"), pair, strict=True):
                ids = batch.answer_tokens(model, word)
                assert value == pytest.approx(float(probabilities[ids].sum()), abs=1e-4)
        assert set(batch.answer_tokens(model, "yes")).isdisjoint(batch.answer_tokens(model, "no"))
    assert found[1][1] > found[1][0]
