"""Trigger words: made from a name, and warned of where the text encoder knows them."""

import pytest

from playground.lora import plan, triggers


@pytest.mark.parametrize(("name", "word"), [
    ("Joshua Guggenheim", "joshuag"), ("Jo", "joqx"), ("", ""), ("  ", ""), ("Ångström", "angstr"),
    ("Élodie", "elodie"), ("Иван", "personqx"), ("李", "personqx"), ("Anne-Marie", "annem")])
def test_a_word_from_a_name(name, word):
    assert triggers.suggest(name) == word
    if word:
        assert plan.check_trigger(word) == word


@pytest.mark.models
def test_an_ordinary_word_is_one_that_the_vocabulary_holds(context):
    assert all(triggers.is_ordinary(context, word) for word in ("anna", "dog", "Paris", "person"))
    assert not any(triggers.is_ordinary(context, word) for word in ("joshuag", "annaqx", "zwx"))


@pytest.mark.models
def test_an_ordinary_name_gives_a_word_that_is_not(context):
    assert triggers.usable(context, "Anna") == "annaqx"
    assert triggers.usable(context, "Joshua Guggenheim") == "joshuag"
