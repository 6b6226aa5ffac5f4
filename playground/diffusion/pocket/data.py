"""The training set: pictures of 64 x 64 pixels and what each is called.

Scope: draws faces from the DCGAN generator, renders Noto emoji art in a few placements, and
writes both with their labels. Nobody's photo is in it.
Sources: emoji-datasource-google 16.0.0 (artwork: Noto Emoji, Apache-2.0; data: MIT); the face
generator of the catalog (MIT, trained on rendered people).
Files: data/train.npz and data/held_out.npz (`pictures` [N, 64, 64, 3] uint8, `labels` [N] int64)
and data/labels.json (captions.Label, one a row; `labels` counts its rows).
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from playground.diffusion.pocket import captions
from playground.diffusion.pocket.captions import Label

if TYPE_CHECKING:
    import torch

SIZE = 64  # pixels a side
EMOJI_PACKAGE = "emoji-datasource-google@16.0.0"
EMOJI_SHA256 = "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"
PLACEMENTS = 12  # pictures of an emoji the denoiser learns: one as drawn, the others moved
OTHER_PLACEMENTS = 2  # of an emoji only the autoencoder sees


def fetch_emoji(folder: Path) -> Path:
    """The emoji archive, through npm if it is not in `folder` yet, checked by its hash."""
    archive = folder / "emoji-datasource-google-16.0.0.tgz"
    if not archive.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", EMOJI_PACKAGE], cwd=folder, check=True)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != EMOJI_SHA256:
        raise ValueError(f"{archive} has sha256 {found}, expected {EMOJI_SHA256}")
    return archive


def read_emoji(archive: Path) -> tuple[list[dict], dict[str, Image.Image]]:
    """The rows of emoji.json and the 64-pixel artwork by file name, as RGBA."""
    art = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.name == "package/emoji.json":
                rows = json.load(tar.extractfile(member))
            elif member.name.startswith("package/img/google/64/"):
                content = tar.extractfile(member).read()
                art[Path(member.name).name] = Image.open(io.BytesIO(content)).convert("RGBA")
    return rows, art


def on_white(art: Image.Image) -> Image.Image:
    """RGBA of any size -> RGB on white paper, so that transparency has a colour."""
    paper = Image.new("RGBA", art.size, "white")
    paper.alpha_composite(art)
    return paper.convert("RGB")


def placements(art: Image.Image, count: int, mirrored: bool, rng: np.random.Generator) -> list:
    """`count` uint8 pictures [64, 64, 3]: the first as drawn, others smaller, moved, mirrored."""
    picture = on_white(art).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    pictures = [picture]
    for _ in range(count - 1):
        side = int(rng.integers(50, SIZE + 1))
        left, top = rng.integers(0, SIZE - side + 1, size=2)
        turned = ImageOps.mirror(picture) if mirrored and rng.random() < 0.5 else picture
        paper = Image.new("RGB", (SIZE, SIZE), "white")
        paper.paste(turned.resize((side, side), Image.Resampling.LANCZOS), (int(left), int(top)))
        pictures.append(paper)
    return [np.asarray(p) for p in pictures]


def draw_faces(generator: Callable, count: int, seed: int, batch: int = 250) -> np.ndarray:
    """[count, 64, 64, 3] uint8 faces. The generator must be in eval mode."""
    import torch

    source = torch.Generator().manual_seed(seed)
    faces = []
    with torch.inference_mode():
        for start in range(0, count, batch):
            n = min(batch, count - start)
            pictures = generator(torch.randn(n, 100, 1, 1, generator=source))  # [n, 3, 64, 64]
            faces.append(to_bytes(pictures))
    return np.concatenate(faces)


def to_bytes(pictures: torch.Tensor) -> np.ndarray:
    """[N, 3, H, W] in -1..1 -> [N, H, W, 3] uint8."""
    scaled = (pictures.float() * 127.5 + 127.5).clamp(0, 255).round()
    return scaled.byte().permute(0, 2, 3, 1).cpu().numpy()


def to_floats(pictures: np.ndarray) -> torch.Tensor:
    """[N, H, W, 3] uint8 -> [N, 3, H, W] float32 in -1..1."""
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
    return tensor.float() / 127.5 - 1


class SetWriter:
    """Collects pictures under labels, then writes one .npz. Labels are shared by several sets."""

    def __init__(self, rows: dict[Label, int]) -> None:
        self.rows = rows
        self.pictures: list[np.ndarray] = []
        self.labels: list[int] = []

    def add(self, picture: np.ndarray, label: Label) -> None:
        self.pictures.append(picture)
        self.labels.append(self.rows.setdefault(label, len(self.rows)))

    def write(self, path: Path) -> None:
        np.savez(path, pictures=np.stack(self.pictures), labels=np.array(self.labels))


@dataclass(frozen=True)
class Sizes:
    """How many pictures of each kind."""

    faces: int = 20000
    held_out_faces: int = 2000  # two halves, so that the GAN can be compared with itself
    held_out_emoji: int = 100  # of those the denoiser does not learn


def build(work: Path, sizes: Sizes, *, seed: int, generator: Callable, archive: Path) -> None:
    """Write the whole set under work/data. The same seed gives the same pictures."""
    folder = work / "data"
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[Label, int] = {}
    train, held_out = SetWriter(rows), SetWriter(rows)
    counts = ((train, sizes.faces, seed), (held_out, sizes.held_out_faces, seed + 1))
    for writer, count, face_seed in counts:
        for face in draw_faces(generator, count, face_seed):
            writer.add(face, captions.face_label(captions.face_words(face)))
    labelled = add_emoji_sets(train, held_out, archive, sizes.held_out_emoji, seed)
    train.write(folder / "train.npz")
    held_out.write(folder / "held_out.npz")
    (folder / "labels.json").write_text(json.dumps([asdict(label) for label in rows], indent=0))
    print(f"{len(train.labels)} pictures, {len(held_out.labels)} held out, {labelled} emoji")


def add_emoji_sets(
    train: SetWriter, held_out: SetWriter, archive: Path, kept: int, seed: int
) -> int:
    """Every drawn emoji to one of the sets; only `kept` that are not learnt are held out."""
    rng = np.random.default_rng(seed)
    emojis, art = read_emoji(archive)
    labelled = captions.emoji_labels(emojis)
    others = [i for i, (_, label) in enumerate(labelled) if not label.learnt]
    kept_rows = set(rng.choice(others, kept, replace=False).tolist())
    for i, (emoji, label) in enumerate(labelled):
        count = PLACEMENTS if label.learnt else OTHER_PLACEMENTS
        target = held_out if i in kept_rows else train
        for picture in placements(art[emoji["image"]], count, label.mirrored, rng):
            target.add(picture, label)
    return len(labelled)


def load_labels(work: Path) -> list[Label]:
    """The rows of labels.json."""
    rows = json.loads((work / "data" / "labels.json").read_text())
    return [Label(**{**row, "captions": tuple(row["captions"])}) for row in rows]


def load_set(work: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """`name` is train or held_out -> pictures [N, 64, 64, 3] uint8, labels [N]."""
    with np.load(work / "data" / f"{name}.npz") as arrays:
        return arrays["pictures"], arrays["labels"]
