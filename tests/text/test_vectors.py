"""Word vectors against gensim's KeyedVectors, scikit-learn and hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground import catalog
from playground.errors import BadInput, ModelMissing, NotEnoughMemory
from playground.text.vectors import analogies, arithmetic, compare, maps, models, store

TOY = {"king": (3, 0, 1), "queen": (0, 3, 1), "man": (2, 0, 0), "woman": (0, 2, 0), "apple": (0, 0, -1),
       "King": (1, 1, 1)}


@pytest.fixture
def toy():
    """Six words of three dimensions."""
    return store.make("toy", list(TOY), np.array(list(TOY.values()), dtype=np.float32))


@pytest.fixture(scope="session")
def glove(context):
    """The 400,000 GloVe vectors in the run's cache."""
    with context.cache.lease(models.spec(context)) as vectors:
        yield vectors


@pytest.fixture(scope="session")
def keyed(context):
    """The same files as gensim's KeyedVectors, read here without our code."""
    import pyarrow.parquet
    from gensim.models import KeyedVectors

    files = context.weights.locate(catalog.find(models.MODEL)).files
    words = pyarrow.parquet.read_table(files["glove_6B_index.parquet"])["index"].to_pylist()
    made = KeyedVectors(50)
    made.add_vectors(words, np.load(files["glove_6B_50d_emb.npy"], allow_pickle=False))
    return made


def pairs(found):
    return [(each.word, pytest.approx(each.cosine, abs=2e-6)) for each in found]


@pytest.mark.parametrize(("expression", "positive", "negative"), [
    ("king - man + woman", ["king", "woman"], ["man"]),
    ("mother + man - woman", ["mother", "man"], ["woman"]),
    ("girl+man-woman", ["girl", "man"], ["woman"]),
    ("you + his − he", ["you", "his"], ["he"]),
    ("0.5 * (hot + cold) - 2 * ice", [("hot", 0.5), ("cold", 0.5)], [("ice", -2.0)]),
    ("--banana / 3", ["banana"], []),
    ("-(cold - 3 * warm)", [("warm", 3.0)], [("cold", -1.0)]),
])
def test_arithmetic_ranks_as_gensim_does(glove, keyed, expression, positive, negative):
    answer = arithmetic.solve(glove, expression, 25)
    assert keyed.most_similar(positive, negative, topn=25) == pairs(answer.without_inputs)
    every = keyed.similar_by_vector(keyed.get_mean_vector(
        positive + negative, [x[1] if isinstance(x, tuple) else 1.0 for x in positive]
        + [x[1] if isinstance(x, tuple) else -1.0 for x in negative], pre_normalize=True), topn=25) \
        if all(isinstance(x, str) for x in positive + negative) else None
    if every is not None:
        assert every == pairs(answer.with_inputs)


def test_the_lecture_s_three_analogies(glove):
    best = {text: arithmetic.solve(glove, text, 1) for text in (
        "mother + man - woman", "girl + man - woman", "you + his - he")}
    assert [answer.without_inputs[0].word for answer in best.values()] == ["father", "boy", "your"]
    assert best["you + his - he"].with_inputs[0].word == "you"


def test_pair_as_gensim_and_as_the_raw_vectors(glove, keyed):
    for a, b in (("cow", "horse"), ("cow", "ocean"), ("the", "the")):
        found = compare.pair(glove, a, b)
        assert found.cosine == pytest.approx(float(keyed.similarity(a, b)), abs=1e-6)
        assert found.dot == pytest.approx(float(np.dot(keyed[a].astype(float), keyed[b].astype(float))), rel=1e-6)
    assert compare.pair(glove, "cow", "horse").dot > compare.pair(glove, "cow", "ocean").dot


def test_odd_one_out_as_gensim(glove, keyed):
    for words in (["breakfast", "cereal", "dinner", "lunch"], ["cat", "dog", "car", "mouse"], ["red", "blue", "seven"]):
        found = compare.odd_one_out(store.lookup(glove, words))
        expected = [(word, pytest.approx(float(cosine), abs=1e-5)) for cosine, word in keyed.rank_by_centrality(words)]
        assert found == expected
        assert found[-1][0] == keyed.doesnt_match(words)


def test_toy_arithmetic_by_hand(toy):
    # man and woman at length 1 are (1, 0, 0) and (0, 1, 0); king is (3, 0, 1) / sqrt(10)
    answer = arithmetic.solve(toy, "king - man + woman", 3)
    expected = np.array([3 / 10**0.5 - 1, 1, 1 / 10**0.5])
    assert answer.direction == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert answer.without_inputs[0].word == "queen"
    assert compare.pair(toy, "king", "queen") == compare.Pair(
        "king", "queen", pytest.approx(1.0), pytest.approx(0.1))


