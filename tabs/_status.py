"""The slim bar over the tabs: device, memory taken by models, queue; and the fold that lists the models."""

import html
from typing import Any

import gradio as gr

from playground import devices
from playground.context import Context
from playground.slots import gigabytes
from tabs import _ui

EVERY = 5.0  # seconds between two looks; the bar is a courtesy and not worth more traffic


def bar(context: Context, page: gr.Blocks) -> gr.HTML:
    """The slim bar, to be placed over the tabs."""
    return gr.HTML(bar_html(context, page), elem_id="status", padding=False)


def build(context: Context, page: gr.Blocks, bar: gr.HTML) -> None:
    """Lays out the fold that lists the models, keeps it and the bar fresh, and answers /cache_status."""
    with gr.Accordion("Models in memory", open=False):
        table = gr.HTML(table_html(context), elem_id="cache-table", padding=False)
    shown = gr.State(("", ""))

    def refresh(before: tuple[str, str]) -> tuple[Any, Any, Any]:
        now = (bar_html(context, page), table_html(context))
        if now == before:
            return gr.skip(), gr.skip(), gr.skip()
        return *now, now

    tick = gr.Timer(EVERY).tick
    for trigger in (tick, page.load):
        _ui.event(trigger, refresh, [shown], [bar, table, shown], show_progress="hidden",
                  concurrency_id="status", concurrency_limit=8)
    _ui.endpoint(lambda: status(context, page), [], [gr.JSON(visible=False, label="status")], "cache_status")


def status(context: Context, page: gr.Blocks) -> dict:
    """The cache's statistics with the device and who computes: what /cache_status answers."""
    gate = context.gate.state()
    return {"device": context.device, "device_title": devices.title(context.device),
            "computing": gate.busy, "queued": queued(page), **context.cache.stats()}


def queued(page: gr.Blocks) -> int:
    """How many events wait in Gradio's queue, the status lane not counted."""
    lanes = page._queue.event_queue_per_concurrency_id  # no public way to ask
    return sum(len(lane.queue) for name, lane in lanes.items() if name != "status")


def bar_html(context: Context, page: gr.Blocks) -> str:
    """The bar: device, bytes of models against the budget, what computes, how many wait."""
    now = status(context, page)
    account = now["devices"][context.device]
    share = 100 * account["used"] / account["budget"]
    busy = f"computing: <b>{html.escape(now['computing'])}</b>" if now["computing"] else "idle"
    where = "offline" if context.settings.offline else "hub allowed"
    return (f'<div class="status" role="status"><span>{html.escape(now["device_title"])} · {where}</span>'
            f'<span>models <span class="meter"><i style="width:{share:.1f}%"></i></span>'
            f'<b>{gigabytes(account["used"])}</b> of {gigabytes(account["budget"])}</span>'
            f'<span>{busy}</span><span>waiting: <b>{now["queued"]}</b></span></div>')


def table_html(context: Context) -> str:
    """The models in memory, and how often the cache had what was asked for."""
    now = context.cache.stats()
    rows = "".join(row_html(model) for model in now["models"])
    if not rows:
        rows = '<tr><td colspan="4">None yet. A model is loaded when a tab first needs it.</td></tr>'
    high = now["devices"][context.device]["high_water"]
    return ('<div class="scroll"><table class="table">'
            "<thead><tr><th>Model</th><th>On</th><th>Memory</th><th>In use</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
            f'<div class="status"><span>found in memory <b>{now["hits"]}</b></span><span>loaded <b>{now["loads"]}</b> '
            f'in {now["seconds_loading"]:.1f} s</span><span>failed <b>{now["failures"]}</b></span>'
            f'<span>evicted <b>{now["evictions"]}</b></span><span>most at once {gigabytes(high)}</span></div>')


def row_html(model: dict) -> str:
    """One model of the cache's statistics as a table row."""
    use = "loading" if model["state"] == "loading" else model["leases"] or "–"
    cells = (html.escape(model["name"]), html.escape(model["device"]), gigabytes(model["bytes"]), use)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
