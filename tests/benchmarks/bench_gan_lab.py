"""Joint updates of the lab, measured as they run on the page, against the same updates bare; frames of the page."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playground.gan.lab import data as sets
from playground.gan.lab import files, presets
from playground.gan.lab.session import Session
from playground.gan.lab.trainer import Trainer

ROUNDS, SECONDS = 5, 1.5
PLANS = {preset.key: preset.plan for preset in presets.PRESETS}


def bench() -> list[dict]:
    """Alternates ours (series, film, a frame six times a second) and the bare trainer, on one thread."""
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        rows = [rate("healthy", sets.ring(), Path(folder)), rate("digits", sets.digits(), Path(folder))]
        rows.append(frame(Path(folder)))
    return rows


def rate(name: str, data: sets.Data, folder: Path) -> dict:
    """Milliseconds a joint update."""
    session = Session(folder, PLANS[name], data)
    bare = Trainer(PLANS[name].runs[0], data)
    session.start()
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(timed(lambda: shown(session)))
        peer.append(timed(lambda: updated(bare)))
    mine, other = statistics.median(ours), statistics.median(peer)
    return {"what": f"{name}: a joint update, shown (peer: bare)", "ours": f"{mine * 1000:.1f} ms",
            "peer": f"{other * 1000:.1f} ms", "ratio": mine / other, "target": "<= 10 ms" if name == "healthy" else ""}


def timed(work: Callable[[], int]) -> float:
    """Seconds for each of the updates that `work` does and counts."""
    start = time.perf_counter()
    done = work()
    return (time.perf_counter() - start) / done


def shown(session: Session) -> int:
    """Trains as the job does."""
    done, start, frames = 0, time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        done += session.train()
        if time.perf_counter() - start > frames / 6:
            session.show()
            frames += 1
    return done


def updated(trainer: Trainer) -> int:
    """Trains and nothing else."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        trainer.update()
        done += 1
    return done


def frame(folder: Path) -> dict:
    """The page's part of a frame: reading the file and drawing two runs."""
    from tabs import _gan_lab_draw

    session = Session(folder, PLANS["collapse"], sets.ring())
    session.start()
    session.train(1.0)
    session.show()
    rounds = []
    for _ in range(20):
        start = time.perf_counter()
        _gan_lab_draw.cards(files.read_arrays(folder / files.LIVE))
        rounds.append(time.perf_counter() - start)
    return {"what": "a frame of two runs, read and drawn", "ours": f"{statistics.median(rounds) * 1000:.1f} ms",
            "peer": "", "ratio": None, "target": "<= 200 ms"}
