"""The counts of n-grams against nltk, plain Counters and cases worked by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.errors import BadInput
from playground.text.ngrams import corpora, counts, symbols
from playground.text.ngrams.coverage import coverage
from playground.text.ngrams.lookup import look_up


def counted(text: str, unit: str = symbols.CHARACTERS) -> counts.CountTable:
    return counts.count(symbols.read(text, unit))


def all_counts(table: counts.CountTable, n: int) -> dict[tuple[str, ...], int]:
    """Every n-gram of order n, spelled, with its count."""
    level = table.level(n)
    grams = table.grams(n, np.arange(len(level.starts)))
    return {tuple(map(table.symbols.name, gram)): int(count)
            for gram, count in zip(grams.tolist(), level.counts, strict=True)}


def plain(sequence: list[str], n: int) -> Counter:
    return Counter(zip(*(sequence[at:] for at in range(n)), strict=False))


@pytest.fixture(scope="module")
def passage() -> str:
    """12,000 characters from the middle of the book."""
    return corpora.moby_dick().text[500_000:512_000]


@pytest.mark.parametrize("unit", symbols.UNITS)
def test_counts_of_every_order_equal_nltks(passage: str, unit: str) -> None:
    from nltk.lm import NgramCounter
    from nltk.util import everygrams

    table = counted(passage, unit)
    sequence = [table.symbols.name(code) for code in table.symbols.codes.tolist()]
    theirs = NgramCounter([everygrams(sequence, max_len=counts.DEPTH)])
    assert all_counts(table, 1) == {(symbol,): count for symbol, count in theirs.unigrams.items()}
    for n in range(2, counts.DEPTH + 1):
        expected = {(*context, symbol): count
                    for context, following in theirs[n].items() for symbol, count in following.items()}
        assert all_counts(table, n) == expected


def test_probabilities_equal_nltks_maximum_likelihood(passage: str) -> None:
    from nltk.lm import MLE
    from nltk.util import everygrams

    table = counted(passage)
    model = MLE(4)
    model.fit([everygrams(passage, max_len=4)], sorted(set(passage)))
    for context in ("the", " wh", "e", "", "Sta"):
        followers = table.followers(table.symbols.encode(context), 4)
        ours = dict(zip(map(table.symbols.name, followers.codes.tolist()), followers.counts / followers.total,
                        strict=True))
        assert not followers.shortened
        for symbol in set(passage):
            assert ours.get(symbol, 0) == pytest.approx(model.score(symbol, tuple(context)))


def test_whole_book_at_n_5_equals_a_plain_count() -> None:
    text = corpora.moby_dick().text
    assert all_counts(counted(text), 5) == plain(list(text), 5)


def test_a_vocabulary_too_large_for_one_number_is_counted_right() -> None:
    random = np.random.default_rng(0)
    text = "".join(map(chr, random.choice(np.arange(0x4E00, 0x9000), 4_000)))
    text += text[:1_500] + text[:700]  # so that long n-grams repeat
    table = counted(text)
    assert (len(table.symbols.vocabulary) + 1) ** counts.DEPTH > 2**63
    for n in (1, 2, 5, 8):
        assert all_counts(table, n) == plain(list(text), n)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab c", min_size=1, max_size=40), st.integers(1, counts.DEPTH))
def test_counts_of_any_small_text(text: str, n: int) -> None:
    table = counted(text)
    if n > len(text):
        with pytest.raises(BadInput, match="needs at least"):
            table.level(n)
    else:
        assert all_counts(table, n) == plain(list(text), n)


def test_abracadabra_by_hand() -> None:
    table = counted("ABRACADABRA")
    encode = table.symbols.encode
    followers = table.followers(encode("A"), 2)
    assert [table.symbols.name(code) for code in followers.codes] == ["B", "C", "D"]
    assert followers.counts.tolist() == [2, 1, 1]  # the last A is followed by nothing
    assert table.followers(encode("RA"), 3).counts.tolist() == [1]


def test_unseen_context_is_shortened_and_says_so() -> None:
    table = counted("ABRACADABRA")
    followers = table.followers(table.symbols.encode("CB"), 3)  # CB never occurs, B does
    assert followers.shortened and followers.wanted == 2
    assert [table.symbols.name(code) for code in followers.context] == ["B"]


def test_a_context_that_only_ends_the_text_is_shortened() -> None:
    table = counted("XYXZ")
    followers = table.followers(table.symbols.encode("Z"), 2)
    assert followers.shortened and followers.context == () and followers.total == 4


def test_a_symbol_that_the_text_lacks_cuts_the_context() -> None:
    table = counted("ABRACADABRA")
    followers = table.followers(table.symbols.encode("?BR"), 4)
    assert followers.shortened and len(followers.context) == 2


def test_the_lectures_q_is_followed_by_u_alone() -> None:
    table = counted(corpora.moby_dick().text, symbols.LETTERS)
    followers = table.followers(table.symbols.encode("_Q"), 3)
    assert [table.symbols.name(code) for code in followers.codes] == ["U"]
    assert len(table.symbols.vocabulary) == 27


def test_coverage_by_hand() -> None:
    found = coverage(counted("ABRACADABRA"), 2)
    assert (found.vocabulary, found.contexts_possible, found.grams_possible) == (5, 5, 25)
    assert (found.contexts_seen, found.grams_seen) == (5, 7)  # A B R C D; AB BR RA AC CA AD DA
    assert (found.single, found.single_once) == (4, 2)  # B>R R>A C>A D>A; C and D once each
    assert found.places_single == pytest.approx(6 / 10)


def test_coverage_of_the_book_against_a_plain_count() -> None:
    text = corpora.moby_dick().text[:200_000]
    following: dict[str, set[str]] = {}
    for at in range(len(text) - 3):
        following.setdefault(text[at:at + 3], set()).add(text[at + 3])
    found = coverage(counted(text), 4)
    assert found.contexts_seen == len(following)
    assert found.single == sum(len(symbols) == 1 for symbols in following.values())


def test_search_looks_at_all_rows_and_gives_the_most_frequent_first(passage: str) -> None:
    table = counted(passage)
    expected = {gram: count for gram, count in plain(list(passage), 5).items() if "wha" in "".join(gram)}
    found = look_up(table, 5, "wha", limit=10)
    assert (found.found, found.occurrences) == (len(expected), sum(expected.values()))
    ours = [row.count for row in found.rows]
    assert ours == sorted(expected.values(), reverse=True)[:10]
    contexts = plain(list(passage), 4)
    for row in found.rows:
        context = tuple(map(table.symbols.name, row.context))
        assert expected[(*context, table.symbols.name(row.following))] == row.count
        ends = passage.endswith("".join(context))
        assert row.probability == pytest.approx(row.count / (contexts[context] - ends))


def test_limit_keeps_ties_in_order() -> None:
    rows = look_up(counted("abcdeabcde"), 1, limit=3).rows
    assert [row.following for row in rows] == [1, 2, 3]


def test_words_match_by_their_beginning() -> None:
    table = counted("The whale, the whaling whalers and a wheel.", symbols.WORDS)
    assert {table.symbols.name(row.following) for row in look_up(table, 1, "whal").rows} == {
        "whale", "whaling", "whalers"}
    assert look_up(table, 2, "the whal").found == 2
    assert look_up(table, 1, "the whal").found == 0  # longer than n


def test_places_of_a_passage(passage: str) -> None:
    table = counted(passage)
    low, high = table.find(table.symbols.encode("the "))
    places = sorted(table.order[low:high].tolist())
    assert places == [at for at in range(len(passage)) if passage.startswith("the ", at)]


def test_memory_is_measured() -> None:
    table = counted(corpora.moby_dick().text[:100_000])
    assert 1_000_000 < table.bytes < 5_000_000
