"""Continuing text, against transformers' generate() and step by step without kept keys and values."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.context import build_context
from playground.errors import BadInput
from playground.settings import Settings
from playground.text import generation, language_model
from playground.text.next_token import distribution, sampling
from playground.text.next_token.distribution import Controls
from tests.text import tiny_models

PROMPT = "Once upon a"
TINY = "openai-community/gpt2"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A context whose GPT-2 is a random model with 32 tokens of context."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.save(TINY, folder)
    return build_context(Settings(device="cpu", offline=True, data_dir=folder / "data", models_dir=folder))


def joined(context, text=PROMPT, **options):
    return "".join(generation.continue_text(context, text, **options))


def test_temperature_0_is_the_greedy_search_of_transformers(context):
    with context.cache.lease(language_model.spec(context)) as model:
        ids = model.tensor(model.encode(PROMPT))
        reference = model.model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1]:]
        expected = model.text(reference)
    assert joined(context, temperature=0, max_tokens=12) == expected
    assert expected.startswith(" time")


def test_a_seed_repeats_and_another_does_not(context):
    first = joined(context, seed=1, max_tokens=8)
    assert joined(context, seed=1, max_tokens=8) == first
    assert joined(context, seed=2, max_tokens=8) != first


def test_kept_keys_give_the_logits_of_a_fresh_pass(tiny):
    import torch

    with tiny.cache.lease(language_model.spec(tiny, TINY)) as model:
        ids = model.encode("THE WHITE")
        for step in generation.steps(tiny, model, ids, Controls(), seed=3, max_tokens=10):
            with torch.inference_mode():
                fresh = model.model(model.tensor(ids)).logits[0, -1].numpy()
            assert step.logits == pytest.approx(fresh, abs=1e-5)
            expected = sampling.draw(distribution.shaped(fresh, Controls()), 3, len(ids) - 3)
            ids = [*ids, step.draw.token]
            assert expected.u == sampling.random_number(3, len(ids) - 4)


def with_ends(model, ends):
    """The model as if these ids ended a text; the shared one stays as it is."""
    other = dataclasses.replace(model)
    other.__dict__["ends"] = ends  # where its cached property would keep them
    return other


def test_it_goes_on_past_the_context(tiny):
    """100 tokens with a context of 32: the text before is forgotten in halves, and nothing fails."""
    with tiny.cache.lease(language_model.spec(tiny, TINY)) as model:
        endless = with_ends(model, frozenset())
        steps = list(generation.steps(tiny, endless, model.encode("x" * 80), Controls(), seed=0, max_tokens=100))
    assert len(steps) == 100


def test_it_ends_before_an_end_of_text(tiny):
    with tiny.cache.lease(language_model.spec(tiny, TINY)) as model:
        ended = with_ends(model, frozenset(range(1000)))
        assert list(generation.steps(tiny, ended, [1], Controls(), seed=0, max_tokens=5)) == []


def test_the_lease_and_the_gate_are_free_between_pieces_and_after_closing(context):
    def leases():
        return sum(model["leases"] for model in context.cache.stats()["models"]
                   if (model["name"], model["variant"]) == ("gemma-3-270m", "inference"))

    before = leases()
    pieces = generation.continue_text(context, PROMPT, max_tokens=50)
    next(pieces)
    assert leases() == before + 1
    assert context.gate.state().busy == ""
    pieces.close()
    assert leases() == before


def test_stop_strings_end_the_text_before_them(context):
    whole = joined(context, temperature=0, max_tokens=20)
    stop = whole[8:13]
    assert joined(context, temperature=0, max_tokens=20, stop=stop) == whole[:whole.index(stop)]
    assert joined(context, temperature=0, max_tokens=20, stop=["never there", stop]) == whole[:whole.index(stop)]


@given(st.lists(st.text("abc", max_size=4), max_size=8), st.lists(st.text("abc", min_size=1, max_size=3), max_size=2))
def test_before_stop_cuts_at_the_stop_that_is_complete_first(parts, stops):
    expected = ""
    for part in parts:
        expected += part
        if found := [expected.index(stop) for stop in stops if stop in expected]:
            expected = expected[:min(found)]
            break
    assert "".join(generation.before_stop(iter(parts), stops)) == expected


@settings(deadline=None)
@given(st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_pieces_join_to_the_text_of_all_tokens(tiny, text):
    with tiny.cache.lease(language_model.spec(tiny, TINY)) as model:
        ids = model.encode(text)
        parts = list(generation.pieces(model, iter(ids)))
    assert "".join(parts) == model.text(ids)
    assert not any(part.endswith("\ufffd") for part in parts)


@pytest.mark.parametrize(("options", "words"), [
    ({"temperature": -0.1}, "temperature"), ({"temperature": float("nan")}, "temperature"),
    ({"top_k": 1.5}, "Top-k"), ({"top_p": 1.01}, "Top-p"), ({"max_tokens": 0}, "number of tokens"),
    ({"max_tokens": 10**9}, "number of tokens"), ({"seed": -1}, "seed"), ({"name": "gpt-5"}, "gpt-5"),
    ({"text": ""}, "empty"), ({"text": "a\ud800"}, "surrogate"), ({"text": "x" * 100_001}, "100,001"),
    ({"text": None}, "not text")])
def test_bad_values_are_named(context, options, words):
    options = {"text": PROMPT, **options}
    with pytest.raises(BadInput, match=words):
        joined(context, **options)
