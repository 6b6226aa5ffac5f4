"""How sure one can be: intervals of rates, paired comparisons, how many more cases, agreement.

Sources: Wilson 1927 (score interval); Kish 1965 (design effect of clusters; here the repeats of one case);
the exact sign test, which for one repeat is McNemar's exact test (McNemar 1947); Cohen 1960 (kappa).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z95 = 1.959963984540054  # two-sided 95 % of the normal distribution
ALPHA = 0.05
POWER = 0.8
MOST_MORE = 5000  # cases; beyond it "no number worth the time"


@dataclass(frozen=True)
class Rate:
    """A share from 0 to 1 with the ends of its 95 % interval, and the effective number of trials behind it."""

    share: float
    low: float
    high: float
    effective: float
    trials: int


@dataclass(frozen=True)
class Paired:
    """A against B over the same cases: cases won, lost and tied by A, the two-sided p, and how many cases in all
    would settle it with 80 % power if they fell alike; None where no number worth the time would."""

    wins: int
    losses: int
    ties: int
    p: float
    needed: int | None

    @property
    def settled(self) -> bool:
        """Whether the difference is more than chance at the 5 % level."""
        return self.p < ALPHA


def wilson(successes: float, trials: float, z: float = Z95) -> tuple[float, float]:
    """The ends of the score interval of a rate; (0, 1) without trials.

    (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    """
    if trials <= 0:
        return 0.0, 1.0
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def effective_trials(shares: Sequence[float], repeats: int) -> float:
    """How many independent trials k cases with `repeats` each are worth: from k (repeats add nothing) to k x repeats.

    p(1-p) over the variance of the mean between cases (Kish's n / deff), which needs at least two cases and some
    difference between them; without it each case counts once.
    """
    count = len(shares)
    mean = sum(shares) / count if count else 0.0
    between = sum((share - mean) ** 2 for share in shares) / (count * (count - 1)) if count > 1 else 0.0
    if between == 0 or repeats == 1:
        return float(count)
    return min(float(count * repeats), max(float(count), mean * (1 - mean) / between))


def rate(shares: Sequence[float], repeats: int = 1) -> Rate:
    """The mean of the cases' shares of passes, with a Wilson interval over the effective number of trials."""
    trials = effective_trials(shares, repeats)
    share = sum(shares) / len(shares) if shares else 0.0
    low, high = wilson(share * trials, trials)
    return Rate(share, low, high, trials, len(shares) * repeats)


def sign_test(wins: int, losses: int) -> float:
    """The two-sided p of the exact sign test (binomial, p = 1/2); 1 where nothing differs."""
    count = wins + losses
    if count == 0:
        return 1.0
    tail = sum(math.comb(count, k) for k in range(min(wins, losses) + 1)) / 2 ** count
    return min(1.0, 2 * tail)


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Compares the shares (cases) of two prompts on the same cases."""
    wins = sum(a > b for a, b in zip(first, second, strict=True))
    losses = sum(a < b for a, b in zip(first, second, strict=True))
    count = len(first)
    return Paired(wins, losses, count - wins - losses, sign_test(wins, losses), cases_needed(wins, losses, count))


def cases_needed(wins: int, losses: int, cases: int) -> int | None:
    """How many cases in all give the sign test a power of 80 % if the next ones fall as these did."""
    differing = wins + losses
    if not cases or wins == losses:
        return None
    share = max(wins, losses) / differing
    count = 1
    while (needed := math.ceil(count * cases / differing)) <= MOST_MORE:
        if power(count, share) >= POWER:
            return max(needed, cases)
        count += 1 + count // 20  # within 5 %, which is more than such a forecast is worth
    return None


def power(count: int, share: float) -> float:
    """The probability that the sign test over `count` differing cases finds A better, when A wins each with `share`."""
    least = critical(count)
    if least > count:
        return 0.0
    if share == 1.0:
        return 1.0
    logs = (math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
            + k * math.log(share) + (count - k) * math.log(1 - share) for k in range(least, count + 1))
    return math.fsum(math.exp(each) for each in logs)


def critical(count: int) -> int:
    """The fewest wins of `count` that are significant; count + 1 if not even all are."""
    tail, total = 0, 2 ** count
    for wins in range(count, -1, -1):
        tail += math.comb(count, wins)
        if 2 * tail / total >= ALPHA:
            return wins + 1
    return 0


def kappa(table: Sequence[Sequence[int]]) -> float | None:
    """Cohen's kappa of a square table of counts (rater A by rows, B by columns); None where it is undefined.

    (po - pe) / (1 - pe): agreement above what the raters' own frequencies would give by chance.
    """
    total = sum(map(sum, table))
    if not total:
        return None
    agreed = sum(table[k][k] for k in range(len(table))) / total
    chance = sum(sum(table[k]) * sum(row[k] for row in table) for k in range(len(table))) / total ** 2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def kappa_words(value: float | None) -> str:
    """Landis and Koch's (1977) words for a kappa."""
    if value is None:
        return "undefined: one of the two says the same every time"
    for limit, words in ((0.0, "less than chance"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"),
                         (0.8, "substantial")):
        if value <= limit:
            return words
    return "almost perfect"


def verdict(result: Paired, first: str, second: str) -> str:
    """The comparison in words, "not enough cases to tell" among them."""
    score = f"{first} is better on {result.wins} cases, {second} on {result.losses}, {result.ties} are even"
    if result.settled:
        better = first if result.wins > result.losses else second
        return f"{better} is better: {score} (sign test, p = {result.p:.3g})."
    more = "; as they stand there is no difference to find" if result.wins == result.losses else (
        f"; if further cases fall alike, about {result.needed} in all would settle it" if result.needed else
        "; the difference is so small that thousands of cases would be needed")
    return f"Not enough cases to tell: {score} (sign test, p = {result.p:.2g}){more}."
