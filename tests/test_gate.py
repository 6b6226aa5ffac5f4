"""One turn at a time, in order of arrival."""

import threading
import time

import pytest

from playground.errors import PlaygroundError
from playground.gate import Gate


def test_turns_come_in_order_of_arrival_and_never_overlap():
    gate, order, inside = Gate(), [], []

    def work(number):
        with gate.turn(str(number)):
            inside.append(1)
            assert len(inside) == 1
            order.append(number)
            time.sleep(0.01)
            inside.pop()

    threads = []
    with gate.turn("first"):
        for number in range(5):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
            while gate.state().waiting <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_the_gate_opens_again_after_an_error():
    gate = Gate()
    with pytest.raises(ValueError, match="x"), gate.turn("a"):
        raise ValueError("x")
    with gate.turn("b"):
        assert gate.state().busy == "b"
    assert gate.state().busy == ""


def test_who_waits_too_long_is_told_what_computes():
    gate = Gate()
    with gate.turn("training"):
        thread_error = []

        def wait():
            try:
                with gate.turn("tab", timeout=0.05):
                    pass
            except PlaygroundError as problem:
                thread_error.append(problem)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert "training" in str(thread_error[0])
    with gate.turn("next"):
        assert gate.state().waiting == 0
