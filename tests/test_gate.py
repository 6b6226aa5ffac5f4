"""One turn at a time, in order of arrival."""

import os
import subprocess
import sys
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


TRAINER = """
import sys, time
from pathlib import Path
from playground.gate import Gate
gate = Gate(Path(sys.argv[1]))
print("up", flush=True)
while True:
    with gate.turn("training", polite=True):
        time.sleep(0.05)
"""


def test_a_tab_gets_its_turn_within_a_trainers_few_steps(tmp_path):
    trainer = subprocess.Popen([sys.executable, "-c", TRAINER, str(tmp_path / "gate.lock")], stdout=subprocess.PIPE)
    try:
        trainer.stdout.readline()
        gate, turns = Gate(tmp_path / "gate.lock"), 0
        for _ in range(20):  # without politeness a waiting tab starves for as long as the training lasts
            with gate.turn("tab", timeout=60):
                turns += 1
            time.sleep(0.02)
    finally:
        trainer.kill()
        trainer.wait()
    assert turns == 20
    assert list(tmp_path.glob("gate.waits-*")) == []


def test_a_killed_holder_frees_the_gate(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pathlib import Path; from playground.gate import Gate\n"
         "with Gate(Path(sys.argv[1])).turn('x'): print('in', flush=True); time.sleep(600)",
         str(tmp_path / "gate.lock")], stdout=subprocess.PIPE)
    holder.stdout.readline()
    gate = Gate(tmp_path / "gate.lock")
    with pytest.raises(PlaygroundError, match="another process"), gate.turn("tab", timeout=0.1):
        pass
    holder.kill()
    holder.wait()
    with gate.turn("tab", timeout=30):
        assert gate.state().busy == "tab"


DUE = """
import sys, time
from pathlib import Path
from playground import gate
gate.PATIENCE = 0.3
trainer = gate.Gate(Path(sys.argv[1]))
print("up", flush=True)
for number in range(3):
    with trainer.turn("training", polite=True):
        print(number, flush=True)
"""


def test_a_trainer_does_not_starve_where_tabs_never_cease_to_wait(tmp_path):
    sign, enough = tmp_path / "gate.waits-99999", threading.Event()

    def wait():
        while not enough.wait(0.02):
            sign.touch()

    sign.touch()
    waiting = threading.Thread(target=wait)
    waiting.start()
    trainer = subprocess.Popen([sys.executable, "-c", DUE, str(tmp_path / "gate.lock")], stdout=subprocess.PIPE)
    try:
        told, _ = trainer.communicate(timeout=60)
    finally:
        trainer.kill()
        enough.set()
        waiting.join()
    assert told.split() == [b"up", b"0", b"1", b"2"]
    assert list(tmp_path.glob("gate.due-*")) == []


def test_a_tab_lets_a_trainer_pass_that_is_due(tmp_path):
    sign, order = tmp_path / "gate.due-99999", []
    sign.touch()
    gate = Gate(tmp_path / "gate.lock")

    def tab():
        with gate.turn("tab"):
            order.append("tab")

    thread = threading.Thread(target=tab)
    thread.start()
    time.sleep(0.3)
    order.append("trainer")
    sign.unlink()
    thread.join()
    assert order == ["trainer", "tab"]


def test_a_sign_of_a_killed_process_is_not_waited_for_long(tmp_path):
    sign = tmp_path / "gate.waits-99999"
    sign.touch()
    gate = Gate(tmp_path / "gate.lock")
    assert gate._others_show("waits")
    os.utime(sign, (time.time() - 6,) * 2)
    assert not gate._others_show("waits")
