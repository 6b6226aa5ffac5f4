"""Figures and tables of the Next token tab's folds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from playground.text.next_token.inside import Guess, Inside, Movement
from playground.text.next_token.pairs import Pair, Training
from playground.text.next_token.tree import Node
from tabs import _ui
from tabs._next_html import escape, percent, plain, visible

FIRST_NUMBERS = 5
TABLE_TOKENS = 10
INDIGO = [[0.0, "rgba(99,102,241,0.02)"], [1.0, "rgb(79,70,229)"]]
RED_BLUE = [[0.0, "#ef4444"], [0.5, "rgba(128,136,152,0.08)"], [1.0, "#4f46e5"]]

CSS = """
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; width: auto !important; margin: 0 !important;
        border: 0 !important; }
tr { border: 0 !important; }
th { text-align: left; font-weight: 700; color: var(--body-text-color-subdued); white-space: nowrap; }
th, td { padding: .2rem .6rem; border: 0; border-bottom: 1px solid var(--border-color-primary); }
td { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.token, th.token { font-family: var(--font-mono); }
td.before { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 12rem; color: var(--body-text-color-subdued); }
.mark { opacity: .45; }
small { opacity: .6; margin-left: .35rem; }
.caption { color: var(--body-text-color-subdued); font-size: .85rem; margin: .5rem 0; }
.caption b { color: var(--body-text-color); }
.tree td { padding: 1px; border: 0; height: 1px; }
.tree button { display: flex; align-items: center; gap: .5rem; width: 100%; height: 100%; min-height: 1.55rem;
               border: 0; padding: 0 .6rem; border-radius: 3px; font: inherit; font-family: var(--font-mono);
               color: inherit; cursor: pointer; white-space: nowrap; }
.tree small { font-family: var(--font); }
.tree button b { margin-left: auto; padding-left: .8rem; font-family: var(--font); }
.tree button:hover, .tree button:focus-visible { outline: 2px solid #6366f1; }
.pairs { max-height: 26rem; overflow: auto; }
"""


def axis_labels(tokens: Sequence[str]) -> list[str]:
    """Tokens as labels that are all different, as plotly wants them: the same label would be the same row."""
    return [f"{number}: {escape(plain(token))[:40]}" for number, token in enumerate(tokens, 1)]


def matrix_table(seen: Inside) -> str:
    """The embedded text as numbers: the first rows and the last one, a column a token."""
    embedded = seen.vectors[0]  # (T, D)
    first = max(0, len(embedded) - TABLE_TOKENS)
    head = "".join(f'<th class="number">{visible(token)}</th>' for token in seen.tokens[first:])
    size = embedded.shape[1]
    rows = [number_row(f"{number + 1}", embedded[first:, number]) for number in range(FIRST_NUMBERS)]
    dots = f'<tr><th>⋮</th>{"<td class=number>⋮</td>" * (len(embedded) - first)}</tr>'
    rows += [dots, number_row(f"{size}", embedded[first:, -1])]
    columns = f", the last {TABLE_TOKENS} tokens shown" if first else ""
    return (f'<p class="caption">D x N = <b>{size} x {len(embedded)}</b>, {embedded.size:,} numbers{columns}.</p>'
            f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>")


def number_row(title: str, values: np.ndarray) -> str:
    """A row of numbers under their tokens."""
    cells = "".join(f'<td class="number">{value:.2f}</td>' for value in values.tolist())
    return f"<tr><th>{title}</th>{cells}</tr>"


def matrix(seen: Inside) -> Any:
    """The embedded text as a strip: D rows, N columns."""
    import plotly.graph_objects as go

    values = seen.vectors[0].T  # (D, T)
    reach = float(np.quantile(np.abs(values), 0.99)) or 1.0  # one huge number would leave the others pale
    figure = go.Figure(go.Heatmap(
        z=np.round(values, 2), x=axis_labels(seen.tokens), y=np.arange(1, len(values) + 1), colorscale=RED_BLUE,
        zmin=-reach, zmax=reach, colorbar={"thickness": 10}, hovertemplate="%{x}<br>number %{y}: %{z}<extra></extra>"))
    _ui.style(figure, height=430)
    figure.update_yaxes(autorange="reversed", title="number", showgrid=False)
    figure.update_xaxes(tickangle=-40, showgrid=False)
    return figure


def attention(tokens: Sequence[str], weights: np.ndarray) -> Any:
    """A T x T map: rows look, columns are looked at; what lies after a token is left blank."""
    import plotly.graph_objects as go

    labels = axis_labels(tokens)
    shown = np.where(np.tri(len(tokens)) > 0, np.round(weights, 4), np.nan)
    figure = go.Figure(go.Heatmap(
        z=shown, x=labels, y=labels, colorscale=INDIGO, zmin=0, zmax=1, xgap=1, ygap=1, hoverongaps=False,
        colorbar={"thickness": 10, "tickformat": ".0%"},
        hovertemplate="“%{y}” looks at “%{x}”: %{z:.1%}<extra></extra>"))
    _ui.style(figure, height=min(760, 200 + 26 * len(tokens)))
    figure.update_yaxes(autorange="reversed", showgrid=False, title="token that looks")
    figure.update_xaxes(tickangle=-40, showgrid=False, title="token that is looked at")
    return figure


def movement(moved: Movement, raw: bool) -> Any:
    """A line a text: its nearness to the first text's last token, from the embedding through all layers."""
    import plotly.graph_objects as go

    rows = moved.raw if raw else moved.standardised  # (texts - 1, L + 1)
    figure = go.Figure()
    for text, token, row in zip(moved.texts[1:], moved.tokens[1:], rows, strict=True):
        name = escape(text if len(text) <= 40 else f"… {text[-38:]}")
        figure.add_scatter(x=np.arange(len(row)), y=np.round(row, 4), mode="lines+markers", name=name,
                           hovertemplate=f"{escape(plain(token))} in “{name}”<br>after layer %{{x}}: %{{y:.3f}}"
                                         "<extra></extra>")
    _ui.style(figure, height=400)
    first = escape(moved.texts[0] if len(moved.texts[0]) <= 60 else f"… {moved.texts[0][-58:]}")
    figure.update_layout(title={"text": f"Nearness to the last token of “{first}”", "font": {"size": 14}},
                         legend={"orientation": "h", "y": -0.25})
    figure.update_yaxes(title="cosine", range=[min(0.0, float(rows.min())), 1.03])
    figure.update_xaxes(title="layer (0: the embedding)", dtick=2)
    return figure


def lens(tokens: Sequence[str], rows: Sequence[Sequence[Guess]]) -> str:
    """The grid of guesses: a row a layer, a column a place of the text."""
    head = "".join(f'<th class="token">{visible(token)} …</th>' for token in tokens)
    body = "".join(f'<tr><th>{layer_name(number, len(rows))}</th>{"".join(lens_cell(guess) for guess in row)}</tr>'
                   for number, row in enumerate(rows))
    return (f'<div class="scroll"><table><thead><tr><th>after</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def layer_name(number: int, rows: int) -> str:
    """What stands before a row of the lens."""
    return "embedding" if number == 0 else f"layer {number}" + (" = output" if number == rows - 1 else "")


def lens_cell(guess: Guess) -> str:
    """One guess, coloured by its probability."""
    shade = f"background:rgba(99,102,241,{0.03 + 0.6 * guess.probability:.2f})"
    title = f"{percent(guess.probability)}; the token that wins in the end has rank {guess.rank:,} here"
    rank = f"<small>{guess.rank:,}</small>" if guess.rank > 1 else ""
    return f'<td class="token" style="{shade}" title="{title}">{visible(guess.token)}{rank}</td>'


def tree(nodes: Sequence[Node]) -> str:
    """The ways to go on as a table, a column a level; each cell spans the rows of what comes after it."""
    depth = max(len(node.ids) for node in nodes)
    leaves = [node.ids for node in ordered(nodes) if len(node.ids) == depth]
    named = {node.ids: node for node in nodes}
    rows = []
    for place, leaf in enumerate(leaves):
        fresh = [leaf[:size] for size in range(1, depth + 1) if place == 0 or leaves[place - 1][:size] != leaf[:size]]
        cells = [tree_cell(named[ids], sum(each[:len(ids)] == ids for each in leaves)) for ids in fresh]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="scroll"><table class="tree"><tbody>{"".join(rows)}</tbody></table></div>'


def ordered(nodes: Sequence[Node]) -> list[Node]:
    """Nodes with each one's continuations right after it, likelier ones first."""
    rank = {node.ids: number for number, node in enumerate(nodes)}
    return sorted(nodes, key=lambda node: [rank[node.ids[:size]] for size in range(1, len(node.ids) + 1)])


def tree_cell(node: Node, rows: int) -> str:
    """A node as a button that takes the whole way to it."""
    title = (f"{percent(node.probability)} after what stands before it; the whole way {percent(node.path)}. "
             "Click to take it.")
    return (f'<td rowspan="{rows}"><button data-way="{",".join(map(str, node.ids))}" title="{title}" '
            f'style="background:rgba(99,102,241,{0.06 + 0.6 * node.probability:.2f})">{visible(node.token)} '
            f"<b>{percent(node.probability)}</b><small>{percent(node.path)}</small></button></td>")


def pairs(made: Training) -> str:
    """The pairs as a table, the mean loss above."""
    rows = "".join(pair_row(number, pair) for number, pair in enumerate(made.pairs, 1))
    return (f'<p class="caption"><b>{len(made.pairs)}</b> pairs. Mean loss <b>{made.loss:.3f}</b> nats, perplexity '
            f"<b>{made.perplexity:.1f}</b>: as unsure as between so many equally likely tokens.</p>"
            '<div class="pairs"><table><thead><tr><th class="number">#</th><th>text so far</th><th>next token</th>'
            '<th class="number">probability now</th><th class="number">loss</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>")


def pair_row(number: int, pair: Pair) -> str:
    """One pair; the higher its loss, the redder."""
    shade = f"background:rgba(239,68,68,{min(0.7, pair.loss / 12):.2f})"
    return (f'<tr><td class="number">{number}</td><td class="before">{escape(pair.before) or "(start)"}</td>'
            f'<td class="token">{visible(pair.token)}</td><td class="number">{percent(pair.probability)}</td>'
            f'<td class="number" style="{shade}">{pair.loss:.2f}</td></tr>')
