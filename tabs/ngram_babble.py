"""N-gram babble: count which symbol follows which in a text, and let the counts write.

The draft, the steps that change it and their HTML are in _ngram_desk.py and _ngram_html.py; the visitor's own
text, the count table, the ladder and the language model beside it in _ngram_tools.py.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.context import Context
from playground.text.ngrams import corpora, generate, symbols
from playground.text.ngrams.corpora import Library
from playground.text.ngrams.counts import DEPTH
from tabs import _ngram_own, _ui
from tabs._ngram_desk import BOOK, LOOKS, OWN, Controls, Desk, Draft
from tabs._ngram_style import ON_LOAD, STYLE
from tabs._ngram_tools import Tools
from tabs._shell import Shell, Tab

SUMMARY = ("Count which symbol follows which in a book, and let the counts write: an **n-gram model of order n** "
           "predicts a symbol from the n − 1 symbols before it.")

HOW = """
**Counting.** The model is a table: for every string of n − 1 symbols (the *context*) how often each symbol came next.
In Moby-Dick, with the 27 letters and n = 3, the context `_Q` (a space and a Q) is always followed by U.
The probability of a symbol is its count divided by the count of all that followed this context.

**Writing.** A random number between 0 and 1 falls into the slice of one symbol; slices are as long as the symbols are
probable. Same seed, same text, in one go or step by step.

* **no choice**: the context was followed by one symbol only, so the model had to copy.
* **context shortened**: the context never occurs, so symbols at its left end are dropped until it does (*backoff*).
* **copied**: a run of 8 words, or 30 characters, that stands in the book like this. The number leads to its place.

**Units.** *letters*: A to Z and the space, 27 symbols; everything else is a space. *characters*: the text as it is.
*words*: words in small letters and punctuation marks, each one symbol.

**Perplexity**: among how many equally likely symbols the model seems to choose when it reads text that it has not
counted, here the last tenth. Contexts never seen are the rule there, so all orders are mixed (Witten-Bell):
P<sub>n</sub>(w | c) = (count(c w) + T(c) · P<sub>n−1</sub>(w | c′)) / (count(c) + T(c)), where T(c) is the number of
different symbols seen after c and c′ is c without its first symbol; P<sub>0</sub> gives all symbols the same chance.

