"""Freed RAM goes back to the system, measured in a process of its own."""

import platform
import subprocess
import sys

import pytest

from playground import heap

PROBE = """
import ctypes, threading
import psutil
from playground import heap

def held():
    return psutil.Process().memory_info().rss / 1e6

def fill(keep):  # blocks of a thread's own arena; the last one stays
    blocks = [ctypes.create_string_buffer(64_000) for _ in range(3000)]
    for block in blocks:
        ctypes.memset(block, 1, 64_000)
    keep.append(blocks[-1])

keep = []
thread = threading.Thread(target=fill, args=(keep,))
thread.start(); thread.join()
full = held()
heap.trim()
print(full - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library: nothing is done there")
def test_what_a_thread_freed_goes_back_although_its_last_block_stays():
    told = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert float(told.stdout) > 150  # MB of 192


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library: nothing is done there")
def test_arenas_can_be_limited():
    told = subprocess.run([sys.executable, "-c", "from playground import heap; print(heap.few_arenas())"],
                          capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(heap, "glibc", lambda: None)
    assert not heap.trim()
    assert not heap.few_arenas()
