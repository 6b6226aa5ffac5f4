"""What the Next token tab's buttons do: each takes what the visitor has before them and gives what to show next.

A Look is a visitor's whole state and small: ids, not logits. Those are kept by the engine's Predictor, so that
moving a slider or stepping back runs no model.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from playground import checks
from playground.context import Context
from playground.errors import BadInput
from playground.text import generation, language_model
from playground.text.language_model import LanguageModel
from playground.text.next_token import distribution, passage, predict, sampling, tree
from playground.text.next_token.distribution import Controls
from playground.text.next_token.passage import Passage
from playground.text.next_token.predict import Prediction, Predictor
from tabs import _next_html, _ui

MAX_BARS = 40
DRAWS = 100
LAST = 4  # tokens named over the bars
SLUG = "next-token"


@dataclass(frozen=True)
class Knobs:
    """The controls beside the bars, checked."""

    model: str
    controls: Controls
    seed: int
    bars: int

    @classmethod
    def of(cls, model: Any, temperature: Any, top_k: Any, top_p: Any, seed: Any, bars: Any) -> "Knobs":
        """From the values of the page; BadInput names the first that cannot be used."""
        return cls(model, Controls.checked(temperature, top_k, top_p), sampling.check_seed(seed),
                   checks.whole(bars, "The number of bars", 1, MAX_BARS))


@dataclass(frozen=True)
class Look:
    """A passage, the place looked at (None: its end), counts of draws by token, and the line of the last draw."""

    passage: Passage = field(default_factory=Passage)
    place: int | None = None
    counts: dict[int, int] | None = None
    line: str = ""


Change = Callable[[LanguageModel, Look, Knobs], Look]


class Desk:
    """The handlers, over one context and one Predictor for all visitors. Outputs are those of `shown`."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.predictor = Predictor(context)

    def handler(self, change: Change) -> Callable[..., tuple]:
        """A handler (look, text, *knobs) -> outputs that makes a change."""
        def handle(look: Look, text: str, *values: Any) -> tuple:
            return self.act(look, text, Knobs.of(*values), change)
        return handle

    def act(self, look: Look, text: str, knobs: Knobs, change: Change) -> tuple:
        """Makes a change to what the visitor has before them, and shows the outcome.

        A text that did not change is not given back: the visitor may have typed on meanwhile.
        """
        with self.lease(knobs) as model:
            look = change(model, self.current(model, look, text), knobs)
            outputs = self.shown(model, look, knobs)
        return (look, gr.skip(), *outputs[2:]) if same_text(look.passage.text, text) else outputs

    def opened(self, text: str, *values: Any) -> tuple:
        """The outputs of a text that the page itself puts into the box."""
        look, _, *outputs = self.handler(self.read)(Look(), text, *values)
        return look, text, *outputs

    def lease(self, knobs: Knobs) -> contextlib.AbstractContextManager[LanguageModel]:
        """The model that the knobs name."""
        return self.context.cache.lease(language_model.spec(self.context, knobs.model))

    def current(self, model: LanguageModel, look: Look, text: str) -> Look:
        """The look, begun anew if the text was edited or another model chosen."""
        if look.passage.model == model.name and same_text(look.passage.text, text):
            return look
        return Look(passage.begin(model, language_model.check_text(text)))

    # ---- changes

    def read(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Looks at the end of the text."""
        return replace(look, place=None, counts=None)

    def reshape(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Other controls, the same place: what was drawn before no longer belongs to these bars."""
        return replace(look, counts=None, line="")

    def take_top(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Takes the likeliest token."""
        return self.taken(model, look, int(self.logits(model, look).argmax()))

    def draw(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Takes a token by a random number, and keeps the line that it fell on."""
        probabilities = distribution.shaped(self.logits(model, look), knobs.controls)
        drawn = sampling.draw(probabilities, knobs.seed, look.passage.draws)
        line = self.line(model, look, knobs, drawn)
        return replace(self.taken(model, look, drawn.token, drawn=True), line=line)

    def sample(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Draws DRAWS times from the same bars, taking none."""
        probabilities = distribution.shaped(self.logits(model, look), knobs.controls)
        counts = sampling.frequencies(probabilities, knobs.seed, look.passage.draws, DRAWS)
        return replace(look, counts=dict(counts), line="")

    def back(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Gives the last taken token back."""
        if not look.passage.taken():
            raise BadInput("There is nothing to step back over.", "Only tokens that were taken can be given back.")
        return Look(passage.step_back(model, look.passage))

    def measure(self, model: LanguageModel, look: Look, knobs: Knobs) -> Look:
        """Measures the surprise of every token, of the visitor's own too."""
        return replace(look, passage=passage.measured(self.context, model, look.passage))

    def clicked(self, way: str, place: str) -> Change:
        """What a click asks for: to take the tokens of a way ("11167,236764"), or to look at a place ("4")."""
        try:
            numbers = [int(each) for each in (place or way).split(",")]
        except ValueError:
            raise BadInput("What was clicked is no token.", "Click again, or reload the page.") from None
        if len(numbers) > (1 if place else tree.DEPTH):
            raise BadInput(f"{len(numbers):,} tokens were clicked at once.", "Click one, or a box of the tree.")
        return self.look_at(*numbers) if place else self.take_way(numbers)

    def take_way(self, tokens: Sequence[int]) -> Change:
        """Takes tokens one after another, the first where the visitor looks."""
        def change(model: LanguageModel, look: Look, knobs: Knobs) -> Look:
            for token in tokens:
                look = self.taken(model, look, token)
            return look
        return change

    def look_at(self, place: int) -> Change:
        """Looks at the place of the token that was clicked."""
        def change(model: LanguageModel, look: Look, knobs: Knobs) -> Look:
            if place <= 0:
                raise BadInput("Nothing stands before the first token.", "Click a later one.")
            return replace(look, place=place if place < len(look.passage.ids) else None, counts=None, line="")
        return change

    def run(self, look: Look, text: str, tokens: Any, *values: Any) -> Iterator[tuple]:
        """Draws token after token, shown one by one; each with the bars that it was drawn from."""
        knobs = Knobs.of(*values)
        tokens = checks.whole(tokens, "The number of tokens", 1, generation.MAX_TOKENS)
        with self.lease(knobs) as model:
            look = self.current(model, look, text)
            steps = generation.steps(self.context, model, look.passage.ids, knobs.controls, seed=knobs.seed,
                                     max_tokens=tokens, first=look.passage.draws)
            with contextlib.closing(steps):
                for step in steps:
                    self.predictor.keep(model, look.passage.ids, step.logits)
                    place, before = len(look.passage.ids), replace(look, place=None)
                    line = self.line(model, before, knobs, step.draw)
                    grown = passage.take(model, look.passage, step.draw.token, step.surprise, drawn=True)
                    look = Look(grown, line=line)
                    yield (look, *self.shown(model, replace(look, place=place), knobs)[1:])
            yield self.shown(model, look, knobs)

    # ---- what changes are made of

    def logits(self, model: LanguageModel, look: Look) -> Any:
        """The logits (V,) at the place looked at."""
        return self.predictor.logits(model, look.passage.ids[:look.place])

    def prediction(self, model: LanguageModel, look: Look, knobs: Knobs) -> Prediction:
        """The bars at the place looked at, one for the token that stands there among them."""
        here = None if look.place is None else look.passage.ids[look.place]
        return predict.predict(model, self.logits(model, look), knobs.controls, knobs.bars, also=here)

    def taken(self, model: LanguageModel, look: Look, token: int, drawn: bool = False) -> Look:
        """The look after taking a token where it looks."""
        logits = self.logits(model, look)
        if not 0 <= token < len(logits):
            raise BadInput(f"There is no token {token}.", f"The vocabulary has {len(logits):,}.")
        bits = distribution.surprise(logits, token)
        return Look(passage.take(model, look.passage, token, bits, place=look.place, drawn=drawn))

    def line(self, model: LanguageModel, look: Look, knobs: Knobs, drawn: sampling.Draw) -> str:
        """The line that a draw fell on."""
        choices = self.prediction(model, look, knobs).choices
        return _next_html.draw_line(drawn, choices, model.token(drawn.token))

    def shown(self, model: LanguageModel, look: Look, knobs: Knobs) -> tuple:
        """What the page shows of a look: look, text, trail, bars, summary, line, link."""
        prediction = self.prediction(model, look, knobs)
        ids = look.passage.ids
        cut = max(0, len(ids) - model.context_length)
        tokens = [model.token(each) for each in ids[-_next_html.SHOWN_TOKENS:]]
        here = None if look.place is None else ids[look.place]
        before = [model.token(each) for each in ids[:look.place][-LAST:]]
        where = _next_html.where(before, None if here is None else model.token(here))
        trail = (_next_html.context_meter(len(ids), model.context_length, cut)
                 + _next_html.trail(look.passage, tokens, cut, look.place))
        bars = where + _next_html.bars(prediction, look.counts, here)
        summary = _next_html.summary(prediction, knobs.controls.temperature, DRAWS if look.counts else 0)
        return look, look.passage.text, trail, bars, summary, look.line, link(look.passage, knobs)


def same_text(ours: str, theirs: str | None) -> bool:
    """Whether two texts are the same but for the line ends, which a browser makes its own."""
    return ours.replace("\r\n", "\n").replace("\r", "\n") == (theirs or "").replace("\r\n", "\n").replace("\r", "\n")


def link(passage: Passage, knobs: Knobs) -> str:
    """The link that brings back a text and its controls."""
    return _ui.query(tab=SLUG, text=passage.text, model=knobs.model, temperature=knobs.controls.temperature,
                     top_k=knobs.controls.top_k, top_p=knobs.controls.top_p, seed=knobs.seed)
