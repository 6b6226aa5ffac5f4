"""What a model says comes next, and what happens inside, against transformers called directly."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from playground.context import build_context
from playground.errors import BadInput
from playground.settings import Settings
from playground.text import language_model
from playground.text.next_token import distribution, inside, pairs, passage, predict, tree
from playground.text.next_token.distribution import Controls
from playground.text.next_token.predict import Predictor
from tests.text import tiny_models

ORANGE = "He devoured the orange"


@pytest.fixture(scope="module")
def predictor(context):
    return Predictor(context)


@pytest.fixture(scope="module")
def gemma(context):
    with context.cache.lease(language_model.spec(context)) as model:
        yield model


@pytest.fixture(scope="module", params=tiny_models.FAMILIES)
def tiny(request, tmp_path_factory):
    """A random model of each family of the hub, with its context."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.save(request.param, folder)
    context = build_context(Settings(device="cpu", offline=True, data_dir=folder / "data", models_dir=folder))
    with context.cache.lease(language_model.spec(context, request.param)) as model:
        yield context, model


def direct(model, ids, **options):
    """transformers called as its documentation does."""
    import torch

    with torch.inference_mode():
        return model.model(model.tensor(ids), **options)


# ---- the bars

def test_the_bars_are_shares_of_the_whole_vocabulary(predictor, gemma):
    made = predictor.next_token(ORANGE, count=12)
    reference = direct(gemma, gemma.encode(ORANGE)).logits[0, -1].double().softmax(-1)
    assert made.vocabulary == len(reference) == 262_144
    assert [each.text for each in made.choices[:3]] == [" juice", ",", " and"]
    for each in made.choices:
        assert each.probability == pytest.approx(float(reference[each.id]), rel=1e-3)
    total = sum(each.probability for each in made.choices) + made.others[0]
    assert total == pytest.approx(1.0)


def test_controls_change_the_bars_and_run_no_model(context, gemma):
    predictor = Predictor(context)
    predictor.next_token(ORANGE)
    assert predictor.passes == 1
    for controls in (Controls(0.0), Controls(2.0), Controls(1.0, 5), Controls(1.0, 0, 0.5)):
        made = predictor.next_token(ORANGE, controls=controls)
        expected = distribution.shaped(predictor.logits(gemma, gemma.encode(ORANGE)), controls)
        assert [each.probability for each in made.choices] == [expected[each.id] for each in made.choices]
        assert made.choices[0].plain == pytest.approx(0.187, abs=0.003)
    assert predictor.passes == 1


def test_only_so_many_contexts_are_kept(context, gemma):
    predictor = Predictor(context, kept=2)
    for token in (1000, 1001, 1002):
        predictor.logits(gemma, [2, token])
    predictor.logits(gemma, [2, 1002])
    assert predictor.passes == 3
    predictor.logits(gemma, [2, 1000])
    assert predictor.passes == 4


def test_a_table_is_sorted_and_holds_only_what_is_possible(predictor):
    rows = predict.table(predictor.next_token(ORANGE, controls=Controls(1.0, 5)))
    assert len(rows) == 5
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
    assert sum(row[2] for row in rows) == pytest.approx(1.0)
    assert len(predict.table(predictor.next_token(ORANGE, controls=Controls(0.0)))) == 1


def test_a_text_past_the_context_is_cut_at_its_beginning(tiny):
    context, model = tiny
    long = model.encode("THE WHITE WHALE " * 30)
    assert len(long) > 32
    shown = Predictor(context).logits(model, long)
    assert shown == pytest.approx(direct(model, long[-32:]).logits[0, -1].numpy(), abs=1e-5)


# ---- the passage

def test_taking_stepping_back_and_replacing(predictor, gemma):
    begun = passage.begin(gemma, ORANGE)
    juice = gemma.encode(" juice")[-1]
    taken = passage.take(gemma, begun, juice, 2.4)
    assert (taken.text, taken.taken(), taken.surprises[-1]) == (f"{ORANGE} juice", 1, 2.4)
    assert passage.step_back(gemma, taken) == begun
    assert passage.step_back(gemma, begun) == begun
    replaced = passage.take(gemma, taken, juice, 9.0, place=2)
    assert (replaced.text, replaced.given, len(replaced.surprises)) == ("He juice", 2, 3)


