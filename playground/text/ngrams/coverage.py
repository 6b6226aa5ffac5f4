"""How much of what is possible a corpus shows: contexts, n-grams, and contexts that leave no choice."""

from dataclasses import dataclass

import numpy as np

from playground.text.ngrams.counts import CountTable


@dataclass(frozen=True)
class Coverage:
    """Of order n with V symbols: contexts are strings of n - 1 symbols, n-grams of n."""

    n: int
    vocabulary: int
    contexts_seen: int
    grams_seen: int
    single: int  # contexts with one continuation only
    single_once: int  # those of them that were seen only once
    places_single: float  # share of the text's places at which the context left no choice

    @property
    def contexts_possible(self) -> int:
        """V to the power of n - 1."""
        return self.vocabulary ** (self.n - 1)

    @property
    def grams_possible(self) -> int:
        """V to the power of n."""
        return self.vocabulary**self.n


def coverage(table: CountTable, n: int) -> Coverage:
    """The coverage of order n. Raises BadInput if the text is shorter than n."""
    level, parents = table.level(n), table.parents(n)
    choices = np.bincount(parents)  # different symbols that followed each context
    totals = np.bincount(parents, weights=level.counts)
    single = choices == 1
    return Coverage(
        n, len(table.symbols.vocabulary), int(np.count_nonzero(choices)), len(level.starts),
        int(np.count_nonzero(single)), int(np.count_nonzero(single & (totals == 1))),
        float(totals[single].sum() / totals.sum()))
