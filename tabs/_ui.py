"""What tabs share: the error guard, queue lanes, endpoints for scripts, the fold, figures and links.

The guard is the one place where an error of the engine becomes text on the page. Gradio renders that text
as HTML, and it may quote what a visitor typed, so it is escaped here.
"""

import base64
import functools
import hashlib
import html
import inspect
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio import processing_utils, route_utils
from gradio.context import LocalContext

from playground import checks, marks, storage, uploads
from playground.errors import BadInput, PlaygroundError
from playground.jobs import NOBODY
from playground.room import Room
from playground.visits import BROWSER, VISITOR

log = logging.getLogger(__name__)

ASSETS = Path(__file__).resolve().parent.parent / "assets"

# Gradio gives every listener a queue of its own unless they share an id: without these lanes eight tabs
# would be eight jobs on one processor. Answers that take milliseconds never wait behind a model.
COMPUTE = {"concurrency_id": "compute", "concurrency_limit": 1}
# What takes many steps, a few at each of its turns at the gate: shorter work of the other lane goes between them.
PICTURES = {"concurrency_id": "pictures", "concurrency_limit": 1}
# Work of the processor without a model whose size the visitor chooses: hundreds of pictures to decode, a film, a file.
DECODING = {"concurrency_id": "decoding", "concurrency_limit": 2}
# Only what takes milliseconds whatever a visitor sends: tests/tabs/test_lanes.py names what may be in it.
QUICK = {"concurrency_id": "quick", "concurrency_limit": 16}
RESULTS = (gr.HTML, gr.Plot, gr.Gallery, gr.Image, gr.Video, gr.Dataframe, gr.File)  # what shows an event's progress


def looks(tab: str) -> dict[str, Any]:
    """A tab's own lane, for answers that take milliseconds as a rule, and seconds for the largest text that a visitor
    may send, or where a set or a model is fetched first. Such a one holds up its own tab and nobody else's."""
    return {"concurrency_id": f"{tab}-look", "concurrency_limit": 8}


def guard(fn: Callable) -> Callable:
    """fn, with its errors turned into text that a visitor can read and that is safe to render."""
    if inspect.isgeneratorfunction(fn):
        @functools.wraps(fn)
        def guarded_generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
            try:
                yield from fn(*args, **kwargs)
            except Exception as problem:
                raise visible_error(problem) from problem
        return guarded_generator

    @functools.wraps(fn)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception as problem:
            raise visible_error(problem) from problem
    return guarded


def visible_error(problem: Exception) -> gr.Error:
    """The gr.Error of a problem: the text of a PlaygroundError, escaped; a reference number for a bug."""
    if isinstance(problem, gr.Error):
        return problem
    if isinstance(problem, PlaygroundError):
        text = f"<strong>{html.escape(problem.what)}</strong> {html.escape(problem.remedy)}"
        text = text.encode(errors="replace").decode()  # it may quote half a character, which no answer can carry
        return gr.Error(text, duration=20, title="That did not work", print_exception=False)
    reference = secrets.token_hex(4)
    log.error("Unexpected error %s", reference, exc_info=problem)  # its words may be the visitor's: playground/logs.py
    return gr.Error(f"Something broke on our side (reference {reference}; the log has the details). "
                    "Nothing you entered is lost; try again.", title="That is a bug", print_exception=False)


async def upload_apart(request: Any, cache: Any, *most: Any, **how: Any) -> Any:
    """Gradio's upload_fn() as its routes call it, with a folder for each request, apart from what the page made.

    Gradio keeps an upload under a checksum of its content: two visitors who send the same file would share one, and
    the first to have it read would take it from the other. The folders of one browser lie together, so that its
    visitor can have them removed.
    """
    scope = request.scope
    apart = uploads.place(Path(cache), scope.get(BROWSER, ""), scope.get(VISITOR, NOBODY)[1]) / secrets.token_hex(16)
    try:
        return await route_utils.upload_fn(request, apart, *most, **how)
    except BaseException:  # too much, too slow, broken off: the part that came takes no room
        storage.attempt(storage.remove_folder, apart)
        raise


def sender() -> tuple[str, str]:
    """Visitor and address of the event under way, as the gatekeeper knows them; both '' where there is none."""
    request = LocalContext.request.get(None)
    return getattr(request and request.request, "scope", {}).get(VISITOR, NOBODY)


def forget_uploads(request: gr.Request) -> int:
    """Removes what the browser of an event uploaded and nobody has read yet; returns how many files. StorageTrouble."""
    files = 0
    for place in uploads.of_browser(Path(os.environ["GRADIO_TEMP_DIR"]), request.request.scope.get(BROWSER, "")):
        files += sum(len(names) for _, _, names in os.walk(place))  # also while others of them come and go
        storage.remove_folder(place)
    return files


