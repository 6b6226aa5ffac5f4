"""The Next token tab's own HTML: the bars that are clicked, the line that a draw hits, the text token by token.

Whatever comes from a text is escaped here, braces and dollars too, since Gradio's HTML component reads those as
templates.
"""

import html
import unicodedata
from collections.abc import Mapping, Sequence

from playground.context import Context
from playground.text.next_token.passage import Passage
from playground.text.next_token.predict import Choice, Prediction
from playground.text.next_token.sampling import Draw
from tabs import _ui

SHOWN_TOKENS = 400
FULL_SURPRISE = 12.0  # bits at which the colour is deepest
MARKS = {" ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍"}
TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})


def escape(text: str) -> str:
    """Text as HTML that no template engine reads."""
    return html.escape(text).translate(TEMPLATE)


def visible(token: str) -> str:
    """A token as HTML: spaces and line breaks as marks, control characters by their code, in its own direction."""
    return f"<bdi>{''.join(visible_character(each) for each in token) or mark('∅')}</bdi>"


def visible_character(character: str) -> str:
    """One character of `visible`."""
    if character in MARKS:
        return mark(MARKS[character])
    if unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cn"):
        return mark(f"U+{ord(character):04X}")
    return escape(character)


def mark(text: str) -> str:
    """A sign that stands for something unseen."""
    return f'<span class="mark">{text}</span>'


def plain(token: str) -> str:
    """A token in plain text for figures, its unseen characters as marks."""
    return "".join(MARKS.get(each, each) for each in token)


def percent(probability: float) -> str:
    """A probability as a percentage with three significant figures at most."""
    value = 100 * probability
    if value == 0:
        return "0 %"
    if value < 0.001:
        return "< 0.001 %"
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def where(tokens: Sequence[str], here: str | None) -> str:
    """The line over the bars: after which tokens they come, or in whose place."""
    so_far = "".join(visible(token) for token in tokens)
    if here is None:
        return f'<p class="where">What comes after <b>… {so_far}</b></p>'
    return (f'<p class="where">What could have come after <b>… {so_far}</b> in place of <b>{visible(here)}</b>. '
            "Another bar takes its place, and what follows is dropped.</p>")


def bars(prediction: Prediction, counts: Mapping[int, int] | None = None, here: int | None = None) -> str:
    """The bar chart: a row a token, the ghost of temperature 1 behind, everything else below.

    `counts` are the frequencies of draws by token id; `here` is the token that stands in the text at this place.
    """
    drawn = sum(counts.values()) if counts else 0
    longest = max([prediction.others[0], prediction.others[1], 1e-9,
                   *(max(each.probability, each.plain) for each in prediction.choices)])
    rows = [bar(each, longest, counts, drawn, each.id == here) for each in prediction.choices]
    left = drawn - sum(counts.get(each.id, 0) for each in prediction.choices) if counts else None
    rows.append(rest_bar(prediction, longest, left, drawn))
    return f'<div class="bars{" counted" if counts else ""}" role="list">{"".join(rows)}</div>'


def bar(choice: Choice, longest: float, counts: Mapping[int, int] | None, drawn: int, here: bool) -> str:
    """One token's row, a button that takes it."""
    count = counts.get(choice.id, 0) if counts else None
    state = "off" if choice.probability == 0 else ""
    title = (f"token {choice.id}: {percent(choice.probability)} now, {percent(choice.plain)} at temperature 1. "
             "Click to take it.")
    return (f'<button class="bar {state} {"here" if here else ""}" data-way="{choice.id}" title="{escape(title)}">'
            f'<span class="name">{visible(choice.text)}</span>'
            f"{track(choice.probability, choice.plain, longest, count, drawn)}</button>")


def rest_bar(prediction: Prediction, longest: float, count: int | None, drawn: int) -> str:
    """The row of all tokens that have no row of their own."""
    others = prediction.vocabulary - len(prediction.choices)
    return (f'<div class="bar rest" title="{others:,} other tokens together">'
            f'<span class="name">everything else</span>{track(*prediction.others, longest, count, drawn)}</div>')


def track(now: float, ghost: float, longest: float, count: int | None, drawn: int) -> str:
    """The bar, its ghost, the frequency of draws under it, and the numbers behind it."""
    share = f'<i class="drawn" style="width:{width(count / drawn, longest)}"></i>' if count else ""
    counted = "" if count is None else f'<span class="count">× {count}</span>'
    return (f'<span class="track"><i class="now" style="width:{width(now, longest)}"></i>'
            f'<i class="ghost" style="width:{width(ghost, longest)}"></i>{share}</span>'
            f'<span class="number">{percent(now)}</span>{counted}')


def width(value: float, longest: float) -> str:
    """A CSS width for a value, where `longest` fills the track."""
    return f"{min(100.0, 100 * value / longest):.2f}%"


