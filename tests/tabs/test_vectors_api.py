"""/word_arithmetic, /word_pair and /sentence_similarity as a script meets them, and the tab's handlers beside them."""

import gc

import gradio as gr
import numpy as np
import pytest
from gradio_client.exceptions import AppError

from playground.errors import BadInput
from playground.text.vectors import models
from tabs import _ui, _vectors_analogies, _vectors_draw
from tabs._vectors_analogies import AnalogyTest
from tabs._vectors_arithmetic import Arithmetic
from tabs._vectors_compare import Compare
from tabs._vectors_map import OwnAxes, WordMap
from tabs._vectors_source import OWN, Source

THREE = [("mother + man - woman", "father"), ("girl + man - woman", "boy"), ("you + his - he", "your")]


@pytest.mark.parametrize(("expression", "best"), THREE)
def test_arithmetic_of_the_lecture(client, expression, best):
    table = client.predict(expression, 5, True, api_name="/word_arithmetic")
    assert table["headers"] == ["word", "cosine"]
    assert table["data"][0][0] == best and len(table["data"]) == 5
    cosines = [row[1] for row in table["data"]]
    assert cosines == sorted(cosines, reverse=True)


def test_inputs_may_be_shown(client):
    rows = client.predict("king - man + woman", 3, False, api_name="/word_arithmetic")["data"]
    assert [row[0] for row in rows] == ["king", "queen", "throne"]
    assert rows[1][1] == pytest.approx(0.852, abs=5e-4)


def test_later_arguments_are_optional(client):
    assert len(client.predict("king - man + woman", api_name="/word_arithmetic")["data"]) == 10
    named = client.predict(expression="king", hide_inputs=False, top_n=2, api_name="/word_arithmetic")
    assert [row[0] for row in named["data"]] == ["king", "prince"]


def test_pair(client):
    near, far = (client.predict(a="cow", b=word, api_name="/word_pair") for word in ("horse", "ocean"))
    assert near.keys() == {"dot", "cosine"}
    assert near["cosine"] == pytest.approx(0.520, abs=5e-4) and far["cosine"] == pytest.approx(0.274, abs=5e-4)
    assert near["dot"] == pytest.approx(13.713, abs=5e-4) and far["dot"] == pytest.approx(7.482, abs=5e-4)


def test_sentence_similarity_is_a_square(client):
    text = "A cat sleeps.\nA kitten naps.\nA cat sleeps.\n\nShares fell."
    table = client.predict(sentences=text, api_name="/sentence_similarity")
    square = np.array(table["data"], dtype=float)
    assert square.shape == (4, 4) and len(table["headers"]) == 4
    assert np.diag(square) == pytest.approx(np.ones(4), abs=1e-5)
    assert square == pytest.approx(square.T, abs=1e-6)
    assert square[0, 2] == pytest.approx(1, abs=1e-5) and square[0, 1] > 0.5 > square[0, 3]


@pytest.mark.parametrize(("name", "arguments", "why"), [
    ("/word_arithmetic", ("kingg + mann2", 5, True), "kingg"),
    ("/word_arithmetic", ("king - - * man", 5, True), "character 10"),
    ("/word_arithmetic", ("", 5, True), "empty"),
    ("/word_arithmetic", ("king", 0, True), "1 to 100"),
    ("/word_arithmetic", ("king", 1e9, True), "1 to 100"),
    ("/word_arithmetic", ("king " * 1000, 5, True), "Give at most"),
    ("/word_pair", ("cow", "<script>alert(1)</script>"), "&lt;script&gt;"),
    ("/word_pair", ("", "cow"), "empty"),
    ("/sentence_similarity", ("only one",), "2 to 200"),
    ("/sentence_similarity", ("\x00 \n",), "2 to 200"),
    ("/sentence_similarity", ("x\n" * 201,), "2 to 200"),
    ("/sentence_similarity", ("word " * 30_000,), "100,000"),
])
def test_what_is_wrong_is_said(client, name, arguments, why):
    with pytest.raises(AppError) as problem:
        client.predict(*arguments, api_name=name)
    assert why in str(problem.value)
    assert client.predict("cow", "cow", api_name="/word_pair")["cosine"] == pytest.approx(1)


@pytest.fixture(scope="module")
def sections(context):
    """The sections of the tab on a page of their own."""
    with gr.Blocks():
        source = Source(context)
        yield {"source": source, "sums": Arithmetic(source), "compare": Compare(source), "map": WordMap(source),
               "axes": OwnAxes(source), "test": AnalogyTest(source)}


def test_what_a_visitor_typed_is_escaped(sections, tmp_path, context):
    path = tmp_path / "evil.txt"
    path.write_text("3 2\n<img/src=x/onerror=alert(1)> 1 2\n<b> 2 1\nplain 1 1\n")
    own = models.accept(context, str(path))
    shown = str(sections["sums"].run(OWN, own, "plain + <b>", 8)) + str(sections["compare"].run(
        OWN, own, "<b>, plain, <img/src=x/onerror=alert(1)>"))
    assert "<img" not in shown and "<b>plain + &lt;b&gt;</b>" in shown


