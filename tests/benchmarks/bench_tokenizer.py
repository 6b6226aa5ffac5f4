"""Tokens through the cache and checks against the bare libraries: a keystroke, a million characters, a replay."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from playground import catalog
from playground.context import Context, build_context
from playground.settings import Settings
from playground.text.tokenizing import encodings, overview, ranks
from playground.text.tokenizing.replay import replay

DATA = Path(__file__).resolve().parents[2] / ".cache" / "test-data"  # where the tests keep the converted model
ROUNDS = 7
SENTENCE = 'Who\'d use "后" vs. "後"? He devoured the orange. '
LONG = ("Call me Ishmael. Some years ago, never mind how long precisely. " * 16_000)[:1_000_000]


def bench() -> list[dict]:
    """All rows, warm, ours and the peer in turn."""
    context = build_context(Settings(device="cpu", offline=True, data_dir=DATA))
    return [_load(context), *_texts(context, "cl100k_base"), *_texts(context, "gemma-3-270m"), _replay(context)]


def _peer(context: Context, name: str) -> Callable[[str], object]:
    """The bare library's text -> ids."""
    files = context.weights.locate(catalog.find(name)).files
    if name == "cl100k_base":
        return _tiktoken(files[f"{name}.tiktoken"])
    from tokenizers import Tokenizer

    core = Tokenizer.from_file(str(files["tokenizer.json"]))
    return lambda text: core.encode(text, add_special_tokens=False).ids


def _tiktoken(path: Path) -> Callable[[str], object]:
    """tiktoken's own reader of rank files and its Encoding."""
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    return tiktoken.Encoding("bare", pat_str=ranks.CL100K_PATTERN, mergeable_ranks=load_tiktoken_bpe(str(path)),
                             special_tokens={}).encode_ordinary


def _load(context: Context) -> dict:
    path = context.weights.locate(catalog.find("cl100k_base")).files["cl100k_base.tiktoken"]
    ours, peer = _in_turn(lambda: ranks.RankEncoding("cl100k_base", ranks.read_ranks(path)), lambda: _tiktoken(path))
    return _row("loading cl100k_base (peer: tiktoken's reader)", ours, peer, "<= 1.2")


def _texts(context: Context, name: str) -> list[dict]:
    """One key's work, places and all, for 200 characters, and the exact count of a million."""
    bare, short = _peer(context, name), SENTENCE * 4
    overview.compare(context, short, [name])
    key, key_bare = _in_turn(lambda: overview.compare(context, short, [name]), lambda: bare(short))
    long, long_bare = _in_turn(lambda: overview.compare(context, LONG, [name]), lambda: bare(LONG))
    return [_row(f"a key in {len(short)} characters, {name} (peer: bare)", key, key_bare, "<= 10 ms"),
            _row(f"a million characters, {name} (peer: bare)", long, long_bare, "<= 1.5")]


def _replay(context: Context) -> dict:
    from tiktoken._educational import bpe_encode

    with encodings.lease(context, "cl100k_base") as encoding:
        (word,) = encoding.words(encoding.encode("antidisestablishmentarianism"), 100)
        table = ranks.read_ranks(context.weights.locate(catalog.find("cl100k_base")).files["cl100k_base.tiktoken"])
        ours, peer = _in_turn(lambda: replay(encoding, word),
                              lambda: bpe_encode(table, word.text.encode(), visualise=None))
    return _row("merges of 28 letters (peer: tiktoken's teaching code)", ours, peer, "<= 3")


def _in_turn(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[float, float]:
    """The medians of both, in seconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for work, spent in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            work()
            spent.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def _row(what: str, ours: float, peer: float, target: str) -> dict:
    return {"what": what, "ours": f"{ours * 1000:.2f} ms", "peer": f"{peer * 1000:.2f} ms", "ratio": ours / peer,
            "target": target}
