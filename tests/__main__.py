"""All tests: python -m tests ARGS. What needs no browser runs in a process a core, then the browser tests one by one.

Chromium draws with the processor here, so two pages at once would only wait for each other.
"""

import os
import subprocess
import sys

NOTHING_FOUND = 5  # pytest's exit code where a part of the tests was not asked for


def run(*options: str) -> int:
    """One run of pytest; 0 also where it had nothing to do."""
    code = subprocess.run([sys.executable, "-m", "pytest", *options, *sys.argv[1:]], check=False).returncode
    return 0 if code == NOTHING_FOUND else code


def main() -> int:
    """Both parts, whatever the first one gave; the worse of their exit codes."""
    cores = str(os.cpu_count() or 1)
    return max(run("-m", "not browser", "-n", cores, "--dist", "loadfile"), run("-m", "browser"))


if __name__ == "__main__":
    sys.exit(main())
