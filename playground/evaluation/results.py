"""What a run came to: cells with their outputs and scores, rates with intervals, comparisons, agreement."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from playground.evaluation import providers, statistics
from playground.evaluation.outputs import Output
from playground.evaluation.pictures import Album
from playground.evaluation.plan import Cell, Plan, Provider
from playground.evaluation.statistics import Paired, Rate
from playground.evaluation.store import Store
from playground.evaluation.verdicts import Score, aggregate, answered, flat
from playground.evaluation.work import Sheet

GRADED = {"llm-rubric": "the judge's share of yes", "clip-score": "CLIP's cosine",
          "picture-similar": "the cosine with the reference"}  # checks whose threshold opinions can calibrate


@dataclass(frozen=True)
class Result:
    """One cell: what was sent, what came, how it scored (Score.to_json, None while it is not scored), the thumb."""

    cell: Cell
    prompt: str
    seed: int
    output: Output | None
    score: dict[str, Any] | None
    thumb: bool | None = None

    @property
    def passed(self) -> bool | None:
        """Whether it passed; None while it is not known."""
        return self.score["passed"] if self.score else None

    @property
    def checked(self) -> bool | None:
        """What the checks say without those that a human answers; None where they say nothing."""
        verdicts = Score.of(self.score).verdicts if self.score else ()
        if not any(each.by_hand for each in verdicts):
            return self.passed
        own = [each for each in verdicts if not each.by_hand and each.passed is not None]
        return aggregate(own, None)[0] if own else None

    @property
    def opinion(self) -> bool | None:
        """What the visitor says: by the thumb, else by a check list that is answered; None for nothing."""
        if self.thumb is not None or not self.score:
            return self.thumb
        lists = [each.passed for each in Score.of(self.score).verdicts if each.by_hand]
        return None if not lists or None in lists else all(lists)


@dataclass(frozen=True)
class Summary:
    """A prompt with a provider over all cases: pass rate, mean score, mean of each metric, tokens and seconds."""

    prompt: int
    provider: int
    rate: Rate
    score: float
    metrics: dict[str, float]
    tokens: float
    seconds: float
    errors: int


@dataclass(frozen=True)
class Run:
    """A plan and what there is of its results; `album` has the pictures that were drawn."""

    plan: Plan
    results: dict[Cell, Result]
    album: Album

    @property
    def complete(self) -> bool:
        """Whether every cell is scored."""
        return all(result.score for result in self.results.values())

    def of(self, prompt: int, provider: int, case: int) -> list[Result]:
        """The repeats of one place of the matrix."""
        return [self.results[Cell(prompt, case, provider, repeat)] for repeat in range(self.plan.repeats)]

    def columns(self) -> Iterator[tuple[int, int]]:
        """(prompt, provider) of every column of the matrix."""
        for provider in range(len(self.plan.providers)):
            for prompt in range(len(self.plan.prompts)):
                yield prompt, provider

    def column_name(self, prompt: int, provider: int) -> str:
        """What a column is called: the prompt's letter, and the model where there are several."""
        letter = letters(prompt)
        return f"{letter} · {self.plan.providers[provider].name}" if len(self.plan.providers) > 1 else letter

    def shares(self, prompt: int, provider: int) -> list[float | None]:
        """For each case the share of its repeats that passed; None where a repeat is not scored."""
        found = []
        for case in range(len(self.plan.cases)):
            passes = [result.passed for result in self.of(prompt, provider, case)]
            found.append(None if None in passes else sum(passes) / len(passes))
        return found

    def summaries(self) -> list[Summary]:
        """One for each column, the best first."""
        made = [self._summary(prompt, provider) for prompt, provider in self.columns()]
        return sorted(made, key=lambda each: (-each.rate.share, -each.score))

    def _summary(self, prompt: int, provider: int) -> Summary:
        shares = [share for share in self.shares(prompt, provider) if share is not None]
        results = [each for case in range(len(self.plan.cases)) for each in self.of(prompt, provider, case)
                   if each.score]
        outputs = [each.output for each in results]
        metrics: dict[str, list[float]] = {}
        for each in results:
            for verdict in flat(Score.of(each.score).verdicts):
                if verdict.metric and verdict.score is not None:
                    metrics.setdefault(verdict.metric, []).append(verdict.score)
        return Summary(prompt, provider, statistics.rate(shares, self.repeats(provider)),
                       mean([each.score["score"] for each in results if each.score["score"] is not None]),
                       {name: mean(values) for name, values in metrics.items()},
                       mean([output.tokens for output in outputs]), mean([output.seconds for output in outputs]),
                       sum(bool(output.error) for output in outputs))

    def repeats(self, provider: int) -> int:
        """How many repeats can differ: at temperature 0 all are the same, and count once."""
        return 1 if self.plan.providers[provider].repeats_itself else self.plan.repeats

    def comparisons(self) -> list[tuple[int, int, int, Paired]]:
        """(provider, prompt, prompt, result) of every pair of prompts over the cases that both have scores for."""
        return [(provider, a, b, compared(self, (a, provider), self, (b, provider)))
                for provider in range(len(self.plan.providers))
                for a in range(len(self.plan.prompts)) for b in range(a + 1, len(self.plan.prompts))]

    def agreement(self) -> tuple[list[list[int]], float | None]:
        """The visitor's opinion (rows: good, bad) against the checks (columns: pass, fail), and Cohen's kappa."""
        table = [[0, 0], [0, 0]]
        for result in self.results.values():
            if result.opinion is not None and result.checked is not None:
                table[not result.opinion][not result.checked] += 1
        return table, statistics.kappa(table)

    def judged(self, kind: str) -> list[tuple[float, bool]]:
        """(a check's score from 0 to 1, the visitor's opinion) of every cell that has both. `kind` is one of GRADED."""
        return [(1 - verdict["score"] if verdict["type"].startswith("not-") else verdict["score"], result.opinion)
                for result in self.results.values() if result.opinion is not None and result.score
                for verdict in result.score["verdicts"]
                if verdict["type"].removeprefix("not-") == kind and verdict["score"] is not None]


