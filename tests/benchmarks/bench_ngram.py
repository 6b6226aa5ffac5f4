"""Counting Moby-Dick in characters at n = 5 against nltk.lm, in one run; counts compared as well."""

import time
from collections.abc import Callable
from typing import Any

from playground.text.ngrams import corpora, counts, generate, perplexity, symbols
from playground.text.ngrams.lookup import look_up

N = 5


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and its seconds."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def bench() -> list[dict]:
    """nltk counts only the 5-grams, or all orders up to 5; ours counts all orders up to 8 in either row."""
    from nltk.lm import MLE
    from nltk.util import everygrams, ngrams

    text = corpora.moby_dick().text
    vocabulary = sorted(set(text))

    def fit(grams: Any) -> MLE:
        model = MLE(N)
        model.fit([grams], vocabulary)
        return model

    runs = [timed(lambda: counts.count(symbols.read(text, symbols.CHARACTERS))) for _ in range(3)]
    table, ours = runs[0][0], sorted(seconds for _, seconds in runs)[1]
    only, only_seconds = timed(lambda: fit(ngrams(text, N)))
    same = sum(len(following) for following in only.counts[N].values()) == len(table.level(N).starts)
    if not (same and only.counts[N].N() == int(table.level(N).counts.sum())):
        raise AssertionError("the counts are not nltk's")
    del only
    _, all_seconds = timed(lambda: fit(everygrams(text, max_len=N)))
    rows = [row("Moby-Dick in characters (peer: nltk MLE.fit, 5-grams)", ours, only_seconds, "<= 0.10"),
            row("the same (peer: nltk MLE.fit, orders 1 to 5)", ours, all_seconds, "<= 0.10")]
    codes = table.symbols.encode("once upon a")
    for what, work in (("200 characters written at n = 5", lambda: generate.write(table, N, codes, 200, seed=1)),
                       ("search of all 654,106 8-grams", lambda: look_up(table, 8, "whal")),
                       ("perplexity of n = 0 to 8", lambda: perplexity.perplexities(table))):
        rows.append(row(what, timed(work)[1], None, ""))
    return rows


def row(what: str, ours: float, peer: float | None, target: str) -> dict:
    """A row of the table; seconds."""
    return {"what": what, "ours": f"{ours * 1000:.0f} ms", "peer": f"{peer * 1000:,.0f} ms" if peer else "",
            "ratio": ours / peer if peer else None, "target": target}
