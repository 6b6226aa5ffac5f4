"""What an assertion found, and what a cell comes to: passed, failed, or not known.

Not known is an answer of its own: what could not be measured, and what waits for a human, is neither a pass nor a
failure, and no rate counts it. A check list is an assertion whose items a human answers; `answered` fills in what
was ticked since the cell was scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

CHECKLIST = "checklist"
SHOWN = 120  # characters of a text quoted as evidence


@dataclass(frozen=True)
class Verdict:
    """What one assertion found. `passed` and `score` are None where it is not known; `threshold` is the one that was
    used, None where there is none; `parts` are those of a set, or the items of a check list."""

    type: str
    passed: bool | None
    score: float | None
    evidence: str
    weight: float = 1.0
    metric: str = ""
    threshold: float | None = None
    wanted: str = ""
    parts: tuple["Verdict", ...] = ()

    @classmethod
    def of(cls, data: dict) -> "Verdict":
        """From asdict()."""
        return cls(**{**data, "parts": tuple(cls.of(part) for part in data["parts"])})

    @property
    def by_hand(self) -> bool:
        """Whether a human answers it."""
        return self.type.removeprefix("not-") == CHECKLIST


@dataclass(frozen=True)
class Score:
    """What a cell came to, with every assertion's verdict. None: not known (`passed`), nothing measured (`score`)."""

    passed: bool | None
    score: float | None
    verdicts: tuple[Verdict, ...] = ()

    def to_json(self) -> dict:
        """As JSON types."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict) -> "Score":
        """From to_json()."""
        return cls(data["passed"], data["score"], tuple(Verdict.of(each) for each in data["verdicts"]))


def aggregate(verdicts: Sequence[Verdict], threshold: float | None) -> tuple[bool | None, float | None]:
    """(passed, score) of several verdicts: their weighted mean; all must pass unless there is a threshold.

    One that fails settles the matter where all must pass; otherwise one that is not known leaves it open.
    """
    counted = [each for each in verdicts if each.weight]
    known = [each for each in counted if each.score is not None]
    total = sum(each.weight for each in known)
    mean = sum(each.weight * each.score for each in known) / total if total else None if counted else 1.0
    still_open = any(each.passed is None for each in counted)
    if threshold is not None:
        return (None if still_open or mean is None else mean >= threshold), mean
    if any(each.passed is False for each in counted):
        return False, mean
    return (None if still_open else True), mean


# ---- what a check finds

Found = tuple[bool | None, float | None, str]  # passed, score from 0 to 1, evidence


def yes_or_no(passed: bool, evidence: str) -> Found:
    """A check without degrees."""
    return passed, float(passed), evidence


def over(value: float, threshold: float, words: str) -> Found:
    """A check whose value from 0 to 1 has to reach a threshold."""
    return value >= threshold, min(1.0, max(0.0, value)), f"{words} {value:.3f}, wanted at least {threshold:g}"


def under(value: float, threshold: float, words: str, unit: str = "") -> Found:
    """A check whose value must not exceed a threshold."""
    return yes_or_no(value <= threshold, f"{words} {value:,.4g}{unit}, wanted at most {threshold:,.4g}{unit}")


def not_measured(words: str) -> Found:
    """A check that could not be made, which is neither a pass nor a failure."""
    return None, None, f"not measured: {words}"


def quoted(value: Any) -> str:
    """A value as evidence shows it, shortened."""
    text = value if isinstance(value, str) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= SHOWN else text[:SHOWN - 1] + "…"


# ---- what a human answers

def items_of(value: Any) -> list[str]:
    """The items of a check list: a list, or a text with commas; each once."""
    texts = value if isinstance(value, list) else [value]
    return list(dict.fromkeys(item.strip() for text in texts for item in str(text).split(",") if item.strip()))


def listed(made: Verdict, items: Sequence[str], ticks: Mapping[str, bool]) -> Verdict:
    """A check list with what is ticked so far. Without a threshold all items must be there (or, negated, none)."""
    wanted = not made.type.startswith("not-")
    parts = tuple(Verdict("item", *answer(ticks.get(item), wanted), metric=item, wanted=item) for item in items)
    passed, mean = aggregate(parts, made.threshold)
    waiting = sum(part.passed is None for part in parts)
    seen = sum(ticks.get(item, False) for item in items)
    words = f"waits for you: {len(items) - waiting} of {len(items)} answered" if waiting else \
        f"you see {seen} of {len(items)}"
    return replace(made, passed=passed, score=mean, evidence=words, parts=parts)


def answer(tick: bool | None, wanted: bool) -> Found:
    """One item: passed, score, evidence."""
    if tick is None:
        return None, None, "waits for you"
    return yes_or_no(tick == wanted, "you see it" if tick else "you do not see it")


def answered(score: Score, ticks: Mapping[str, bool], threshold: float | None) -> Score:
    """A cell's score with what a human ticked. `threshold` is the case's."""
    if not ticks:
        return score
    made = tuple(_with(each, ticks) for each in score.verdicts)
    return Score(*aggregate(made, threshold), made)


def _with(each: Verdict, ticks: Mapping[str, bool]) -> Verdict:
    if each.by_hand:
        return listed(each, [part.wanted for part in each.parts], ticks)
    if not each.parts:
        return each
    parts = tuple(_with(part, ticks) for part in each.parts)
    return gathered(each, parts)


def gathered(made: Verdict, parts: tuple[Verdict, ...]) -> Verdict:
    """A set of assertions with what its parts came to."""
    passed, mean = aggregate(parts, made.threshold)
    held = sum(part.passed is True for part in parts)
    return replace(made, passed=passed, score=mean, evidence=f"{held} of {len(parts)} hold", parts=parts)


def flat(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Verdicts with the parts of each after it."""
    return [found for each in verdicts for found in (each, *flat(each.parts))]
