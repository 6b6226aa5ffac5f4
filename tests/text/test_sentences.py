"""Sentence vectors against transformers called directly with the model card's recipe, and what is read of a text."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playground import catalog
from playground.errors import BadInput
from playground.text.vectors import sentences
from tabs._vectors_sentences import DINOSAURS

TEXTS = ["The cat sleeps.", "A kitten is napping.", "Share prices fell.", "", "👩‍👧 שלום \x07 wörld " * 3]


@pytest.fixture(scope="session")
def reference(context):
    """all-MiniLM-L6-v2 by transformers alone: mean of the token states, brought to length 1."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = context.weights.locate(catalog.find(sentences.MODEL)).folder
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def embed(texts):
        batch = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
        with torch.inference_mode():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"][:, :, None]
        mean = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1).numpy()
    return embed, tokenizer


def test_vectors_as_transformers_computes_them(context, reference):
    found = sentences.embed(context, TEXTS)
    assert found.shape == (5, 384) and found.dtype == np.float32
    assert found == pytest.approx(reference[0](TEXTS), abs=2e-5)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_no_texts_give_no_vectors(context):
    assert sentences.embed(context, []).shape == (0, 384)


def test_batches_do_not_change_a_vector(context):
    many = [f"Sentence number {number} is about {'cats' if number % 2 else 'the sea'}." for number in range(40)]
    assert sentences.embed(context, many)[35] == pytest.approx(sentences.embed(context, [many[35]])[0], abs=2e-5)


def test_what_is_past_256_pieces_changes_nothing_and_is_said(context, reference):
    long = "word " * 300
    texts = ["short text", long + "cats", long + "ships and submarines"]
    vectors = sentences.embed(context, texts)
    assert vectors[1] == pytest.approx(vectors[2], abs=1e-6)
    readings, limit = sentences.read(context, texts)
    assert limit == 256
    assert [reading.pieces for reading in readings] == [
        len(reference[1](text, truncation=False)["input_ids"]) for text in texts]
    assert [reading.truncated for reading in readings] == [False, True, True]
    assert readings[1].read == 256 and texts[1][:readings[1].characters] == ("word " * 254).strip()
    assert readings[0].characters == len(texts[0])


def test_a_text_of_exactly_256_pieces_is_read_whole(context):
    (whole, cut), _ = sentences.read(context, ["word " * 254, "word " * 255])
    assert (whole.pieces, whole.truncated) == (256, False)
    assert (cut.pieces, cut.truncated) == (257, True)


def test_dinosaurs_fall_together_and_space_apart(context):
    found = sentences.compare(context, sentences.split(DINOSAURS, documents=True))
    assert len(found.texts) == 3
    assert (found.pairs[0].first, found.pairs[0].second) == (0, 1)
    assert found.pairs[0].cosine > 2 * found.pairs[1].cosine
    assert np.allclose(found.cosines, found.cosines.T) and np.allclose(np.diag(found.cosines), 1)


def test_splitting():
    assert sentences.split("one\n\n two  words \r\nthree") == ["one", "two words", "three"]
    assert sentences.split("one\nline\n \t\ntwo\r\n\r\nthree\n\n\n", documents=True) == ["one line", "two", "three"]
    with pytest.raises(BadInput):
        sentences.split(" \n ")


@pytest.mark.parametrize("texts", [[], ["one"], ["x"] * 201, ["x" * 60_000, "y" * 60_000], ["a", "b\udc00"], ["a", 7],
                                   ["a", " "]])
def test_what_cannot_be_compared_is_refused(context, texts):
    with pytest.raises(BadInput):
        sentences.compare(context, texts)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), min_size=2, max_size=4))
def test_any_text_is_compared_or_refused(context, texts):
    try:
        found = sentences.compare(context, texts)
    except BadInput:
        return
    assert np.isfinite(found.cosines).all() and len(found.readings) == len(texts)
