"""A visitor of a page by raw requests alone: its cookie, its session, events by public name, by number, or by a click.

Nothing is checked on the way, as the page's own script and the client for scripts would.
"""

import base64
import io
import json
import re
import uuid
from typing import Any

import httpx
from PIL import Image

from tests.servers import PATIENCE


class Form:
    """What a page consists of, by its configuration: its parts, and the events of its server."""

    def __init__(self, config: dict) -> None:
        self.parts = {each["id"]: each for each in config["components"]}
        self.events = [each for each in config["dependencies"] if each["backend_fn"]]

    def called(self, words: str) -> list[dict]:
        """The events of the parts that are called so."""
        own = {each["id"] for each in self.parts.values() if words in (each["props"].get("label"),
                                                                       each["props"].get("value"))}
        found = [each for each in self.events if own & {target for target, _ in each["targets"]}]
        assert found, words
        return found

    def ticking(self, place: str) -> dict:
        """The event of the timer that fills the part with this id of an element."""
        return next(each for each in self.events for target, _ in each["targets"]
                    if self.parts.get(target, {}).get("type") == "timer" and
                    place in [self.parts[part]["props"].get("elem_id") for part in each["outputs"]])

    def data(self, event: dict, given: dict[str, Any]) -> list:
        """What an event is sent by a fresh page, but for those given: see RawBrowser.click()."""
        return [self.value(part, given) for part in event["inputs"]]

    def value(self, part: int, given: dict[str, Any]) -> Any:
        """What a part holds."""
        shown = self.parts[part]
        name = re.sub(r"\W", "_", str(shown["props"].get("label") or ""))
        return next((value for words, value in given.items() if shown["type"] == words or name.startswith(words)),
                    shown["props"].get("value"))


class RawBrowser(Form):
    """One browser; `tab` holds the query of the link by which its page was opened."""

    def __init__(self, url: str, tab: str = "") -> None:
        self.session, self.tab = uuid.uuid4().hex, tab
        self.web = httpx.Client(base_url=url, timeout=PATIENCE)
        self.web.get("/")
        super().__init__(self.web.get("/config").json())
        self.numbers = {each["api_name"]: each["id"] for each in self.events if each["api_visibility"] == "public"}

    def join(self, number: int, data: list, session: str = "", **more: Any) -> httpx.Response:
        """The answer to joining the queue. NaN and half characters are sent as they are."""
        body = {"data": data, "fn_index": number, "session_hash": session or self.session, **more}
        return self.web.post(f"/gradio_api/queue/join{self.tab}", content=json.dumps(body).encode(),
                             headers={"content-type": "application/json"})

    def event(self, number: int, data: list, **more: Any) -> dict:
        """The last message of an event; those before it lie under "before"."""
        joined = self.join(number, data, **more)
        assert joined.status_code == 200, joined.text
        before = []
        with self.web.stream("GET", f"/gradio_api/queue/data?session_hash={self.session}") as stream:
            for line in stream.iter_lines():
                said = json.loads(line[5:]) if line.startswith("data:") else {}
                if said.get("msg") == "process_completed":
                    return {**said, "before": before}
                before.append(said)
        raise AssertionError("The stream ended without an answer.")

    def call(self, name: str, *data: Any) -> dict:
        """The last message of a public name."""
        return self.event(self.numbers[name], list(data))

    def click(self, words: str, **given: Any) -> list[dict]:
        """The last messages of all events of the parts that are called so, in order.

        They are sent the values of a fresh page, but for those given: by the kind of a part, or by the beginning of
        its label, with _ for what is no letter.
        """
        return [self.event(each["id"], self.data(each, given)) for each in self.called(words)]

    def upload(self, content: bytes, name: str = "a.png") -> dict:
        """A file as an event names it."""
        sent = self.web.post("/gradio_api/upload", files={"files": (name, content)})
        assert sent.status_code == 200, sent.text
        return {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def pictures(self, answer: Any) -> list[Image.Image]:
        """Every picture in an answer, served as a file or written into HTML, however deep."""
        if isinstance(answer, dict) and "path" in answer:
            got = self.web.get(f"/gradio_api/file={answer['path']}")
            assert got.status_code == 200, answer
            return [Image.open(io.BytesIO(got.content))]
        if isinstance(answer, dict | list):
            inner = answer.values() if isinstance(answer, dict) else answer
            return [found for each in inner for found in self.pictures(each)]
        coded = re.findall(r"data:image/[a-z]+;base64,([\w+/=]+)", answer) if isinstance(answer, str) else []
        return [Image.open(io.BytesIO(base64.b64decode(each))) for each in coded]

    def close(self) -> None:
        """Ends its connections."""
        self.web.close()
