"""Writing with counts, verbatim runs, perplexity, the ladder and the figures of texts."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.text.ngrams import corpora, counts, generate, ladder, patterns, perplexity, symbols, verbatim


def counted(text: str, unit: str = symbols.CHARACTERS) -> counts.CountTable:
    return counts.count(symbols.read(text, unit))


@pytest.fixture(scope="module")
def letters() -> counts.CountTable:
    return counted(corpora.moby_dick().text, symbols.LETTERS)


@pytest.fixture(scope="module")
def words() -> counts.CountTable:
    return counted(corpora.moby_dick().text, symbols.WORDS)


def test_the_same_seed_writes_the_same_text_and_another_does_not(letters):
    first, again, other = (generate.babble(letters, 4, "once upon a", 100, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert first.startswith("ONCE UPON A") and len(first) == 111


def test_step_by_step_writes_what_one_run_writes(letters):
    codes = letters.symbols.encode("THE WHITE")
    run = generate.write(letters, 5, codes, 30, seed=3)
    for done in range(30):
        step, = generate.write(letters, 5, [*codes, *(one.code for one in run[:done])], 1, seed=3, skip=done)
        assert step == run[done]


def test_symbols_are_drawn_as_often_as_they_followed(letters):
    followers = letters.followers(letters.symbols.encode("TH"), 3)
    numbers = np.random.default_rng(0).random(20_000).tolist()
    drawn = Counter(generate.draw(followers, u).code for u in numbers)
    shares = followers.counts / followers.total
    expected = np.maximum(shares * len(numbers), 1e-9)
    chi_square = sum((drawn[code] - want) ** 2 / want
                     for code, want in zip(followers.codes.tolist(), expected, strict=True) if want >= 5)
    assert set(drawn) <= set(followers.codes.tolist())
    assert chi_square < 60  # some 20 degrees of freedom; the seed is fixed


def test_the_slice_that_was_hit_holds_the_number(letters):
    for one in generate.write(letters, 3, [], 200, seed=5):
        assert one.low <= one.u < one.high


@pytest.mark.parametrize("u", [0.0, 0.25, 0.5, 0.75, math.nextafter(1.0, 0.0)])
def test_the_ends_of_the_unit_interval_draw_a_symbol_that_followed(u):
    followers = counted("aabacadae").followers([1], 2)
    assert generate.draw(followers, u).code in followers.codes.tolist()


def test_a_shortened_context_is_noted(letters):
    first = generate.write(letters, 8, letters.symbols.encode("QXQXQXQX"), 1, seed=0)[0]
    assert first.context < first.wanted == 7


def test_a_context_without_choice_is_copied():
    table = counted("the sea the sky")
    drawn = generate.write(table, 4, table.symbols.encode("the"), 1, seed=9)[0]
    assert (table.symbols.name(drawn.code), drawn.choices, drawn.low, drawn.high) == (" ", 1, 0.0, 1.0)


@pytest.mark.parametrize(("n", "length", "seed", "words_of_it"), [
    (0, 5, 1, "n is 0"), (9, 5, 1, "n is 9"), (2.5, 5, 1, "n is 2.5"), (3, 0, 1, "length is 0"),
    (3, 10**6, 1, "length is"), (3, 5, -1, "seed is -1"), (3, 5, float("nan"), "seed is nan"),
    ("3", 5, 1, "not a number")])
def test_numbers_past_the_sliders_are_refused_by_name(letters, n, length, seed, words_of_it):
    with pytest.raises(BadInput, match=words_of_it):
        generate.babble(letters, n, "once", length, seed=seed)


def test_a_text_shorter_than_n_is_refused():
    with pytest.raises(BadInput, match="has 3 symbols"):
        generate.babble(counted("abc"), 4, "a", 5, seed=1)


def test_words_are_written_with_spaces_where_they_belong(words):
    text = generate.babble(words, 3, "Call me", 40, seed=2)
    assert text.startswith("call me ") and " ," not in text and "  " not in text


# ---- verbatim runs

def test_a_passage_of_the_book_is_one_run_in_its_place(letters):
    text = corpora.moby_dick().text
    begin = text.index("Call me Ishmael")
    codes = letters.symbols.encode(text[begin:begin + 300])
    run, = verbatim.runs(letters, codes)
    assert (run.start, run.times) == (0, 1) and run.end >= len(codes) - 1
    assert abs(int(letters.symbols.starts[run.place]) - begin) <= 1


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="ab", min_size=60, max_size=150), st.lists(st.integers(0, 110), min_size=1, max_size=3))
def test_runs_are_those_of_an_exhaustive_search(text, cuts):
    table = counted(text + "ab")
    written = "".join(text[cut:cut + 34] for cut in cuts)
    expected, reached = [], 0
    for start in range(len(written)):
        length = max(size for size in range(len(written) - start + 1) if written[start:start + size] in text + "ab")
        if length >= 30 and start + length > reached:
            reached = start + length
            expected.append((start, reached))
    assert [(run.start, run.end) for run in verbatim.runs(table, table.symbols.encode(written))] == expected


def test_times_and_first_place_of_a_run():
    sentence = "the sperm whale blows as a clock ticks, "
    table = counted("x " + sentence * 2)
    run = verbatim.runs(table, table.symbols.encode(sentence[:35]))[0]
    assert (run.place, run.times) == (2, 2)


def test_eight_words_make_a_run_and_seven_do_not(words):
    text = "whenever it is a damp, drizzly November in my soul"
    codes = words.symbols.encode(text)
    assert not verbatim.runs(words, codes[:7])
    assert [(run.start, run.end) for run in verbatim.runs(words, codes[:8])] == [(0, 8)]


# ---- perplexity and ladder

def test_smoothed_probabilities_equal_nltks_witten_bell():
    from nltk.lm import WittenBellInterpolated
    from nltk.util import everygrams

    text = corpora.moby_dick().text[300_000:304_000]
    train, test = text[:3_600], text[3_600:3_900]
    table, known = counted(train), sorted(set(train))
    size = len(known) + 1

    model = WittenBellInterpolated(4)
    model.fit([everygrams(train, max_len=4)], known)
    unigrams = model.counts.unigrams

    def first_order(symbol, context=None):  # nltk ends at unmixed unigrams, which give 0 to what was never seen
        kinds = len(known)
        return (unigrams[symbol] + kinds / size) / (unigrams.N() + kinds)

    model.estimator.unigram_score = first_order
    codes = np.array([table.symbols.numbers.get(each, 0) for each in test])
    ours = perplexity.probabilities(table, codes, size)[4]
    theirs = [model.unmasked_score(test[at], tuple(test[at - 3:at])) for at in range(7, len(test))]
    assert ours == pytest.approx(theirs)


def test_probabilities_of_all_symbols_sum_to_one():
    table = counted("abracadabra" * 3 + "abc")
    size = len(table.symbols.vocabulary) + 1
    head = table.symbols.encode("abracad")
    total = sum(perplexity.probabilities(table, np.array([*head, code]), size)[5][0]
                for code in range(1, len(table.symbols.vocabulary) + 1))
    unknown = perplexity.probabilities(table, np.array([*head, 0]), size)[5][0]
    assert total + unknown == pytest.approx(1)


def test_perplexity_of_the_book_falls_and_rises_again(letters):
    figures = perplexity.perplexities(letters)
    assert figures.held_out[0] == pytest.approx(27)
    assert 15 < figures.held_out[1] < 18 and min(figures.held_out) < 4.2
    assert figures.held_out.index(min(figures.held_out)) in (5, 6) and figures.held_out[8] > min(figures.held_out)
    assert list(figures.counted) == sorted(figures.counted, reverse=True) and figures.counted[8] < 2


def test_unknown_words_are_counted(words):
    figures = perplexity.perplexities(words)
    split = words.size - words.size // 10
    known = set(words.symbols.codes[:split].tolist())
    unknown = [code not in known for code in words.symbols.codes[split:].tolist()]
    assert figures.unknown == pytest.approx(np.mean(unknown))


def test_a_short_text_has_a_ladder_without_perplexity():
    counted_text = corpora.Counted(corpora.Book("short", "to be or not to be"), counted("to be or not to be"))
    found = ladder.climb(counted_text.table, counted_text.perplexities, "to", 12, seed=1)
    assert [rung.n for rung in found.rungs] == list(range(9)) and found.rungs[3].held_out is None
    assert all(len(rung.written) == 12 for rung in found.rungs)
    with pytest.raises(BadInput, match="too few"):
        perplexity.perplexities(counted_text.table)


def test_the_rungs_of_the_ladder_are_what_babble_writes(letters):
    found = ladder.climb(letters, None, "once upon a", 50, seed=4)
    for rung in found.rungs[1:]:
        assert found.start + rung.written == generate.babble(letters, rung.n, "once upon a", 50, seed=4)


# ---- figures of texts

def test_repetition_and_vocabulary_by_hand():
    found = patterns.patterns("The sea, the sea, the sea, the sea!", {"sea"})
    assert (found.words, found.distinct, found.known) == (8, 2 / 8, 4 / 8)
    assert found.repeated == pytest.approx(1 - 2 / 5)
    assert found.commonest == (("the", 4), ("sea", 4))


def test_figures_of_no_words_are_none():
    found = patterns.patterns("…", set())
    assert (found.words, found.distinct, found.repeated, found.known) == (0, None, None, None)
