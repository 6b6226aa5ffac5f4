"""What a tab is, and what the page around the tabs does for them: links, first visits, hand-overs between tabs.

A tab calls these on the Shell that its build() is given. Tabs do not know each other: one offers a place
("next-token"), another sends a value there, and the shell connects the two when all tabs are built.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from playground.context import Context
from tabs import _ui


@dataclass(frozen=True)
class Tab:
    """One tab: its title, its place in the row, one sentence on what it is, and the function that lays it out."""

    title: str
    order: int
    summary: str
    build: Callable[[Context, "Shell"], None]

    @property
    def slug(self) -> str:
        """The tab's name in links: 'gan-faces'."""
        return re.sub(r"\W+", "-", self.title.lower()).strip("-")


class Shell:
    """The page as a tab sees it."""

    def __init__(self, page: gr.Blocks) -> None:
        self.page = page
        # The visitor's secret, kept by the browser; one component for all tabs, or they would overwrite each other's.
        self.visitor = gr.BrowserState("", storage_key="playground-visitor", secret="generative-playground")
        self.tabs: gr.Tabs | None = None
        self._item: gr.Tab | None = None
        self._first = ""
        self._offers: dict[str, tuple[str, Any, Callable]] = {}
        self._sends: list[tuple[gr.Button, Any, str]] = []

    def build(self, tab: Tab, context: Context) -> None:
        """Lays a tab out inside the page's gr.Tabs, under its one sentence."""
        with gr.Tab(tab.title, id=tab.slug) as self._item:
            self._first = self._first or tab.slug
            gr.Markdown(tab.summary, elem_classes="summary")
            tab.build(context, self)

    def on_open(self, fn: Callable, inputs: Sequence[Any], outputs: Sequence[Any], **lane: Any) -> list[Any]:
        """Runs fn(query, *inputs) -> outputs once a visitor, when this tab is first seen; returns its events.

        `query` holds the parameters of the link by which the page was opened, if that link leads to this tab
        (?tab=SLUG&...), else it is empty. fn may be a generator, and may raise PlaygroundError. Where it gives back
        what a control held already, the control is left alone: the visitor may have typed meanwhile.
        """
        slug, first = str(self._item.id), self._first
        # The first tab is seen when the page loads, the others when they are selected, by a link too. For the first
        # one both events may come, even at once. Whoever pops the ticket runs; gr.State gives every visitor a copy
        # of the list, and list.pop is atomic.
        ticket = gr.State(["unused"])

        def once(tickets: list[str], request: gr.Request, *values: Any) -> Iterator[Any]:
            try:
                tickets.pop()
            except IndexError:
                yield gr.skip()
                return
            query = dict(request.query_params)
            for shown in _ui.results(fn, query if query.get("tab") == slug else {}, *values):
                yield news(shown, outputs, dict(zip(map(id, inputs), values, strict=True)))

        def on_load(tickets: list[str], request: gr.Request, *values: Any) -> Iterator[Any]:
            if request.query_params.get("tab", first) == slug:
                yield from once(tickets, request, *values)
            else:
                yield gr.skip()

        triggers = [(self._item.select, once), *([(self.page.load, on_load)] if slug == first else [])]
        return [_ui.event(trigger, run, [ticket, *inputs], outputs, **(lane or _ui.QUICK)) for trigger, run in triggers]

    def offer(self, place: str, component: Any, arrived: Callable[[Any], None] = lambda event: None) -> None:
        """Lets other tabs send a value into a component of this tab; `arrived(event)` wires what follows."""
        self._offers[place] = (str(self._item.id), component, arrived)

    def send(self, button: gr.Button, source: Any, place: str) -> None:
        """On a click, puts the value of `source` into the component offered as `place`, and opens that tab."""
        self._sends.append((button, source, place))

    def finish(self) -> None:
        """Connects what is sent to what is offered, and links to their tabs; called once all tabs are built."""
        for button, source, place in self._sends:
            if place in self._offers:
                self._connect(button, source, *self._offers[place])
            else:
                button.visible = False  # the tab that takes it is not installed
        _ui.event(self.page.load, self._select, [], [self.tabs], show_progress="hidden")

    def _connect(self, button: gr.Button, source: Any, slug: str, target: Any, arrived: Callable) -> None:
        arrived(_ui.event(button.click, lambda value: (value, gr.Tabs(selected=slug)), [source], [target, self.tabs],
                          show_progress="hidden"))

    def _select(self, request: gr.Request) -> Any:
        slug = request.query_params.get("tab")
        return gr.Tabs(selected=slug) if slug else gr.skip()


def news(shown: Any, outputs: Sequence[Any], before: dict[int, Any]) -> Any:
    """Results for `outputs` without the texts and numbers that the components (by id()) held `before`."""
    if not isinstance(shown, tuple | list) or len(shown) != len(outputs):
        return shown
    return tuple(gr.skip() if isinstance(value, str | int | float) and id(component) in before
                 and value == before[id(component)] else value
                 for component, value in zip(outputs, shown, strict=True))
