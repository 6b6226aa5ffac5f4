"""The bundled book, and visitors' own texts: decoding, refusing, keeping within a bound, letting go."""

import gc
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from playground.errors import BadInput, DamagedWeights, NotEnoughMemory
from playground.text.ngrams import corpora
from playground.text.ngrams.corpora import Library


def test_the_book_is_whole_and_knows_its_chapters():
    book = corpora.moby_dick()
    assert len(book.text) == 1_190_317
    assert len(book.chapters[1]) == 135 and book.chapters[1][0] == "Chapter 1. Loomings."
    place = book.place(book.text.index("the whiteness of the whale"))
    assert place.chapter.startswith("Chapter 42.") and 30 < place.percent < 40


def test_a_damaged_book_is_named(monkeypatch, tmp_path):
    import lzma

    other = tmp_path / "moby-dick.txt.xz"
    other.write_bytes(lzma.compress(b"Call me Ahab."))
    monkeypatch.setattr(corpora, "PACKED", other)
    with pytest.raises(DamagedWeights, match="checksum"):
        corpora.moby_dick.__wrapped__()
    other.write_bytes(b"no archive")
    with pytest.raises(DamagedWeights, match="cannot be read"):
        corpora.moby_dick.__wrapped__()


def test_the_books_counts_are_a_model_in_the_cache(context):
    library = Library(context)
    with library.open("moby-dick", "words") as counted:
        model = next(model for model in context.cache.stats()["models"] if model["variant"] == "counts-words-8")
        assert model["bytes"] == counted.table.bytes and model["leases"] == 1
    loads = context.cache.stats()["loads"]
    with library.open("moby-dick", "words"):
        assert context.cache.stats()["loads"] == loads


@pytest.mark.parametrize(("corpus", "unit"), [("moby-duck", "letters"), ("moby-dick", "syllables"), (None, "words")])
def test_unknown_names_are_refused(context, corpus, unit):
    with pytest.raises(BadInput, match="Choose one of"), Library(context).open(corpus, unit):
        pass


@pytest.mark.parametrize("content", [
    "naïve 鯨".encode(), b"\xef\xbb\xbf" + "naïve 鯨".encode(), "naïve 鯨".encode("utf-16"),
    b"\xfe\xff" + "naïve 鯨".encode("utf-16-be")])
def test_files_are_decoded_by_their_byte_order_mark(content):
    assert corpora.decode(content) == "naïve 鯨"


@pytest.mark.parametrize(("content", "reason"), [
    ("naïve".encode("latin-1"), "not UTF-8"), (b"\xff\xfea", "not UTF-16"), (b"x" * (20 * 10**6 + 1), "20.0 MB")])
def test_files_that_are_not_text_are_refused_with_a_reason(content, reason):
    with pytest.raises(BadInput, match=reason):
        corpora.decode(content)


@pytest.mark.parametrize(("text", "reason"), [
    ("", "empty"), ("  \n", "empty"), ("a\x00b", "binary"), ("\x01\x02\x03abc", "binary"), ("half \ud83d", "surrogate"),
    (7, "not text"), ("x" * (20 * 10**6 + 1), "Give at most"), ("鯨" * 7 * 10**6, "larger than 20 MB")])
def test_texts_that_cannot_be_counted_are_refused(context, text, reason):
    library = Library(context)
    with pytest.raises(BadInput) as caught:
        library.add(text)
    assert reason in str(caught.value)
    assert library.held() == 0


def test_an_own_text_is_counted_once_a_unit_and_let_go_with_its_session(context):
    library = Library(context)
    own = library.add("to be or not to be\r\nthat is the question")
    with library.open(own, "characters") as first, library.open(own, "characters") as second:
        assert first is second and "\n" in first.table.symbols.vocabulary and "\r" not in first.table.symbols.vocabulary
    with library.open(own, "words") as counted:
        assert counted.table.size == 10
    assert "to be" not in str(context.cache.stats())
    assert library.held() > 0
    del own, first, second, counted
    gc.collect()
    assert library.held() == 0


def test_counts_used_longest_ago_go_first_and_come_back(context):
    text = "the whale and the sea " * 2_000
    library = Library(context, bound=13 * 10**5)
    owns = [library.add(f"{number} {text}") for number in range(4)]
    for own in owns:
        with library.open(own, "characters"):
            assert library.held() <= 13 * 10**5
    assert owns[0].counted is None and owns[-1].counted is not None
    with library.open(owns[0], "characters") as counted:
        assert counted.book.text.startswith("0 the whale")


def test_too_many_texts_are_refused(context):
    library = Library(context, bound=1_000)
    kept = library.add("x" * 900)
    with pytest.raises(NotEnoughMemory, match="full"):
        library.add("y" * 900)
    assert kept.book.text


def test_who_counts_text_after_text_keeps_his_own_share_alone(context):
    library = Library(context, bound=80_000)
    others = library.add("b" * 9_000, ("bea", "1.1.1.1"))
    owns = [library.add("a" * 9_000, ("ada", "2.2.2.2")) for _ in range(5)]
    assert [own.let_go for own in owns] == [True, True, True, False, False]
    assert library.held() < 3 * 10_000
    for own, left in ((others, True), (owns[0], False), (owns[-1], True)):
        if left:
            with library.open(own, "characters") as counted:
                assert len(counted.book.text) == 9_000
        else:
            with pytest.raises(BadInput, match="let go"), library.open(own, "characters"):
                pass


def test_an_address_leaves_half_of_the_memory_for_texts_of_others(context):
    library = Library(context, bound=80_000)
    held = [library.add("a" * 9_000, (f"ada {number}", "2.2.2.2")) for number in range(4)]
    with pytest.raises(NotEnoughMemory, match="your address"):
        library.add("a" * 9_000, ("ada 5", "2.2.2.2"))
    with pytest.raises(NotEnoughMemory, match="your address"):  # two of ada's own would go, and it is not enough
        library.add("a" * 19_000, ("ada 0", "2.2.2.2"))
    library.add("b" * 9_000, ("bea", "1.1.1.1"))
    assert not any(own.let_go for own in held)


def test_large_texts_are_counted_one_after_the_other(context, monkeypatch):
    monkeypatch.setattr(corpora, "LARGE", 100)
    under_way, most, count = [], [], corpora.counts.count

    def counted(cut):
        under_way.append(cut)
        most.append(len(under_way))
        time.sleep(0.05)
        under_way.pop()
        return count(cut)

    monkeypatch.setattr(corpora.counts, "count", counted)
    library = Library(context)
    owns = [library.add(f"{number} the whale and the sea " * 9) for number in range(4)]

    def look(own):
        with library.open(own, "characters"):
            pass

    with ThreadPoolExecutor() as pool:
        list(pool.map(look, owns))
    assert most == [1, 1, 1, 1]
