"""The Next token tab's folds: the three phases inside the model, the tree of what may come, training pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from playground import checks
from playground.context import Context
from playground.errors import BadInput
from playground.text import language_model
from playground.text.language_model import LanguageModel
from playground.text.next_token import inside, pairs, tree
from playground.text.next_token.inside import Guess, Inside, Movement
from playground.text.next_token.pairs import Training
from playground.text.next_token.passage import Passage
from playground.text.next_token.predict import Predictor
from tabs import _next_figures, _next_style, _ui

LENS_PLACES = 6
MOST_LAYERS = 1000  # more than any model has, of layers and of heads
SHOW_POST = "() => document.querySelector('#next-post').scrollIntoView()"
LINES = "He devoured the orange\norange\nHe painted the wall orange\nHe devoured the apple\nHe painted the wall blue"
POST = ("Two hours of wrestling practice tonight. Coach made us drill the same takedown fifty times, and my shoulders "
        "are done. I can't wait for Saturday's match!")


@dataclass(frozen=True)
class Section:
    """A fold that shows the present text: whether it stands open, and fill(look, *inputs) -> outputs."""

    shown: gr.State
    fill: Callable[..., tuple]
    inputs: list[Any]
    outputs: list[Any]


class Sections:
    """The folds that show the present text; those that stand open follow it."""

    def __init__(self, look: gr.State) -> None:
        self.look = look
        self.tree: gr.HTML | None = None  # its boxes can be clicked and taken
        self._all: list[Section] = []

    def add(self, fold: gr.Accordion, fill: Callable[..., tuple], inputs: list[Any], outputs: list[Any]) -> None:
        """Fills a fold when it opens."""
        shown = gr.State(False)
        _ui.event(fold.expand, lambda *values: (True, *fill(*values)), [self.look, *inputs], [shown, *outputs],
                  **_ui.COMPUTE)
        _ui.event(fold.collapse, lambda: False, [], [shown], show_progress="hidden")
        self._all.append(Section(shown, fill, inputs, outputs))

    def refresh_after(self, event: Any) -> None:
        """Fills what stands open again, once an event has changed the text."""
        inputs = [part for each in self._all for part in (each.shown, *each.inputs)]
        outputs = [part for each in self._all for part in each.outputs]
        _ui.event(event.then, self._refresh, [self.look, *inputs], outputs, show_progress="hidden", **_ui.COMPUTE)

    def _refresh(self, look: Any, *values: Any) -> list[Any]:
        rest, results = list(values), []
        for each in self._all:
            shown, *given = [rest.pop(0) for _ in (each.shown, *each.inputs)]
            results += each.fill(look, *given) if shown else [gr.skip()] * len(each.outputs)
        return results


def build(context: Context, predictor: Predictor, look: gr.State, post_button: gr.Button) -> Sections:
    """Lays out the folds; `post_button` opens the one with the wrestling post's pairs."""
    sections = Sections(look)
    with gr.Accordion("Phase 1 · The text becomes a matrix", open=False) as fold:
        _matrix(context, sections, fold)
    with gr.Accordion("Phase 2 · Who looks at whom", open=False) as fold:
        _attention(context, sections, fold)
    with gr.Accordion("Phase 2 · How context moves a word", open=False) as fold:
        _movement(context, look, fold)
    with gr.Accordion("Phase 3 · The best guess after each layer", open=False) as fold:
        _lens(context, sections, fold)
    with gr.Accordion("The tree of what may come", open=False) as fold:
        sections.tree = _tree(predictor, sections, fold)
    with gr.Accordion("Training pairs: what a post teaches", open=False, elem_id="next-post") as fold:
        _pairs(context, look, fold, post_button)
    return sections


def with_model(context: Context, passage: Passage, fn: Callable[[LanguageModel], Any]) -> Any:
    """fn(model) with the model of a passage."""
    with context.cache.lease(language_model.spec(context, passage.model)) as model:
        return fn(model)


def ids_of(passage: Passage) -> tuple[int, ...]:
    """The tokens of a passage. BadInput where there are none."""
    if not passage.ids:
        raise BadInput("There is no text to look into yet.", "Type some above first.")
    return passage.ids


def look_inside(context: Context, passage: Passage) -> Inside:
    """One pass over the present text that keeps what shows inside."""
    ids = ids_of(passage)
    return with_model(context, passage, lambda model: inside.look_inside(context, model, ids))


def _matrix(context: Context, sections: Sections, fold: gr.Accordion) -> None:
    gr.Markdown("Each token is looked up in a table and becomes D numbers. N tokens make a D x N matrix, one column a "
                "token. It is all that the layers get to see.", elem_classes="summary")
    table, figure = gr.HTML(css_template=_next_figures.CSS), gr.Plot(show_label=False)

    def fill(look: Any) -> tuple:
        seen = look_inside(context, look.passage)
        return _next_figures.matrix_table(seen), _next_figures.matrix(seen)

    sections.add(fold, fill, [], [table, figure])


