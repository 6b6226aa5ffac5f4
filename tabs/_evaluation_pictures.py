"""Pictures in the Prompt evaluation tab's HTML: drawn ones in matrix and story, references, and the check list.

All of them are data URIs made from the run's private folder, so nothing of them lies in a cache that others can read.
"""

import html
from collections.abc import Mapping
from typing import Any

from playground.evaluation.results import Result, Run

LARGE = 384  # pixels a side in a story
YES, NO = "yes", "no"
TEMPLATE = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})


def escape(text: Any) -> str:
    """Text as HTML that no template engine reads."""
    return html.escape(str(text)).translate(TEMPLATE)


def thumb(run: Run, result: Result) -> str:
    """A drawn picture as the matrix shows it."""
    return image(run.album.small(result.output.picture), f"drawn for: {result.prompt}")


def image(uri: str, words: str, name: str = "") -> str:
    """A picture with its words for those who do not see it."""
    return f'<img class="drawn {name}" src="{uri}" alt="{escape(words)}">'


def drawn(run: Run, result: Result) -> str:
    """A drawn picture in its story, beside the references that it is compared with."""
    own = image(run.album.uri(result.output.picture, LARGE), f"drawn for: {result.prompt}", "large")
    wanted = [each["wanted"] for each in (result.score or {}).get("verdicts", ())
              if each["type"].removeprefix("not-") == "picture-similar" and each["wanted"] in run.plan.pictures]
    others = "".join(figure(image(run.plan.pictures[name], f"reference {name}", "large"), f"reference: {name}")
                     for name in dict.fromkeys(wanted))
    return figure(own, "drawn") + others


def figure(picture: str, words: str) -> str:
    """A picture with a line below it."""
    return f"<figure>{picture}<figcaption>{escape(words)}</figcaption></figure>"


def references(known: Mapping[str, str]) -> str:
    """The reference pictures of the form with their names."""
    if not known:
        return '<p class="note">No reference pictures yet.</p>'
    return f'<div class="side-by-side">{"".join(figure(image(uri, name), name) for name, uri in known.items())}</div>'


def checklist(result: Result) -> str:
    """The items that wait for the visitor, each with a yes and a no; nothing where the cell has none."""
    parts = [part for each in by_hand((result.score or {}).get("verdicts", ())) for part in each["parts"]]
    if not parts:
        return ""
    rows = "".join(f"<li>{tick(result, part, YES)}{tick(result, part, NO)} {escape(part['wanted'])}</li>"
                   for part in {part["wanted"]: part for part in parts}.values())
    return f'<h4>Your check list: do you see it?</h4><ul class="ticks">{rows}</ul>'


def by_hand(verdicts: Any) -> list[dict]:
    """The check lists among verdicts, those in sets too."""
    found = []
    for each in verdicts:
        if each["type"].removeprefix("not-") == "checklist":
            found.append(each)
        else:
            found += by_hand(each["parts"])
    return found


def tick(result: Result, part: dict, seen: str) -> str:
    """A button that answers an item; pressed where that is the answer, and then it takes it back."""
    said = {"you see it": YES, "you do not see it": NO}.get(part["evidence"], "")
    pressed = str(said == seen).lower()
    sign, words = ("✓", "I see") if seen == YES else ("✗", "I do not see")
    return (f'<button class="tick {seen}" aria-pressed="{pressed}" aria-label="{words} {escape(part["wanted"])}" '
            f'data-tick="{result.cell.id}" data-item="{escape(part["wanted"])}" '
            f'data-seen="{"" if said == seen else seen}">{sign}</button>')
