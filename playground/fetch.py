"""Gets models before anybody needs them: `python -m playground.fetch KEY [KEY ...]`, with app.py's options after.

What visitors may have downloaded (the limit download_mb) does not bound the operator; the disk does.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from playground import catalog
from playground.access import PLENTY
from playground.errors import PlaygroundError
from playground.settings import from_command_line
from playground.weights import WeightStore


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; 2 for something the operator can mend."""
    parser = argparse.ArgumentParser(prog="python -m playground.fetch", description="Gets models beforehand.",
                                     epilog="Options of app.py may follow, such as --data-dir FOLDER.")
    parser.add_argument("keys", nargs="+", metavar="KEY", help="a model's name, as the README lists them")
    given, options = parser.parse_known_args(argv)
    try:
        settings = from_command_line(options)
        store = WeightStore(replace(settings, limits=f"{settings.limits},download_mb={PLENTY}"))
        for key in given.keys:
            found = store.locate(catalog.find(key), lambda fraction, words: print(words, flush=True))
            print(f"{key} is here ({found.origin}).", flush=True)
    except PlaygroundError as problem:
        print(f"Not fetched. {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
