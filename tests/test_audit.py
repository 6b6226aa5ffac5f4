"""The audit fails on an advisory and on a broken tool, and passes with a word where nobody can be asked."""

import json
import subprocess
from types import SimpleNamespace

import pytest

from tests import audit


def answering(stdout="", stderr=""):
    def run(command, **options):
        assert command[1:3] == ["-m", "pip_audit"]
        assert options["timeout"] == audit.LONGEST
        return SimpleNamespace(stdout=stdout, stderr=stderr, returncode=1)
    return run


def packages(*advisories):
    return json.dumps({"dependencies": [{"name": "sound", "version": "2", "vulns": []},
                                        {"name": "local", "skip_reason": "not on the index"},
                                        {"name": "holed", "version": "1", "vulns": list(advisories)}], "fixes": []})


def test_an_advisory_fails_and_is_named():
    status, words = audit.audit(answering(packages({"id": "PYSEC-1", "fix_versions": ["1.1"]})))
    assert status == 1
    assert "holed 1: PYSEC-1, mended in 1.1" in words


def test_nothing_known_passes():
    assert audit.audit(answering(packages())) == (0, "Advisories: none known for 2 packages. Not checked: local.")


def test_packages_that_nobody_knew_are_not_called_checked():
    left = [{"name": f"p{number}", "skip_reason": "no answer"} for number in range(20)]
    assert audit.audit(answering(json.dumps({"dependencies": left}))) == (
        0, "Advisories: nobody answered for any package, not checked.")
    left.append({"name": "sound", "version": "2", "vulns": []})
    _, said = audit.audit(answering(json.dumps({"dependencies": left})))
    assert said.startswith("Advisories: none known for 1 packages. Not checked: p0, ")
    assert said.endswith("p11 and 8 more.")


def test_a_broken_tool_fails_whatever_it_speaks_of():
    assert audit.audit(answering("", "could not resolve metadata of package X: AttributeError"))[0] == 1


@pytest.mark.parametrize("words", ["requests.exceptions.ConnectionError: Max retries exceeded",
                                   "ERROR:pip_audit._cli:Failed to resolve 'pypi.org'"])
def test_offline_passes_and_says_so(words):
    status, said = audit.audit(answering("", words))
    assert (status, "not checked" in said) == (0, True)


def test_no_answer_in_time_passes_and_says_so():
    def run(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    status, said = audit.audit(run)
    assert (status, "not checked" in said) == (0, True)


def test_a_tool_that_breaks_fails():
    status, said = audit.audit(answering("", "No module named pip_audit"))
    assert (status, "No module named" in said) == (1, True)
