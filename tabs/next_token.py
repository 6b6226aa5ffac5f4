"""Next token: what a language model thinks comes next, and every way to choose from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground import catalog
from playground.context import Context
from playground.text import generation, language_model
from playground.text.next_token import predict
from playground.text.next_token.distribution import Controls
from tabs import _next_html, _next_inside, _next_style, _ui
from tabs._next_desk import DRAWS, MAX_BARS, SLUG, Desk, Knobs, Look
from tabs._shell import Shell, Tab

SUMMARY = ("A language model gives every token of its vocabulary a probability to come next. "
           "See all of them, bend them with temperature, top-k and top-p, and write on token by token.")

HOW = """
A language model reads the text as **tokens** and puts out one number, a **logit**, for each token of its vocabulary
(262,144 for Gemma 3). The softmax turns logits into probabilities: p = exp(logit / T), divided by the sum of all.

* **Temperature** T: below 1 the likely tokens gain, above 1 the unlikely ones. At 0 the likeliest token is certain.
* **Top-k** keeps the k likeliest tokens. **Top-p** keeps the fewest of the likeliest whose probabilities reach p.
  They are applied in this order: temperature, top-k, top-p. What is left is scaled to a sum of 1.
* **Entropy** measures how undecided the model is, in bits: H = −Σ p log₂ p. As undecided as 2ᴴ equally likely choices.
* **A draw** takes one random number u from 0 to 1 and the token whose slice of the line holds u. The seed decides the
  random numbers, so the same steps from the same text give the same tokens.
* **Surprise** of a token: −log₂ p bits at temperature 1, 0 for what was certain, 1 for an even chance.
* **Context**: the model looks back on so many tokens and not on one more. Past that, the beginning is cut off.

The bars are shares of the *whole* vocabulary, and what has no bar of its own is counted in "everything else".
Sliders work on kept logits: the model does not run again. Gemma 3 270M is a base model: it goes on with a text and
was not trained to answer. On a CPU the context is bounded to 2,048 tokens, since more would take too long.