def script_token(request: gr.Request) -> str:
    """A visitor's token for a script's session, which has no browser to keep one."""
    digest = hashlib.sha256(f"session {request.session_hash}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


class Told(gr.EventData):
    """What the page's script tells of a click. Anybody may send anything instead: BadInput for what is not there."""

    def text(self, name: str) -> str:
        """A text, or a number as one."""
        value = self._data.get(name) if isinstance(self._data, dict) else None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadInput("What was clicked did not arrive.", "Click again, or reload the page.")
        return str(value)

    def number(self, name: str) -> float:
        """A number of any size."""
        try:
            return float(self.text(name))
        except ValueError:
            raise BadInput("What was clicked is no number.", "Click again, or reload the page.") from None

    def whole(self, name: str, high: int) -> int:
        """A whole number from 0 to high."""
        return checks.whole(self.number(name), "The number of what was clicked", 0, high)


def taken(path: Any) -> bytes:
    """The bytes of an uploaded file; the file itself, with all that it may tell, is removed from the page's cache.

    Uploads alone: whatever path a script may name, nothing else is deleted. BadInput where there is no file.
    """
    if not isinstance(path, str):
        raise BadInput("There is no file.", "Choose one first.")
    file = Path(path)
    try:
        content = file.read_bytes()
    except OSError:
        raise BadInput("The uploaded file is gone.", "Upload it again.") from None
    if file.resolve().is_relative_to((Path(os.environ["GRADIO_TEMP_DIR"]) / uploads.FOLDER).resolve()):
        with storage.trouble(file.parent):
            file.unlink(missing_ok=True)
    return content


def room_of(component: Any) -> Room | None:
    """The room that a component's page has on the disk; None for a page of a test, with one tab."""
    while component.parent is not None:
        component = component.parent
    return getattr(component, "room", None)


def saved(content: bytes, name: str, component: Any) -> str:
    """The path of bytes put into Gradio's own file cache, where its clean-up finds them. StorageTrouble if it is full.

    Gradio serves such a file as it is; a picture that it is handed as pixels it would encode itself, without a mark.
    """
    cache = component.GRADIO_CACHE
    with storage.trouble(Path(cache)):
        if room := room_of(component):
            room.check(len(content))
        return processing_utils.save_bytes_to_cache(content, name, cache_dir=cache)


def marked(pictures: Sequence[marks.Picture], said: Sequence[marks.Mark], component: Any) -> list[str]:
    """The paths of generated pictures as marked PNG files for a component of pictures, in order."""
    with ThreadPoolExecutor() as pool:  # encoding lets other threads run
        files = pool.map(marks.png, pictures, said)
        return [saved(content, "generated.png", component) for content in files]


def results(fn: Callable, *args: Any) -> Iterator[Any]:
    """What a plain function returns, or a generator yields."""
    if inspect.isgeneratorfunction(fn):
        yield from fn(*args)
    else:
        yield fn(*args)


def endpoint(fn: Callable, inputs: Sequence[Any], outputs: Sequence[Any], api_name: str, **lane: Any) -> None:
    """A name that a script can count on, apart from what the page's own controls look like this month.

    `inputs` and `outputs` are components made for it, invisible; their labels name the arguments.
    """
    button = gr.Button(visible=False)
    button.click(guard(fn), list(inputs), list(outputs), api_name=api_name, **(lane or QUICK))


def event(trigger: Callable, fn: Callable, inputs: Sequence[Any], outputs: Sequence[Any], **options: Any) -> Any:
    """Wires a page event: guarded, out of the API's list, in the quick lane unless told otherwise."""
    lane = {} if "concurrency_id" in options else QUICK
    return trigger(guard(fn), list(inputs), list(outputs),
                   **{"api_visibility": "private", **lane, **reporting(outputs, options), **options})


def quiet_place(page: gr.Blocks) -> None:
    """Lays out, first of all, the invisible component at which an event reports that shows no progress."""
    page.quiet_place = gr.HTML(visible=False)


def reporting(outputs: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
    """Where an event reports its progress: at its results, not at controls that it sets; at the quiet place if hidden.

    At each report of any event Gradio's page visits every component that was ever reported to, and looks for each
    one through the whole page. With all outputs of all events among them, the page is busy for seconds.
    """
    place = getattr(gr.context.Context.root_block, "quiet_place", None)
    if place is None:  # a page of a test, with one tab
        return {}
    results = [output for output in outputs if isinstance(output, RESULTS)]
    return {"show_progress_on": results if results and options.get("show_progress") != "hidden" else place}


def fold(title: str, text: str) -> None:
    """A closed fold with an explanation in Markdown: how something works, and its source."""
    with gr.Accordion(title, open=False):
        gr.Markdown(text, elem_classes="explainer")


def engine_progress(progress: gr.Progress) -> Callable[[float, str], None]:
    """gr.Progress as the engine's Progress: (fraction 0..1, words)."""
    def report(fraction: float, words: str) -> None:
        progress(fraction, desc=words)
    return report


def style(figure: Any, height: int = 340) -> Any:
    """A plotly figure without background of its own; text and grid take the theme's colours in page.css."""
    figure.update_layout(
        height=height, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", colorway=PALETTE,
        font={"family": "inherit", "size": 13, "color": MUTED}, margin={"l": 48, "r": 16, "t": 36, "b": 40},
        hoverlabel={"font": {"family": "inherit"}}, legend={"bgcolor": "rgba(0,0,0,0)"})
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID)
    return figure


PALETTE = ["#6366f1", "#f59e0b", "#10b981", "#ef4444", "#8b5cf6", "#06b6d4", "#84cc16", "#ec4899"]
MUTED = "#7c8496"
GRID = "rgba(128,136,152,0.25)"


def query(**parameters: Any) -> str:
    """The ?tab=... part of a link."""
    return "?" + urlencode(parameters)


def copy_link(button: gr.Button, link: gr.Textbox) -> None:
    """Wires a button that copies the page's address with the query in `link` and shows it in the address bar."""
    button.click(None, [link], None, js=COPY_LINK)


COPY_LINK = """(query) => {
    const url = location.origin + location.pathname + query;
    history.replaceState(null, "", query);
    if (navigator.clipboard) navigator.clipboard.writeText(url);
}"""
