"""Word vectors: words on a map by PCA or t-SNE, the parallelogram of an analogy, and axes of one's own."""

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from playground.errors import BadInput
from playground.text.vectors import compare, maps, store
from playground.text.vectors.models import MODEL
from tabs import _ui
from tabs import _vectors_draw as draw
from tabs._vectors_source import CALM, Source, Step, examples, on_first_expand, set_and_run

ANIMALS = "cat, dog, horse, cow, sheep, goat, lion, tiger, wolf, bear, mouse, rabbit"
GROUPS = (f"{ANIMALS}, red, green, blue, yellow, black, white, purple, bread, cheese, butter, milk, egg, apple, "
          "rice, monday, tuesday, wednesday, thursday, friday, saturday, sunday, car, truck, bus, train, bicycle, "
          "ship, plane")
CAPITALS = ("france:paris, germany:berlin, italy:rome, spain:madrid, greece:athens, russia:moscow, japan:tokyo, "
            "china:beijing, turkey:ankara, poland:warsaw")

# title, words, pairs, method, dimensions
EXAMPLES = (("The parallelogram of king and queen", "prince, princess", "man:woman, king:queen", maps.PCA, 2),
            ("Countries and capitals", "", CAPITALS, maps.PCA, 2),
            ("Five groups by t-SNE", GROUPS, "", maps.TSNE, 2),
            ("The groups in 3-D", GROUPS, "", maps.PCA, 3))

GENDER = "he:she, man:woman, boy:girl, father:mother, son:daughter"
JOBS = ("nurse, librarian, teacher, dancer, receptionist, housekeeper, doctor, professor, lawyer, engineer, captain, "
        "plumber, programmer, carpenter, philosopher")
# title, words, pairs of the first axis, pairs of the second
AXES = (("Jobs from he to she", JOBS, GENDER, ""),
        ("Animals by size and danger", "mouse, cat, dog, horse, elephant, whale, lion, tiger, shark, rabbit, sheep, "
         "bear, snake, wolf, hamster", "mouse:elephant, ant:whale",
         "harmless:dangerous, safe:deadly, gentle:threatening"),
        ("People by gender and rank", "man, woman, boy, girl, king, queen, prince, princess, farmer, housewife, "
         "waiter, waitress, duke, duchess, actor, actress", "man:woman, he:she",
         "man:king, woman:queen, boy:prince, girl:princess"),
        ("From the countryside to the city", "village, town, city, farm, skyscraper, tractor, subway, barn, cow, taxi, "
         "traffic, harvest, office, field", "rural:urban, village:city, countryside:downtown", ""))


class WordMap:
    """The map's components inside their fold, laid out on creation."""

    def __init__(self, source: Source) -> None:
        self.source = source
        with gr.Accordion("A map of words: PCA and t-SNE, the parallelogram", open=False) as fold:
            buttons = examples([title for title, *_ in EXAMPLES])
            _, words, pairs, method, dimensions = EXAMPLES[0]
            with gr.Row(equal_height=True):
                self.words = gr.Textbox(words, label="Words", max_lines=5, scale=3, max_length=5000, min_width=260)
                self.pairs = gr.Textbox(pairs, label="Pairs joined by an arrow, as man:woman", max_lines=5, scale=3,
                                        max_length=2000, min_width=260, submit_btn="Draw")
            with gr.Row(equal_height=True):
                self.method = gr.Radio(list(maps.METHODS), value=method, label="Method", min_width=150)
                self.dimensions = gr.Radio([("2-D", 2), ("3-D", 3)], value=dimensions, label="Dimensions",
                                           min_width=150)
                self.seed = gr.Number(0, label="Seed (t-SNE)", precision=0, minimum=0, maximum=2**31 - 1,
                                      min_width=110)
            self.plot = gr.Plot(show_label=False)
            self.notes = gr.HTML()
        step = Step(self.run, self.inputs, [self.plot, self.notes], {**_ui.COMPUTE, "show_progress_on": self.notes})
        step.on(self.words.submit, self.pairs.submit, self.method.input, self.dimensions.input, self.seed.submit)
        for button, (_, *values) in zip(buttons, EXAMPLES, strict=True):
            set_and_run(button, (MODEL, *values, 0), [source.menu, *self.inputs[2:]], step)
        on_first_expand(fold, step)

    @property
    def inputs(self) -> list[Any]:
        """What `run` takes."""
        return [*self.source.inputs, self.words, self.pairs, self.method, self.dimensions, self.seed]

    def run(self, choice: Any, own: Any, *controls: Any) -> tuple:
        """The map and a note on what it shows."""
        wanted = Wanted(*controls)
        joined = maps.parse_pairs(wanted.pairs, least=0)
        names = wanted.names(joined)
        with self.source.lease(choice, own) as vectors:
            items = store.lookup(vectors, names)
        matrix, labels, corner = with_corner(items, joined)
        with self.source.context.gate.turn("Word vectors"):
            made = maps.project(matrix, wanted.method, wanted.dimensions, wanted.seed)
        arrows = [(names.index(a), names.index(b)) for a, b in joined]
        sides = [(arrows[0][0], arrows[1][0]), (arrows[0][1], len(names))] if corner else []
        chart = draw.scatter(labels, made.places, [*arrows, *sides], [len(names)] if corner else [], axis_titles(made))
        if made.places.shape[1] == 2:
            draw.arrowheads(chart, made.places, arrows)
        return chart, draw.note(map_note(made, corner))


