"""Merges replayed: the last state is what the libraries give, for any word."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.context import build_context
from playground.errors import BadInput
from playground.text.tokenizing import encodings
from playground.text.tokenizing.base import Word
from playground.text.tokenizing.files import MergeTable, read_merges
from playground.text.tokenizing.replay import MOST_PARTS, merge, most_telling, replay

BPE = ("cl100k_base", "gemma-3-270m")
WORDS = st.text(max_size=24) | st.text(st.sampled_from("etaoinshrdl "), max_size=40)


class Toy:
    """An encoding of four merges, worked by hand."""

    def rank(self, left: str, right: str) -> int | None:
        return {("l", "o"): 0, ("lo", "w"): 1, ("e", "r"): 2, ("low", "er"): 3}.get((left, right))

    def data(self, part: str) -> bytes:
        return part.encode()


def test_a_hand_worked_case():
    states = merge(Toy(), "lower")
    assert [state.parts for state in states] == [
        (b"l", b"o", b"w", b"e", b"r"), (b"lo", b"w", b"e", b"r"), (b"low", b"e", b"r"), (b"low", b"er"), (b"lower",)]
    assert [state.chosen for state in states] == [0, 0, 1, 0, None]
    assert states[0].ranks == (0, None, None, 2) and states[-1].ranks == ()


def test_of_equal_ranks_the_leftmost_is_merged_first():
    assert [state.parts for state in merge(Toy(), "lolo")][1] == (b"lo", b"l", b"o")


def test_devoured_as_in_the_lecture(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        word = encoding.words(encoding.encode("He devoured the orange"), 100)[1]
        played = replay(encoding, word)
    assert word.text == " devoured"
    assert played.states[0].parts == tuple(bytes([byte]) for byte in b" devoured")
    assert played.states[-1].parts == (b" dev", b"oured")
    assert played.steps == 9 - 2


@settings(max_examples=120, deadline=None)
@given(text=WORDS)
def test_the_last_state_is_tiktokens_own_teaching_example(context, text):
    from tiktoken._educational import bpe_encode

    with encodings.lease(context, "cl100k_base") as encoding:
        for word in encoding.words(encoding.encode(text), 100):
            last = replay(encoding, word).states[-1].parts
            reference = bpe_encode(encoding._ranks, word.text.encode(), visualise=None)
            assert list(word.ids) == reference == [encoding._ranks[part] for part in last]


@pytest.mark.parametrize("name", BPE)
@settings(max_examples=120, deadline=None)
@given(text=WORDS)
def test_the_last_state_of_every_word_is_the_librarys_tokens(context, name, text):
    with encodings.lease(context, name) as encoding:
        encoded = encoding.encode(text)
        words = encoding.words(encoded, 100)
        assert [number for word in words for number in word.ids] == list(encoded.ids)
        for word in words:
            if word.parts:
                expected = tuple(encoding.token(number).data for number in word.ids)
                assert merge(encoding, word.parts)[-1].parts == expected


@pytest.mark.parametrize("text", [
    "He devoured the orange", "</h1> </p>", "> </",
    "ẗ É  x", "后後 你好，世界", "👩‍👩‍👧‍👦", "\n\n x\n", "<0x41>", "a▁b ▁"])
@pytest.mark.parametrize("name", BPE)
def test_words_are_cut_only_where_nothing_merges(context, name, text):
    with encodings.lease(context, name) as encoding:
        for word in encoding.words(encoding.encode(text), 100):
            if word.parts:
                expected = tuple(encoding.token(number).data for number in word.ids)
                assert merge(encoding, word.parts)[-1].parts == expected


@settings(max_examples=120, deadline=None)
@given(text=WORDS)
def test_wordpiece_takes_the_longest_entries_as_the_library_does(context, text):
    with encodings.lease(context, "all-minilm-l6-v2") as encoding:
        encoded = encoding.encode(text)
        words = encoding.words(encoded, 100)
        assert [number for word in words for number in word.ids] == list(encoded.ids)
        for word in words:
            if word.parts:
                found = [match.found for match in replay(encoding, word).matches]
                assert found == [encoding.token(number).text for number in word.ids]


def test_wordpiece_tells_what_it_tried(context):
    with encodings.lease(context, "all-minilm-l6-v2") as encoding:
        word = encoding.words(encoding.encode("Unaffable"), 10)[0]
        matches = replay(encoding, word).matches
    assert [match.found for match in matches] == ["una", "##ffa", "##ble"]
    assert matches[0].tried == ("unaffable", "unaffabl", "unaffab", "unaffa", "unaff", "unaf", "una")
    assert [match.start for match in matches] == [0, 3, 6]


def test_a_text_cut_short_ends_with_a_whole_word(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        encoded = encoding.encode("devoured devoured devoured")
        words = encoding.words(encoded, 3)
    assert [word.text for word in words] == ["dev" + "oured"] and words[0].ids == tuple(encoded.ids[:len(words[0].ids)])


def test_special_tokens_stand_alone_and_are_not_merged(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        words = encoding.words(encoding.encode("a.<|endoftext|>b", special=True), 10)
    assert [(word.text, bool(word.parts)) for word in words] == [
        ("a", True), (".", True), ("<|endoftext|>", False), ("b", True)]


def test_a_word_too_long_to_look_at_is_refused_and_passed_over(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        words = encoding.words(encoding.encode("x" * (MOST_PARTS + 1) + " short"), 500)
        with pytest.raises(BadInput, match=f"{MOST_PARTS + 1} parts"):
            replay(encoding, words[0])
    assert most_telling(words) == 1
    assert most_telling([]) is None and most_telling([Word(0, (1,), (), "x")]) is None


def test_the_word_of_most_tokens_is_shown_first(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        words = encoding.words(encoding.encode("strawberry Strawberry and cream"), 100)
    assert words[most_telling(words)].text == "strawberry"


def test_merges_are_read_in_their_order_in_either_spelling(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text('{"model": {"vocab": {"merges": 3, "\\"merges\\": [": 4}, '
                    '"merges": ["a b", ["c", " d"],["\\"", "]"]]}}')
    assert read_merges(path) == [("a", "b"), ("c", " d"), ('"', "]")]
    path.write_text('{"model": {"vocab": {"merges": 3}}}')
    assert read_merges(path) == []


def test_a_merge_table_finds_ranks_and_nothing_else():
    table = MergeTable([(7, 9), (1, 2), (2, 1)])
    assert [table.rank(7, 9), table.rank(1, 2), table.rank(2, 1)] == [0, 1, 2]
    assert table.rank(9, 7) is None and table.rank(2**31, 2**31) is None
    assert MergeTable([]).rank(1, 2) is None


def test_gemmas_merges_are_those_of_its_file(context):
    import json

    from playground import catalog

    folder = context.weights.locate(catalog.find("gemma-3-270m")).folder
    expected = json.loads((folder / "tokenizer.json").read_text())["model"]["merges"]
    assert [list(pair) for pair in read_merges(folder / "tokenizer.json")] == expected
    with encodings.lease(context, "gemma-3-270m") as encoding:
        for rank in (0, 1, 2, 1000, len(expected) - 1):
            assert encoding.rank(*expected[rank]) == rank


def test_a_unigram_model_merges_nothing(settings, tmp_path):
    from tokenizers import Tokenizer, models

    (tmp_path / "openai-community--gpt2").mkdir()
    Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0), ("b", -2.0)], 0, False)).save(
        str(tmp_path / "openai-community--gpt2" / "tokenizer.json"))
    context = build_context(dataclasses.replace(settings, models_dir=tmp_path))
    with encodings.lease(context, "openai-community/gpt2") as encoding:
        words = encoding.words(encoding.encode("ab"), 10)
        with pytest.raises(BadInput, match="unigram"):
            replay(encoding, words[0])
