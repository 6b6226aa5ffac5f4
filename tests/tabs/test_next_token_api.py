"""/next_token and /continue_text as a script meets them."""

import pytest

ORANGE = "He devoured the orange"
MODEL = "gemma-3-270m"


def test_next_token_gives_a_sorted_table(client):
    table = client.predict(ORANGE, MODEL, 1.0, 0, 1.0, api_name="/next_token")
    assert table["headers"] == ["token", "id", "probability"]
    tokens, ids, probabilities = zip(*table["data"], strict=True)
    assert tokens[:3] == (" juice", ",", " and")
    assert probabilities[:3] == pytest.approx((0.187, 0.108, 0.100), abs=0.003)
    assert list(probabilities) == sorted(probabilities, reverse=True)
    assert all(isinstance(each, int) for each in ids)


def test_all_but_the_text_is_optional(client):
    table = client.predict("Once upon a", api_name="/next_token")
    assert table["data"][0][0] == " time" and table["data"][0][2] == pytest.approx(0.975, abs=0.003)


def test_temperature_0_and_cuts_leave_few_rows(client):
    assert client.predict(ORANGE, MODEL, 0, 0, 1.0, api_name="/next_token")["data"][0][2] == 1.0
    assert len(client.predict(ORANGE, MODEL, 0, 0, 1.0, api_name="/next_token")["data"]) == 1
    assert len(client.predict(ORANGE, MODEL, 1.0, 5, 1.0, api_name="/next_token")["data"]) == 5
    rows = client.predict(ORANGE, MODEL, 1.0, 0, 0.25, api_name="/next_token")["data"]
    assert [row[0] for row in rows] == [" juice", ","]
    assert sum(row[2] for row in rows) == pytest.approx(1.0)


def test_continue_text_repeats_with_its_seed(client):
    def ask(seed):
        return client.predict("Once upon a", MODEL, 1.0, 0, 1.0, 6, seed, api_name="/continue_text")

    assert ask(1) == ask(1)
    assert ask(1) != ask(2)


def test_continue_text_at_temperature_0_takes_the_top(client):
    assert client.predict("Once upon a", MODEL, 0, 0, 1.0, 2, api_name="/continue_text").startswith(" time")


@pytest.mark.parametrize(("arguments", "words"), [
    (("",), "empty"), (("x" * 100_001,), "100,001 characters"), ((ORANGE, "gpt-17"), "gpt-17"),
    ((ORANGE, "<b>bold</b>"), "&lt;b&gt;"), ((ORANGE, MODEL, -1), "temperature"), ((ORANGE, MODEL, 1.0, 0.5), "Top-k"),
    ((ORANGE, MODEL, 1.0, 0, 7), "Top-p")])
def test_bad_values_get_a_clear_answer_and_leave_the_app_as_it_was(client, arguments, words):
    with pytest.raises(Exception, match=words):
        client.predict(*arguments, api_name="/next_token")
    assert client.predict(ORANGE, api_name="/next_token")["data"][0][0] == " juice"


def test_a_model_that_is_not_here_is_named_with_its_remedy(client):
    with pytest.raises(Exception, match=r"GPT-2 .* is not on this machine.*models-dir"):
        client.predict(ORANGE, "openai-community/gpt2", api_name="/next_token")


@pytest.mark.parametrize("arguments", [("x", MODEL, 1.0, 0, 1.0, 0), ("x", MODEL, 1.0, 0, 1.0, 5, -1)])
def test_continue_text_past_its_ranges(client, arguments):
    with pytest.raises(Exception, match=r"Give a whole number"):
        client.predict(*arguments, api_name="/continue_text")
