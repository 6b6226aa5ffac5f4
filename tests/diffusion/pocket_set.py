"""A training set of a few synthetic pictures, for tests of the pocket model."""

import io
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import torch
from PIL import Image

from playground.diffusion.pocket import data

_ROWS = (("heart", "HEAVY BLACK HEART", "Smileys & Emotion"), ("cat", "CAT FACE", "Animals & Nature"),
         ("pizza", "SLICE OF PIZZA", "Food & Drink"), ("abc", "INPUT SYMBOL", "Symbols"))
EMOJI = [{"short_name": short, "name": name, "category": category, "has_img_google": True, "sort_order": number,
          "image": f"{short}.png"} for number, (short, name, category) in enumerate(_ROWS)]
COLOURS = ("red", "gray", "orange", "blue")


def write_archive(path: Path) -> Path:
    """An archive laid out like the emoji package, with a coloured square for each emoji."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        _add(tar, "package/emoji.json", json.dumps(EMOJI).encode())
        for emoji, colour in zip(EMOJI, COLOURS, strict=True):
            art = Image.new("RGBA", (64, 64))
            art.paste(colour, (16, 12, 52, 50))
            raw = io.BytesIO()
            art.save(raw, "PNG")
            _add(tar, f"package/img/google/64/{emoji['image']}", raw.getvalue())
    return path


def _add(tar: tarfile.TarFile, name: str, raw: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(raw)
    tar.addfile(member, io.BytesIO(raw))


def stripes(z: torch.Tensor) -> torch.Tensor:
    """Stands for the face generator: z (N, 100, 1, 1) -> (N, 3, 64, 64), the first 3 numbers as colour."""
    return torch.tanh(z[:, :3] + z[:, 3:4] * torch.linspace(-1, 1, 64)).expand(-1, 3, 64, 64)


def small_set(work: Path, seed: int = 0) -> None:
    """work/data with 12 faces and 3 emoji to train on; 4 faces and 1 emoji held out."""
    sizes = data.Sizes(faces=12, held_out_faces=4, held_out_emoji=1)
    data.build(work, sizes, seed=seed, generator=stripes, archive=write_archive(work / "npm" / "emoji.tgz"))


class TinyText(torch.nn.Module):
    """Stands for MiniLM: a table of 24 x 384 states by token id."""

    def __init__(self) -> None:
        super().__init__()
        weights = torch.randn(64, 384, generator=torch.Generator().manual_seed(0))
        self.table = torch.nn.Embedding.from_pretrained(weights)
        self.config = SimpleNamespace()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.table(input_ids),)


class TinyTokenizer:
    """Word hashes as token ids, padded to a length."""

    model_max_length = 512

    def __call__(self, texts: list[str], max_length: int, **settings: object) -> SimpleNamespace:
        rows = [[1 + sum(map(ord, word)) % 63 for word in text.split()][:max_length] for text in texts]
        ids = torch.tensor([row + [0] * (max_length - len(row)) for row in rows])
        return SimpleNamespace(input_ids=ids, attention_mask=(ids > 0).long())
