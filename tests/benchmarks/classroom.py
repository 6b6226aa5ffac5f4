"""A class at a page: many visitors who log in and click through the tabs, each with marks of its own in what it sends.

Visitors are coroutines with a cookie, a login, a session and an open heartbeat each, as a browser has; they think in
between. What comes back is checked for the visitor's own mark, and against what the same question was answered before.
"""

import asyncio
import contextlib
import io
import json
import random
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from tests.benchmarks.class_page import PASSWORD, USER, Served
from tests.benchmarks.class_private import Private
from tests.raw_browser import Form

POLITE = ("Queue is full", "requests for the processor", "of your requests wait already")
QUICK = frozenset({"tokenize", "ngram_next", "babble", "word_arithmetic", "word_pair", "add_noise", "training_status",
                   "cache_status", "lab look"})
WORDS = ("king", "queen", "man", "woman", "paris", "france", "london", "england", "mother", "father", "dog", "cat")
POCKET = "pocket-diffusion-64"
THINK = (2.0, 10.0)  # seconds between two clicks


class Refused(Exception):
    """The page said politely that it is busy."""


class Wrong(Exception):
    """An answer that should not have been."""


@dataclass
class Log:
    """What a lesson brought: seconds of each answer by name, and what went wrong."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: int = 0
    checked: int = 0  # marks found where they should be
    faults: list[str] = field(default_factory=list)

    def of(self, quick: bool) -> list[float]:
        """The seconds of all quick answers, or of all others."""
        return sorted(each for name, times in self.seconds.items() if (name in QUICK) == quick for each in times)


class Visitor(Private):
    """A browser at the page."""

    def __init__(self, page: Served, number: int, log: Log, seed: int = 0) -> None:
        self.page, self.number, self.log = page, number, log
        self.random = random.Random(1000 * seed + number)
        self.session = f"{self.random.getrandbits(64):016x}"
        # letters, as n-grams know no digits
        self.name = "visitor " + "".join(chr(97 + int(digit)) for digit in str(number))
        # a browser sends again what meets a connection that the server just closed (after 5 idle seconds), httpx does
        # not: it lets go of a connection before that
        self.http = httpx.AsyncClient(base_url=page.url, timeout=300, verify=False,  # no TLS here
                                      limits=httpx.Limits(keepalive_expiry=2.5))
        self.steps = 0

    async def enter(self) -> None:
        """Opens the page, logs in, and gets the page as a browser does."""
        await self.http.get("/")
        done = await self.http.post("/login", data={"username": USER, "password": PASSWORD})
        if done.json() != {"success": True}:
            raise Wrong(f"login: {done.status_code} {done.text[:200]}")
        await self.http.get("/")
        if not self.page.numbers:
            config = (await self.http.get("/config")).json()
            self.page.form = Form(config)
            for each in config["dependencies"]:
                self.page.numbers.setdefault(each["api_name"], each["id"])

    async def stay(self, until: float, think: tuple[float, float]) -> None:
        """Clicks through all tabs again and again, in an order of its own."""
        heart = asyncio.create_task(self._heartbeat())
        try:
            await asyncio.sleep(self.random.uniform(0, think[1]))
            await self.enter()
            while time.monotonic() < until:
                tabs = self.usual() + [tab for tab, often in self.rare().items() if self.random.random() < often]
                self.random.shuffle(tabs)
                for tab in tabs:
                    await self.visit(tab)
                    await asyncio.sleep(self.random.uniform(*think))
                    if time.monotonic() > until:
                        break
        finally:
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)
            await self.http.aclose()

    def usual(self) -> list[Any]:
        """What is done in every round."""
        return [self.tokenizer, self.ngrams, self.babble, self.words, self.pair, self.sentences, self.faces,
                self.next_token, self.noise, self.training, self.status]

    def rare(self) -> dict[Any, float]:
        """What costs seconds of a core, each with the share of rounds in which it is done."""
        return {self.picture: 0.3, self.writing: 0.3, self.prompts: 0.15, self.walk: 0.15, self.photos: 0.1,
                self.drawings: 0.08, self.personal: 0.05, self.lab: 0.05}

    async def visit(self, tab: Any) -> None:
        """One click, and what became of it."""
        self.steps += 1
        try:
            await tab(self.steps % 4)
        except Refused:
            self.log.refused += 1
        except (Wrong, httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as problem:
            self.log.faults.append(f"{self.name}, {tab.__name__}: {problem!r}"[:400])

    async def call(self, name: str, *data: Any, number: int | None = None) -> list[Any]:
        """An event as a page sends it, by its public name or its number: joins the queue, reads the stream to its end.

        Its data.
        """
        start = time.perf_counter()
        number = self.page.numbers[name] if number is None else number
        body = {"data": data, "fn_index": number, "session_hash": self.session}
        joined = await self.http.post("/gradio_api/queue/join", json=body)
        if joined.status_code in (429, 503) and any(words in joined.text for words in POLITE):
            raise Refused(joined.text)
        if joined.status_code != 200:
            raise Wrong(f"{joined.status_code} {joined.text[:200]}")
        last = None
        async with self.http.stream("GET", f"/gradio_api/queue/data?session_hash={self.session}") as stream:
            async for line in stream.aiter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                if message.get("event_id", joined.json()["event_id"]) not in (None, joined.json()["event_id"]):
                    raise Wrong(f"a message of another event: {line[:200]}")
                if message.get("msg") == "process_completed":
                    self.log.seconds[name].append(time.perf_counter() - start)
                    last = message
        if last is None or not last["success"]:
            raise Wrong(f"no answer: {json.dumps(last)[:200]}")
        return last["output"]["data"]

    def check(self, holds: bool, words: str) -> None:
        """Counts a mark that was found; Wrong for one that was not."""
        if not holds:
            raise Wrong(f"not {self.name}'s own: {words[:200]}")
        self.log.checked += 1

    def same(self, question: str, answer: Any) -> None:
        """What was asked before is answered as before, whoever asks."""
        told = json.dumps(answer, sort_keys=True)
        before = self.page.answers.setdefault(question, told)
        self.check(before == told, f"{question}: {told[:80]} after {before[:80]}")

    async def picture_of(self, file: dict) -> Image.Image:
        """A picture that an answer names."""
        got = await self.http.get(f"/gradio_api/file={file['path']}")
        return Image.open(io.BytesIO(got.content)).convert("RGB")

    async def _heartbeat(self) -> None:
        with contextlib.suppress(httpx.HTTPError):
            async with self.http.stream("GET", f"/gradio_api/heartbeat/{self.session}") as stream:
                async for _ in stream.aiter_lines():
                    pass

    async def tokenizer(self, step: int) -> None:
        """Its own name and number, in bytes of tokens."""
        text = f"{self.name}, the {self.number}th, asks for the {step}th time: “how many tokens?”"
        [answer] = await self.call("tokenize", text, "cl100k_base")
        spelled = b"".join(bytes.fromhex(token["bytes"]) for token in answer["tokens"])
        self.check(spelled == text.encode() and answer["characters"] == len(text), spelled.decode(errors="replace"))

    async def ngrams(self, step: int) -> None:
        """Two letters of its own."""
        context = chr(65 + self.number % 26) + chr(65 + step)
        self.same(f"n-grams {context}", (await self.call("ngram_next", "moby-dick", "letters", 2, context))[0]["data"])

    async def babble(self, step: int) -> None:
        """Text that begins with its name."""
        [text] = await self.call("babble", "moby-dick", "letters", 4, self.name, 60, self.number)
        self.check(text.startswith(self.name.upper()), text)
        self.same(f"babble {self.name}", text)

    async def words(self, step: int) -> None:
        """A sum of three words."""
        a, b, c = (WORDS[(self.number * k + step) % len(WORDS)] for k in (1, 5, 7))
        self.same(f"{a} - {b} + {c}", (await self.call("word_arithmetic", f"{a} - {b} + {c}", 5, True))[0]["data"])

    async def pair(self, step: int) -> None:
        """Two words; a word with itself has the cosine 1."""
        a, b = WORDS[self.number % len(WORDS)], WORDS[step]
        [answer] = await self.call("word_pair", a, b)
        self.check((abs(answer["cosine"] - 1) < 1e-6) == (a == b), str(answer))
        self.same(f"pair {a} {b}", answer)

    async def sentences(self, step: int) -> None:
        """Three sentences, the first two the same."""
        text = f"I am {self.name}.\nI am {self.name}.\n{WORDS[step].title()} is a word."
        table = (await self.call("sentence_similarity", text))[0]["data"]
        self.check(len(table) == 3 and table[0][1] > 0.999, str(table))
        self.same(f"sentences {self.name} {step}", [[round(value, 4) for value in row] for row in table])

    async def faces(self, step: int) -> None:
        """Faces of its own seed."""
        [shown] = await self.call("generate_faces", 4, 1000 + self.number, 1.0)
        picture = await self.picture_of(shown[0]["image"])
        self.same(f"face {self.number}", [picture.size, picture.resize((4, 4)).tobytes().hex()])

    async def next_token(self, step: int) -> None:
        """What follows its own text."""
        [table] = await self.call("next_token", f"My name is {self.name} and I like the {WORDS[step]}",
                                  "gemma-3-270m", 1.0, 0, 1.0)
        self.same(f"next {self.name} {step}", table["data"][:3])

    async def writing(self, step: int) -> None:
        """A few words with a seed."""
        data = (f"{self.name.title()} said:", "gemma-3-270m", 1.0, 40, 0.9, 8, self.number)
        self.same(f"writing {self.name}", await self.call("continue_text", *data))

    async def prompts(self, step: int) -> None:
        """An evaluation whose cell quotes its name."""
        config = {"prompts": [f"{self.name} likes {{{{thing}}}} and"],
                  "providers": [{"id": "gemma-3-270m", "config": {"max_tokens": 2}}],
                  "tests": [{"vars": {"thing": WORDS[step]}, "assert": [{"type": "contains", "value": "a"}]}]}
        [answer] = await self.call("evaluate_prompts", json.dumps(config))
        sent = answer["results"][0]["sent"]
        self.check(sent == f"{self.name} likes {WORDS[step]} and", sent)

    async def upload(self, picture: Image.Image, name: str = "mark.png") -> dict:
        """A picture as a file of the page."""
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        stored = await self.http.post("/gradio_api/upload", files={"files": (name, buffer.getvalue())})
        if stored.status_code != 200:
            raise Wrong(f"upload: {stored.status_code} {stored.text[:200]}")
        return {"path": stored.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    async def noise(self, step: int) -> None:
        """A picture of its own colour, without noise: the same colour comes back."""
        colour = (self.number * 5 % 256, step * 60, 255 - self.number * 5 % 256)
        [image] = await self.call("add_noise", await self.upload(Image.new("RGB", (64, 64), colour)), 0)
        got = (await self.picture_of(image)).getpixel((32, 32))
        self.check(all(abs(a - b) <= 2 for a, b in zip(got, colour, strict=True)), f"{got} for {colour}")

    async def picture(self, step: int) -> None:
        """Two steps of diffusion with its own seed."""
        image, *_ = await self.call("denoise", "a photo of a face", 2, 1.0, self.number, "DDIM", POCKET)
        self.same(f"picture {self.number}", (await self.picture_of(image)).resize((4, 4)).tobytes().hex())

    async def training(self, step: int) -> None:
        """The training that runs beside."""
        if self.page.job:
            [now] = await self.call("training_status", self.page.job)
            self.check(now["job"] == self.page.job and now["state"] in ("queued", "running"), str(now))

    async def status(self, step: int) -> None:
        """The state of the cache."""
        [now] = await self.call("cache_status")
        used = now["devices"][now["device"]]
        self.check(used["used"] <= used["budget"], str(used))


async def begin_training(page: Served, log: Log) -> None:
    """Every question once, one after the other, so that models are loaded; then a training that outlasts the load."""
    teacher = Visitor(page, 999, log)
    await teacher.enter()
    for tab in (teacher.tokenizer, teacher.babble, teacher.words, teacher.sentences, teacher.faces, teacher.next_token,
                teacher.picture, teacher.prompts):
        await teacher.visit(tab)
    [shown] = await teacher.call("generate_faces", 4, 45, 0.8)
    files = [await teacher.upload(await teacher.picture_of(each["image"])) for each in shown]
    [page.job] = await teacher.call("start_training", files, "joshug", 10_000, 16, 1e-3, 5000, POCKET, True)
    await teacher.http.aclose()


async def tour(page: Served, log: Log, number: int = 0) -> None:
    """One visitor does all there is, once."""
    visitor = Visitor(page, number, log)
    await visitor.enter()
    for step in (*visitor.usual(), *visitor.rare()):
        await visitor.visit(step)
    await visitor.http.aclose()


async def lesson(page: Served, log: Log, *, visitors: int, seconds: float, think: tuple[float, float] = THINK,
                 seed: int = 0) -> None:
    """A round: all visitors at once, for so many seconds; what they saw goes into the log."""
    until = time.monotonic() + seconds
    crowd = [Visitor(page, number, log, seed) for number in range(visitors)]
    for visitor, outcome in zip(crowd, await asyncio.gather(*(each.stay(until, think) for each in crowd),
                                                            return_exceptions=True), strict=True):
        if outcome is not None:
            log.faults.append(f"{visitor.name}: {outcome!r}"[:400])


def percentile(values: list[float], share: float) -> float:
    """The value below which a share (0 .. 1) of the sorted values lies; 0 where there are none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0
