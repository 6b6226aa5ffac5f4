"""/tokenize as a script calls it."""

import pytest
from gradio_client.exceptions import AppError


def test_tokenize_answers_the_lectures_examples(client):
    found = client.predict('Who\'d use "后" vs. "後"?', "cl100k_base", api_name="/tokenize")
    assert set(found) == {"count", "characters", "tokens"}
    assert (found["count"], found["characters"], len(found["tokens"])) == (11, 22, 11)
    assert found["tokens"][4] == {"id": 34547, "text": "后", "bytes": "e5908e"}
    assert "".join(token["text"] for token in found["tokens"]) == 'Who\'d use "后" vs. "後"?'


def test_the_encoding_is_optional(client):
    found = client.predict("He devoured the orange", api_name="/tokenize")
    assert (found["count"], found["characters"]) == (5, 22)


@pytest.mark.parametrize(("encoding", "texts"), [
    ("gemma-3-270m", ["He", " devoured", " the", " orange"]),
    ("all-minilm-l6-v2", ["he", "dev", "##oured", "the", "orange"])])
def test_models_names_are_encodings_too(client, encoding, texts):
    found = client.predict("He devoured the orange", encoding, api_name="/tokenize")
    assert [token["text"] for token in found["tokens"]] == texts


def test_the_empty_text_has_no_tokens(client):
    assert client.predict("", "cl100k_base", api_name="/tokenize") == {"count": 0, "characters": 0, "tokens": []}


def test_split_characters_are_given_as_bytes(client):
    tokens = client.predict("🥑", "cl100k_base", api_name="/tokenize")["tokens"]
    assert [token["text"] for token in tokens] == ["<0xF0><0x9F>", "<0xA5>", "<0x91>"]
    assert bytes.fromhex("".join(token["bytes"] for token in tokens)).decode() == "🥑"


def test_special_tokens_are_plain_text(client):
    assert client.predict("<|endoftext|>", "cl100k_base", api_name="/tokenize")["count"] == 7


@pytest.mark.parametrize(("text", "encoding", "says"), [
    ("text", "gpt-9<script>", "gpt-9&lt;script&gt; is not known"),
    ("text", "o200k_base", "is not on this machine"),
    ("x" * 1_000_001, "cl100k_base", "1,000,001 characters"),
    ("a b " * 250_000, "cl100k_base", "500,000 tokens|500,001 tokens"),
    (" " * 999_999 + "x", "cl100k_base", "run of blanks")])
def test_what_cannot_be_done_is_refused_and_leaves_the_app_as_it_was(client, text, encoding, says):
    with pytest.raises(AppError, match=says):
        client.predict(text, encoding, api_name="/tokenize")
    assert client.predict("He devoured the orange", "cl100k_base", api_name="/tokenize")["count"] == 5


def test_a_lone_surrogate_sent_past_the_client_is_refused(url):
    """The client cannot send one; JSON can spell it."""
    import httpx

    body = b'{"data": ["half \\ud83d emoji", "cl100k_base"]}'
    begun = httpx.post(f"{url}gradio_api/call/tokenize", content=body, headers={"Content-Type": "application/json"})
    answer = httpx.get(f"{url}gradio_api/call/tokenize/{begun.json()['event_id']}", timeout=30).text
    assert "event: error" in answer and "event: complete" not in answer
