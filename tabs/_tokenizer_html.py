"""The tokens as HTML: coloured pieces, encodings side by side, ids looked up, languages compared.

What a piece tells on hover or focus is in its data-d attribute; assets/tokenizer.js makes the words of it.
"""

import html
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from playground.text.tokenizing.base import Token
from playground.text.tokenizing.compare import Segment, align
from playground.text.tokenizing.languages import Cost
from playground.text.tokenizing.lookup import Found
from playground.text.tokenizing.overview import Comparison, Overview
from playground.text.tokenizing.pieces import Piece, is_split

MOST_PIECES = 2000  # of one encoding; a page of more makes a browser slow at every key
MOST_COMPARED = 600  # of each encoding where several are side by side
HUES = 5
HEX_SHOWN = 24
BYTE = re.compile(r"(?:<0x[0-9A-F]{2}>)+")
MARKS = {" ": "·", "\n": "⏎\n", "\r": "␍", "\t": "⇥\t"}
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def panel(seen: Comparison, blanks: bool) -> str:
    """The counts and the tokens of a text: flowing for one encoding, aligned for several."""
    cards = "".join(card(column, seen, number) for number, column in enumerate(seen.columns))
    readable = [(number, column) for number, column in enumerate(seen.columns) if column.trouble is None]
    if not readable:
        body = ""
    elif not seen.text and not any(column.count for _, column in readable):
        body = '<p class="tok-note">Type something above.</p>'
    elif len(seen.columns) == 1:
        body = flow(seen, blanks)
    else:
        body = gloss(seen, readable, blanks)
    return f'<div class="tok"><div class="tok-cards">{cards}</div>{body}{cut_note(seen)}</div>'


def card(column: Overview, seen: Comparison, number: int) -> str:
    """An encoding's count and what goes with it, or why it cannot be had."""
    colour = f' tok-row{number}' if len(seen.columns) > 1 else ""
    head = f'<div class="tok-name{colour}">{html.escape(column.title)}</div>'
    if column.trouble is not None:
        text = f"<b>{html.escape(column.trouble.what)}</b> {html.escape(column.trouble.remedy)}"
        return f'<div class="tok-card" data-encoding="{html.escape(column.name)}">{head}<p>{text}</p></div>'
    characters, size = len(seen.text), len(seen.text.encode())
    rate = f"{characters / column.count:.2f} characters a token" if column.count else "no tokens"
    unknown = f" · <b>{column.unknown:,} unknown</b>" if column.unknown else ""
    return (f'<div class="tok-card" data-encoding="{html.escape(column.name)}">{head}'
            f'<div class="tok-count"><b>{column.count:,}</b> {plural(column.count, "token")}</div>'
            f'<div class="tok-facts">{characters:,} {plural(characters, "character")} · '
            f'{size:,} {plural(size, "byte")} · {rate}{unknown}<br>vocabulary of {column.size:,}</div></div>')


def plural(number: int, noun: str) -> str:
    """The noun for a number of things."""
    return noun if number == 1 else noun + "s"


def cut_note(seen: Comparison) -> str:
    """That not all is shown, where it is not."""
    if seen.whole:
        return ""
    return (f'<p class="tok-note">Shown: the first {seen.shown:,} of {len(seen.text):,} characters. '
            "The counts are of the whole text.</p>")


def flow(seen: Comparison, blanks: bool) -> str:
    """The text of one encoding as coloured pieces; what the encoding drops stays without colour."""
    column, at, parts = seen.columns[0], 0, []
    for number, piece in enumerate(column.pieces):
        if not piece.added and piece.start > at:
            parts.append(f'<span class="tok-drop">{visible(seen.text[at:piece.start], blanks)}</span>')
        parts.append(chip(piece, number, f"h{number % HUES}", blanks))
        at = max(at, piece.end)
    parts.append(f'<span class="tok-drop">{visible(seen.text[at:seen.shown], blanks)}</span>')
    return f'<div class="tok-flow" dir="auto" role="group" aria-label="Tokens">{"".join(parts)}</div>'


def gloss(seen: Comparison, readable: Sequence[tuple[int, Overview]], blanks: bool) -> str:
    """Several encodings, one above the other, cut where all of them can be cut."""
    columns = [column.pieces for _, column in readable]
    blocks = []
    for segment in align(columns, seen.shown):
        rows = "".join(row(number, column, first, last, blanks)
                       for (number, column), (first, last) in zip(readable, segment.pieces, strict=True))
        blocks.append(f'<div class="tok-seg">{rows}</div>' + line_break(seen, segment))
    return f'<div class="tok-gloss" role="group" aria-label="Tokens, aligned">{"".join(blocks)}</div>'


def line_break(seen: Comparison, segment: Segment) -> str:
    """A new line of the page where the text has one."""
    return '<i class="tok-break"></i>' if "\n" in seen.text[segment.start:segment.end] else ""


def row(number: int, column: Overview, first: int, last: int, blanks: bool) -> str:
    """The pieces of one encoding in a segment."""
    chips = "".join(chip(column.pieces[at], at, f"r{number}{'ab'[at % 2]}", blanks, column=number, flat=True)
                    for at in range(first, last))
    return f'<div class="tok-row">{chips or DROPPED}</div>'


