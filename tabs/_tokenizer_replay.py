"""The merges of one word, step by step: layout, handlers and HTML."""

import html
from collections.abc import Sequence
from typing import Any

import gradio as gr

from playground import checks
from playground.context import Context
from playground.errors import BadInput, PlaygroundError
from playground.text.tokenizing import encodings
from playground.text.tokenizing.base import Word, show
from playground.text.tokenizing.pieces import is_split
from playground.text.tokenizing.replay import MOST_PARTS, Match, Replay, State, most_telling, replay
from tabs import _ui
from tabs._tokenizer_html import HUES, plural, visible

LOOKS = _ui.looks("tokenizer")  # a million characters in four encodings take seconds; some are fetched first
MOST_TOKENS = 600  # of the text; words beyond are not offered
MOST_WORDS = 200
TRIES_SHOWN = 8


def choices(words: Sequence[Word]) -> list[tuple[str, int]]:
    """The words that can be replayed, with their number of tokens, for a dropdown."""
    return [(f"{label(word.text)}  ({len(word.ids)} {plural(len(word.ids), 'token')})", at)
            for at, word in enumerate(words) if 0 < len(word.parts) <= MOST_PARTS][:MOST_WORDS]


def label(text: str) -> str:
    """A word in a list: blanks visible, not too long."""
    marked = text.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥")
    return marked if len(marked) <= 40 else marked[:39] + "…"


def split_words(context: Context, text: str, name: str, special: bool) -> list[Word]:
    """The words of a text's first tokens."""
    with encodings.lease(context, name) as encoding:
        return encoding.words(encoding.encode(text, special), MOST_TOKENS)


def play(context: Context, name: str, words: Sequence[Word], at: int | None) -> Replay | None:
    """The replay of a word by its number; None where there is none."""
    if at is None:
        return None
    if not 0 <= at < len(words) or not words[at].parts:
        raise BadInput("This word cannot be replayed.", "Choose another one from the list.")
    with encodings.lease(context, name) as encoding:
        return replay(encoding, words[at])


def begin(context: Context, text: str, name: str, special: bool) -> tuple[list[Word], int | None, Replay | None, str]:
    """The words of a text, the one most worth a look, its replay, and why there is none if so."""
    try:
        words = split_words(context, text, name, special)
        at = most_telling(words)
        return words, at, play(context, name, words, at), ""
    except PlaygroundError as problem:  # told in place of the steps: the tokens above stay
        return [], None, None, f"{problem.what} {problem.remedy}"


def step_html(played: Replay | None, step: int, trouble: str = "") -> str:
    """A replay after `step` steps."""
    if played is None:
        return f'<p class="tok-note">{html.escape(trouble or "No word to replay: type some text.")}</p>'
    step = max(0, min(int(step), played.steps))
    body = merge_html(played, step) if played.states else match_html(played, step)
    return f'<div class="tok">{body}</div>'


def merge_html(played: Replay, step: int) -> str:
    """The parts at a step with the ranks between them, what happens next, and the merges so far."""
    state, last = played.states[step], step == played.steps
    if last:
        tokens = ", ".join(map(str, played.word.ids))
        words = (f"Done after {step} {plural(step, 'merge')}: no two neighbours may be merged any more. "
                 f"{plural(len(state.parts), 'Token id')}: <b>{tokens}</b>")
    else:
        left, right = state.parts[state.chosen:state.chosen + 2]
        words = (f"Next: {part_html(left, 0)} and {part_html(right, 1)} have the lowest rank, "
                 f"<b>{state.ranks[state.chosen]:,}</b>, and become one.")
    done = "".join(merge_row(number, before) for number, before in reversed(list(enumerate(played.states[:step], 1))))
    table = ('<div class="tok-steps"><table class="table"><thead><tr><th>Merge</th><th>Left + right</th>'
             f"<th>Rank</th></tr></thead><tbody>{done}</tbody></table></div>") if done else ""
    return f'<div class="tok-parts">{parts_html(state)}</div><p>{words}</p>{table}'


def parts_html(state: State) -> str:
    """The parts, each pair of neighbours with its rank between them."""
    shown = []
    for at, part in enumerate(state.parts):
        shown.append(part_html(part, at))
        if at < len(state.ranks):
            rank = state.ranks[at]
            best = " best" if at == state.chosen else ""
            shown.append(f'<span class="joint{best}">{"–" if rank is None else f"{rank:,}"}</span>')
    return "".join(shown)


def part_html(part: bytes, number: int) -> str:
    """One part."""
    return f'<span class="t h{number % HUES}">{visible(show(part), True, is_split(part))}</span>'


def merge_row(number: int, before: State) -> str:
    """One merge that was made."""
    left, right = before.parts[before.chosen:before.chosen + 2]
    return (f"<tr><td>{number}</td><td>{part_html(left, 0)} + {part_html(right, 1)} → {part_html(left + right, 2)}</td>"
            f"<td>{before.ranks[before.chosen]:,}</td></tr>")