def test_a_phrase_is_one_entry_if_it_can_be_and_else_the_mean(toy):
    words = ["new_york", "new", "york", "Paris"]
    vectors = store.make("places", words, np.array([[1, 0], [0, 1], [0, 3], [1, 1]], dtype=np.float32))
    whole, mean, capital = store.lookup(vectors, ["new york", "york new", "paris"])
    assert whole.numbers == (0,)
    assert mean.numbers == (2, 1) and mean.raw == pytest.approx([0, 2])
    assert capital.numbers == (3,)
    hidden = arithmetic.solve(vectors, '"york new"', 4)
    assert {each.word for each in hidden.without_inputs} == {"new_york", "Paris"}


def test_exact_spelling_wins_over_other_capitals(toy):
    assert toy.find("King") == 5 and toy.find("king") == 0 and toy.find("KING") == 0


def test_unknown_words_are_all_named_with_near_spellings(glove):
    with pytest.raises(BadInput) as problem:
        arithmetic.solve(glove, "kingg - mann + womanx")
    assert "“kingg”, “womanx” are not among the 400,000 words" in problem.value.what
    assert "king" in problem.value.remedy and "woman" in problem.value.remedy
    with pytest.raises(BadInput, match="No known word"):
        arithmetic.solve(glove, "qqqqzzzzxxxx")


def test_suggestions_are_by_edits_and_then_frequency(glove):
    assert store.suggest(glove, "quenn")[0] == "queen"
    assert store.suggest(glove, "Womann")[0] == "woman"


@pytest.mark.parametrize("text", ["king - king", "0 * king", "king - KING", "2 * (king - man) - 2 * king + 2 * man"])
def test_a_sum_of_nothing_is_refused(toy, text):
    with pytest.raises(BadInput, match="comes to nothing"):
        arithmetic.solve(toy, text)


@pytest.mark.parametrize("top", [0, 101, 2.5, "ten", None, True, float("nan"), 10**400])
def test_a_number_of_words_past_the_slider_is_refused(toy, top):
    with pytest.raises(BadInput):
        arithmetic.solve(toy, "king", top)


def test_more_words_than_there_are_gives_all(toy):
    answer = arithmetic.solve(toy, "king", 100)
    assert len(answer.with_inputs) == 6 and len(answer.without_inputs) == 5


def test_a_vector_of_zeros_is_never_nan():
    vectors = store.make("zero", ["nothing", "x"], np.array([[0, 0], [0, 2]], dtype=np.float32))
    assert compare.pair(vectors, "nothing", "x") == compare.Pair("nothing", "x", 0.0, 0.0)
    with pytest.raises(BadInput, match="comes to nothing"):
        arithmetic.solve(vectors, "nothing")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_any_text_is_answered_or_refused(text):
    vectors = store.make("toy", list(TOY), np.array(list(TOY.values()), dtype=np.float32))
    for ask in (lambda: arithmetic.solve(vectors, text, 5), lambda: compare.split_words(text),
                lambda: store.lookup(vectors, compare.split_words(text)), lambda: maps.parse_pairs(text),
                lambda: compare.pair(vectors, text, "king")):
        try:
            ask()
        except BadInput as problem:
            assert problem.what


def test_word_lists():
    assert compare.split_words("cow horse  ocean") == ["cow", "horse", "ocean"]
    assert compare.split_words('cow, new  york;\n"horse", cow,') == ["cow", "new york", "horse"]
    with pytest.raises(BadInput, match="0 different words"):
        compare.split_words(",,")
    with pytest.raises(BadInput, match="1 different word"):
        compare.split_words("cow, cow", least=2)
    with pytest.raises(BadInput, match="201"):
        compare.split_words(",".join(f"w{number}" for number in range(201)))


def test_cosines_and_pairs(glove, keyed):
    words = ["cat", "dog", "car", "truck"]
    items = store.lookup(glove, words)
    found = compare.cosines(items)
    assert found == pytest.approx(np.array([[keyed.similarity(a, b) for a in words] for b in words]), abs=1e-6)
    ranked = compare.pairs(items)
    assert [each.cosine for each in ranked] == sorted((each.cosine for each in ranked), reverse=True)
    assert len(ranked) == 6


def test_pca_keeps_the_distances_of_a_plane():
    generator = np.random.default_rng(3)
    flat = generator.normal(size=(12, 2)) @ generator.normal(size=(2, 20))  # a plane in 20 dimensions
    made = maps.project(flat, maps.PCA, 2)
    gaps = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    assert np.linalg.norm(made.places[:, None] - made.places[None], axis=2) == pytest.approx(gaps)
    assert sum(made.explained) == pytest.approx(1)


@pytest.mark.parametrize("method", maps.METHODS)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_maps_have_their_shape_and_repeat_with_their_seed(method, dimensions):
    matrix = np.random.default_rng(1).normal(size=(9, 6))
    first, again = (maps.project(matrix, method, dimensions, seed=5).places for _ in range(2))
    assert first.shape == (9, dimensions) and np.array_equal(first, again)
    assert np.isfinite(first).all()


