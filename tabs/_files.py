"""Notes whose each file is that the page hands out or takes in, so that it is served to that browser alone."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from gradio import routes
from gradio.blocks import Blocks
from gradio.data_classes import GradioModel, GradioRootModel

from playground.served import EVERYBODY, Served
from playground.visits import BROWSER
from tabs import _ui

FEW = 500  # uploads under way
# Gradio makes an answer's files where the request is not at hand, in the same task.
_asking: ContextVar[str] = ContextVar("the browser that the event under way came from", default=EVERYBODY)


def install(page: Blocks, served: Served) -> None:
    """Lets a page note its files; before it is launched."""
    process, finish = page.process_api, page.postprocess_data

    async def process_api(*args: Any, **how: Any) -> dict[str, Any]:
        _asking.set(browser_of(how.get("request")))
        return await process(*args, **how)

    async def postprocess_data(*args: Any, **how: Any) -> list[Any]:
        answers = await finish(*args, **how)
        for path in files(answers):
            served.note(path, _asking.get())
        return answers

    async def upload(request: Any, *more: Any, **how: Any) -> Any:
        paths, *rest = await _ui.upload_apart(request, *more, **how)
        for path in paths:
            served.note(path, browser_of(request))
        return paths, *rest

    routes.file_upload_statuses._statuses = Few(None)
    routes.file_upload_statuses._signals = Few(asyncio.Event)
    page.process_api, page.postprocess_data, routes.upload_fn = process_api, postprocess_data, upload


class Few(defaultdict):
    """A dictionary that forgets the oldest of more than FEW: Gradio would keep each upload that was ever asked for."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > FEW:
            del self[next(iter(self))]


def browser_of(request: Any) -> str:
    """The browser of Gradio's request, or of the web server's own; EVERYBODY for a script, or where there is none."""
    scope = getattr(getattr(request, "request", request), "scope", None) or {}
    return scope.get(BROWSER) or EVERYBODY


def files(answers: Any) -> Iterator[str]:
    """The paths of all files in an event's answers, however deep."""
    left = [answers]
    while left:
        item = left.pop()
        if isinstance(item, GradioModel | GradioRootModel):
            item = item.model_dump()
        if isinstance(item, dict):
            meta = item.get("meta")
            if isinstance(meta, dict) and meta.get("_type") == "gradio.FileData" and isinstance(item.get("path"), str):
                yield item["path"]
            left.extend(item.values())
        elif isinstance(item, list | tuple):
            left.extend(item)
