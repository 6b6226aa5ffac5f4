"""Runs every bench_*.py beside this file and prints one table. `make bench ARGS=start` runs those whose name fits.

A benchmark module defines bench() -> rows {"what", "ours", "peer", "ratio", "target"}; texts but for the ratio,
which is ours / peer, smaller is better, or None where there is no peer.
"""

import importlib
import pkgutil
import platform
import signal
import sys

from playground import devices
from tests import benchmarks


def main(wanted: list[str]) -> None:
    """Prints the table, row by row as the numbers come."""
    print(f"{platform.processor() or platform.machine()}, {devices.title('cpu')}, Python {platform.python_version()}\n")
    print(f"{'what':<58} {'ours':>14} {'peer':>14} {'ratio':>7}  target")
    for module in pkgutil.iter_modules(benchmarks.__path__):
        name = module.name.removeprefix("bench_")
        if module.name.startswith("bench_") and (not wanted or any(word in name for word in wanted)):
            for row in importlib.import_module(f"tests.benchmarks.{module.name}").bench():
                ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
                print(f"{row['what']:<58} {row['ours']:>14} {row['peer']:>14} {ratio:>7}  {row['target']}", flush=True)


if __name__ == "__main__":
    # Stopped from outside, a benchmark still ends what it started: a trainer would run on for minutes.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main(sys.argv[1:])