DROPPED = '<span class="tok-none" title="This encoding drops it">∅</span>'


def chip(piece: Piece, number: int, colour: str, blanks: bool, *, column: int = 0, flat: bool = False) -> str:
    """One token. `flat` keeps it on one line."""
    token, split = piece.token, is_split(piece.token.data)
    kind = "special" if token.special else "split" if split else "other" if token.text != piece.covers else ""
    told = (column, number, token.id, hexadecimal(token.data), piece.start, piece.end, piece.byte_start,
            piece.byte_end, kind, plain(piece.covers) if kind in ("split", "other") else "")
    text = visible(token.text, blanks, split)
    return (f'<span class="t {colour}{" special" if token.special else ""}" tabindex="{0 if number == 0 else -1}" '
            f'data-d="{html.escape("|".join(map(str, told)))}">{text.replace(chr(10), "") if flat else text}</span>')


def plain(text: str) -> str:
    """Text for an attribute: control and direction characters by their code points."""
    return "".join(f"U+{ord(letter):04X}" if unicodedata.category(letter) in ("Cc", "Cf", "Cs") and letter not in "\n\t"
                   else letter for letter in text)


def hexadecimal(data: bytes) -> str:
    """Bytes as E5 90 8E, the first ones of many."""
    shown = data[:HEX_SHOWN].hex(" ").upper()
    return shown if len(data) <= HEX_SHOWN else f"{shown} … ({len(data)})"


def visible(text: str, blanks: bool, split: bool = False) -> str:
    """Text as HTML: bytes of split characters, control and direction characters by name; blanks with `blanks`."""
    if split:
        bounds = [0, *(edge for found in BYTE.finditer(text) for edge in found.span()), len(text)]
        return "".join(byte_names(text[start:end]) if BYTE.fullmatch(text[start:end])
                       else visible(text[start:end], blanks) for start, end in pairwise(bounds))
    alone = all(unicodedata.category(letter) == "Cf" for letter in text)
    return "".join(letter_html(letter, blanks, alone) for letter in text)


def byte_names(names: str) -> str:
    """<0xE5><0x90> as two small numbers."""
    return f'<i class="hex">{names.replace("><0x", " ")[3:-1]}</i>'


def letter_html(letter: str, blanks: bool, alone: bool) -> str:
    """One character; one that cannot be seen by its code point, unless it joins others and blanks are off."""
    if letter in MARKS and blanks:
        return f'<i class="ws">{MARKS[letter][0]}</i>{MARKS[letter][1:]}'
    if letter in " \n\t":
        return letter
    category = unicodedata.category(letter)
    hidden = category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") or letter in DIRECTIONS
    if hidden or (category in ("Cf", "Zs") and (blanks or alone)):
        return f'<i class="hex">U+{ord(letter):04X}</i>'
    return html.escape(letter)


def found_html(found: Found, title: str) -> str:
    """Tokens of an encoding looked up by id, and the text they make."""
    rows = "".join(f"<tr><td>{token.id}</td><td>{sample(token, number)}</td><td>{hexadecimal(token.data)}</td></tr>"
                   for number, token in enumerate(found.tokens))
    notes = []
    if len(found.tokens) > 1:
        notes.append(f'<p class="tok-note">Together: <bdi>{visible(found.text, True)}</bdi></p>')
    if found.around:
        around = " ".join(f"{token.id}&nbsp;{sample(token, token.id)}" for token in found.around)
        notes.append(f'<p class="tok-note">Its neighbours: {around}</p>')
    return ('<div class="tok scroll"><table class="table"><thead><tr>'
            f"<th>Id in {html.escape(title)}</th><th>Token</th><th>Bytes</th></tr></thead><tbody>{rows}</tbody></table>"
            f'{"".join(notes)}</div>')


def sample(token: Token, number: int) -> str:
    """A token outside a text."""
    return (f'<span class="t h{number % HUES}{" special" if token.special else ""}">'
            f"{visible(token.text, True, is_split(token.data))}</span>")


def languages_html(costs: Sequence[Cost], titles: Sequence[str]) -> str:
    """The table of languages: tokens by encoding, with a bar and the factor against English."""
    heads = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    most = max(max(cost.tokens) for cost in costs)
    rows = "".join(
        f'<tr><td><b>{cost.language}</b><div lang="{cost.code}" dir="auto" class="tok-sentence">'
        f"{html.escape(cost.sentence)}</div></td>{''.join(cells(cost, costs[0], most))}</tr>" for cost in costs)
    return ('<div class="tok scroll"><table class="table tok-languages"><thead><tr><th>Sentence</th>'
            f"{heads}</tr></thead><tbody>{rows}</tbody></table></div>")


def cells(cost: Cost, english: Cost, most: int) -> list[str]:
    """One cell an encoding: how many tokens, and how many times as many as in English."""
    figures = zip(cost.tokens, cost.unknown, english.tokens, strict=True)
    return [f'<td class="tok-row{number}"><b>{count}</b> <small>{count / base:.1f}×'
            f'{f" · {unknown} unknown" if unknown else ""}</small>'
            f'<i class="bar" style="width:{100 * count / most:.0f}%"></i></td>'
            for number, (count, unknown, base) in enumerate(figures)]
