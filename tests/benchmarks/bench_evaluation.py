"""A run of 10 prompts x 10 cases x 3 repeats against calling transformers' text-generation pipeline cell by cell.

The pipeline is timed on some of the cells, spread over the run, and scaled up; ours does all of them. At temperature 0
the outputs are compared, and must be the same.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from playground.context import Context, build_context
from playground.evaluation import plan, runs, work
from playground.evaluation.plan import Case, Plan, Prompt, Provider
from playground.settings import Settings
from playground.text import language_model

DATA = Path(__file__).resolve().parents[2] / ".cache" / "test-data"  # where the tests keep the converted model
TOKENS, SAMPLE = 16, 15
PLACES = ("Paris", "the old harbour", "my kitchen", "a small island", "the station", "Mars", "the school yard",
          "a dark wood", "the library", "the bottom of the sea")
PROMPTS = ("I went to {{place}} and", "In {{place}} there is", "The best thing about {{place}} is",
           "Nobody in {{place}}", "Once upon a time in {{place}}", "How to get to {{place}}:",
           "A letter from {{place}}.\n\nDear", "Three facts about {{place}}:\n1.",
           "Question: Where is {{place}}?\nAnswer:", "{{place}} at night is")


def bench() -> list[dict]:
    """Ours and the peer in one run, over the same model."""
    context = build_context(Settings(device="cpu", offline=True, data_dir=DATA))
    return [row(context, temperature) for temperature in (0.0, 1.0)]


def asked(temperature: float) -> Plan:
    """The plan of 300 cells."""
    provider = Provider(language_model.MODEL, temperature=temperature, max_tokens=TOKENS)
    return plan.checked(Plan(tuple(map(Prompt, PROMPTS)), (provider,), tuple(Case({"place": each}) for each in PLACES),
                             repeats=3))


def row(context: Context, temperature: float) -> dict:
    """One line of the table."""
    filled = work.sheet(asked(temperature))
    with context.cache.lease(language_model.spec(context)) as model:
        cells = list(filled.requests)[::len(filled.requests) // SAMPLE][:SAMPLE]
        pipe = pipeline_of(model)
        next(answers(pipe, [filled.requests[cells[0]].prompt], temperature))
        start = time.perf_counter()
        expected = list(answers(pipe, [filled.requests[cell].prompt for cell in cells], temperature))
        peer = (time.perf_counter() - start) / len(cells) * filled.plan.size
        kept = runs.add(context, filled, "bench", here=True)
        start = time.perf_counter()
        for _ in runs.here(context, kept):
            pass
        ours = time.perf_counter() - start
    run = kept.run()
    context.jobs.delete(kept.id)
    same = [run.results[cell].output.text == text for cell, text in zip(cells, expected, strict=True)]
    words = f"{sum(same)} of {len(same)} outputs equal" if temperature == 0 else f"{len(filled.keys())} written"
    return {"what": f"10 x 10 x 3 run, temperature {temperature:g}, {words} (peer: pipeline)", "ours": f"{ours:.1f} s",
            "peer": f"{peer:.1f} s", "ratio": ours / peer, "target": "<= 0.5"}


def pipeline_of(model: language_model.LanguageModel) -> object:
    """transformers' own way to write with this model."""
    from transformers import pipeline

    return pipeline("text-generation", model=model.model, tokenizer=model.tokenizer)


def answers(pipe: object, prompts: list[str], temperature: float) -> Iterator[str]:
    """What the pipeline writes, one prompt at a time."""
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {"do_sample": False}
    for prompt in prompts:
        yield pipe(prompt, max_new_tokens=TOKENS, return_full_text=False, **drawn)[0]["generated_text"]