def match_html(played: Replay, step: int) -> str:
    """WordPiece after some steps: the pieces found, and what was tried for the last one."""
    pieces = "".join(f'<span class="t h{number % HUES}">{html.escape(match.found or "[UNK]")}</span> '
                     for number, match in enumerate(played.matches[:step]))
    ids = ", ".join(map(str, played.word.ids))
    words = "Next: the most_telling entry of the vocabulary that begins the word." if step == 0 else tries_html(
        played.matches[step - 1])
    done = f"<p>Done. {plural(len(played.word.ids), 'Token id')}: <b>{ids}</b></p>" if step == played.steps else ""
    return f'<div class="tok-parts">{pieces or part_html("".join(played.word.parts).encode(), 0)}</div>{words}{done}'


def tries_html(match: Match) -> str:
    """What was tried at one place, most_telling first; the middle of a long list left out."""
    if not match.tried:
        return "<p>The word is longer than this encoding spells: it becomes [UNK].</p>"
    missed = [name for name in match.tried if name != match.found]
    shown = [f"<s>{html.escape(name)}</s>" for name in missed]
    if len(shown) > TRIES_SHOWN:
        shown[TRIES_SHOWN // 2:-TRIES_SHOWN // 2] = [f"… {len(shown) - TRIES_SHOWN} more … "]
    end = f'<span class="t h2">{html.escape(match.found)}</span> ✓' if match.found else "nothing: the word is [UNK]"
    return (f'<p class="tok-tries">{"".join(shown)}{end}</p><p class="tok-note">Tried from the most_telling to the '
            f"shortest: {len(match.tried)} in all.</p>")


class Section:
    """The controls of the replay, and how they hang together."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.played = gr.State(None)
        self.last = gr.Number(0, visible=False)  # the number of steps, for the buttons' script
        with gr.Row():
            self.encoding = gr.Dropdown([], label="Encoding of the tools below", min_width=220, scale=1)
            self.word = gr.Dropdown([], label="Word of your text", min_width=220, scale=2,
                                    info="Or click a token above.")
        self.step = gr.Slider(0, 1, 0, step=1, label="Step", elem_id="tokenizer-step")
        with gr.Row():
            self.back = gr.Button("◀ Back", size="sm", min_width=80)
            self.next = gr.Button("Next ▶", size="sm", variant="primary", min_width=80)
        self.shown = gr.HTML(elem_id="tokenizer-replay", elem_classes="tok-html")
        self.outputs = [self.encoding, self.word, self.played, self.last, self.step, self.shown]

    def started(self, text: str, names: Sequence[str], special: bool, tool: Any) -> tuple:
        """What `outputs` show for a new text: the word most worth a look, after no step."""
        name = tool if tool in names else names[0]
        words, at, played, trouble = begin(self.context, text, name, special)
        return (gr.Dropdown(choices=[(encodings.title(each), each) for each in names], value=name),
                gr.Dropdown(choices=choices(words), value=at), *self._at_start(played, trouble))

    def _at_start(self, played: Replay | None, trouble: str = "") -> tuple:
        steps = played.steps if played else 0
        slider = gr.Slider(maximum=max(1, steps), value=0, interactive=steps > 0)
        return played, steps, slider, step_html(played, 0, trouble)

    def wire(self, text: Any, names: Any, special: Any, panel: gr.HTML) -> None:
        """The events: another encoding or word, a token clicked, a step taken."""
        inputs = [text, names, special]
        quiet = {"show_progress": "hidden", **LOOKS}
        _ui.event(self.encoding.input, self._other_encoding, [*inputs, self.encoding], self.outputs, **quiet)
        _ui.event(self.word.input, self._other_word, [text, special, self.encoding, self.word],
                  self.outputs[2:], **quiet)
        _ui.event(panel.click, self._clicked, inputs, self.outputs, **quiet)
        _ui.event(self.step.change, self._at_step, [self.played, self.step], [self.shown],
                  trigger_mode="always_last", **quiet)
        # the step is counted in the browser, so that quick clicks are not lost on their way
        self.back.click(None, [self.step], [self.step], js="(step) => Math.max(step - 1, 0)")
        self.next.click(None, [self.step, self.last], [self.step], js="(step, last) => Math.min(step + 1, last)")

    def _other_encoding(self, text: Any, names: Any, special: bool, tool: Any) -> tuple:
        return self.started(encodings.check_text(text), encodings.check_names(names), special, tool)

    def _other_word(self, text: Any, special: bool, name: Any, at: Any) -> tuple:
        words = split_words(self.context, encodings.check_text(text), name, special)
        return self._at_start(play(self.context, name, words, at))

    def _clicked(self, text: Any, names: Any, special: bool, event: _ui.Told) -> tuple:
        """The word of a clicked token, in the encoding of its row."""
        names = encodings.check_names(names)
        name = names[min(event.whole("column", encodings.MOST_COMPARED), len(names) - 1)]
        words = split_words(self.context, encodings.check_text(text), name, special)
        token = event.whole("token", encodings.MOST_CHARACTERS)
        at = next((at for at, word in enumerate(words) if word.holds(token) and word.parts), None)
        played = play(self.context, name, words, at)
        trouble = "" if played else "A token on its own: nothing is merged here."
        return (gr.Dropdown(value=name), gr.Dropdown(choices=choices(words), value=at),
                *self._at_start(played, trouble))

    def _at_step(self, played: Replay | None, step: float) -> Any:
        step = checks.whole(step, "The step", 0, encodings.MOST_CHARACTERS)
        return step_html(played, step) if played else gr.skip()
