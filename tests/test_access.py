"""Modes: private unless others can come, then with a login; public is smaller; every limit can be set."""

import dataclasses
from pathlib import Path

import pytest

from playground import access, settings
from playground.context import build_context
from playground.errors import BadInput, PlaygroundError


def read(*arguments, **variables):
    return settings.from_command_line(list(arguments), variables)


@pytest.mark.parametrize(("arguments", "mode"), [
    ([], "private"), (["--host", "::1"], "private"), (["--share"], "class"), (["--host", "0.0.0.0"], "class"),
    (["--public-url", "https://x.org/p"], "class"), (["--mode", "public"], "public"),
    (["--mode", "public", "--share"], "public"), (["--mode", "class"], "class")])
def test_who_may_come(arguments, mode):
    assert read(*arguments).who == mode


def test_every_limit_can_be_set():
    for option in dataclasses.fields(access.Limits):
        changed = access.limits("public", f" {option.name} = 1 ")
        assert getattr(changed, option.name) == 1
        assert dataclasses.replace(changed, **{option.name: getattr(access.DEFAULTS["public"], option.name)}) \
            == access.DEFAULTS["public"]


def test_public_allows_no_more_than_class_and_class_no_more_than_private():
    modes = (access.DEFAULTS[mode] for mode in ("public", "class", "private"))
    public, class_, private = (dataclasses.astuple(dataclasses.replace(most, turn=most.turn or access.PLENTY))
                               for most in modes)  # a turn of 0 never ends
    assert all(fewer <= more for fewer, more in zip(public, class_, strict=True))
    assert all(fewer <= more for fewer, more in zip(class_, private, strict=True))
    assert access.DEFAULTS["public"].training == 0


def test_a_space_is_public_behind_its_own_proxy():
    space = read(SPACE_ID="somebody/playground")
    assert (space.who, space.host, space.trusted_proxy) == ("public", "0.0.0.0", "*")
    assert read("--mode", "class", SPACE_ID="somebody/playground").who == "class"


@pytest.mark.parametrize(("mode", "changes", "closed"), [
    ("private", "", set()), ("class", "", set()), ("public", "", {"lora"}), ("public", "training=1", set()),
    ("class", "lab=0,training=0", {"lora", "gan-lab"})])
def test_what_is_off_is_refused_by_the_list_of_jobs(tmp_path, mode, changes, closed):
    chosen = settings.Settings(device="cpu", data_dir=tmp_path, mode=mode, limits=changes)
    jobs = build_context(chosen).jobs
    assert jobs.limits.closed == closed
    for kind in closed:
        with pytest.raises(PlaygroundError, match="switched off"):
            jobs.submit(kind, {}, "somebody")
    assert jobs.table.known() == set()


def test_an_ended_training_is_not_resumed_where_training_is_off(tmp_path):
    jobs = build_context(settings.Settings(device="cpu", data_dir=tmp_path, mode="public")).jobs
    jobs.table.add("a" * 22, "lora", "somebody", {}, 60)
    assert jobs.table.change("a" * 22, "queued", state="cancelled")
    with pytest.raises(PlaygroundError, match="switched off"):
        jobs.resume("a" * 22)
    assert jobs.get("a" * 22).state == "cancelled"


@pytest.mark.parametrize("mode", ["class", "public"])
@pytest.mark.parametrize("changes", ["", "jobs=4", "jobs=50,jobs_address=50", "jobs=1"])
def test_no_address_takes_all_places_of_long_jobs(mode, changes):
    held = settings.Settings(mode=mode, limits=changes).job_limits
    assert held.address < held.waiting or held.waiting == 1
    assert held.shared


def test_who_is_alone_may_use_all_places():
    held = settings.Settings().job_limits
    assert (held.address, held.each("gan-lab")) == (held.waiting, None)


def test_hours_hold_for_jobs_and_visitors(tmp_path):
    context = build_context(settings.Settings(device="cpu", data_dir=tmp_path, mode="public", limits="hours=2"))
    assert context.visitors.kept == context.jobs.limits.kept == 7200


def test_the_operator_reads_what_is_open():
    words = "\n".join(access.summary("public", access.limits("public", "lab=0"), "off", False))
    for part in ("public", "no login", "Training on pictures: off", "GAN lab: off", "visitors: off", "6 hours"):
        assert part in words


@pytest.mark.parametrize("changes", ["joins=0", "hours=0", "nothing=1", "joins", "joins=many", "joins=-3", "joins=²"])
def test_what_is_no_limit_is_refused(changes):
    with pytest.raises(BadInput):
        access.limits("class", changes)


def test_the_docs_name_every_limit_with_its_numbers():
    text = (Path(__file__).resolve().parent.parent / "docs" / "sharing.md").read_text()
    for option in dataclasses.fields(access.Limits):
        row = next(line for line in text.splitlines() if line.startswith(f"| `{option.name}` |"))
        numbers = [str(getattr(access.DEFAULTS[mode], option.name)) for mode in access.MODES]
        assert [cell.strip() for cell in row.split("|")[3:6]] == numbers


@pytest.mark.parametrize("changes", ["training=2", "unmarked=7", "hours=99999999"])
def test_a_limit_that_means_nothing_is_refused(changes):
    with pytest.raises(BadInput, match="too large"):
        access.limits("public", changes)


def test_start_up_says_who_comes_in_and_what_a_file_may_take():
    most = access.limits("public", "file_mb=100,upload_mb=50")
    said = access.summary("public", most, "off", True)
    assert said[0] == "Mode: public (who has the link and the login), login asked for"
    assert "50 MB a request, 50 MB a file" in said[2]
    assert access.summary("public", most, "off", False)[0] == "Mode: public (anybody who has the link), no login"
