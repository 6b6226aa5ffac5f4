"""The numbers of the model card, measured on an exported folder.

Scope: autoencoder PSNR on held-out pictures; Frechet distance of generated faces to held-out faces
of the GAN, beside what the GAN itself, the autoencoder alone and noise get; whether a picture lies
nearest its own caption's class among 20; seconds a picture. features.py says what the space is.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from playground.diffusion.pocket import autoencoder, captions, data, frozen, pipeline
from playground.diffusion.pocket.denoiser import GUIDANCE
from playground.diffusion.pocket.features import Axes, features, frechet, mean_distance, nearest

CLASSES = (
    captions.FACE, "red heart", "smiling face with sunglasses", "cat face", "pizza", "dog face",
    "red apple", "banana", "watermelon", "carrot", "hamburger", "ice cream", "fish", "penguin",
    "frog face", "butterfly", "rose", "cactus", "sunflower", "robot face",
)  # fmt: skip
SEEDS = 10  # pictures of each class
STEPS = 20  # of the sampler, with guidance
AXES = 64  # of the face space, far fewer than pictures


def psnr_by_kind(work: Path, vae: Any) -> dict[str, float]:
    """Decibels on all held-out pictures, and apart: faces, and emoji of kinds the denoiser never learnt."""
    pictures, rows = data.load_set(work, "held_out")
    plain = np.array([label.captions[0] == captions.FACE for label in data.load_labels(work)])
    is_face = plain[rows]
    error = (autoencoder.redraw(vae, pictures).astype(float) - pictures) / 127.5
    square = np.square(error).mean(axis=(1, 2, 3))  # [N], of each picture
    kinds = {"pictures": square, "faces": square[is_face], "emoji": square[~is_face]}
    return {kind: autoencoder.psnr(float(each.mean())) for kind, each in kinds.items()}


def face_distances(work: Path, vae: Any, drawn: np.ndarray) -> dict[str, float]:
    """Frechet distances to 1000 held-out faces; each set has as many pictures as `drawn`."""
    train, train_rows = data.load_set(work, "train")
    labels = data.load_labels(work)
    plain = np.array([label.captions[0] == captions.FACE for label in labels])
    held_out, rows = data.load_set(work, "held_out")
    faces = held_out[plain[rows]]  # [2000, 64, 64, 3]
    half, count = len(faces) // 2, len(drawn)
    axes = Axes(features(train[plain[train_rows]][:5000]), AXES)
    reference = axes(features(faces[:half]))
    other = faces[half : half + count]
    noise = np.random.default_rng(0).integers(0, 256, other.shape, dtype=np.uint8)
    sets = {
        "gan": other, "gan through autoencoder": autoencoder.redraw(vae, other),
        "pocket model": drawn, "noise": noise,
    }  # fmt: skip
    points = {name: axes(features(pictures)) for name, pictures in sets.items()}
    result = {name: frechet(p, reference) for name, p in points.items()}
    result["spread, pocket model / gan"] = mean_distance(points["pocket model"]) / mean_distance(
        points["gan"]
    )
    return result


def class_references(work: Path) -> tuple[np.ndarray, list[str]]:
    """Features of up to 12 pictures a class, and the class of each; faces are held-out ones."""
    labels = data.load_labels(work)
    points, names = [], []
    for name in CLASSES:
        pictures, rows = data.load_set(work, "held_out" if name == captions.FACE else "train")
        own = [i for i, label in enumerate(labels) if label.captions[0] == name and label.learnt]
        chosen = pictures[np.isin(rows, own)][:12]
        if not len(chosen):
            raise ValueError(f"no picture is called {name!r}: build the set again")
        points.append(features(chosen))
        names += [name] * len(chosen)
    return np.concatenate(points), names


def retrieval(work: Path, pipe: Any, guidance: float) -> dict[str, float]:
    """Share of pictures nearest their own class, by class; chance is 1 / 20."""
    prompts = [name for name in CLASSES for _ in range(SEEDS)]
    seeds = [1000 + i for i in range(len(prompts))]
    drawn = pipeline.draw(pipe, prompts, seeds, steps=STEPS, guidance=guidance)
    found = nearest(features(drawn), *class_references(work))
    right = np.array([f == p for f, p in zip(found, prompts, strict=True)])
    return {name: float(right[i * SEEDS : (i + 1) * SEEDS].mean()) for i, name in enumerate(CLASSES)}


def seconds_a_picture(pipe: Any, steps: int, repeats: int = 3) -> float:
    """Median of warm runs, one picture, with guidance."""
    pipeline.draw(pipe, ["cat face"], [0], steps=2)
    times = []
    for seed in range(repeats):
        start = time.perf_counter()
        pipeline.draw(pipe, ["cat face"], [seed], steps=steps)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def measure(work: Path, folder: Path, *, faces: int) -> dict[str, Any]:
    """Every number of the card, as plain values ready for JSON."""
    pipe = pipeline.load(folder, *frozen.load_text_encoder())
    drawn = pipeline.draw(pipe, [captions.FACE] * faces, list(range(faces)), steps=STEPS)
    guided, unguided = retrieval(work, pipe, GUIDANCE), retrieval(work, pipe, 1.0)
    return {
        "autoencoder_psnr_db": psnr_by_kind(work, pipe.vae),
        "frechet": face_distances(work, pipe.vae, drawn),
        "faces_drawn": faces,
        "retrieval": float(np.mean(list(guided.values()))),
        "retrieval_without_guidance": float(np.mean(list(unguided.values()))),
        "retrieval_by_class": guided,
        "seconds_a_picture_20_steps": seconds_a_picture(pipe, STEPS),
    }


def table(numbers: dict[str, Any]) -> str:
    """The numbers as a markdown table."""
    lines = ["| measure | value |", "|---|---|"]
    for kind, value in numbers["autoencoder_psnr_db"].items():
        lines.append(f"| autoencoder PSNR, held-out {kind} | {value:.1f} dB |")
    for name, value in numbers["frechet"].items():
        title = name if name.startswith("spread") else f"Frechet distance to GAN faces: {name}"
        lines.append(f"| {title} | {value:.2f} |")
    lines.append(f"| nearest own class among 20, guidance {GUIDANCE:g} | {numbers['retrieval']:.0%} |")
    lines.append(f"| the same without guidance | {numbers['retrieval_without_guidance']:.0%} |")
    seconds = numbers["seconds_a_picture_20_steps"]
    lines.append(f"| one picture, 20 steps, guidance, two CPU cores, warm | {seconds:.2f} s |")
    return "\n".join(lines)


def write(work: Path, folder: Path, *, faces: int) -> None:
    """Measure, print the table, and write numbers.json into the model's folder."""
    numbers = measure(work, folder, faces=faces)
    (folder / "numbers.json").write_text(json.dumps(numbers, indent=2) + "\n")
    print(table(numbers))
    worst = sorted(numbers["retrieval_by_class"].items(), key=lambda item: item[1])[:5]
    print("hardest classes:", ", ".join(f"{name} {share:.0%}" for name, share in worst))