Sources: [Bengio et al. 2003](https://www.jmlr.org/papers/v3/bengio03a.html) (neural language models),
[Vaswani et al. 2017](https://arxiv.org/abs/1706.03762) (attention),
[Fan et al. 2018](https://arxiv.org/abs/1805.04833) (top-k),
[Holtzman et al. 2020](https://arxiv.org/abs/1904.09751) (top-p),
[Gemma Team 2025](https://arxiv.org/abs/2503.19786) (Gemma 3;
[terms of use](https://ai.google.dev/gemma/terms)).
"""

ORANGE, BIRTHDAY = "He devoured the orange", "For my 16th birthday, Poseidon gave me a"
# title, text, temperature, top-k, top-p, seed, tokens to continue with
EXAMPLES = (
    ("Once upon a", "Once upon a", 1.0, 0, 1.0, 0, 30),
    ("He devoured the orange", ORANGE, 1.0, 0, 1.0, 0, 30),
    ("Poseidon's gift", BIRTHDAY, 1.0, 0, 1.0, 0, 30),
    ("Temperature 0", BIRTHDAY, 0.0, 0, 1.0, 0, 30),
    ("Temperature 2", BIRTHDAY, 2.0, 0, 1.0, 0, 30),
    ("Top-k 5", ORANGE, 1.0, 5, 1.0, 0, 30),
    ("Top-p 0.5", ORANGE, 1.0, 0, 0.5, 0, 30),
)
ACTIONS = {"Draw one": "primary", "Take the top": "secondary", "Step back": "secondary", "Continue": "primary",
           "Stop": "secondary", "Read the text": "secondary"}
# Continuing takes the processor for a token at a time, so several visitors write at once and hold up nobody.
LOOKS = _ui.looks("next-token")  # where nothing is kept of a text, or of a model, they run it once
WRITING = {"concurrency_id": "writing", "concurrency_limit": 8}
BARS = 12
LIVE = 500  # characters up to which a text is read while it is typed


@dataclass(frozen=True)
class Widgets:
    """The components that most handlers read or write, in the order in which Desk takes and gives them."""

    look: gr.State
    text: gr.Textbox
    knobs: list[Any]
    trail: gr.HTML
    bars: gr.HTML
    summary: gr.HTML
    line: gr.HTML
    link: gr.Textbox

    @property
    def inputs(self) -> list[Any]:
        """Of a handler: look, text, knobs."""
        return [self.look, self.text, *self.knobs]

    @property
    def outputs(self) -> list[Any]:
        """Of Desk.shown."""
        return [self.look, self.text, self.trail, self.bars, self.summary, self.line, self.link]

    def wire(self, trigger: Callable, fn: Callable, lane: dict[str, Any] = _ui.COMPUTE, **options: Any) -> Any:
        """Runs a handler on an event."""
        return _ui.event(trigger, fn, self.inputs, self.outputs, show_progress="hidden", **options, **lane)


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab."""
    desk = Desk(context)
    with gr.Row(elem_classes="examples"):
        examples = [gr.Button(title, size="sm", min_width=100) for title, *_ in EXAMPLES]
        post = gr.Button("Wrestling post", size="sm", min_width=100)
    text = gr.Textbox(ORANGE, label="Text so far", lines=2, max_lines=8, elem_id="next-text",
                      info="Type, or take tokens below. Long texts are read when you press the button.")
    with gr.Row():
        actions = {name: gr.Button(name, size="sm", min_width=90, variant=look) for name, look in ACTIONS.items()}
    trail = _html("next-trail")
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            knobs, tokens = _knobs()
        with gr.Column(scale=3, min_width=300):
            bars, summary = _html("next-bars"), _html("next-summary")
            with gr.Row():
                sample, colour, copy, send = (gr.Button(name, size="sm", min_width=110) for name in (
                    f"Draw {DRAWS} times", "Colour all by surprise", "Copy link", "Send to tokenizer"))
            line = _html("next-line")
    page = Widgets(gr.State(Look()), text, knobs, trail, bars, summary, line, gr.Textbox(visible=False))
    sections = _next_inside.build(context, desk.predictor, page.look, post)

    _wire_views(desk, page, sample, colour)
    settled = [*_wire_actions(desk, page, actions, tokens),
               *(page.wire(each.click, _clicked(desk)) for each in (bars, sections.tree)),
               *(_wire_example(desk, page, tokens, *each) for each in zip(examples, EXAMPLES, strict=True))]
    for event in settled:
        sections.refresh_after(event)
    _ui.copy_link(copy, page.link)
    shell.send(send, text, "tokenizer")
    shell.offer(SLUG, text, lambda event: page.wire(event.then, desk.handler(desk.read)))
    shell.on_open(_opened(desk), page.inputs, [*knobs, *page.outputs], **_ui.COMPUTE)
    _ui.fold("How it works, and where it comes from", HOW)
    _endpoints(desk)


def _html(name: str) -> gr.HTML:
    """A place for our own HTML whose bars and tokens can be clicked."""
    return gr.HTML(elem_id=name, css_template=_next_style.CSS, js_on_load=_next_style.CLICKS)


def _knobs() -> tuple[list[Any], gr.Slider]:
    """The controls in the order of Knobs.of, and the number of tokens to continue with."""
    temperature = gr.Slider(0, 3, 1.0, step=0.05, label="Temperature", info="0: always the likeliest · 1: as trained")
    top_k = gr.Slider(0, 200, 0, step=1, label="Top-k", info="0 cuts nothing")
    top_p = gr.Slider(0, 1, 1.0, step=0.01, label="Top-p", info="1 cuts nothing")
    with gr.Row():
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=100)
        tokens = gr.Slider(1, 200, 30, step=1, label="Tokens to continue", min_width=140)
    with gr.Row():
        model = gr.Dropdown(_model_choices(), value=language_model.MODEL, label="Model", min_width=200)
        count = gr.Slider(3, MAX_BARS, BARS, step=1, label="Bars", min_width=150)
    return [model, temperature, top_k, top_p, seed, count], tokens


def _model_choices() -> list[tuple[str, str]]:
    """The language models by title, those to be downloaded marked as such."""
    entries = catalog.of_task(language_model.TASK)
    return [(each.title if each.embedded else f"{each.title} (download {each.download / 1e6:,.0f} MB)", each.key)
            for each in entries]


def _wire_views(desk: Desk, page: Widgets, sample: gr.Button, colour: gr.Button) -> None:
    """What shows the same text otherwise. Kept logits answer most of it, which need not wait for the processor."""
    for knob in page.knobs[1:4]:
        page.wire(knob.input, desk.handler(desk.reshape), LOOKS, trigger_mode="always_last")
    for trigger in (page.knobs[4].input, page.knobs[5].release):
        page.wire(trigger, desk.handler(desk.reshape), LOOKS)
    page.wire(sample.click, desk.handler(desk.sample), LOOKS)
    page.wire(colour.click, desk.handler(desk.measure))
    page.wire(page.trail.click, _clicked(desk))


def _wire_actions(desk: Desk, page: Widgets, actions: dict[str, gr.Button], tokens: gr.Slider) -> list[Any]:
    """What changes the text; returns the events."""
    run = _ui.event(actions["Continue"].click, desk.run, [page.look, page.text, tokens, *page.knobs], page.outputs,
                    show_progress="hidden", **WRITING)
    stopped = actions["Stop"].click(None, None, None, cancels=[run])
    changes = {actions["Draw one"].click: desk.draw, actions["Take the top"].click: desk.take_top,
               actions["Step back"].click: desk.back, actions["Read the text"].click: desk.read,
               page.text.submit: desk.read, page.knobs[0].input: desk.read, stopped.then: desk.read}
    return [run, *(page.wire(trigger, desk.handler(change)) for trigger, change in changes.items()),
            page.wire(page.text.input, _while_typing(desk), trigger_mode="always_last")]


def _wire_example(desk: Desk, page: Widgets, tokens: gr.Slider, button: gr.Button, example: tuple) -> Any:
    """An example sets every control and shows its result."""
    _, text, *numbers, length = example
    values = (language_model.MODEL, *numbers, BARS)

    def run() -> tuple:
        return *values, length, *desk.opened(text, *values)

    return _ui.event(button.click, run, [], [*page.knobs, tokens, *page.outputs], **_ui.COMPUTE)


def _clicked(desk: Desk) -> Callable:
    """Takes the bar or the way that was clicked, or looks at the place of the token that was clicked."""
    def clicked(look: Look, text: str, model: str, temperature: float, top_k: int, top_p: float, seed: int,
                bars: int, event: _ui.Told) -> tuple:  # gradio wants each argument by name to find the event
        change = desk.clicked(event.text("way"), event.text("place"))
        return desk.handler(change)(look, text, model, temperature, top_k, top_p, seed, bars)
    return clicked


def _while_typing(desk: Desk) -> Callable:
    """Reads a short text at every key; leaves a long or empty one until it is asked for."""
    def typed(look: Look, text: str, *values: Any) -> Any:
        if not (text or "").strip() or len(text) > LIVE:
            return [gr.skip()] * 7
        return desk.handler(desk.read)(look, text, *values)
    return typed


def _opened(desk: Desk) -> Callable:
    """The first look at the tab, with what a link names: (query, look, text, knobs) -> knobs, outputs."""
    def opened(query: dict[str, str], look: Look, text: str, *values: Any) -> Iterator[tuple]:
        model, *numbers, count = values
        for place, name in enumerate(("temperature", "top_k", "top_p", "seed")):
            numbers[place] = _as_number(query[name]) if name in query else numbers[place]
        knobs = (query.get("model", model), *numbers, count)
        Knobs.of(*knobs)  # before a control is given what it cannot hold
        loading = _next_html.loading(desk.context, knobs[0])
        if loading:
            yield *knobs, look, query.get("text", text), "", loading, "", "", ""
        yield *knobs, *desk.opened(query.get("text", text), *knobs)
    return opened


def _as_number(text: str) -> Any:
    """The number that a link spells, or the text itself, for the engine to refuse by name."""
    try:
        return float(text)
    except ValueError:
        return text


def _endpoints(desk: Desk) -> None:
    """/next_token and /continue_text."""
    def next_token(text: str, model: str, temperature: float, top_k: int, top_p: float) -> list[list]:
        return predict.table(desk.predictor.next_token(text, model, Controls.checked(temperature, top_k, top_p)))

    def continue_text(text: str, model: str, temperature: float, top_k: int, top_p: float, max_tokens: int,
                      seed: int) -> str:
        return "".join(generation.continue_text(
            desk.context, text, name=model, temperature=temperature, top_k=top_k, top_p=top_p,
            max_tokens=max_tokens, seed=seed))

    def number(label: str, value: float) -> gr.Number:
        return gr.Number(value, label=label, visible=False)

    def shared() -> list[Any]:
        return [gr.Textbox(label="text", visible=False),
                gr.Textbox(language_model.MODEL, label="model", visible=False),
                number("temperature", 1.0), number("top_k", 0), number("top_p", 1.0)]

    _ui.endpoint(next_token, shared(), [gr.Dataframe(headers=["token", "id", "probability"], label="tokens",
                                                     visible=False)], "next_token", **_ui.COMPUTE)
    _ui.endpoint(continue_text, [*shared(), number("max_tokens", 40), number("seed", 0)],
                 [gr.Textbox(label="continuation", visible=False)], "continue_text", **_ui.COMPUTE)


TAB = Tab("Next token", 70, SUMMARY, build)
