"""The next token against the bare forward pass of the same model, loading it, and moving a slider."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from playground.context import Context, build_context
from playground.settings import Settings
from playground.text import generation, language_model
from playground.text.next_token.distribution import Controls
from playground.text.next_token.predict import Predictor

DATA = Path(__file__).resolve().parents[2] / ".cache" / "test-data"  # where the tests keep the converted model
ROUNDS = 15
TEXT = "He devoured the orange"
PARAGRAPH = "It was the best of times, it was the worst of times, it was the age of wisdom. " * 8


def bench() -> list[dict]:
    """Ours and the peer alternate, so that a machine that grows slower hits both."""
    context = build_context(Settings(device="cpu", offline=True, data_dir=data_dir()))
    loading = load_row(context)
    with context.cache.lease(language_model.spec(context)) as model:
        rows = [predict_row(context, model, "a sentence", TEXT), predict_row(context, model, "a paragraph", PARAGRAPH),
                generate_row(context, model), slider_row(context, model)]
    return [loading, *rows]


def data_dir() -> Path:
    """The tests' data folder, or a fresh one where the model is converted first."""
    return DATA if (DATA / "models" / language_model.MODEL).is_dir() else Path(tempfile.mkdtemp())


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[float, float]:
    """The median seconds of each over ROUNDS rounds, after one to warm up."""
    ours()
    peer()
    times = [(seconds(ours), seconds(peer)) for _ in range(ROUNDS)]
    return statistics.median(each[0] for each in times), statistics.median(each[1] for each in times)


def row(what: str, ours: float, peer: float | None, target: str) -> dict:
    """One line of the table, in milliseconds."""
    return {"what": what, "ours": f"{ours * 1000:.1f} ms", "peer": "" if peer is None else f"{peer * 1000:.1f} ms",
            "ratio": None if peer is None else ours / peer, "target": target}


def load_row(context: Context) -> dict:
    """Ours against from_pretrained of model and tokenizer, imports aside."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spec = language_model.spec(context)

    def ours() -> None:
        context.cache.drop_idle()
        with context.cache.lease(spec):
            pass

    def peer() -> None:
        folder = context.weights.models / language_model.MODEL
        AutoTokenizer.from_pretrained(folder)
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    ours()
    peer()
    times = [(seconds(ours), seconds(peer)) for _ in range(3)]
    mine, theirs = (statistics.median(each[number] for each in times) for number in (0, 1))
    return row("load Gemma 3 270M (peer: Auto*.from_pretrained)", mine, theirs, "<= 3 s")


def predict_row(context: Context, model: language_model.LanguageModel, what: str, text: str) -> dict:
    """From a text to its 12 likeliest tokens, nothing kept, against one bare pass over the same ids."""
    import torch

    ids = model.tensor(model.encode(text))

    def bare() -> None:
        with torch.inference_mode():
            model.model(ids, use_cache=False, logits_to_keep=1)

    def ours() -> None:
        Predictor(context).next_token(text, controls=Controls(0.8, 50, 0.9), count=12)

    mine, peer = alternating(ours, bare)
    return row(f"next token after {what}, warm (peer: bare pass)", mine, peer, "<= 1.15")


def generate_row(context: Context, model: language_model.LanguageModel) -> dict:
    """16 tokens one by one, drawn, against transformers' generate() with sampling."""
    ids = model.tensor(model.encode(TEXT))

    def peer() -> None:
        model.model.generate(ids, attention_mask=ids.new_ones(ids.shape), max_new_tokens=16, min_new_tokens=16,
                             do_sample=True, top_k=0, top_p=1.0)

    def ours() -> None:
        with contextlib.closing(written(context)) as pieces:
            for _ in pieces:
                pass

    mine, theirs = alternating(ours, peer)
    return row("16 tokens drawn one by one (peer: generate())", mine, theirs, "")


def written(context: Context) -> Iterator[str]:
    """A continuation of 16 tokens: with this seed none of them ends the text."""
    return generation.continue_text(context, TEXT, max_tokens=16, seed=0)


def slider_row(context: Context, model: language_model.LanguageModel) -> dict:
    """The bars anew for another temperature, from kept logits."""
    predictor = Predictor(context)
    predictor.next_token(TEXT)
    mine = statistics.median(seconds(lambda: predictor.next_token(TEXT, controls=Controls(1.3, 0, 0.9), count=12))
                             for _ in range(ROUNDS))
    return row(f"a slider moved: bars anew, {predictor.passes - 1} passes", mine, None, "0 passes")
