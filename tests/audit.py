"""Known advisories of the installed libraries, by pip-audit: `python -m tests.audit`, part of make lint.

Without the internet it says so and passes: advisories are asked for over the network.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

LONGEST = 180.0  # seconds
COMMAND = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
# Advisories that do not touch us, each with the reason. Looked at again whenever a library is raised.
NAMED = 12  # packages in a line
ACCEPTED: dict[str, str] = {}


def audit(run: Callable = subprocess.run) -> tuple[int, str]:
    """Exit status and what to print: 0 with nothing found or nobody to ask, 1 with each advisory found."""
    command = [*COMMAND, *(part for name in ACCEPTED for part in ("--ignore-vuln", name))]
    try:
        done = run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return 0, "Advisories: no answer in time, not checked."
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        if unreachable(done.stderr):
            return 0, "Advisories: the internet cannot be reached, not checked."
        return 1, f"Advisories: pip-audit failed.\n{done.stderr[-2000:]}"
    found = [(package, advisory) for package in packages for advisory in package.get("vulns", ())]
    return int(bool(found)), report(packages, found)


def unreachable(words: str) -> bool:
    """Whether pip-audit ended because nobody answered."""
    return any(sign in words for sign in ("ConnectionError", "ConnectTimeout", "ReadTimeout", "timed out",
                                          "Max retries", "Name or service not known", "Failed to resolve '",
                                          "Connection refused", "Connection reset", "ProxyError", "ServiceError"))


def report(packages: Sequence[dict], found: Sequence[tuple[dict, dict]]) -> str:
    """A line an advisory, with the version that mends it, and which packages nobody knew."""
    left = [package["name"] for package in packages if package.get("skip_reason")]
    if len(left) == len(packages):
        return "Advisories: nobody answered for any package, not checked."
    if not found:
        some = f"{', '.join(left[:NAMED])}{f' and {len(left) - NAMED} more' if len(left) > NAMED else ''}"
        return (f"Advisories: none known for {len(packages) - len(left)} packages."
                + (f" Not checked: {some}." if left else ""))
    lines = [f"{package['name']} {package['version']}: {advisory['id']}, mended in "
             f"{', '.join(advisory['fix_versions']) or 'no version yet'}" for package, advisory in found]
    return "\n".join(["Advisories:", *lines])


def main() -> int:
    """Prints the report."""
    status, words = audit()
    print(words)
    return status


if __name__ == "__main__":
    sys.exit(main())