def test_surprises_sum_to_the_loss_of_transformers(context, gemma):
    text = "Once upon a time there was a king who lived by the sea. " * 8  # more than one block
    ids = gemma.encode(text)
    assert len(ids) > passage.BLOCK
    bits = passage.surprises(context, gemma, ids)
    loss = float(direct(gemma, ids, labels=gemma.tensor(ids)).loss)
    assert bits[0] is None and len(bits) == len(ids)
    assert sum(bits[1:]) / (len(ids) - 1) * math.log(2) == pytest.approx(loss, rel=1e-4)


def test_past_the_context_nothing_is_measured(tiny):
    context, model = tiny
    begun = passage.begin(model, "THE WHITE WHALE " * 30)
    measured = passage.measured(context, model, begun)
    hidden = len(begun.ids) - 32
    assert all(bits is None for bits in measured.surprises[:hidden + 1])
    assert all(bits is not None for bits in measured.surprises[hidden + 1:])
    assert len(measured.surprises) == len(begun.ids)


# ---- inside

def test_the_embedded_text_and_the_attention_are_those_of_the_model(context, gemma):
    ids = gemma.encode(ORANGE)
    seen = inside.look_inside(context, gemma, ids)
    assert seen.tokens == ("<bos>", "He", " devoured", " the", " orange")
    assert seen.vectors.shape == (19, 5, 640) and seen.attention.shape == (18, 4, 5, 5)
    rows = gemma.model.get_input_embeddings().weight[ids] * math.sqrt(640)  # Gemma scales its embeddings
    assert seen.vectors[0] == pytest.approx(rows.numpy(), abs=1e-4)
    assert seen.attention.sum(-1) == pytest.approx(np.ones((18, 4, 5)), abs=1e-5)
    assert not np.triu(seen.attention, 1).any()


def test_attention_maps_by_number(context, gemma):
    seen = inside.look_inside(context, gemma, gemma.encode(ORANGE))
    assert inside.attention_map(seen.attention, 8, 4) == pytest.approx(seen.attention[7, 3])
    assert inside.attention_map(seen.attention, 1, 0) == pytest.approx(seen.attention[0].mean(0))
    assert inside.attention_map(seen.attention, 3, 4)[4].argmax() == 3  # looks one token back, as the page says
    for layer, head in ((0, 1), (19, 1), (1, 5), (1, -1), (1.5, 1)):
        with pytest.raises(BadInput):
            inside.attention_map(seen.attention, layer, head)


def test_only_the_last_tokens_are_looked_at(context, gemma):
    ids = gemma.encode("one two three four five " * 40)
    seen = inside.look_inside(context, gemma, ids)
    assert len(seen.tokens) == inside.LONGEST and seen.tokens[0] == "<bos>"
    assert seen.left_out == len(ids) - inside.LONGEST


def test_the_last_row_of_the_lens_is_what_the_model_says(tiny):
    context, model = tiny
    ids = model.encode("THE WHITE")
    rows = inside.lens(context, model, inside.look_inside(context, model, ids), 1)
    best = direct(model, ids).logits[0, -1].softmax(-1).max(-1)
    assert len(rows) == 3
    assert rows[-1][0].token == model.token(int(best.indices))
    assert rows[-1][0].probability == pytest.approx(float(best.values), rel=1e-4)
    assert rows[-1][0].rank == 1


def test_the_lens_shows_the_guess_forming(context, gemma):
    ids = gemma.encode(ORANGE)
    rows = inside.lens(context, gemma, inside.look_inside(context, gemma, ids), 2)
    assert [rows[0][-1].token, rows[-1][-1].token] == [" orange", " juice"]
    assert rows[15][-1].token == " juice" and rows[0][-1].rank > 1000


