"""The analogy test: a is to b as c is to what? 19,544 questions in 14 sections, asked of the vectors.

Questions: questions-words.txt of Mikolov et al. 2013 ("Efficient Estimation of Word Representations in
Vector Space"), as it comes with gensim. Scored as gensim's evaluate_word_analogies does by default: among the
300,000 most frequent words, capitals ignored, a question with a word that is not among them left out, the
nearest word to b - a + c that is none of the three (3CosAdd). Where gensim asks question by question, a
batch of them goes through one matrix product here.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from playground.errors import ModelMissing
from playground.text.vectors.store import Vectors

VOCABULARY = 300_000
BATCH = 256  # questions a product
BLOCK = 8192  # words a product: 8 MB of cosines, which stay in the processor's cache

Question = tuple[str, str, str, str]


@dataclass(frozen=True)
class Section:
    """A named group of questions."""

    name: str
    questions: list[Question]


@dataclass(frozen=True)
class Wrong:
    """A question answered wrongly, and with what."""

    question: Question
    answer: str


@dataclass(frozen=True)
class Score:
    """A section so far: questions asked, answered rightly, left out for an unknown word; some wrong ones."""

    section: str
    total: int
    asked: int
    correct: int
    skipped: int
    wrong: tuple[Wrong, ...] = ()

    @property
    def accuracy(self) -> float:
        """From 0 to 1; 0 where nothing was asked."""
        return self.correct / self.asked if self.asked else 0.0


def questions_file() -> Path:
    """questions-words.txt in the installed gensim, which is not imported for it."""
    found = importlib.util.find_spec("gensim")
    folders = list(found.submodule_search_locations or []) if found else []
    for folder in folders:
        path = Path(folder) / "test" / "test_data" / "questions-words.txt"
        if path.is_file():
            return path
    raise ModelMissing("The analogy questions (questions-words.txt) are not in the installed gensim.",
                       "Install gensim again: pip install --force-reinstall gensim")


def read_sections(path: Path) -> list[Section]:
    """The sections of a file of questions: `: name`, then four words a line. Other lines are left out."""
    sections: list[Section] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if line.startswith(":"):
            sections.append(Section(line.lstrip(": ").strip(), []))
        elif len(words) == 4 and sections:
            sections[-1].questions.append(tuple(words))
    return sections


def evaluate(vectors: Vectors, sections: Sequence[Section], turn: Callable[[], AbstractContextManager],
             vocabulary: int = VOCABULARY) -> Iterator[list[Score]]:
    """Asks the questions batch by batch and yields the scores so far, one a section, after each batch.

    `turn()` is entered for the computing of a batch and left before the yield. Stop iterating to cancel.
    """
    known = _Known(vectors, min(vocabulary, len(vectors.words)))
    scores = [Score(section.name, len(section.questions), 0, 0, 0) for section in sections]
    for place, section in enumerate(sections):
        for start in range(0, len(section.questions), BATCH):
            with turn():
                scores[place] = _ask(known, scores[place], section.questions[start:start + BATCH])
            yield list(scores)


class _Known:
    """The most frequent words, without regard to capitals: where a word is, and which entries spell it."""

    def __init__(self, vectors: Vectors, count: int) -> None:
        self.vectors = vectors
        self.count = count
        self.entries: dict[str, list[int]] = {}
        for number, word in enumerate(vectors.words[:count]):
            self.entries.setdefault(word.upper(), []).append(number)

    def numbers(self, question: Question) -> list[int] | None:
        """The first entries of a question's four words; None if one is not known."""
        found = [self.entries.get(word.upper()) for word in question]
        return [each[0] for each in found if each] if all(found) else None


def _ask(known: _Known, score: Score, questions: Sequence[Question]) -> Score:
    """The score with one more batch of questions asked."""
    numbered = [(question, known.numbers(question)) for question in questions]
    asked = [(question, numbers) for question, numbers in numbered if numbers]
    answers = _answer(known, [numbers for _, numbers in asked], [question for question, _ in asked]) if asked else []
    wrong = [Wrong(question, known.vectors.words[answer]) for (question, _), answer in zip(asked, answers, strict=True)
             if known.vectors.words[answer].upper() != question[3].upper()]
    return Score(score.section, score.total, score.asked + len(asked), score.correct + len(asked) - len(wrong),
                 score.skipped + len(questions) - len(asked), (score.wrong + tuple(wrong))[:5])


def _answer(known: _Known, numbers: list[list[int]], questions: list[Question]) -> np.ndarray:
    """The nearest words to b - a + c, their own words apart: (Q,) of entry numbers."""
    unit = known.vectors.unit
    a, b, c, _ = np.array(numbers).T
    wanted = unit[b] - unit[a] + unit[c]  # (Q, D); its length does not change which word is nearest
    rows, columns = _own_words(known, questions)
    best = np.full(len(numbers), -np.inf, dtype=np.float32)
    answers = np.zeros(len(numbers), dtype=np.int64)
    for low in range(0, known.count, BLOCK):
        high = min(low + BLOCK, known.count)
        cosines = wanted @ unit[low:high].T  # (Q, block)
        here = (columns >= low) & (columns < high)
        cosines[rows[here], columns[here] - low] = -np.inf
        top = cosines.argmax(axis=1)
        value = cosines[np.arange(len(top)), top]
        better = value > best
        best[better], answers[better] = value[better], top[better] + low
    return answers


def _own_words(known: _Known, questions: list[Question]) -> tuple[np.ndarray, np.ndarray]:
    """Which entries may not answer which question: those spelled like its first three words, in any capitals."""
    pairs = [(row, number) for row, question in enumerate(questions) for word in question[:3]
             for number in known.entries[word.upper()]]
    rows, columns = np.array(pairs).T
    return rows, columns