def _attention(context: Context, sections: Sections, fold: gr.Accordion) -> None:
    gr.Markdown("In every layer a token gathers from itself and from those before it. A row shows how a token "
                "shares its attention out; each row sums to 1. Many heads rest on the first token when they find "
                "nothing. In Gemma 3 270M, head 4 of layer 3 looks one token back.", elem_classes="summary")
    with gr.Row():
        layer = gr.Slider(1, 18, 8, step=1, label="Layer", min_width=160)
        head = gr.Slider(0, 4, 4, step=1, label="Head", info="0: mean of all heads", min_width=160)
    figure = gr.Plot(show_label=False)
    kept = gr.State(None)

    def fill(look: Any, at: Any, which: Any) -> tuple:
        seen = look_inside(context, look.passage)
        layers, heads = seen.attention.shape[:2]
        at = min(checks.whole(at, "The layer", 1, MOST_LAYERS), layers)
        which = min(checks.whole(which, "The head", 0, MOST_LAYERS), heads)
        kept_map = (seen.tokens, seen.attention.astype(np.float16))
        return (kept_map, gr.Slider(maximum=layers, value=at), gr.Slider(maximum=heads, value=which),
                _next_figures.attention(seen.tokens, inside.attention_map(seen.attention, at, which)))

    def move(seen: Any, at: Any, which: Any) -> Any:
        if seen is None:  # a slider moved before the fold was filled
            return gr.skip()
        tokens, weights = seen
        return _next_figures.attention(tokens, inside.attention_map(weights, at, which))

    sections.add(fold, fill, [layer, head], [kept, layer, head, figure])
    for slider in (layer, head):
        _ui.event(slider.input, move, [kept, layer, head], [figure], trigger_mode="always_last", show_progress="hidden")


def _movement(context: Context, look: gr.State, fold: gr.Accordion) -> None:
    gr.Markdown("A token enters with the same vector wherever it stands. Layer by layer the vector takes up what "
                "stands before it: in the middle layers an orange that is eaten is nearer to an eaten apple than to "
                "an orange wall. The lines compare the last token of the first line with that of each other line.",
                elem_classes="summary")
    with gr.Row():
        lines = gr.Textbox(LINES, label="One text a line", lines=5, max_lines=6, min_width=260)
        with gr.Column(min_width=200):
            raw = gr.Checkbox(False, label="Plain cosine", info="Off: each dimension is standardised first, since a "
                              "few large ones hide the others")
            go = gr.Button("Compare", variant="primary")
    figure = gr.Plot(show_label=False)

    def run(present: Any, texts: str, unscaled: bool) -> Any:
        moved: Movement = with_model(context, present.passage, lambda model: inside.movement(
            context, model, (texts or "").splitlines()))
        return _next_figures.movement(moved, unscaled)

    for trigger in (fold.expand, go.click, raw.input):
        _ui.event(trigger, run, [look, lines, raw], [figure], **_ui.COMPUTE)


def _lens(context: Context, sections: Sections, fold: gr.Accordion) -> None:
    gr.Markdown("The last layer's vector is compared with every token of the vocabulary, which gives the logits. Done "
                "after each layer, this shows the guess as it forms (the *logit lens*). A darker cell is a surer "
                "guess; the small number is the rank there of the token that wins in the end.", elem_classes="summary")
    grid = gr.HTML(css_template=_next_figures.CSS, elem_id="next-lens")

    def fill(look: Any) -> tuple:
        def work(model: LanguageModel) -> str:
            seen = inside.look_inside(context, model, ids_of(look.passage))
            rows: list[list[Guess]] = inside.lens(context, model, seen, LENS_PLACES)
            return _next_figures.lens(seen.tokens[-LENS_PLACES:], rows)
        return (with_model(context, look.passage, work),)

    sections.add(fold, fill, [], [grid])


def _tree(predictor: Predictor, sections: Sections, fold: gr.Accordion) -> gr.HTML:
    gr.Markdown("The three likeliest tokens, the three after each of them, and so on, at temperature 1: the "
                "probability after what stands before, and small that of the whole way. Click a box to take it.",
                elem_classes="summary")
    boxes = gr.HTML(css_template=_next_figures.CSS, js_on_load=_next_style.CLICKS, elem_id="next-tree")

    def fill(look: Any) -> tuple:
        ids = ids_of(look.passage)
        nodes = with_model(predictor.context, look.passage, lambda model: tree.tree(predictor, model, ids))
        return (_next_figures.tree(nodes),)

    sections.add(fold, fill, [], [boxes])
    return boxes


def _pairs(context: Context, look: gr.State, fold: gr.Accordion, button: gr.Button) -> None:
    gr.Markdown("Training shows the model a text so far and asks for the token that follows. A post of N tokens yields "
                "N − 1 such pairs (one more where a start token stands before it). The loss is −ln p of the right "
                "token; training lowers its mean.", elem_classes="summary")
    post = gr.Textbox(POST, label="A post", lines=3, max_lines=8)
    go = gr.Button("Make pairs", variant="primary")
    result = gr.HTML(css_template=_next_figures.CSS, elem_id="next-pairs")

    def run(present: Any, text: str) -> str:
        made: Training = pairs.training_pairs(context, text, present.passage.model)
        return _next_figures.pairs(made)

    for trigger in (fold.expand, go.click):
        _ui.event(trigger, run, [look, post], [result], **_ui.COMPUTE)
    shown = _ui.event(button.click, lambda present: (gr.Accordion(open=True), POST, run(present, POST)), [look],
                      [fold, post, result], **_ui.COMPUTE)
    shown.then(None, None, None, js=SHOW_POST)