def test_maps_refuse_what_cannot_be_drawn():
    for matrix, method, dimensions in (
            (np.eye(2), maps.PCA, 2), (np.eye(4), maps.TSNE, 2), (np.ones((9, 5)), maps.PCA, 2), (np.eye(9), "UMAP", 2),
            (np.eye(9), maps.PCA, 4), (np.eye(9)[:, :2], maps.PCA, 3)):
        with pytest.raises(BadInput):
            maps.project(matrix, method, dimensions)


def test_axis_and_corner_by_hand(toy):
    axis = maps.axis(toy, [("man", "woman")])
    assert axis == pytest.approx(np.array([-1, 1, 0]) / 2**0.5)
    places = maps.on_axis(store.lookup(toy, ["man", "woman", "apple"]), axis)
    assert places == pytest.approx([-1 / 2**0.5, 1 / 2**0.5, 0])
    a, b, c = store.lookup(toy, ["man", "king", "woman"])
    assert maps.fourth_corner(a, b, c) == pytest.approx(
        arithmetic.solve(toy, "woman + king - man").direction, abs=1e-6)
    with pytest.raises(BadInput, match="no direction"):
        maps.axis(toy, [("man", "woman"), ("woman", "man")])


def test_pairs_of_an_axis():
    assert maps.parse_pairs("he:she, man -> woman;\nking→queen") == [("he", "she"), ("man", "woman"), ("king", "queen")]
    assert maps.parse_pairs("", least=0) == []
    for text in ("he", "a:b:c", ":she", "", ",".join(["a:b"] * 21)):
        with pytest.raises(BadInput):
            maps.parse_pairs(text)


def test_the_gender_axis_parts_the_jobs(glove):
    axis = maps.axis(glove, maps.parse_pairs("he:she, man:woman"))
    places = dict(zip(("nurse", "captain"), maps.on_axis(store.lookup(glove, ["nurse", "captain"]), axis), strict=True))
    assert places["nurse"] > 0.1 > -0.1 > places["captain"]


class Turn:
    """A turn at the processor that counts how often it was taken and whether it was ever held twice."""

    def __init__(self):
        self.taken, self.held = 0, False

    def __enter__(self):
        assert not self.held
        self.taken, self.held = self.taken + 1, True

    def __exit__(self, *_):
        self.held = False


def test_analogies_score_as_gensim_does(glove, keyed, tmp_path):
    sections = [section for section in analogies.read_sections(analogies.questions_file())
                if section.name in ("family", "currency")]
    sections = [analogies.Section(section.name, section.questions[:60] + section.questions[-20:])
                for section in sections]
    sections[0].questions.append(("king", "queen", "qqqzz", "woman"))
    path = tmp_path / "questions.txt"
    path.write_text("".join(f": {section.name}\n" + "".join(" ".join(question) + "\n" for question in section.questions)
                            for section in sections))
    turn = Turn()
    steps = list(analogies.evaluate(glove, sections, lambda: turn, vocabulary=100_000))
    overall, expected = keyed.evaluate_word_analogies(str(path), restrict_vocab=100_000)
    for score, reference in zip(steps[-1], expected, strict=False):
        assert (score.correct, score.asked) == (
            len(reference["correct"]), len(reference["correct"]) + len(reference["incorrect"])), score.section
    found = steps[-1]
    assert sum(score.correct for score in found) / sum(score.asked for score in found) == pytest.approx(overall)
    assert turn.taken == len(steps) == 2 and not turn.held
    assert next(score for score in found if score.section == sections[0].name).skipped >= 1


def test_analogies_ignore_capitals_as_gensim_does(tmp_path):
    from gensim.models import KeyedVectors

    words = ["King", "man", "woman", "KING", "queen", "Queen", "kings"]
    raw = np.array([(3, 0, 1), (2, 0, 0), (0, 2, 0), (1.4, 1.2, 1), (0, 3, 1), (0.2, 2, 1), (1, 1, 1)], np.float32)
    reference = KeyedVectors(3)
    reference.add_vectors(words, raw.copy())
    questions = [("man", "king", "woman", "queen"), ("woman", "queen", "man", "king"),
                 ("man", "woman", "king", "queen")]
    path = tmp_path / "q.txt"
    path.write_text(": s\n" + "".join(" ".join(question) + "\n" for question in questions))
    vectors = store.make("cased", words, raw.copy())
    found = list(analogies.evaluate(vectors, [analogies.Section("s", questions)], Turn))[-1][0]
    _, expected = reference.evaluate_word_analogies(str(path))
    assert (found.correct, found.asked) == (len(expected[0]["correct"]), 3)


def test_all_questions_are_there():
    sections = analogies.read_sections(analogies.questions_file())
    assert len(sections) == 14 and sum(len(section.questions) for section in sections) == 19_544


def test_unknown_and_missing_sets(context):
    with pytest.raises(BadInput, match="glove-6b-50d"):
        models.spec(context, "glove-6b-51d")
    with pytest.raises(BadInput, match="gemma"):  # a model, but of another task
        models.spec(context, "gemma-3-270m")
    google = models.spec(context, "word2vec-google-news-300")
    with pytest.raises((ModelMissing, NotEnoughMemory)), context.cache.lease(google):
        pass
