"""What a visitor of the class does with his own: a walk, photos, an adapter's picture, a run of the lab, a plan.

Each is rare, as it costs seconds of a core, and each checks a mark. Private events of the page are found by what their
button is called, as their numbers and names change with the page.
"""

import asyncio
import base64
import io
import json
import re
from typing import Any

from PIL import Image, ImageDraw

LOOKS, BETWEEN = 40, 0.5  # at a run of the lab that waits or begins; seconds between two
UPDATES = 60  # of a run of the lab, which then ends by itself
MIDDLE = 150  # of the plane that the lab draws, in its units
CARD = re.compile(r'<path d="([^"]*)" stroke="')  # of the real points, which come first
POINT = re.compile(r"M([\d.]+) ([\d.]+)h0")


class Private:
    """Steps of a visitor; the rest of him is in classroom.py."""

    token = ""

    async def walk(self, step: int) -> None:
        """Faces on the way from his own seed: the first one is the one that he has seen."""
        [shown] = await self.call("face_walk", 1000 + self.number, 2000 + self.number, 3)
        picture = await self.picture_of(shown[0]["image"])
        self.same(f"face {self.number}", [picture.size, picture.resize((4, 4)).tobytes().hex()])

    async def photos(self, step: int) -> None:
        """Two photos for a training, under names of his own: he is shown these alone, and then removes them."""
        names = [f"v{self.number}-{step}-{number}.png" for number in range(2)]
        files = [await self.upload(Image.new("RGB", (96, 96), (self.number * 5 % 256, 90 * number, 60)), name)
                 for number, name in enumerate(names)]
        self.token, _, _, table, _ = await self.press("Add photos", browserstate=self.token, uploadbutton=files)
        self.check([row[0] for row in rows_of(table)] == names, str(table))
        _, table, _ = await self.press("Remove all", browserstate=self.token)
        self.check(not rows_of(table), str(table))

    async def personal(self, step: int) -> None:
        """A picture with an adapter that is there already, from his own seed."""
        asked = (self.page.drawn, "a photo of a face, [trigger]", self.number, 1.0)
        [image] = await self.call("generate_personal", *asked)
        self.same(f"personal {self.number}", (await self.picture_of(image)).resize((4, 4)).tobytes().hex())

    async def drawings(self, step: int) -> None:
        """A picture prompt with his name, compared with a colour of his own."""
        plain = io.BytesIO()
        Image.new("RGB", (64, 64), (self.number * 5 % 256, 60, 60)).save(plain, "PNG")
        config = {"prompts": ["a {{thing}}"], "providers": [{"id": "pocket-diffusion-64", "config": {"steps": 2}}],
                  "tests": [{"vars": {"thing": f"shark of {self.name}"},
                             "assert": [{"type": "picture-similar", "value": "mine"}]}],
                  "pictures": {"mine": coded(plain.getvalue())}}
        [answer] = await self.call("evaluate_prompts", json.dumps(config))
        [result] = answer["results"]
        self.check(result["sent"] == f"a shark of {self.name}" and result["picture"].startswith("data:image/"),
                   result["sent"])
        self.same(f"drawing {self.name}", result["assertions"][0]["evidence"])

    async def lab(self, step: int) -> None:
        """A run of the lab on points in a corner of his own: its link is his alone, and the points are there."""
        right, low = bool(self.number % 2), bool(self.number // 2 % 2)
        picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        x, y = 8 + 32 * right, 8 + 32 * low
        ImageDraw.Draw(picture).ellipse((x, y, x + 16, y + 16), fill="black")
        file = await self.upload(picture, "drawing.png")
        sketch = {"background": None, "layers": [], "composite": file, "id": None}
        self.token, _, link, *_ = await self.press("Start with these settings", browserstate=self.token,
                                                   Data="drawing", Draw=sketch, Updates=UPDATES, Batch=16)
        self.check(self.page.links.setdefault(link, self.name) == self.name, link)
        for _ in range(LOOKS):
            live, *_ = await self.tick()
            if points := points_of(str(live)):
                mean = [sum(each) / len(points) for each in zip(*points, strict=True)]
                self.check((mean[0] > MIDDLE, mean[1] > MIDDLE) == (right, low), f"points around {mean}")
                return
            await asyncio.sleep(BETWEEN)

    async def press(self, words: str, **given: Any) -> list[Any]:
        """The event of a button, by what it says; of its parts those given are set, as RawBrowser's click does it."""
        event = self.page.form.called(words)[0]
        return await self.call(words, *self.page.form.data(event, given), number=event["id"])

    async def tick(self) -> list[Any]:
        """A look of the lab's timer."""
        event = self.page.form.ticking("lab-live")
        return await self.call("lab look", *self.page.form.data(event, {}), number=event["id"])


def rows_of(table: Any) -> list[list[Any]]:
    """The rows of a table as the page gets it."""
    return table["data"] if isinstance(table, dict) else table or []


def points_of(live: str) -> list[tuple[float, float]]:
    """The real points of the first plane in the lab's picture, in its units; none while it waits."""
    found = CARD.search(live)
    return [(float(x), float(y)) for x, y in POINT.findall(found[1])] if found else []


def coded(content: bytes) -> str:
    """A PNG as a data address."""
    return "data:image/png;base64," + base64.b64encode(content).decode()
