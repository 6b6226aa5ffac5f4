"""A training of the pocket model from the page: its time, what it learnt, and how the page answers meanwhile.

Peer of the answers: the same page before the training. Peer of the likeness: the control prompt of the same training.
"""

import statistics
import tempfile
import time
from pathlib import Path

STEPS, EVERY = 300, 50
ASKED = 30  # answers of the tokenizer before the training
TEXT = "He devoured the orange, and then he sat down to write."


def answer_seconds(client) -> float:
    """One answer of /tokenize."""
    start = time.perf_counter()
    client.predict(TEXT, "cl100k_base", api_name="/tokenize")
    return time.perf_counter() - start


def photos(context, name: str, folder: Path) -> list:
    """A sample set as files."""
    from gradio_client import handle_file

    from playground.lora import sample_sets

    paths = []
    for number, photo in enumerate(sample_sets.pictures(context, name)):
        path = folder / f"{number}.png"
        photo.picture.save(path)
        paths.append(handle_file(str(path)))
    return paths


def train(client, files: list) -> tuple[dict, float, list[float]]:
    """The last status of a training, its seconds, and those of the answers meanwhile."""
    start, meanwhile = time.perf_counter(), []
    job = client.predict(files, "joshug", STEPS, 16, 1e-3, EVERY, api_name="/start_training")
    while (now := client.predict(job, api_name="/training_status"))["state"] in ("queued", "running"):
        meanwhile.append(answer_seconds(client))
        time.sleep(1)
    seconds = time.perf_counter() - start
    client.predict(job, api_name="/delete_my_data")
    if now["state"] != "done":
        raise RuntimeError(f"The training ended {now['state']}: {now['error']}")
    return now, seconds, meanwhile


def bench() -> list[dict]:
    """A training on the made-up person."""
    from gradio_client import Client

    import app
    from playground.context import build_context
    from playground.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(port=0, device="cpu", offline=True, data_dir=Path(folder))
        files = photos(build_context(settings), "made-up person", Path(folder))
        page = app.start(settings)
        client = Client(page.local_url, analytics_enabled=False, verbose=False)
        idle = statistics.median([answer_seconds(client) for _ in range(ASKED)])
        now, seconds, meanwhile = train(client, files)
        page.close()
    best = next(row for row in now["scores"] if row["step"] == now["best"])
    busy = statistics.median(meanwhile)
    return [
        {"what": f"{STEPS} steps, samples every {EVERY}, from the click to the proof", "ours": f"{seconds:.0f} s",
         "peer": "", "ratio": None, "target": "<= 300 s"},
        {"what": f"likeness at step {now['best']} (peer: of the control prompt)", "ours": f"{best['likeness']:.2f}",
         "peer": f"{best['leak']:.2f}", "ratio": best["leak"] / best["likeness"], "target": "well below 1"},
        {"what": "an answer of the tokenizer meanwhile (peer: idle)", "ours": f"{1000 * busy:.0f} ms",
         "peer": f"{1000 * idle:.0f} ms", "ratio": busy / idle, "target": "<= 2"},
    ]