def test_context_moves_a_word(context, gemma):
    lines = [ORANGE, "orange", "He painted the wall orange", "He devoured the apple"]
    moved = inside.movement(context, gemma, lines)
    assert moved.tokens == (" orange", " orange", " orange", " apple")
    for rows in (moved.raw, moved.standardised):
        assert rows.shape == (3, 19)
        assert rows[:2, 0] == pytest.approx([1, 1], abs=1e-5)  # the same token enters with the same vector
        assert rows[2, 0] < 0.9
    alone, wall, apple = moved.standardised[:, 9]
    assert apple > max(alone, wall)  # what the page says of the middle layers
    a, b = (direct(gemma, gemma.encode(text), output_hidden_states=True).hidden_states[9][0, -1]
            for text in (ORANGE, "He devoured the apple"))
    import torch

    assert moved.raw[2, 9] == pytest.approx(float(torch.nn.functional.cosine_similarity(a, b, 0)), abs=1e-5)


@pytest.mark.parametrize("lines", [[], ["one"], ["", " ", "x"], ["x"] * 7])
def test_two_to_six_lines_can_be_compared(context, gemma, lines):
    with pytest.raises(BadInput, match="2 to 6 lines"):
        inside.movement(context, gemma, lines)


# ---- training pairs, tree

def test_a_post_yields_its_pairs(context, gemma):
    made = pairs.training_pairs(context, ORANGE)
    assert [(pair.before, pair.token) for pair in made.pairs] == [
        ("", "He"), ("He", " devoured"), ("He devoured", " the"), ("He devoured the", " orange")]
    ids = gemma.encode(ORANGE)
    loss = float(direct(gemma, ids, labels=gemma.tensor(ids)).loss)
    assert made.loss == pytest.approx(loss, rel=1e-4)
    assert made.perplexity == pytest.approx(math.exp(loss), rel=1e-3)
    assert made.pairs[0].probability == pytest.approx(math.exp(-made.pairs[0].loss))


def test_a_post_too_long_or_empty_is_refused(context):
    with pytest.raises(BadInput, match="tokens"):
        pairs.training_pairs(context, "word " * 2000)
    with pytest.raises(BadInput, match="empty"):
        pairs.training_pairs(context, "  ")


def test_the_tree_multiplies_probabilities_along_its_ways(tiny):
    context, model = tiny
    ids = model.encode("THE")
    nodes = tree.tree(Predictor(context), model, ids, width=2, depth=3)
    assert [len(node.ids) for node in nodes] == [1] * 2 + [2] * 4 + [3] * 8
    for node in nodes:
        path = 1.0
        for place, token in enumerate(node.ids):
            logits = direct(model, [*ids, *node.ids[:place]]).logits[0, -1]
            path *= float(logits.softmax(-1)[token])
        assert node.path == pytest.approx(path, rel=1e-4)


# ---- half precision, as on a GPU

def test_bfloat16_gives_about_the_same(tiny, monkeypatch, tmp_path):
    from playground import devices

    context, model = tiny
    monkeypatch.setattr(devices, "default_dtype", lambda device: "bfloat16")
    half_context = build_context(dataclasses.replace(context.settings, data_dir=tmp_path))
    ids = model.encode("THE WHITE WHALE")
    with half_context.cache.lease(language_model.spec(half_context, model.name)) as half:
        assert str(half.model.dtype) == "torch.bfloat16"
        assert Predictor(half_context).logits(half, ids) == pytest.approx(
            Predictor(context).logits(model, ids), abs=0.02)
        seen = inside.look_inside(half_context, half, ids)
        assert seen.attention.sum(-1) == pytest.approx(np.ones(seen.attention.shape[:3]), abs=0.02)
        assert inside.lens(half_context, half, seen, 2)[-1][-1].rank == 1
        bits, full = (passage.surprises(*each, ids)[1:] for each in ((half_context, half), (context, model)))
        assert bits == pytest.approx(full, abs=0.1)


# ---- any text

@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.characters(), max_size=30))
def test_any_unicode_is_predicted_or_refused_by_name(tiny, text):
    """Control characters, right-to-left text, joiners and lone surrogates: an answer or BadInput, nothing else."""
    context, model = tiny
    try:
        made = Predictor(context).next_token(text, model.name, count=5)
    except BadInput:
        assert not text.strip() or any(0xD800 <= ord(each) <= 0xDFFF for each in text)
        return
    assert sum(each.probability for each in made.choices) + made.others[0] == pytest.approx(1.0)
    begun = passage.begin(model, text)
    assert passage.step_back(model, passage.take(model, begun, 5, 0.0)) == dataclasses.replace(
        begun, text=model.text(begun.ids))