def compared(first: Run, a: tuple[int, int], second: Run, b: tuple[int, int]) -> Paired:
    """Two columns (prompt, provider) over their cases, paired by the cases' variables."""
    ours = dict(zip(case_keys(first.plan), first.shares(*a), strict=True))
    theirs = dict(zip(case_keys(second.plan), second.shares(*b), strict=True))
    both = [(ours[key], theirs[key]) for key in ours
            if ours[key] is not None and theirs.get(key) is not None]
    return statistics.paired([share for share, _ in both], [share for _, share in both])


def case_keys(plan: Plan) -> list[str]:
    """What makes a case the same in two runs: its variables; numbered where several are equal."""
    seen: dict[str, int] = {}
    keys = []
    for case in plan.cases:
        text = repr(sorted((name, repr(value)) for name, value in case.variables.items()))
        seen[text] = seen.get(text, 0) + 1
        keys.append(f"{text} {seen[text]}")
    return keys


def load(filled: Sheet, store: Store) -> Run:
    """What there is of a run."""
    outputs, scores, thumbs, ticks = store.outputs(), store.scores(), store.thumbs(), store.ticks()
    for cell in filled.requests:
        if cell.id in ticks and cell.id in scores:
            limit = filled.plan.cases[cell.case].threshold
            scores[cell.id] = answered(Score.of(scores[cell.id]), ticks[cell.id], limit).to_json()
    return Run(filled.plan, {
        cell: Result(cell, request.prompt, request.seed, outputs.get(request.key), scores.get(cell.id),
                     thumbs.get(cell.id)) for cell, request in filled.requests.items()}, store.album)