def summary(prediction: Prediction, temperature: float, drawn: int) -> str:
    """The line under the bars: what the bars are, how undecided the model is."""
    shape = prediction.shape
    count = f"{shape.kept:,} of {prediction.vocabulary:,} tokens possible"
    sampled = f'<span class="key" style="background:#f59e0b"></span>share of {drawn} draws' if drawn else ""
    choices = f"{shape.effective:,.1f} equally likely choice{'' if shape.effective < 1.05 else 's'}"
    return (f'<p class="caption">Entropy <b>{shape.entropy:.2f} bits</b>, as undecided as <b>{choices}</b> · {count}.'
            f'<br><span class="key" style="background:#6366f1;margin-left:0"></span>at temperature {temperature:g}, '
            'with top-k and top-p <span class="key" style="border:1.5px dashed #7c8496;box-sizing:border-box"></span>'
            f"at temperature 1, nothing cut {sampled}</p>")


def draw_line(draw: Draw, choices: Sequence[Choice], token: str) -> str:
    """The line from 0 to 1 with the slices of the likeliest tokens, and the random number on it."""
    slices, end = [], 0.0
    for number, choice in enumerate(choices):
        if choice.probability == 0:
            continue
        end += choice.probability
        hit = "hit" if choice.id == draw.token else ""
        label = visible(choice.text) if choice.probability > 0.04 else ""
        slices.append(f'<span class="{hit}" style="width:{100 * choice.probability:.3f}%;background:'
                      f'{_ui.PALETTE[number % len(_ui.PALETTE)]}" title="{escape(plain(choice.text))}: '
                      f'{percent(choice.probability)}">{label}</span>')
    side = "left" if draw.u > 0.7 else ""
    return (f'<div class="line">{"".join(slices)}<i class="pin {side}" style="left:{100 * draw.u:.3f}%">'
            f"<b>u = {draw.u:.4f}</b></i></div>"
            f'<p class="caption">The random number {draw.u:.4f} fell into the slice of <b>{visible(token)}</b>, from '
            f"{draw.low:.4f} to {draw.high:.4f} ({percent(draw.high - draw.low)} wide). "
            f"Grey: the other tokens.</p>")


def trail(passage: Passage, tokens: Sequence[str], cut: int, place: int | None) -> str:
    """The text token by token; each a button that shows what could have stood in its place.

    `tokens` are the texts of the last SHOWN_TOKENS ids at most; the first `cut` ids are past the context.
    """
    hidden = len(passage.ids) - len(tokens)
    spans = [token_button(passage, number + hidden, token, number + hidden < cut, place)
             for number, token in enumerate(tokens)]
    earlier = f'<span class="mark">… {hidden:,} earlier tokens </span>' if hidden else ""
    measured = any(bits is not None for bits in passage.surprises)
    key = ('<p class="caption">Surprise: expected <span class="ramp"></span> 12 bits and more. '
           "Click a token to see what could have come in its place.</p>") if measured else (
           '<p class="caption">Click a token to see what could have come in its place.</p>')
    return f'<div class="trail">{earlier}{"".join(spans)}</div>{key}'


def token_button(passage: Passage, number: int, token: str, cut: bool, place: int | None) -> str:
    """One token of the trail, coloured by its surprise."""
    bits = passage.surprises[number]
    shade = "" if bits is None else f"background:rgba(239,68,68,{0.04 + 0.71 * min(1.0, bits / FULL_SURPRISE):.2f})"
    surprise = "" if bits is None else f", {bits:.1f} bits of surprise ({percent(2.0 ** -bits)})"
    title = f"token {number + 1}, id {passage.ids[number]}{surprise}{', past the context: not seen' if cut else ''}"
    state = f"{'cut' if cut else ''} {'picked' if number == place else ''}"
    return (f'<button class="{state}" style="{shade}" data-place="{number}" title="{title}">{visible(token)}'
            f"{'<br>' if token.endswith(chr(10)) else ''}</button>")


def context_meter(length: int, window: int, cut: int) -> str:
    """How much of the context is used, and what was cut."""
    share = min(100.0, 100 * length / window)
    text = (f'<p class="caption">Context<span class="meter {"full" if cut else ""}"><i style="width:{share:.1f}%"></i>'
            f"</span><b>{length:,}</b> of {window:,} tokens")
    if cut:
        text += (f". The text is longer than the context: the model does not see its first {cut:,} tokens "
                 "(crossed out below)")
    return text + ".</p>"


def loading(context: Context, name: str) -> str:
    """A line that says that a model is being loaded, or nothing where it is in memory already."""
    if any(model["name"] == name and model["state"] == "ready" for model in context.cache.stats()["models"]):
        return ""
    return ('<p class="caption" role="status">Loading the language model. This takes a few seconds, and about a minute '
            "the very first time, when its files are prepared.</p>")
