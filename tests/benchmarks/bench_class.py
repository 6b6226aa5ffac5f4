"""The load of a class: fifty visitors for five minutes, three times, one training under way, on this machine's cores.

`make bench ARGS=class` takes about sixteen minutes. Shorter: python -m tests.benchmarks.bench_class --visitors 10
--seconds 20 --rounds 2, or CLASS_VISITORS, CLASS_SECONDS and CLASS_ROUNDS. Exit status 1 where a target is missed.
"""

import argparse
import asyncio
import os
import sys
import time

from playground.settings import parse_size
from tests.benchmarks import class_page, classroom
from tests.benchmarks.classroom import Log, percentile

VISITORS, ROUNDS = int(os.environ.get("CLASS_VISITORS", "50")), int(os.environ.get("CLASS_ROUNDS", "3"))
SECONDS = float(os.environ.get("CLASS_SECONDS", "300"))  # a round
GB = 10**9
MARGIN = 1.5 * GB  # beside the budget for models: Python, torch, Gradio's page, what a forward pass needs
TRAINER = 2.0 * GB  # a training of the pocket model
GROWTH = 1.10  # the last round's memory against the first's


def bench(visitors: int = VISITORS, rounds: int = ROUNDS, seconds: float = SECONDS) -> list[dict]:
    """All rounds against one page. Peers are the targets themselves, and one visitor alone."""
    alone, logs, memory = Log(), [], []
    with class_page.served() as page:
        asyncio.run(classroom.begin_training(page, alone))
        asyncio.run(classroom.lesson(page, quiet := Log(), visitors=1, seconds=min(seconds, 20), think=(0.1, 0.3)))
        for number in range(rounds):
            asyncio.run(classroom.lesson(page, log := Log(), visitors=visitors, seconds=seconds, seed=number + 1))
            logs.append(log)
            time.sleep(3)  # what the last visitors left is cleared away
            memory.append(page.memory())
    for fault in [fault for log in (alone, quiet, *logs) for fault in log.faults][:20]:
        print(fault, file=sys.stderr)
    return [*latencies(logs, quiet, visitors), *outcomes([alone, quiet, *logs]), *sizes(memory)]


def latencies(logs: list[Log], quiet: Log, visitors: int) -> list[dict]:
    """Quick and other answers over all rounds, against one visitor alone beside the same training."""
    rows = []
    for quick, name, limit in ((True, "quick tabs", 2.0), (False, "tabs that compute", None)):
        times = sorted(each for log in logs for each in log.of(quick))
        for share in (0.5, 0.95):
            ours, peer = percentile(times, share), percentile(quiet.of(quick), share)
            target = f"< {limit:.0f} s" if limit and share == 0.95 else ""
            rows.append(row(f"{visitors} visitors, {name}, p{100 * share:.0f} (peer: one)",
                            f"{1000 * ours:.0f} ms", f"{1000 * peer:.0f} ms", ours / peer if peer else None, target,
                            not target or ours < limit))
    return rows


def outcomes(logs: list[Log]) -> list[dict]:
    """Errors, refusals, marks."""
    answers = sum(len(times) for log in logs for times in log.seconds.values())
    faults, refused = sum(len(log.faults) for log in logs), sum(log.refused for log in logs)
    return [row("errors, marks of others among them", str(faults), f"of {answers}", None, "0", not faults),
            row("polite refusals", str(refused), f"of {answers + refused}", None),
            row("marks checked", str(sum(log.checked for log in logs)), "", None)]


def sizes(memory: list[tuple[int, int]]) -> list[dict]:
    """Memory after each round against the budget with its margin, and its growth over the rounds."""
    budget = parse_size(class_page.BUDGET)
    rows = []
    for number, (web, children) in enumerate(memory, 1):
        for what, size, most in (("web process", web, budget + MARGIN), ("training", children, TRAINER)):
            rows.append(row(f"{what} after round {number} (peer: most it may take)",
                            f"{size / GB:.2f} GB", f"{most / GB:.2f} GB", size / most, "<= 1", size <= most))
    growth = memory[-1][0] / memory[0][0]
    return [*rows, row("web process, last round against the first", f"{memory[-1][0] / GB:.2f} GB",
                       f"{memory[0][0] / GB:.2f} GB", growth, f"<= {GROWTH}", growth <= GROWTH)]


def row(what: str, ours: str, peer: str, ratio: float | None, target: str = "", met: bool = True) -> dict:
    """A row of the table; `met` says whether its target was."""
    return {"what": what, "ours": ours, "peer": peer, "ratio": ratio, "target": target, "met": met}


def main() -> int:
    """The table of the load alone."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("visitors", VISITORS), ("rounds", ROUNDS), ("seconds", SECONDS)):
        parser.add_argument(f"--{name}", type=type(value), default=value)
    rows = bench(**vars(parser.parse_args()))
    for each in rows:
        ratio = "" if each["ratio"] is None else f"{each['ratio']:.2f}"
        print(f"{each['what']:<58} {each['ours']:>10} {each['peer']:>10} {ratio:>7}  {each['target']}"
              f"{'' if each['met'] else '  MISSED'}")
    return int(not all(each["met"] for each in rows))


if __name__ == "__main__":
    sys.exit(main())
