"""What the benchmark of trainings makes of their results, and which it need not run again."""

import json

import pytest

from tests.benchmarks import bench_lora


def line(subject="made-up person", seed=42, steps=300, likeness=0.5, leak=0.1, base=0.05, busy=None):
    scores = [{"step": 0, "likeness": base, "leak": -base, "copy_risk": 0.2},
              {"step": 150, "likeness": likeness, "leak": leak, "copy_risk": 0.3},
              {"step": steps, "likeness": likeness / 2, "leak": leak, "copy_risk": 0.4}]
    return {"subject": subject, "seed": seed, "steps": steps, "seconds": 200.0, "best": 150, "scores": scores,
            "idle": busy and busy / 2, "busy": busy}


def test_results_of_an_earlier_run_are_taken_over_by_subject_seed_and_steps(tmp_path):
    path = tmp_path / "results.jsonl"
    assert bench_lora.earlier(path, 300) == {}
    assert bench_lora.earlier(None, 300) == {}
    lines = [line(), line(seed=43), line(seed=44, steps=6)]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert bench_lora.earlier(path, 300) == {("made-up person", 42): lines[0], ("made-up person", 43): lines[1]}


def test_a_whole_file_is_told_without_a_training(tmp_path, monkeypatch):
    from playground.lora import sample_sets

    path = tmp_path / "results.jsonl"
    lines = [line(subject, seed, busy=0.02 if (subject, seed) == ("made-up person", 42) else None)
             for subject in sample_sets.SETS for seed in bench_lora.SEEDS]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    monkeypatch.setenv("BENCH_LORA_RESULTS", str(path))
    rows = list(bench_lora.bench())
    assert all(row.keys() == {"what", "ours", "peer", "ratio", "target"} for row in rows)
    assert len(rows) == 6 + 2 + 8
    answer = next(row for row in rows if "tokenizer" in row["what"])
    assert (answer["ours"], answer["peer"], answer["ratio"]) == ("20 ms", "10 ms", 2.0)
    assert next(row for row in rows if "to the proof" in row["what"])["ours"] == "200 s"


def test_mean_and_least_are_those_of_the_trainings():
    lines = [line(likeness=0.5, leak=0.1), line(seed=43, likeness=0.7, leak=0.6)]
    rows = {row["what"]: row for row in bench_lora.whole(lines)}
    mean = rows["likeness at the best step, mean of 2 (peer: control)"]
    assert (mean["ours"], mean["peer"], mean["ratio"]) == ("0.60", "0.35", pytest.approx(0.35 / 0.6))
    assert rows["likeness at the best step less control, least of 2"]["ours"] == "+0.10"
    assert rows["likeness at the best step less untouched, least of 2"]["ours"] == "+0.45"
    assert rows["likeness at the last step less control, least of 2"]["ours"] == "-0.25"


def test_a_likeness_of_nothing_has_no_ratio():
    assert bench_lora.row_of(line(likeness=-0.1))["ratio"] is None
