"""What models have to say about outputs, measured in batches before scoring: cosines and a judge's yes or no.

The judge is a language model that reads a question and whose next token is looked at: P(yes) against P(no) from its
logits, nothing generated, nothing parsed. In the manner of Zheng et al. 2023 (arXiv:2306.05685), who found that
judges favour the answer that stands first: `swapped` asks about two answers in both orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from playground.context import Context
from playground.evaluation import batch, looking, render, scores
from playground.evaluation.outputs import Check, Output, never
from playground.evaluation.pictures import Album
from playground.evaluation.plan import Case
from playground.evaluation.scores import Measures
from playground.text import language_model

PAIR = """Two answers to the same task are compared.

Task: {{task}}

First answer: {{first}}

Second answer: {{second}}

Is the first answer better than the second? Reply yes or no. Reply:"""


@dataclass(frozen=True)
class Preference:
    """Shares of yes for "the first is better", asked in both orders, for the answers A and B.

    `ab` with A first, `ba` with B first. Consistent: the same answer wins either way.
    """

    ab: float
    ba: float

    @property
    def consistent(self) -> bool:
        """Whether the judge prefers the same answer in both orders."""
        return (self.ab >= 0.5) != (self.ba >= 0.5)

    @property
    def winner(self) -> str:
        """A or B where the judge is consistent, else nobody."""
        return ("A" if self.ab >= 0.5 else "B") if self.consistent else ""

    @property
    def share(self) -> float:
        """How much speaks for A when the order is averaged out."""
        return (self.ab + 1 - self.ba) / 2


def measure(context: Context, work: Sequence[tuple[Case, Output]], judge: str, check: Check = never, *,
            album: Album | None = None, references: Mapping[str, str] | None = None) -> Measures:
    """All that the assertions of these cases and outputs need from models, each question once.

    `album` has the drawn pictures, `references` the pictures that they are compared with.
    """
    pairs: dict[tuple[str, str], None] = {}
    questions: dict[str, None] = {}
    seen: dict[str, dict[tuple[str, str], None]] = {"picture-similar": {}, "clip-score": {}}
    for case, output in work:
        if output.error:
            continue
        for each in scores.flat(case.assertions):
            value = render.fill(each.value, case.variables)
            if output.picture and each.kind in seen:
                seen[each.kind][value, output.picture] = None
            elif each.kind == "similar" and not output.picture:
                pairs[value, output.text] = None
            elif each.kind == "llm-rubric" and not output.picture:
                questions[scores.judge_prompt(replace(each, value=value), output.text, case.variables)] = None
    measures = Measures()
    look(context, measures, {kind: list(found) for kind, found in seen.items()}, check, album, references or {})
    if pairs:
        check()
        measures.cosines = cosines(context, list(pairs))
    if questions:
        measures.judged = dict(zip(questions, ask(context, list(questions), judge, check), strict=True))
    return measures


def look(context: Context, measures: Measures, seen: Mapping[str, list[tuple[str, str]]], check: Check,
         album: Album | None, references: Mapping[str, str]) -> None:
    """Fills in what is measured of pictures: (reference or caption, picture) by the assertion's kind."""
    if seen["picture-similar"]:
        measures.likeness = looking.likeness(album, references, seen["picture-similar"])
    if seen["clip-score"]:
        measures.fits, why = looking.fits(context, album, seen["clip-score"], check)
        if why:
            measures.missing["clip-score"] = why


def cosines(context: Context, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """The cosine of the sentence vectors of each pair of texts; 0 where one of them is blank."""
    from playground.text.vectors import sentences

    texts = list(dict.fromkeys(text for pair in pairs for text in pair if text.strip()))
    vectors = dict(zip(texts, sentences.embed(context, texts), strict=True))
    return {(a, b): float(vectors[a] @ vectors[b]) if a in vectors and b in vectors else 0.0 for a, b in pairs}


def ask(context: Context, prompts: Sequence[str], judge: str, check: Check = never) -> list[tuple[float, float]]:
    """P(yes) and P(no) of the judge for each prompt."""
    with context.cache.lease(language_model.spec(context, judge)) as model:
        return batch.yes_and_no(context, model, prompts, check)


def swapped(context: Context, pairs: Sequence[tuple[str, str, str]], judge: str, prompt: str = PAIR,
            check: Check = never) -> list[Preference]:
    """For each (task, A, B): which answer the judge prefers, asked in both orders."""
    questions = [render.render(prompt, {"task": task, "first": first, "second": second})
                 for task, a, b in pairs for first, second in ((a, b), (b, a))]
    shares = [yes / (yes + no) if yes + no else 0.5 for yes, no in ask(context, questions, judge, check)]
    return [Preference(shares[place], shares[place + 1]) for place in range(0, len(shares), 2)]
