"""The sizes of values against what Python asks the system for, and of objects that lead far."""

import tracemalloc
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from gradio.data_classes import FileData, JsonData
from PIL import Image

from playground.sizes import in_memory


@dataclass
class Kept:
    """As a tab keeps what it shows."""

    text: str
    arrays: list
    more: dict


def rows(count):
    return [[number, f"token {number}", number / 2] for number in range(count)]


@pytest.mark.parametrize("made", [
    lambda: "x" * 10**6, lambda: {"data": [f"word {n}" for n in range(50_000)]}, lambda: {"data": [rows(10_000)]},
    lambda: {"data": [[{"id": n, "text": f"orange {n}", "bytes": [n, n + 1000]} for n in range(30_000)]]},
    lambda: {"data": [JsonData({"tokens": rows(10_000)})]}, lambda: {"data": [FileData(path="x" * 10**6)]},
    lambda: [np.zeros((10, 64, 64, 3), np.uint8)],
    lambda: Kept("a" * 10**5, [np.ones(10**5)], {"b": deque([1.5])})])
def test_the_size_is_about_what_python_asks_for(made):
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    value = made()
    exact = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert exact / 2 < in_memory(value) < exact * 2


def test_ten_times_as_much_is_ten_times_the_in_memory():
    assert in_memory(rows(10_000)) == pytest.approx(10 * in_memory(rows(1000)), rel=0.1)


def test_tensors_and_pictures_count_with_what_they_hold():
    assert in_memory(torch.zeros(1000, 10)) >= 40_000
    assert in_memory([torch.zeros(1000, 10, dtype=torch.float16)] * 200) == pytest.approx(4_000_000, rel=0.1)
    assert in_memory(Image.new("RGB", (100, 50))) == pytest.approx(15_000, rel=0.1)


def test_circles_and_what_leads_to_the_whole_program_end():
    circle = []
    circle.append(circle)
    assert in_memory(circle) < 2000
    assert in_memory([np, Kept, in_memory, None]) < 10_000
