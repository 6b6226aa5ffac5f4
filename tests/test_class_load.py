"""A short lesson of the load driver: six visitors, one training under way; marks and errors, no times."""

import asyncio

import pytest

from tests.benchmarks import class_page, classroom
from tests.benchmarks.classroom import Log

pytestmark = [pytest.mark.models, pytest.mark.slow]


def test_a_small_class_gets_its_own_answers_and_no_error(context, data_dir):
    from playground.text import language_model

    with context.cache.lease(language_model.spec(context)):
        pass  # converted before, not by the page while its visitors wait
    log = Log()
    with class_page.served(data_dir / "models") as page:
        asyncio.run(classroom.begin_training(page, log))
        asyncio.run(classroom.tour(page, log))
        asyncio.run(classroom.lesson(page, log, visitors=6, seconds=10, think=(0.1, 0.5), seed=1))
        web, children = page.memory()
    assert log.faults == []
    assert page.job
    assert children > 10**8, "the training ran beside"
    assert web > 10**8
    assert log.checked > 20
    assert {"tokenize", "add_noise", "generate_faces", "next_token", "cache_status"} <= set(log.seconds)
    assert {"face_walk", "generate_personal", "Add photos", "Remove all", "Start with these settings", "lab look",
            "evaluate_prompts"} <= set(log.seconds)


def test_the_driver_notices_anothers_answer():
    """A check that finds nothing where something is wrong would be none."""
    page = class_page.Served("http://127.0.0.1:1", None)
    ada, alan = (classroom.Visitor(page, number, Log()) for number in (1, 2))
    ada.same("question", [1])
    alan.same("question", [1])
    with pytest.raises(classroom.Wrong, match="question"):
        alan.same("question", [2])
    with pytest.raises(classroom.Wrong, match="visitor c"):
        alan.check(False, "text of another")
    assert (ada.log.checked, alan.log.checked) == (1, 1)

    async def another(step):
        raise classroom.Wrong("not mine")

    async def busy(step):
        raise classroom.Refused("Queue is full.")

    for tab in (another, busy):
        asyncio.run(alan.visit(tab))
    assert (len(alan.log.faults), alan.log.refused) == (1, 1)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.95, 96), (1.0, 100)])
def test_percentiles(share, value):
    assert classroom.percentile([float(number) for number in range(1, 101)], share) == value
    assert classroom.percentile([], share) == 0
