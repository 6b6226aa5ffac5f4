"""Expressions over words: `king - man + woman`, `0.5 * (mother + father)`, `"new york" - city`, `-cold`.

    expression = product { ("+" | "-") product }
    product    = factor { ("*" | "/") factor }
    factor     = { "+" | "-" } ( number | word | quoted phrase | "(" expression ")" )

Read by recursive descent into a weighted sum of words; words are vectors and numbers are their weights, so
a word may be multiplied or divided by a number, and numbers may not be added to words. Between letters a
minus is a minus: words with a hyphen, or that are numbers or hold an operator, are put in double quotes.
"""

import math
import re
from dataclasses import dataclass

from playground import checks
from playground.errors import BadInput

LONGEST = 1000  # characters
MOST_WORDS = 64
DEEPEST = 40  # parentheses within parentheses
LARGEST = 1e6  # the weight of a word
OPERATORS = {"+": "+", "-": "-", "−": "-", "–": "-", "*": "*", "×": "*", "·": "*", "/": "/", "÷": "/",
             "(": "(", ")": ")"}
QUOTES = "\"“”„«»"
TOKEN = re.compile(rf"""
    (?P<space>\s+)
  | (?P<quoted>[{QUOTES}](?P<phrase>[^{QUOTES}]*)[{QUOTES}])
  | (?P<unclosed>[{QUOTES}])
  | (?P<operator>[-+−–*×·/÷()])
  | (?P<word>[^\s{QUOTES}+−–*×·/÷()-]+)""", re.VERBOSE)
NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")

Terms = dict[str, float]  # words in the order of their first appearance, with their weights


@dataclass(frozen=True)
class Token:
    """kind: number, word, one of the operators, or end; `at` counts characters from 1."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Sum:
    """What an expression comes to: words with their weights. A word that cancels out keeps the weight 0."""

    terms: Terms

    def __str__(self) -> str:
        """The sum written out: 'king − man + 0.5 · woman'."""
        written = ""
        for word, weight in self.terms.items():
            sign = "−" if weight < 0 else "+"
            size = "" if abs(weight) == 1 else f"{abs(weight):.4g} · "
            written += f" {sign} {size}{word}" if written else f"{sign.strip('+')}{size}{word}"
        return written


def parse(text: str) -> Sum:
    """The weighted sum that an expression means. Raises BadInput that names the place of the first mistake."""
    checks.text(text, "The expression", LONGEST)
    return _Parser(tokens(text)).whole()


def tokens(text: str) -> list[Token]:
    """The text cut into numbers, words and operators, closed by an end token."""
    found = []
    for match in TOKEN.finditer(text):
        at = match.start() + 1
        if match["unclosed"]:
            raise mistake(at, "a quotation mark is never closed", "Close it, or remove it.")
        if match["quoted"]:
            phrase = " ".join(match["phrase"].split())
            if not phrase:
                raise mistake(at, "there is nothing between the quotation marks", "Put a word or a phrase there.")
            found.append(Token("word", phrase, at))
        elif match["operator"]:
            found.append(Token(OPERATORS[match["operator"]], match["operator"], at))
        elif match["word"]:
            kind = "number" if NUMBER.fullmatch(match["word"]) else "word"
            found.append(Token(kind, match["word"], at))
    return [*found, Token("end", "the end", len(text.rstrip()) + 1)]


def mistake(at: int, what: str, remedy: str) -> BadInput:
    """A BadInput about the character number `at` of the expression."""
    return BadInput(f"In the expression, at character {at}: {what}.", remedy)


class _Parser:
    """One pass over the tokens. A value is a number (float) or a sum of words (Terms)."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.place = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.next
        self.place += 1
        return token

    def whole(self) -> Sum:
        value = self.expression()
        end = self.next
        if end.kind == ")":
            raise mistake(end.at, "this parenthesis was never opened", "Remove it, or open one before.")
        if end.kind != "end":
            raise mistake(end.at, f"an operator is missing before “{end.text[:40]}”",
                          'Put + - * or / there, or quotes around a phrase: "new york".')
        if isinstance(value, float):
            raise BadInput("The expression holds no word, only numbers.",
                           'Add a word; one that is a number goes in quotes: "2000".')
        self.check(value)
        return Sum(value)

    def check(self, terms: Terms) -> None:
        if len(terms) > MOST_WORDS:
            raise BadInput(f"The expression holds {len(terms)} different words.", f"Use at most {MOST_WORDS}.")
        for word, weight in terms.items():
            if not math.isfinite(weight) or abs(weight) > LARGEST:
                raise BadInput(f"The weight of “{word[:40]}” comes to {weight:g}.",
                               f"Weights go from {-LARGEST:,.0f} to {LARGEST:,.0f}.")

    def expression(self) -> float | Terms:
        value = self.product()
        while self.next.kind in "+-":
            sign = self.take()
            other = self.product()
            if isinstance(value, float) != isinstance(other, float):
                raise mistake(sign.at, "a number cannot be added to a word",
                              "Numbers are weights, as in 0.5 * woman; a word that is a number goes in quotes.")
            value = add(value, other, 1.0 if sign.kind == "+" else -1.0)
        return value

    def product(self) -> float | Terms:
        value = self.factor()
        while self.next.kind in "*/":
            operator = self.take()
            other = self.factor()
            if operator.kind == "/":
                value = scale(value, self.inverse(other, operator))
            elif isinstance(other, float):
                value = scale(value, other)
            elif isinstance(value, float):
                value = scale(other, value)
            else:
                raise mistake(operator.at, "two words cannot be multiplied",
                              "Words can be added, and weighted by numbers.")
        return value

    def inverse(self, value: float | Terms, operator: Token) -> float:
        if not isinstance(value, float):
            raise mistake(operator.at, "nothing can be divided by a word", "Divide by a number, or add and subtract.")
        if value == 0 or not math.isfinite(1 / value):
            raise mistake(operator.at, "this divides by zero", "Divide by another number.")
        return 1 / value

    def factor(self) -> float | Terms:
        sign = 1.0
        while self.next.kind in "+-":
            sign = -sign if self.take().kind == "-" else sign
        token = self.take()
        if token.kind == "number":
            return sign * float(token.text)
        if token.kind == "word":
            return {token.text: sign}
        if token.kind == "(":
            return scale(self.group(token), sign)
        self.place -= 1
        found = "the expression ends" if token.kind == "end" else f"there is “{token.text}”"
        raise mistake(token.at, f"{found} where a word or a number should be", "Write it like king - man + woman.")

    def group(self, opened: Token) -> float | Terms:
        self.depth += 1
        if self.depth > DEEPEST:
            raise mistake(opened.at, "too many parentheses within parentheses", f"Use at most {DEEPEST}.")
        value = self.expression()
        if self.next.kind != ")":
            raise mistake(self.next.at, f"the parenthesis from character {opened.at} is not closed before "
                          f"{self.next.text[:40]}", "Add a ), or an operator.")
        self.take()
        self.depth -= 1
        return value


def add(value: float | Terms, other: float | Terms, sign: float) -> float | Terms:
    """value + sign * other, both numbers or both sums."""
    if isinstance(value, float):
        return value + sign * other
    total = dict(value)
    for word, weight in other.items():
        total[word] = total.get(word, 0.0) + sign * weight
    return total


def scale(value: float | Terms, factor: float) -> float | Terms:
    """value times a number."""
    if isinstance(value, float):
        return value * factor
    return {word: weight * factor for word, weight in value.items()}
