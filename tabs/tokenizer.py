"""Tokenizer: a text's tokens as one types, encodings side by side, merges replayed, ids looked up, ten languages."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from playground.context import Context
from playground.text.tokenizing import encodings, languages, lookup, overview, tokens
from tabs import _tokenizer_html as render
from tabs import _ui
from tabs._shell import Shell, Tab
from tabs._tokenizer_replay import LOOKS, Section

SUMMARY = ("A language model reads no letters but **tokens**: numbered pieces of text. Type, and see yours. "
           "Hover over a piece for its id, bytes and place; click it to see how it was made.")

HOW = """
* **Byte-pair encoding** (GPT, Gemma, most others) starts from single bytes or characters and merges the two
  neighbours that were merged earliest in training, again and again. The order of those merges *is* the tokenizer; it is
  replayed above with its real ranks. OpenAI's encodings first cut the text into words with a pattern and never merge
  across them; a token's id there is its rank. Gemma's works on characters, writes a space as ▁, and spells what it has
  no token for in bytes.
* **WordPiece** (BERT) lowers the text, cuts it at blanks and punctuation, and takes the longest entry of its vocabulary
  that begins the word, then the longest that begins the rest (marked ##). What it cannot spell is [UNK].
* **Bytes.** A character outside ASCII takes two to four bytes in UTF-8. Where a token ends inside such a character, its
  bytes are shown in small hexadecimal digits: there is no letter to show.
* **Special tokens** such as `<|endoftext|>` have a meaning of their own. Typed by a user they count as plain text,
  unless the switch is on; with it the tokens that the model itself adds at the start or end show as well.
* **Side by side**, the texts are cut where all the encodings can be cut; ∅ is what an encoding drops.

Characters are Unicode code points, counted from 0; an emoji may be several of them.

Sources: [Gage 1994](http://www.pennelynn.com/Documents/CUJ/HTML/94HTML/19940045.HTM) and
[Sennrich et al. 2016](https://arxiv.org/abs/1508.07909) (byte-pair encoding),
[Radford et al. 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)
(on bytes), [Kudo and Richardson 2018](https://arxiv.org/abs/1808.06226) (SentencePiece),
[Devlin et al. 2019](https://arxiv.org/abs/1810.04805) (BERT),
[Petrov et al. 2023](https://arxiv.org/abs/2305.15425) (cost by language),
[tiktoken](https://github.com/openai/tiktoken), [tokenizers](https://github.com/huggingface/tokenizers).
"""

GPT4, GEMMA, BERT = "cl100k_base", "gemma-3-270m", "all-minilm-l6-v2"
# title, text, encodings, special tokens, blanks visible
EXAMPLES = (
    ("Who'd use …", 'Who\'d use "后" vs. "後"?', [GPT4], False, False),
    ("He devoured …", "He devoured the orange", [GPT4], False, False),
    ("Three encodings", "Grandmother's crème brûlée cost 12345 yen, unbelievable!", [GPT4, GEMMA, BERT], False, False),
    ("Split emoji", "The 👩‍🚀 ate a 🥑.", [GPT4], False, False),
    ("Code", "def f(x):\n    if x > 10:\n        return x  # done\n", [GPT4], False, True),
    ("Numbers", "3.14159 + 271828 = 271831.14159", [GPT4], False, False),
    ("Capitals", "strawberry Strawberry STRAWBERRY", [GPT4, BERT], False, False),
    ("Special tokens", "Once upon a time<|endoftext|>[SEP]The end", [GPT4, BERT], True, False),
)
JOINTS = ('<p class="tok-note">The small numbers tell when two neighbours merge: the lowest rank first; – is never. '
          "WordPiece merges nothing and looks for the longest entry that fits.</p>")
MOST_IN_LINK = 6000  # characters of the query, percent-encoded; browsers and proxies cut longer addresses


def build(context: Context, shell: Shell) -> None:
    """Lays out the tab."""
    with gr.Row(elem_classes="examples"):
        buttons = [gr.Button(title, size="sm", min_width=90) for title, *_ in EXAMPLES]
    text, names, special, blanks = _inputs(context)
    panel = gr.HTML(elem_id="tokenizer-panel", elem_classes="tok-html",
                    js_on_load=(_ui.ASSETS / "tokenizer.js").read_text())
    with gr.Row():
        copy = gr.Button("Copy link", size="sm")
        send = gr.Button("Send to next token", size="sm")
    link = gr.Textbox(visible=False)
    css = (_ui.ASSETS / "tokenizer.css").read_text()
    gr.HTML(f"<style>{css}</style><h3>How a word became tokens</h3>{JOINTS}", elem_classes="tok-html")
    section = Section(context)
    controls = [text, names, special, blanks, section.encoding]
    results = [panel, link, copy, *section.outputs]

    look = _looker(context, section)
    live = {"show_progress": "hidden", "trigger_mode": "always_last", **LOOKS}
    # change and not input: Gradio's textbox tells of an input only where a key prints a letter, not of a paste
    for trigger in (text.change, blanks.input, special.input):
        _ui.event(trigger, look, controls, results, **live)
    _ui.event(names.input, look, controls, results, show_progress_on=[panel], **LOOKS)
    section.wire(text, names, special, panel)
    _ui.copy_link(copy, link)
    shell.send(send, text, "next-token")
    shell.offer("tokenizer", text)
    _wire_examples(buttons, look, section.encoding, [text, names, special, blanks, *results], panel)
    _look_up(context, shell, section.encoding)
    _languages(context, names, text)
    _ui.fold("How it works, and where it comes from", HOW)

    def opened(query: dict[str, str], *values: Any) -> tuple:
        sent = values[:4] if values[0] else EXAMPLES[0][1:]  # another tab may have put a text here
        asked = from_link(query) if "text" in query else sent
        return *asked, *look(*asked, values[-1])

    shell.on_open(opened, controls, [text, names, special, blanks, *results], **LOOKS)
    _endpoints(context)


def _inputs(context: Context) -> tuple[gr.Textbox, gr.Dropdown, gr.Checkbox, gr.Checkbox]:
    """The text, the encodings, special tokens, blanks visible."""
    text = gr.Textbox(label="Text", lines=3, max_lines=12, placeholder="Type or paste up to a million characters",
                      elem_id="tokenizer-text")
    with gr.Row():
        names = gr.Dropdown(choices(context), value=[GPT4], multiselect=True, max_choices=encodings.MOST_COMPARED,
                            label="Encodings", info="Up to four, side by side.", scale=2, min_width=260)
        with gr.Column(scale=1, min_width=220):
            blanks = gr.Checkbox(label="Show blanks and line breaks")
            special = gr.Checkbox(label="Special tokens", info="Read <|endoftext|> and the like as such.")
    return text, names, special, blanks


def _looker(context: Context, section: Section) -> Any:
    """The handler that shows a text: panel, link and its button, and the replay's controls."""
    def look(typed: Any, chosen: Any, specials: bool, marks: bool, tool: Any,
             progress: gr.Progress = gr.Progress()) -> tuple:  # noqa: B008 (how Gradio is told)
        most = render.MOST_PIECES if len(chosen or ()) == 1 else render.MOST_COMPARED
        seen = overview.compare(context, typed, chosen, specials, most, _ui.engine_progress(progress))
        query, fits = link_to(typed, chosen, specials, marks)
        return (render.panel(seen, marks), query, copy_button(fits),
                *section.started(seen.text, [column.name for column in seen.columns], specials, tool))

    return look


def choices(context: Context) -> list[tuple[str, str]]:
    """The encodings for a dropdown; those not on this machine say so."""
    absent = " · not on this machine" if context.settings.offline else " · a download"
    return [(encodings.title(name) + ("" if context.weights.available(entry) else absent), name)
            for name, entry in encodings.known().items()]


def link_to(text: str, names: Sequence[str], special: bool, blanks: bool) -> tuple[str, bool]:
    """The query of a link to this text, and whether it is short enough; the query without the text if not."""
    kept = {"tab": "tokenizer", "encodings": ",".join(names), "special": int(special), "blanks": int(blanks)}
    if len(text) <= MOST_IN_LINK:
        query = _ui.query(**kept, text=text)
        if len(query) <= MOST_IN_LINK:
            return query, True
    return _ui.query(**kept), False


def copy_button(fits: bool) -> Any:
    """The button of the link, off where the text is too long for one."""
    return gr.Button("Copy link" if fits else "Text too long for a link", interactive=fits)


def from_link(query: dict[str, str]) -> tuple[str, list[str], bool, bool]:
    """Text, encodings and the two switches that a link names."""
    names = [name for name in query.get("encodings", GPT4).split(",") if name]
    return query["text"], encodings.check_names(names), query.get("special") == "1", query.get("blanks") == "1"


def _wire_examples(buttons: Sequence[gr.Button], look: Any, tool: gr.Dropdown, outputs: Sequence[Any],
                   panel: gr.HTML) -> None:
    """A click sets every control and shows what follows from it."""
    for button, (_, *values) in zip(buttons, EXAMPLES, strict=True):
        def show(chosen: Any, progress: gr.Progress = gr.Progress(), values: list = values) -> tuple:  # noqa: B008
            return *values, *look(*values, chosen, progress)

        _ui.event(button.click, show, [tool], outputs, show_progress_on=[panel], **LOOKS)


def _look_up(context: Context, shell: Shell, encoding: gr.Dropdown) -> None:
    """Ids back to tokens, in the encoding of the tools."""
    gr.HTML("<h3>From ids to text</h3>", elem_classes="tok-html")
    ids = gr.Textbox("15546, 4265, 1005", label="Token ids", info="One or several, apart by commas or blanks.",
                     max_lines=1, elem_id="tokenizer-ids")
    go = gr.Button("Look up", size="sm")
    found = gr.HTML(elem_id="tokenizer-lookup", elem_classes="tok-html")

    def look_up(typed: Any, name: Any) -> str:
        with encodings.lease(context, name) as chosen:
            return render.found_html(lookup.look_up(chosen, typed), encodings.title(chosen.name))

    for trigger in (go.click, ids.submit, encoding.input):
        _ui.event(trigger, look_up, [ids, encoding], [found], show_progress="hidden", **LOOKS)
    shell.on_open(lambda query, typed: look_up(typed, GPT4), [ids], [found], **LOOKS)


def _languages(context: Context, names: gr.Dropdown, text: gr.Textbox) -> None:
    """The fold with one sentence in ten languages: filled when it is opened, and when the encodings change."""
    with gr.Accordion("One sentence in ten languages", open=False) as fold:
        gr.Markdown("The same content, with the tokens it costs in the encodings chosen above; × compares with "
                    "English. A button puts the sentence into the text field.", elem_classes="summary")
        with gr.Row(elem_classes="examples"):
            buttons = [gr.Button(language, size="sm", min_width=80) for language in languages.SENTENCES]
        table = gr.HTML(elem_id="tokenizer-languages", elem_classes="tok-html")

    def price(chosen: Any) -> str:
        return render.languages_html(languages.costs(context, chosen), [encodings.title(name) for name in chosen])

    for trigger in (fold.expand, names.change):
        _ui.event(trigger, price, [names], [table], show_progress="minimal", **LOOKS)
    for button, (_, sentence) in zip(buttons, languages.SENTENCES.values(), strict=True):
        _ui.event(button.click, lambda sentence=sentence: sentence, [], [text], show_progress="hidden")


def _endpoints(context: Context) -> None:
    """The name that scripts count on."""
    def tokenize(text: Any, encoding: Any) -> dict:
        return tokens.tokenize(context, text, encoding)

    _ui.endpoint(tokenize, [gr.Textbox(visible=False, label="text"),
                            gr.Textbox(GPT4, visible=False, label="encoding")],
                 [gr.JSON(visible=False, label="tokens")], "tokenize", **LOOKS)


TAB = Tab("Tokenizer", 60, SUMMARY, build)