def letters(number: int) -> str:
    """A, B … Z, AA: the name of a prompt by its number."""
    return (letters(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def mean(values: Sequence[float]) -> float:
    """The mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def best_threshold(judged: Sequence[tuple[float, bool]]) -> tuple[float, float] | None:
    """The threshold on a check's score that agrees most with the visitor, and that agreement from 0 to 1.

    None without any opinion.
    """
    if not judged:
        return None
    values = sorted({share for share, _ in judged})
    cuts = [0.0, *((a + b) / 2 for a, b in pairwise(values)), 1.0]
    agreed = [(sum((share >= cut) == thumb for share, thumb in judged) / len(judged), cut) for cut in cuts]
    best = max(agreed, key=lambda each: (each[0], -abs(each[1] - 0.5)))
    return best[1], best[0]


def to_json(run: Run, issues: Sequence[str] = ()) -> dict[str, Any]:
    """A run for scripts: results, summary (best first), comparisons, what of the file was not supported."""
    plan = run.plan
    return {
        "description": plan.description, "issues": list(issues),
        "prompts": [{"id": letters(number), "label": prompt.name, "raw": prompt.text}
                    for number, prompt in enumerate(plan.prompts)],
        "providers": [provider_json(each) for each in plan.providers],
        "stats": {"cells": plan.size, "passed": sum(bool(each.passed) for each in run.results.values()),
                  "failed": sum(each.passed is False for each in run.results.values()),
                  "open": sum(each.passed is None for each in run.results.values()),
                  "errors": sum(bool(each.output and each.output.error) for each in run.results.values()),
                  "complete": run.complete},
        "summary": [summary_json(run, each) for each in run.summaries()],
        "comparisons": [comparison_json(run, *each) for each in run.comparisons()],
        "results": [result_json(run, each) for each in run.results.values()]}


def provider_json(provider: Provider) -> dict[str, Any]:
    """A provider without what is empty, or means nothing to it."""
    settings = asdict(provider)
    unused = providers.useless(provider.id, settings)
    return {key: value for key, value in settings.items() if value not in ("", ()) and key not in unused}


def summary_json(run: Run, summary: Summary) -> dict[str, Any]:
    """One line of the summary."""
    rate = summary.rate
    return {"prompt": letters(summary.prompt), "provider": run.plan.providers[summary.provider].name,
            "pass_rate": rate.share, "interval": [rate.low, rate.high], "effective_trials": rate.effective,
            "trials": rate.trials, "score": summary.score, "metrics": summary.metrics, "tokens": summary.tokens,
            "seconds": summary.seconds, "errors": summary.errors}


def comparison_json(run: Run, provider: int, a: int, b: int, result: Paired) -> dict[str, Any]:
    """Two prompts compared."""
    return {"provider": run.plan.providers[provider].name, "a": letters(a), "b": letters(b),
            **asdict(result), "settled": result.settled,
            "verdict": statistics.verdict(result, f"Prompt {letters(a)}", f"Prompt {letters(b)}")}


def result_json(run: Run, result: Result) -> dict[str, Any]:
    """One cell."""
    cell, output = result.cell, result.output
    return {"id": cell.id, "prompt": letters(cell.prompt), "provider": run.plan.providers[cell.provider].name,
            "case": cell.case, "description": run.plan.cases[cell.case].description,
            "vars": run.plan.cases[cell.case].variables, "repeat": cell.repeat, "seed": result.seed,
            "sent": result.prompt, "output": output.text if output else None,
            "picture": output.picture if output else "", "pass": result.passed,
            "score": result.score["score"] if result.score else None,
            "assertions": result.score["verdicts"] if result.score else [],
            "tokens": output.tokens if output else None, "prompt_tokens": output.prompt_tokens if output else None,
            "seconds": output.seconds if output else None, "error": output.error if output else "",
            "finish": output.finish if output else "", "thumb": result.thumb}
