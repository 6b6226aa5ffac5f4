"""Word vectors: a query over 400,000 words, the analogy test, sentences; each against its bare call or gensim."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from playground import catalog
from playground.context import Context, build_context
from playground.settings import Settings
from playground.text.vectors import analogies, arithmetic, models, sentences

ROUNDS = 40
TEXTS = [f"This is sentence number {number}, about {topic}." for number, topic in
         enumerate(("cats", "ships", "bread", "the moon", "music", "winter", "glass", "chess"))]


def bench() -> list[dict]:
    """All rows; the context and its cache live for the run."""
    with tempfile.TemporaryDirectory() as folder:
        context = build_context(Settings(device="cpu", offline=True, data_dir=Path(folder)))
        return [*query_rows(context), analogy_row(context), sentence_row(context)]


def alternating(ours: Callable[[], Any], peer: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of two calls, taken in turns so that both meet the same machine."""
    times: Sequence[list[float]] = ([], [])
    ours(), peer()
    for _ in range(rounds):
        for kept, call in zip(times, (ours, peer), strict=True):
            start = time.perf_counter()
            call()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def row(what: str, ours: float, peer: float, target: str) -> dict:
    """A row in milliseconds."""
    return {"what": what, "ours": f"{ours * 1000:.2f} ms", "peer": f"{peer * 1000:.2f} ms", "ratio": ours / peer,
            "target": target}


def query_rows(context: Context) -> list[dict]:
    """`king - man + woman` from text to both rankings, through the cache, warm."""
    def ours() -> Any:
        with context.cache.lease(models.spec(context)) as vectors:
            return arithmetic.solve(vectors, "king - man + woman", 10)

    with context.cache.lease(models.spec(context)) as vectors:
        direction = ours().direction.astype(np.float32)
        bare = alternating(ours, lambda: vectors.unit @ direction)
    keyed = gensim_vectors(context)
    peer = alternating(ours, lambda: keyed.most_similar(["king", "woman"], ["man"], topn=10))
    return [row("one query over 400,000 words / bare product", *bare, "<= 2"),
            row("one query over 400,000 words / gensim most_similar", *peer, "")]


def gensim_vectors(context: Context) -> Any:
    """The same vectors in gensim's KeyedVectors."""
    from gensim.models import KeyedVectors

    with context.cache.lease(models.spec(context)) as vectors:
        keyed = KeyedVectors(vectors.dimensions)
        keyed.add_vectors(vectors.words, vectors.unit * vectors.norms[:, None])
    keyed.fill_norms()
    return keyed


def analogy_row(context: Context) -> dict:
    """256 questions of the analogy test, against gensim's way of asking them one by one (30 of them, scaled up)."""
    questions = analogies.read_sections(analogies.questions_file())[0].questions[:256]
    section = analogies.Section("256", questions)
    keyed = gensim_vectors(context)
    with context.cache.lease(models.spec(context)) as vectors:
        known = analogies.evaluate(vectors, [section], lambda: context.gate.turn("benchmark"))
        next(known)
        start = time.perf_counter()
        list(analogies.evaluate(vectors, [section], lambda: context.gate.turn("benchmark")))
        ours = time.perf_counter() - start
    start = time.perf_counter()
    for a, b, c, _ in questions[:30]:
        keyed.most_similar([b.lower(), c.lower()], [a.lower()], topn=5, restrict_vocab=analogies.VOCABULARY)
    return row("256 analogy questions / gensim one by one", ours, (time.perf_counter() - start) * 256 / 30, "")


def sentence_row(context: Context) -> dict:
    """Eight sentences through cache and gate, against the bare encode of the same model."""
    from sentence_transformers import SentenceTransformer

    folder = context.weights.locate(catalog.find(sentences.MODEL)).folder
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    pair = alternating(lambda: sentences.embed(context, TEXTS),
                       lambda: model.encode(TEXTS, show_progress_bar=False, normalize_embeddings=True), rounds=15)
    return row("8 sentences / bare encode", *pair, "")
