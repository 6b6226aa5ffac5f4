"""What the n-gram tab shows, as HTML: the babble, the bars, the coverage, the count table, the ladder, passages.

Everything that comes from a text is escaped here.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from playground.text.ngrams import generate, verbatim
from playground.text.ngrams.corpora import Book, Counted
from playground.text.ngrams.counts import Followers
from playground.text.ngrams.coverage import Coverage
from playground.text.ngrams.ladder import Ladder
from playground.text.ngrams.lookup import Rows
from playground.text.ngrams.symbols import LETTERS, WORDS, Symbols

BARS = 27  # bars shown; the alphabet of the lecture fits
AROUND = 160  # characters of the book shown on either side of a passage
UNKNOWN_SIGN = "▯"  # for a symbol that the counted text does not hold
DRAWN, FORCED, SHORTENED, CHOSEN = "drawn", "forced", "shortened", "chosen"


@dataclass(frozen=True)
class Mark:
    """A symbol that was written: its code, and how it came about (DRAWN, FORCED, SHORTENED or CHOSEN)."""

    code: int
    kind: str

    @staticmethod
    def of(drawn: generate.Drawn) -> "Mark":
        """The mark of a symbol that was drawn; a shortened context outranks a missing choice."""
        shortened = drawn.context < drawn.wanted
        return Mark(drawn.code, SHORTENED if shortened else FORCED if drawn.choices == 1 else DRAWN)


def show(symbol: str, unit: str) -> str:
    """A symbol that can be seen: the space as _ among letters and ␣ else, line ends as ↵, controls as pictures."""
    if unit == LETTERS:
        return symbol.replace(" ", "_")
    visible = {" ": "␣", "\n": "↵", "\t": "⇥", "\u00a0": "⍽"}
    return "".join(visible.get(each) or (chr(0x2400 + ord(each)) if ord(each) < 32 else each) for each in symbol)


def show_codes(cut: Symbols, codes: Sequence[int]) -> str:
    """Several symbols that can be seen, words with spaces between them; escaped, in a box."""
    names = [show(cut.name(code), cut.unit) if code else UNKNOWN_SIGN for code in codes]
    joined = (" " if cut.unit == WORDS else "").join(names)
    return f'<span class="ng-sym">{html.escape(joined)}</span>'


def babble(counted: Counted, start: str, marks: Sequence[Mark], cursor: int) -> str:
    """The start, what was written after it, copied runs and where they stand in the text they were copied from."""
    cut = counted.table.symbols
    begun = cut.encode(start)
    runs = verbatim.runs(counted.table, [*begun, *(mark.code for mark in marks)]) if marks else []
    runs = [run for run in runs if run.end > len(begun)]  # the visitor may quote the book
    shown = generate.read_start(cut, start)
    parts = generate.continuation(cut, shown, [mark.code for mark in marks])
    body = "".join(_written(parts, marks, cursor, [(run.start - len(begun), run.end - len(begun)) for run in runs]))
    opening = f'<span class="ng-start">{html.escape(shown)}</span>'
    text = f'<div class="ng-text" dir="auto" tabindex="0" aria-label="Babble">{opening}{body}</div>'
    return text + _key(cut.unit, marks, runs, counted.book.title) + _passages(counted, runs)


def _written(parts: Sequence[str], marks: Sequence[Mark], cursor: int, runs: Sequence[tuple[int, int]]) -> list[str]:
    """Each symbol as a span, runs wrapped; a run that overlaps the one before begins where that one ends."""
    pieces = [f'<span class="ng-s ng-{mark.kind}" data-pick="{at}">{html.escape(part)}</span>'
              for at, (part, mark) in enumerate(zip(parts, marks, strict=True))]
    caret = '<span class="ng-cursor" title="the bars show what can follow here"></span>'
    reached = 0
    for number, (start, end) in enumerate(runs, 1):
        first, last = max(start, reached, 0), end - 1
        pieces[first] = f'<span class="ng-run">{pieces[first]}'
        pieces[last] += f'<a href="#" data-place="{number}" title="where it stands">[{number}]</a></span>'
        reached = end
    if cursor < len(pieces):
        pieces[cursor] = caret + pieces[cursor]
        return pieces
    return [*pieces, caret]


def _key(unit: str, marks: Sequence[Mark], runs: Sequence[verbatim.Run], title: str) -> str:
    """What the colours mean, with counts."""
    kinds = [mark.kind for mark in marks]
    entries = [f'<span class="ng-run">copied</span> {len(runs)} run{"" if len(runs) == 1 else "s"} of '
               f"{verbatim.SHORTEST[unit]} {unit} or more from {html.escape(title)}",
               f'<span class="ng-forced">no choice</span> {kinds.count(FORCED)}',
               f'<span class="ng-shortened">context shortened</span> {kinds.count(SHORTENED)}']
    if CHOSEN in kinds:
        entries.append(f'<span class="ng-chosen">chosen by you</span> {kinds.count(CHOSEN)}')
    return f'<div class="ng-key">{"".join(f"<span>{entry}</span>" for entry in entries)}</div>'


def _passages(counted: Counted, runs: Sequence[verbatim.Run]) -> str:
    items = "".join(f'<li data-passage="{number}">{passage(counted, run, number)}</li>'
                    for number, run in enumerate(runs, 1))
    return f'<ul class="ng-places">{items}</ul>' if items else ""


def passage(counted: Counted, run: verbatim.Run, number: int) -> str:
    """A run in its place: chapter, how far into the text, and the lines around it."""
    cut, text = counted.table.symbols, counted.book.text
    length = run.end - run.start
    begin, end = int(cut.starts[run.place]), cut.end(run.place + length - 1)
    where = counted.book.place(begin)
    times = f"; this run stands there {run.times} times, here the first" if run.times > 1 else ""
    title = f"{where.chapter}, " if where.chapter else ""
    before, after = text[max(0, begin - AROUND):begin], text[end:end + AROUND]
    return (f"<b>[{number}] {html.escape(title)}{where.percent:.1f} %</b> of the way through "
            f"{html.escape(counted.book.title)}: {length} {cut.unit}{times}."
            f"<blockquote>…{html.escape(before)}<mark>{html.escape(text[begin:end])}</mark>"
            f"{html.escape(after)}…</blockquote>")


def bars(cut: Symbols, followers: Followers, asked: Sequence[int], taken: int | None) -> str:
    """The followers of a context as bars to click; `asked` is the context that n asks for, `taken` what was written."""
    order = generate.ranked(followers)[:BARS]
    total = followers.total
    rows = [_bar(show(cut.name(int(followers.codes[at])), cut.unit), int(followers.counts[at]), total,
                 code=int(followers.codes[at]), taken=int(followers.codes[at]) == taken) for at in order]
    rest = len(followers.codes) - len(order)
    if rest:
        others = total - int(followers.counts[order].sum())
        rows.append(_bar(f"{rest:,} others", others, total))
    return _bars_title(cut, followers, asked) + f'<div class="ng-bars">{"".join(rows)}</div>'


def _bar(label: str, count: int, total: int, *, code: int | None = None, taken: bool = False) -> str:
    share = count / total
    words = f"{share:.1%}" if share >= 0.001 else f"{share:.2%}"
    inside = (f'<span><span class="ng-sym">{html.escape(label)}</span></span>'
              f'<span><i style="width:{100 * share:.2f}%"></i></span><span>{words}</span><span>{count:,}</span>')
    if code is None:
        return f'<div class="ng-bar ng-rest">{inside}</div>'
    spoken = html.escape(f"write {label}: {words}, {count:,} times")
    return (f'<button type="button" class="ng-bar{" ng-taken" if taken else ""}" data-pick="{code}" '
            f'aria-label="{spoken}">{inside}</button>')


def _bars_title(cut: Symbols, followers: Followers, asked: Sequence[int]) -> str:
    kinds = len(followers.codes)
    times = "once" if followers.total == 1 else f"{followers.total:,} times"
    seen = f"followed {times}, by {kinds:,} different symbols" if kinds > 1 else f"followed {times}, always by the same"
    if not followers.shortened:
        where = f"After {show_codes(cut, asked)}: {seen}" if asked else f"Without context: {kinds:,} different symbols"
        return f'<p class="ng-note">{where}. Click a bar to write that symbol.</p>'
    unknown = f", since {UNKNOWN_SIGN} is not in the text" if 0 in asked else ""
    shorter = f"Shortened to {show_codes(cut, followers.context)}" if followers.context else "Left without context"
    return (f'<p class="ng-note"><span class="ng-warn">{show_codes(cut, asked)} is never followed by anything'
            f"{unknown}.</span> {shorter}: {seen}.</p>")


def coverage(figures: Coverage, unit: str) -> str:
    """Contexts and n-grams seen against those possible, and the meter of contexts that leave no choice."""
    single = figures.single / figures.contexts_seen
    symbols = "symbols" if unit == LETTERS else unit
    return (
        '<div class="ng-two"><div>'
        + _meter(f"Contexts ({figures.n - 1} {symbols}) seen", figures.contexts_seen, figures.contexts_possible,
                 f"{figures.vocabulary:,}<sup>{figures.n - 1}</sup>") + "</div><div>"
        + _meter(f"n-grams ({figures.n} {symbols}) seen", figures.grams_seen, figures.grams_possible,
                 f"{figures.vocabulary:,}<sup>{figures.n}</sup>") + "</div><div>"
        + _meter("Contexts with one continuation only", figures.single, figures.contexts_seen, "")
        + f'</div></div><p class="ng-note">{single:.1%} of the contexts leave no choice '
          f"({figures.single_once:,} of them because they occurred just once). In the running text that is "
          f"<b>{figures.places_single:.1%}</b> of all places: there the model can only copy.</p>")


def _meter(label: str, part: int, whole: int, power: str) -> str:
    share = part / whole
    possible = f"{power} = {large(whole)}" if power else f"{whole:,}"
    return (f'<p class="ng-note">{label}: <b>{part:,}</b> of {possible} ({percent(share)})</p>'
            f'<div class="ng-meter"><i style="width:{100 * share:.3f}%"></i></div>')


def large(number: int) -> str:
    """A whole number for people: 531,441, or 1.4 × 10^34."""
    if number < 10**12:
        return f"{number:,}"
    digits = len(str(number)) - 1
    return f"{number / 10**digits:.1f}\u00a0×\u00a010<sup>{digits}</sup>"


def percent(share: float) -> str:
    """A share for people, down to very small ones."""
    if share >= 0.001 or share == 0:
        return f"{share:.1%}"
    digits, _, power = f"{100 * share:.1e}".partition("e")
    return f"{digits}\u00a0×\u00a010<sup>{int(power)}</sup>\u00a0%"


def count_table(cut: Symbols, found: Rows, n: int, search: str) -> str:
    """The rows of a look-up under a line that says how many there are."""
    if not found.rows:
        return f'<p class="ng-note">No n-gram of n = {n} holds “{html.escape(search)}”.</p>'
    about = f"hold “{html.escape(search)}”" if search else "occur"
    line = (f'<p class="ng-note"><b>{found.found:,}</b> different n-grams of n = {n} {about}, '
            f"{found.occurrences:,} times in all"
            + (f"; the {len(found.rows)} most frequent:" if found.found > len(found.rows) else ".") + "</p>")
    rows = "".join(
        f'<tr><td>{show_codes(cut, row.context) if row.context else ""}</td><td>{show_codes(cut, [row.following])}</td>'
        f'<td class="ng-num">{row.count:,}</td><td class="ng-num">{row.probability:.2%}</td></tr>'
        for row in found.rows)
    head = ('<tr><th>Context</th><th>Next</th><th class="ng-num">Count</th>'
            '<th class="ng-num">P(next | context)</th></tr>')
    return line + table(head, rows)


def table(head: str, rows: str, kind: str = "") -> str:
    """A table that scrolls where it does not fit."""
    inside = f"<thead>{head}</thead><tbody>{rows}</tbody>"
    return f'<div class="ng-scroll {kind}"><table class="ng-table">{inside}</table></div>'


def ladder(rungs: Ladder, book: Book, unit: str) -> str:
    """One row an order: n, both perplexities, the start and its continuation."""
    held = [rung.held_out for rung in rungs.rungs if rung.held_out is not None]
    rows = "".join(
        f'<tr><td class="ng-num">{rung.n}</td>'
        f'<td class="ng-num{" ng-best" if held and rung.held_out == min(held) else ""}">{figure(rung.held_out)}</td>'
        f'<td class="ng-num">{figure(rung.counted)}</td><td class="ng-prose" dir="auto">'
        f'<span class="ng-start">{html.escape(rungs.start)}</span>{html.escape(rung.written)}</td></tr>'
        for rung in rungs.rungs)
    head = ('<tr><th class="ng-num">n</th><th class="ng-num">Perplexity,<br>unseen tenth</th>'
            '<th class="ng-num">Perplexity,<br>counted text</th><th>The start, continued</th></tr>')
    return table(head, rows, "ng-all") + f'<p class="ng-note">{_ladder_note(rungs, book, unit)}</p>'


def figure(value: float | None) -> str:
    """A perplexity, or a dash."""
    return "–" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _ladder_note(rungs: Ladder, book: Book, unit: str) -> str:
    if rungs.figures is None:
        return "The text is too short to keep a tenth of it apart, so there is no perplexity."
    unknown = ("" if unit == LETTERS else
               f" {rungs.figures.unknown:.1%} of them do not occur in the first nine tenths and count as one symbol, "
               "“unknown”.")
    return (f"Unseen: counted on the first nine tenths of {html.escape(book.title)}, asked about "
            f"{rungs.figures.predicted:,} {unit} of the last, all n mixed (Witten-Bell).{unknown} Counted text: plain "
            "counts, asked about the very text they counted. Where the two part, the model learns by heart.")
