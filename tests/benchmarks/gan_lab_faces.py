"""Faces 32 x 32 in five minutes: python -m tests.benchmarks.gan_lab_faces --picture docs/gan-lab-faces.png

The preset is trained as the page's job trains it, from nothing, for --seconds of training. Printed: updates, and the
diversity and the Fréchet distance at updates 1, 100, 1,000 and the last, beside those of other real faces (what a
perfect generator would show). The picture has a row of the same twelve latents for each.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from playground.gan.lab import data as sets
from playground.gan.lab import face_set, files, presets
from playground.gan.lab.session import Session

SHOWN = (1, 100, 1000)  # updates on film; the last one comes from the end of the run
ACROSS, SCALE = 12, 2


def main() -> None:
    """Trains, prints the table, writes the picture."""
    options = arguments()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the job
    with tempfile.TemporaryDirectory() as folder:
        pictures = faces(Path(folder))
        session = Session(Path(folder), plan(), sets.Pictures(pictures))
        session.start()
        while session.trained < options.seconds and not session.ended:
            session.train(1.0)
            session.show()  # the page asks for it six times a second; here the time is the training's own
        lane = session.lanes[0]
        frames = [files.read_arrays(files.film_path(Path(folder), 0, step)) for step in SHOWN if step <= session.step]
        frames.append(lane.frame(measured=True))
    print(f"{session.step:,} joint updates in {session.trained:.0f} s, {session.step / session.trained:.1f} a second")
    print(f"{'update':<12}{'diversity':>10}{'Fréchet':>10}")
    for frame in frames:
        row("{step:,}".format(**numbers(frame)), numbers(frame))
    row("real", session.yardstick.measure(pictures[-session.yardstick.count:]))
    if options.picture:
        sheet([frame["made"] for frame in frames]).save(options.picture, optimize=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=300, help="of training")
    parser.add_argument("--picture", type=Path, help="PNG to write")
    return parser.parse_args()


def plan() -> presets.Plan:
    """The page's preset."""
    return next(preset.plan for preset in presets.PRESETS if preset.key == "faces")


def faces(folder: Path) -> np.ndarray:
    """The set of the page, drawn from the bundled generator, (N, 32, 32, 3) uint8."""
    from playground import catalog
    from playground.context import build_context
    from playground.gan.faces import MODEL
    from playground.settings import Settings

    context = build_context(Settings(offline=True, device="cpu", data_dir=folder))
    weights = context.weights.locate(catalog.find(MODEL)).files["weights.tar"]
    return face_set.faces(folder / "faces.npz", weights, lambda words: None)


def numbers(frame: dict) -> dict:
    """The figures of a frame."""
    return files.decoded(frame, "numbers")


def row(name: str, figures: dict) -> None:
    """A line of the table."""
    print(f"{name:<12}{figures['diversity']:>10.2f}{figures['frechet']:>10.2f}")


def sheet(made: list[np.ndarray]) -> Image.Image:
    """Rows of (36, 32, 32, 3), the first of each, enlarged."""
    rows = np.concatenate([np.concatenate(list(pictures[:ACROSS]), axis=1) for pictures in made])
    picture = Image.fromarray(rows)
    return picture.resize((picture.width * SCALE, picture.height * SCALE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