Sources: [Shannon 1948](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x) (the ladder, the 27 symbols),
[Witten and Bell 1991](https://doi.org/10.1109/18.87000) and
[Chen and Goodman 1999](https://doi.org/10.1006/csla.1999.0128) (smoothing),
[Katz 1987](https://doi.org/10.1109/TASSP.1987.1165125) (backoff),
[Welleck et al. 2019](https://arxiv.org/abs/1908.04319) (repetition). The book: Herman Melville, *Moby-Dick* (1851),
public domain.
"""

# title, unit, n, start, length, seed
EXAMPLES = (
    ("THIS IS THE Q: what follows _Q?", "letters", 3, "THIS IS THE Q", 200, 1),
    ("THE WHITE …", "letters", 8, "THE WHITE", 200, 1),
    ("once upon a …", "words", 3, "once upon a", 60, 1),
    ("Letters at random (n = 1)", "letters", 1, "once upon a", 200, 1),
    ("Learned by heart (words, n = 5)", "words", 5, "once upon a", 60, 1),
)


@dataclass(frozen=True)
class Parts:
    """The components: controls in the order of Controls, buttons by name, what a step shows."""

    controls: list[Any]
    texts: _ngram_own.OwnTextBox
    buttons: dict[str, gr.Button]
    written: gr.HTML
    bars: gr.HTML
    meter: gr.HTML


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab."""
    library = Library(context)
    desk = Desk(library)
    own, draft, link = gr.State(None, time_to_live=3600), gr.State(Draft()), gr.Textbox(visible=False)
    with gr.Row(elem_classes="examples"):
        examples = [gr.Button(title, size="sm", min_width=130) for title, *_ in EXAMPLES]
    parts = _lay_out()
    start = parts.controls[3]
    _ui.copy_link(parts.buttons["Copy link"], link)
    shell.send(parts.buttons["Start to next token"], start, "next-token")
    shell.offer("n-gram-babble", start)

    inputs, shown = [*parts.controls, own, draft], [parts.written, parts.bars, parts.meter, draft, link]
    tools = Tools(context, desk, inputs)
    busy = {"show_progress_on": [parts.written], **LOOKS}
    _wire_steps(desk, parts, inputs, shown, tools)
    for button, example in zip(examples, EXAMPLES, strict=True):
        tools.follow(_ui.event(button.click, run_example(desk, example), [], [*parts.controls, *shown], **busy))
    _ngram_own.wire(desk, parts.texts, inputs, shown, tools.follow)
    shell.on_open(opened(desk), inputs, [*parts.controls, *shown], **busy)
    _ui.fold("How it works, and where it comes from", HOW)
    _endpoints(library)


def _lay_out() -> Parts:
    """Controls and buttons on the left, babble and bars on the right, the meter below."""
    with gr.Row():
        with gr.Column(scale=2, min_width=290):
            controls, texts = _controls()
            with gr.Row():
                buttons = {"Babble": gr.Button("Babble", variant="primary", min_width=120),
                           "New seed": gr.Button("New seed", min_width=120)}
            for names in (("One symbol", "Step back", "Start over"), ("Copy link", "Start to next token")):
                with gr.Row():
                    buttons |= {name: gr.Button(name, size="sm", min_width=80) for name in names}
        with gr.Column(scale=3, min_width=300):
            written = gr.HTML(css_template=STYLE, js_on_load=ON_LOAD, elem_id="ngram-text")
            bars = gr.HTML(css_template=STYLE, js_on_load=ON_LOAD, elem_id="ngram-bars")
    return Parts(controls, texts, buttons, written, bars, gr.HTML(css_template=STYLE, elem_id="ngram-coverage"))


def _wire_steps(desk: Desk, parts: Parts, inputs: list[Any], shown: list[Any], tools: Tools) -> None:
    """Every button and control that changes the draft or how it is read."""
    _, unit, n, start, length, seed = parts.controls
    click = {name: button.click for name, button in parts.buttons.items()}
    steps = [(click["Babble"], desk.babble), (click["One symbol"], desk.step), (click["Step back"], desk.back),
             (click["Start over"], desk.clear), (length.release, desk.babble), (seed.submit, desk.babble),
             (start.submit, desk.babble)]
    settings = [(start.blur, desk.look), (n.release, desk.look), (unit.input, desk.babble)]
    busy = {"show_progress_on": [parts.written], **LOOKS}
    for trigger, handler in [*((trigger, wired(do)) for trigger, do in steps),
                             *((trigger, waiting_for_text(wired(do))) for trigger, do in settings)]:
        tools.follow(_ui.event(trigger, handler, inputs, shown, **busy))
    tools.follow(_ui.event(click["New seed"], with_new_seed(desk), inputs, [seed, *shown], **busy))
    _ui.event(parts.bars.select, picked(desk.choose), inputs, shown, show_progress="hidden", **LOOKS)
    _ui.event(parts.written.select, picked(desk.move), inputs, shown, show_progress="hidden", **LOOKS)


def _controls() -> tuple[list[Any], _ngram_own.OwnTextBox]:
    """The controls in the order of desk.Controls, and the box for the visitor's own text."""
    corpus = gr.Radio([BOOK, OWN], value=BOOK, label="Text to count")
    texts = _ngram_own.lay_out()
    unit = gr.Radio([("letters (27)", symbols.LETTERS), symbols.CHARACTERS, symbols.WORDS], value=symbols.LETTERS,
                    label="Unit")
    n = gr.Slider(1, DEPTH, 3, step=1, label="n", info="A symbol is predicted from the n − 1 before it")
    start = gr.Textbox("THIS IS THE Q", label="Start", lines=1, max_length=generate.LONGEST_START)
    with gr.Row():
        length = gr.Slider(1, 1000, 200, step=1, label="Length", min_width=150)
        seed = gr.Number(1, label="Seed", precision=0, minimum=0, maximum=generate.MAX_SEED, min_width=90)
    return [corpus, unit, n, start, length, seed], texts


def wired(do: Callable) -> Callable:
    """A step of the desk as a handler: values of the controls, own text and draft in, what the page shows out."""
    def handler(*values: Any) -> tuple:
        *controls, own, draft = values
        return do(Controls(*controls), own, draft).values()
    return handler


def waiting_for_text(step: Callable) -> Callable:
    """A step that leaves the page as it is while the visitor's own text is chosen and not given yet."""
    def handler(*values: Any) -> Any:
        corpus, own = values[0], values[-2]
        return gr.skip() if corpus == OWN and own is None else step(*values)
    return handler


def picked(do: Callable) -> Callable:
    """A step of the desk that takes what was clicked; Gradio looks for the event by its place and annotation."""
    def handler(corpus: Any, unit: Any, n: Any, start: Any, length: Any, seed: Any, own: Any, draft: Any,
                event: _ui.Told) -> tuple:
        return do(Controls(corpus, unit, n, start, length, seed), own, draft, event.number("index")).values()
    return handler


def with_new_seed(desk: Desk) -> Callable:
    """Babbles with a seed drawn anew, which it gives first."""
    def handler(*values: Any) -> tuple:
        *controls, _, own, draft = values
        seed = secrets.randbelow(10**6)
        return seed, *desk.babble(Controls(*controls, seed), own, draft).values()
    return handler


def run_example(desk: Desk, example: Sequence[Any]) -> Callable:
    """Sets every control and runs."""
    def handler() -> tuple:
        values = (BOOK, *example[1:])
        return *values, *desk.babble(Controls(*values), None, Draft()).values()
    return handler


def opened(desk: Desk) -> Callable:
    """The first sight of the tab: babble from the controls, or from what a link names in their place."""
    def handler(query: dict[str, str], *values: Any) -> tuple:
        *controls, own, draft = values
        named = with_link(query, controls)
        return *named, *desk.babble(Controls(*named), own, draft).values()
    return handler


def with_link(query: dict[str, str], values: Sequence[Any]) -> tuple:
    """The values of the controls, with those that a link names in their place."""
    corpus, unit, n, start, length, seed = values
    return (corpus, query.get("unit", unit), as_number(query.get("n", n)), query.get("start", start),
            as_number(query.get("length", length)), as_number(query.get("seed", seed)))


def as_number(value: Any) -> Any:
    """The whole number that a link spells, or the text itself, for the engine to refuse by name."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12 else value


def _endpoints(library: Library) -> None:
    """/ngram_next and /babble."""
    def fields(*others: Any) -> list[Any]:
        return [gr.Textbox(corpora.MOBY_DICK, label="corpus", visible=False),
                gr.Textbox(symbols.LETTERS, label="unit", visible=False),
                gr.Number(3, label="n", visible=False), *others]

    def ngram_next(corpus: str, unit: str, n: float, context: str) -> list[list[Any]]:
        with library.open(corpus, unit) as counted:
            return [list(row) for row in generate.next_symbols(counted.table, n, context)]

    def babble(corpus: str, unit: str, n: float, prompt: str, length: float, seed: float) -> str:
        with library.open(corpus, unit) as counted:
            return generate.babble(counted.table, n, prompt, length, seed=seed)

    _ui.endpoint(ngram_next, fields(gr.Textbox("", label="context", visible=False)),
                 [gr.Dataframe(headers=["symbol", "count", "probability"], visible=False)], "ngram_next", **LOOKS)
    _ui.endpoint(babble, fields(gr.Textbox("", label="prompt", visible=False),
                                gr.Number(200, label="length", visible=False),
                                gr.Number(0, label="seed", visible=False)),
                 [gr.Textbox(label="text", visible=False)], "babble", **LOOKS)


TAB = Tab("N-gram babble", 40, SUMMARY, build)