@dataclass(frozen=True)
class Wanted:
    """What the map's controls hold, as it comes from the page."""

    words: Any
    pairs: Any
    method: Any
    dimensions: Any
    seed: Any

    def names(self, joined: list[tuple[str, str]]) -> list[str]:
        """The words of the pairs, then those of the list, each once; BadInput if there are none."""
        listed = compare.split_words(self.words) if isinstance(self.words, str) and self.words.strip() else []
        names = list(dict.fromkeys([*(word for pair in joined for word in pair), *listed]))
        if not names:
            raise BadInput("There is nothing to draw.", "Give some words, or pairs like man:woman.")
        return names


def with_corner(items: list[store.Item], pairs: list[tuple[str, str]]) -> tuple[np.ndarray, list[str], str]:
    """The unit vectors (M, D), their labels, and the name of the computed corner of two pairs' parallelogram.

    For exactly two pairs a:b and c:d one more point is added, c + b - a, for d to be compared with.
    """
    matrix = np.stack([item.unit for item in items])
    labels = [item.text for item in items]
    if len(pairs) != 2 or len({word for pair in pairs for word in pair}) != 4:
        return matrix, labels, ""
    by_name = {item.text: item for item in items}
    (a, b), (c, _) = pairs
    corner = f"{c} + {b} − {a}"
    return (np.vstack([matrix, maps.fourth_corner(by_name[a], by_name[b], by_name[c])]), [*labels, "computed"], corner)


def axis_titles(made: maps.Map) -> list[str]:
    """The share of the variance of each axis, for PCA."""
    return [f"component {number} ({share:.0%} of the variance)" for number, share in enumerate(made.explained, 1)]


def map_note(made: maps.Map, corner: str) -> str:
    """What the map keeps of the distances, and where the computed corner is."""
    if made.explained:
        text = f"PCA keeps {sum(made.explained):.0%} of the variance of these words; the rest is not in the picture."
    else:
        text = ("t-SNE keeps neighbours together; distances between groups and directions mean nothing, and another "
                "seed gives another picture.")
    if corner:
        text += f" The red diamond is <b>{html.escape(corner)}</b>, computed; the words are measured."
    return text


class OwnAxes:
    """The axes' components inside their fold, laid out on creation."""

    def __init__(self, source: Source) -> None:
        self.source = source
        with gr.Accordion("An axis of your own, from word pairs", open=False) as fold:
            buttons = examples([title for title, *_ in AXES])
            _, words, across, up = AXES[0]
            self.words = gr.Textbox(words, label="Words", max_lines=5, max_length=5000, submit_btn="Project")
            with gr.Row(equal_height=True):
                self.across = gr.Textbox(across, label="Axis, from left to right, as he:she", max_length=2000,
                                         min_width=260, max_lines=3)
                self.up = gr.Textbox(up, label="Second axis, from bottom to top (may be empty)", max_length=2000,
                                     min_width=260, max_lines=3)
            self.plot = gr.Plot(show_label=False)
            gr.HTML(draw.note("An axis is the mean of the differences between the words of its pairs; a word's place "
                              "is the cosine of its vector with it. It shows what was in the texts that the vectors "
                              "were learned from, prejudice included."))
        step = Step(self.run, self.inputs, [self.plot], CALM)
        step.on(self.words.submit, self.across.submit, self.up.submit)
        for button, (_, *values) in zip(buttons, AXES, strict=True):
            set_and_run(button, (MODEL, *values), [source.menu, *self.inputs[2:]], step)
        on_first_expand(fold, step)

    @property
    def inputs(self) -> list[Any]:
        """What `run` takes."""
        return [*self.source.inputs, self.words, self.across, self.up]

    def run(self, choice: Any, own: Any, words: Any, across: Any, up: Any) -> Any:
        """A chart of the words along one axis, in their order, or on the plane of two."""
        listed = compare.split_words(words)
        first, second = maps.parse_pairs(across), maps.parse_pairs(up, least=0)
        with self.source.lease(choice, own) as vectors:
            items = store.lookup(vectors, listed)
            x = maps.on_axis(items, maps.axis(vectors, first))
            y = maps.on_axis(items, maps.axis(vectors, second)) if second else None
        if y is None:
            return ordered(listed, x, *first[0])
        titles = [f"{low} → {high}" for low, high in (first[0], second[0])]
        return draw.scatter(listed, np.stack([x, y], axis=1), titles=titles)


def ordered(words: list[str], places: np.ndarray, low: str, high: str) -> Any:
    """Words as bars along one axis, from the low end (top) to the high end."""
    import plotly.graph_objects as go

    order = np.argsort(places)
    colours = [_ui.PALETTE[1] if places[number] < 0 else _ui.PALETTE[0] for number in order]
    chart = go.Figure(go.Bar(x=places[order], y=list(range(len(words))), orientation="h", marker={"color": colours},
                             customdata=[html.escape(words[number]) for number in order],
                             hovertemplate="%{customdata}: %{x:.3f}<extra></extra>"))
    _ui.style(chart, height=110 + 22 * len(words))
    chart.update_layout(margin={"l": 8, "r": 16, "t": 12, "b": 40}, bargap=0.35)
    chart.update_yaxes(tickvals=list(range(len(words))), ticktext=[html.escape(words[number]) for number in order],
                       autorange="reversed", automargin=True, showgrid=False, zeroline=False)
    title = f"{html.escape(low)} ←   cosine with the axis   → {html.escape(high)}"
    chart.update_xaxes(title={"text": title, "font": {"size": 13}}, zeroline=True)
    return chart
