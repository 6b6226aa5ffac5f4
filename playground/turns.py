"""Whose job is next: senders take turns, however many jobs each of them has waiting, and whatever he calls himself.

Next is the oldest job of the sender whose last job of this kind was started longest ago, senders never served first.
That holds for addresses, and at an address for its visitors, so that a script that makes up visitors delays those
at its own address. Who runs as many as he may of a kind comes after those who do not.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol, TypeVar

KEPT = 1000  # turns of a kind that are remembered


class Waiting(Protocol):
    """A job as far as turns go: marks of who sent it ('' for nobody), and when it began to wait, in seconds."""

    @property
    def sender(self) -> str: ...

    @property
    def address(self) -> str: ...

    @property
    def queued(self) -> float: ...


Each = TypeVar("Each", bound=Waiting)


def in_turn(jobs: Iterable[Each], served: Mapping[str, int], full: Collection[str] = ()) -> list[Each]:
    """The jobs in the order in which they would start, were no others to come.

    `served` gives the number of the last turn of addresses and senders, `full` who may start no more at present.
    """
    left, last, order = list(jobs), dict(served), []
    turn = max(last.values(), default=0)
    while left:
        job = min(left, key=lambda each: (each.sender in full, last.get(each.address, 0), last.get(each.sender, 0),
                                          each.queued))
        left.remove(job)
        order.append(job)
        turn += 1
        last |= dict.fromkeys(who(job), turn)
    return order


def who(job: Waiting) -> list[str]:
    """The marks of a job's sender that take the turn."""
    return [mark for mark in (job.address, job.sender) if mark]
