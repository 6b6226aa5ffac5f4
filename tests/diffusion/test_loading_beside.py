"""While the pocket model loads in one thread, modules that another thread builds have weights."""

import threading

from torch import nn

from playground.diffusion import models


def test_modules_built_meanwhile_are_whole(tiny):
    spec = models.spec(tiny, models.POCKET)
    spec.load()  # imports are not what is looked at
    done = threading.Event()

    def load():
        try:
            for _ in range(3):
                spec.load()
        finally:
            done.set()

    thread = threading.Thread(target=load)
    thread.start()
    built = []
    while not done.is_set():
        built.append(nn.Linear(2, 2).weight.is_meta)
    thread.join()
    assert len(built) > 10
    assert not any(built)