def test_a_rare_slip_is_pointed_out_and_a_phrase_explained(sections):
    notes = sections["sums"].run(models.MODEL, None, "quen + man", 3)[3]
    assert "Did you mean queen?" in notes
    notes = sections["sums"].run(models.MODEL, None, '"red bicycle" - red', 3)[3]
    assert "mean of its words" in notes
    notes = sections["sums"].run(models.MODEL, None, 'son-in-law + "mother-in-law"', 3)[3]
    assert "in quotes: \"son-in-law\"" in notes and "in quotes: \"mother" not in notes


def test_the_link_holds_the_expression_but_no_visitors_file(sections, tmp_path, context):
    assert sections["sums"].run(models.MODEL, None, "king + 1*man", 4)[4] == _ui.query(
        tab="word-vectors", expression="king + 1*man", top=4, vectors=models.MODEL)
    path = tmp_path / "own.txt"
    path.write_text("king 1 2\nman 2 1\n")
    assert "vectors=" not in sections["sums"].run(OWN, models.accept(context, str(path)), "king", 4)[4]


def test_ones_own_vectors_without_a_file(sections):
    with pytest.raises(BadInput, match="not loaded"), sections["source"].lease(OWN, None):
        pass


def test_the_parallelogram_is_drawn_and_its_corner_computed(sections):
    chart, note = sections["map"].run(models.MODEL, None, "", "man:woman, king:queen", "PCA", 2, 0)
    assert "king + woman − man" in note
    drawn = [trace for trace in chart.data if trace.mode == "markers+text"]
    assert list(drawn[0].text) == ["man", "woman", "king", "queen"] and list(drawn[1].text) == ["computed"]
    corners = {word: np.array([x, y]) for trace in drawn
               for word, x, y in zip(trace.text, trace.x, trace.y, strict=True)}
    # the three arrows' ends and the sides: four lines, two arrow heads
    assert sum(trace.mode == "lines" for trace in chart.data) == 4 and len(chart.layout.annotations) == 2
    assert np.linalg.norm(corners["computed"] - corners["queen"]) < np.linalg.norm(corners["computed"] - corners["man"])


@pytest.mark.parametrize(("method", "dimensions"), [("PCA", 3), ("t-SNE", 2), ("t-SNE", 3)])
def test_every_map_holds_every_word(sections, method, dimensions):
    words = "cat, dog, cow, red, blue, green, one, two"
    chart, _ = sections["map"].run(models.MODEL, None, words, "cat:dog", method, dimensions, 1)
    points = next(trace for trace in chart.data if trace.mode == "markers+text")
    assert sorted(points.text) == sorted(words.split(", "))
    assert points.type == ("scatter3d" if dimensions == 3 else "scatter")


@pytest.mark.parametrize("values", [
    ("", "", "PCA", 2, 0), ("cat", "", "PCA", 2, 0), ("cat, dog, cow", "", "UMAP", 2, 0),
    ("cat, dog, cow", "", "PCA", 7, 0), ("cat, dog", "cat", "PCA", 2, 0), ("a, b, c, d, e", "", "t-SNE", 2, -1)])
def test_maps_refuse_what_is_out_of_range(sections, values):
    with pytest.raises(BadInput):
        sections["map"].run(models.MODEL, None, *values)


def test_axes_order_the_words(sections):
    one = sections["axes"].run(models.MODEL, None, "nurse, captain, teacher", "he:she, man:woman", "")
    assert list(one.data[0].customdata) == ["captain", "teacher", "nurse"]
    two = sections["axes"].run(models.MODEL, None, "nurse, captain", "he:she", "poor:rich")
    assert two.layout.xaxis.title.text == "he → she" and two.layout.yaxis.title.text == "poor → rich"


def leases(context) -> int:
    """How many hold the word vectors now."""
    return sum(model["leases"] for model in context.cache.stats()["models"] if model["name"] == models.MODEL)


def test_the_analogy_test_reports_as_it_goes_and_leaves_the_gate_when_stopped(sections, context):
    gc.collect()  # a generator that another test left unfinished holds its lease until it is collected
    before = leases(context)
    steps = sections["test"].run(models.MODEL, None, ["capital-common-countries", "family"])
    shown = [next(steps) for _ in range(3)]
    assert "256 of 1,012" in shown[1][0] and "506 of 1,012" in shown[2][0]
    assert "<b>79.2%</b>" in shown[2][1]
    assert leases(context) == before + 1
    steps.close()
    assert context.gate.state().busy == ""
    assert leases(context) == before


@pytest.mark.parametrize("chosen", [["none such"], "family", [7], {"a": 1}])
def test_unknown_sections_are_refused(sections, chosen):
    with pytest.raises(BadInput):
        next(sections["test"].run(models.MODEL, None, chosen))


def test_no_sections_chosen_are_all():
    every = _vectors_analogies.analogies.read_sections(_vectors_analogies.analogies.questions_file())
    assert _vectors_analogies.pick(every, []) == every


def test_labels_go_away_from_their_nearest_neighbour():
    sides = _vectors_draw.label_sides(np.array([[0, 0], [0, 0.2], [5, 1], [4, 1]]))
    assert sides == ["bottom center", "top center", "top right", "top left"]
