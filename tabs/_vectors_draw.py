"""What the Word vectors tab draws: ranked words with bars, tables, strips of numbers, heat maps, maps."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from tabs import _ui

# amber below zero, indigo above; opaque, so that plotly picks a readable colour for the figures in the cells
DIVERGING = [[0.0, "#b45309"], [0.2, "#fbbf24"], [0.5, "#eef0f6"], [0.8, "#b4bdfb"], [0.9, "#a0abf8"],
             [0.96, "#5f62e0"], [1.0, "#4338ca"]]
MOST_LABELS = 14  # rows of a heat map up to which each cell shows its figure
LONGEST_LABEL = 28  # characters
LABEL_ROOM = 36  # pixels over a chart for the label that Gradio lays on it
SCENE_GRID = "#7c8496"  # WebGL draws no half-transparent lines
COLOUR_BAR = {"thickness": 8, "outlinewidth": 0, "tickfont": {"size": 11}}

STYLE = """<style>
.wv-list { display: grid; grid-template-columns: minmax(4.5rem, auto) 1fr 3.4rem; gap: .22rem .6rem;
           align-items: center; font-size: .9rem; }
.wv-list b { font-weight: 600; overflow-wrap: anywhere; }
.wv-list .input { color: var(--body-text-color-subdued); font-weight: 400; }
.wv-list .wv-bar { height: .72rem; border-radius: .2rem; overflow: hidden; background: var(--border-color-primary); }
.wv-list .wv-bar i { display: block; height: 100%; background: var(--color-accent); }
.wv-list .input + .wv-bar i { opacity: .4; }
.wv-list .below i { background: #f59e0b; }
.wv-list .figure, .wv-figures { font-variant-numeric: tabular-nums; text-align: right; }
.wv-title { font-weight: 600; margin: .1rem 0 .45rem; }
.wv-note { color: var(--body-text-color-subdued); font-size: .88rem; margin: .4rem 0; line-height: 1.45; }
.wv-numbers { overflow-x: auto; font-size: .78rem; max-height: 11rem; overflow-y: auto; }
.wv-numbers td { font-family: var(--font-mono); white-space: nowrap; padding: .1rem .55rem .1rem 0; text-align: right; }
.wv-numbers td:first-child { font-family: inherit; font-weight: 600; text-align: left; position: sticky; left: 0;
                             background: var(--body-background-fill); }
.wv-table tr, .wv-table th, .wv-table td { border: 0 !important; }
.wv-numbers table, .wv-numbers tr, .wv-numbers td { border: 0 !important; margin: 0; }
.wv-table th, .wv-table td { border-bottom: 1px solid var(--border-color-primary) !important; vertical-align: top; }
.wv-table td { font-variant-numeric: tabular-nums; }
.wv-tall { max-height: 24rem; overflow-y: auto; }
.wv-progress { height: .5rem; border-radius: 1rem; overflow: hidden; background: var(--border-color-primary); }
.wv-progress i { display: block; height: 100%; background: var(--color-accent); }
.wv-style { display: none; }
.wv-unread { color: var(--body-text-color-subdued); text-decoration: line-through; }
</style>"""


def ranking(title: str, rows: Sequence[tuple[str, float]], inputs: Sequence[str] = ()) -> str:
    """Words with a bar as long as their cosine, and the figure; the words of `inputs` are marked."""
    cells = "".join(_bar_row(word, cosine, word in inputs) for word, cosine in rows)
    return f'<div class="wv-title">{html.escape(title)}</div><div class="wv-list">{cells}</div>'


def _bar_row(word: str, cosine: float, is_input: bool) -> str:
    mark = ' class="input" title="a word of the expression"' if is_input else ""
    side = " below" if cosine < 0 else ""
    return (f'<b{mark}>{html.escape(word)}</b><span class="wv-bar{side}"><i style="width:{abs(cosine):.1%}"></i></span>'
            f'<span class="figure">{figure(cosine)}</span>')


def figure(value: float) -> str:
    """Three decimals with a true minus sign."""
    return f"{value:.3f}".replace("-", "−")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; every column after the first that holds figures is set right."""
    head = "".join(f"<th>{html.escape(header)}</th>" for header in headers)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (f'<div class="scroll wv-tall"><table class="table wv-table"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def note(text: str) -> str:
    """A quiet line; the text is HTML already."""
    return f'<div class="wv-note">{text}</div>' if text else ""


def progress(done: int, total: int, words: str) -> str:
    """A bar with words under it."""
    share = done / total if total else 1.0
    return (f'<div class="wv-progress" role="progressbar" aria-valuenow="{share:.0%}"><i style="width:{share:.1%}">'
            f"</i></div>{note(html.escape(words))}")


def numbers(rows: Sequence[tuple[str, np.ndarray]]) -> str:
    """Vectors as their numbers, a line each."""
    lines = "".join(f"<tr><td>{html.escape(label)}</td>{''.join(f'<td>{figure(float(x))}</td>' for x in vector)}</tr>"
                    for label, vector in rows)
    return f'<div class="wv-numbers" tabindex="0" aria-label="The numbers"><table>{lines}</table></div>'


def strips(rows: Sequence[tuple[str, np.ndarray]]) -> Any:
    """Vectors (D,) as strips of colour, one under the other, the first on top."""
    import plotly.graph_objects as go

    matrix = np.stack([vector for _, vector in rows])
    # a few dimensions are far larger than the rest: the colours are for the rest
    limit = float(np.quantile(np.abs(matrix), 0.98)) or 1.0
    labels = [short(label) for label, _ in rows]
    chart = go.Figure(go.Heatmap(
        z=matrix, x=list(range(1, matrix.shape[1] + 1)), y=list(range(len(rows))), customdata=_spread(labels, matrix),
        colorscale=DIVERGING, zmin=-limit, zmax=limit, ygap=3, colorbar=COLOUR_BAR,
        hovertemplate="%{customdata}<br>dimension %{x}: %{z:.3f}<extra></extra>"))
    _ui.style(chart, height=96 + 30 * len(rows))
    chart.update_layout(margin={"l": 8, "r": 8, "t": LABEL_ROOM, "b": 34})
    chart.update_xaxes(title={"text": "dimension", "standoff": 4, "font": {"size": 12}}, showgrid=False,
                       fixedrange=True, dtick=1 if matrix.shape[1] <= 12 else 10 if matrix.shape[1] <= 100 else 50)
    return _names(chart, labels)


def heat_map(labels: Sequence[str], cosines: np.ndarray, hover: Sequence[str] = (), columns: Sequence[str] = ()) -> Any:
    """Cosines (M, M) as a heat map, with the figures in the cells where there is room.

    `hover` names the M things at length, `columns` names them shortly; both are the labels if they are left out.
    """
    import plotly.graph_objects as go

    labels = [short(label) for label in labels]
    full = [html.escape(text) for text in hover or labels]
    places = list(range(len(labels)))
    ends = [[f"{row} · {column}" for column in full] for row in full]
    shown = {"texttemplate": "%{z:.2f}"} if len(labels) <= MOST_LABELS else {}
    chart = go.Figure(go.Heatmap(
        z=cosines, x=places, y=places, customdata=ends, colorscale=DIVERGING, zmin=-1, zmax=1, xgap=2, ygap=2,
        colorbar=COLOUR_BAR, **shown,
        hovertemplate="%{customdata}<br>cosine %{z:.3f}<extra></extra>"))
    _ui.style(chart, height=min(760, max(300, 150 + 32 * len(labels))))
    chart.update_layout(margin={"l": 8, "r": 8, "t": LABEL_ROOM, "b": 8})
    chart.update_xaxes(tickvals=places, ticktext=[html.escape(label) for label in columns or labels], showgrid=False,
                       automargin=True, tickangle=-40 if len(labels) > 4 and not columns else 0, fixedrange=True)
    return _names(chart, labels)


def _names(chart: Any, labels: Sequence[str]) -> Any:
    """Rows named from the top down. Numbers stand for the rows, since two labels may be the same."""
    chart.update_yaxes(tickvals=list(range(len(labels))), ticktext=[html.escape(label) for label in labels],
                       autorange="reversed", showgrid=False, automargin=True, fixedrange=True)
    return chart


def _spread(labels: Sequence[str], matrix: np.ndarray) -> list[list[str]]:
    """Each row's label for each of its cells, for the hover text."""
    return [[html.escape(label)] * matrix.shape[1] for label in labels]


def short(text: str, longest: int = LONGEST_LABEL) -> str:
    """The text, cut with … where it is longer."""
    return text if len(text) <= longest else text[:longest - 1].rstrip() + "…"


def scatter(labels: Sequence[str], places: np.ndarray, arrows: Sequence[tuple[int, int]] = (),
            special: Sequence[int] = (), titles: Sequence[str] = ()) -> Any:
    """Labelled points at places (M, 2 or 3), arrows between some, and some drawn as open diamonds."""
    import plotly.graph_objects as go

    flat = places.shape[1] == 2
    kind = go.Scatter if flat else go.Scatter3d
    chart = go.Figure()
    sides = label_sides(places)
    for start, end in arrows:
        chart.add_trace(kind(**_axes(places[[start, end]]), mode="lines", showlegend=False, hoverinfo="skip",
                             line={"color": _ui.PALETTE[1], "width": 2 if flat else 5}))
    for group, symbol, colour in ((False, "circle", _ui.PALETTE[0]), (True, "diamond-open", _ui.PALETTE[3])):
        chosen = [number for number in range(len(labels)) if (number in special) is group]
        chart.add_trace(kind(
            **_axes(places[chosen]), mode="markers+text", showlegend=False,
            textposition=[sides[number] for number in chosen] if flat else "top center",
            **({"cliponaxis": False} if flat else {}),
            text=[html.escape(short(labels[number])) for number in chosen], textfont={"color": _ui.MUTED, "size": 13},
            marker={"size": (9 if flat else 5) + 3 * group, "color": colour, "symbol": symbol},
            hovertemplate="%{text}<extra></extra>"))
    return _frame(chart, places, titles)


def label_sides(places: np.ndarray) -> list[str]:
    """Where each point's label goes: away from the nearest other point, so that fewer of them overlap."""
    if len(places) < 2:
        return ["top center"] * len(places)
    scaled = places[:, :2] / np.maximum(np.ptp(places[:, :2], axis=0), 1e-12)
    gaps = np.linalg.norm(scaled[:, None] - scaled[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    away = scaled - scaled[gaps.argmin(axis=1)]
    height = np.where(away[:, 1] >= 0, "top", "bottom")
    side = np.where(np.abs(away[:, 0]) < 0.4 * np.abs(away[:, 1]), "center", np.where(away[:, 0] > 0, "right", "left"))
    return [f"{up} {across}" for up, across in zip(height, side, strict=True)]


def arrowheads(chart: Any, places: np.ndarray, arrows: Sequence[tuple[int, int]]) -> Any:
    """Arrow heads at the ends of a flat chart's lines."""
    for start, end in arrows:
        chart.add_annotation(x=places[end, 0], y=places[end, 1], ax=places[start, 0], ay=places[start, 1],
                             xref="x", yref="y", axref="x", ayref="y", showarrow=True, arrowhead=2, arrowsize=1.2,
                             arrowwidth=2, arrowcolor=_ui.PALETTE[1], text="", standoff=6, startstandoff=6)
    return chart


def _axes(places: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip("xyz", places.T, strict=False))


def _frame(chart: Any, places: np.ndarray, titles: Sequence[str]) -> Any:
    _ui.style(chart, height=520)
    chart.update_layout(margin={"l": 8, "r": 8, "t": 12, "b": 8})
    titles = [html.escape(title) for title in titles]
    if places.shape[1] == 2:
        low, high = places.min(axis=0), places.max(axis=0)
        room = np.maximum(high - low, 1e-6) * (0.16, 0.09)  # for the labels of the outermost points
        x, y = titles or ("", "")
        chart.update_xaxes(title={"text": x, "font": {"size": 13}}, automargin=True, zeroline=False,
                           range=[low[0] - room[0], high[0] + room[0]])
        chart.update_yaxes(title={"text": y, "font": {"size": 13}}, automargin=True, zeroline=False,
                           range=[low[1] - room[1], high[1] + room[1]])
    else:
        bare = {"showbackground": False, "gridcolor": SCENE_GRID, "zeroline": False, "showticklabels": False}
        names = titles or ("", "", "")
        chart.update_scenes(
            camera={"eye": {"x": 1.1, "y": 1.1, "z": 0.7}}, aspectmode="cube",
            **{f"{axis}axis": {**bare, "title": {"text": name, "font": {"color": _ui.MUTED, "size": 11}}}
               for axis, name in zip("xyz", names, strict=True)})
    return chart
