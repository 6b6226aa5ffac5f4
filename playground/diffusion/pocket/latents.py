"""What the denoiser learns from, computed once: latents of the pictures, token states of captions.

Scope: folds the latents' mean and spread into the trained autoencoder, writes it as the `vae`
folder, encodes every picture of a learnt label, and draws training batches.
File: latents.pt (means, stds [N, 4, 16, 16] and states [C, 24, 384] in half precision; state 0
is the empty caption's), with the digest of the encoder that made them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from playground.diffusion.pocket import autoencoder, captions, data, frozen
from playground.diffusion.pocket.training import load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    import torch

FACES_SHARE = 0.45  # of a batch: there are many faces to learn and each is hard, emoji are few and flat
COMMON_WEIGHT = 25.0  # a common emoji against another: breadth is what costs time
EMPTY_SHARE = 0.10  # of captions are left empty, which is what guidance compares with
PLAIN_SHARE = 0.4  # of captions are the plain one


def prepare(
    work: Path,
    text_encoder: Any,
    tokenizer: Any,
    *,
    faces: int | None = None,
    channels: tuple[int, ...] = autoencoder.CHANNELS,
    resume: bool = False,
) -> None:
    """work/autoencoder.pt and work/data -> work/vae and work/latents.pt.

    `faces` takes only so many of the faces, where encoding all would cost too much time. With `resume` latents that
    this very encoder has made already are kept.
    """
    import torch

    weights = load_checkpoint(work / "autoencoder.pt")["model"]
    made_by = {"encoder": encoder_digest(weights), "faces": faces}
    if resume and fitting(work / "latents.pt", made_by):
        print("the latents of this autoencoder are there already")
        write_autoencoder(work, channels)
        return
    model = autoencoder.new_autoencoder(channels).eval()
    model.load_state_dict(weights)
    pictures, rows = data.load_set(work, "train")
    chosen = learnt_pictures(rows, data.load_labels(work), faces)
    encoded = autoencoder.encode(model, pictures[chosen])  # [N, 2, 4, 16, 16]
    mean, std = autoencoder.latent_statistics(encoded)
    print("latent mean", mean.tolist(), "deviation", std.tolist())
    saved = {
        **made_by,
        "mean": mean,
        "std": std,
        "means": ((encoded[:, 0] - mean[:, None, None]) / std[:, None, None]).half(),
        "stds": (encoded[:, 1] / std[:, None, None]).half(),
        "rows": torch.from_numpy(rows[chosen]),
        "states": frozen.token_states(text_encoder, tokenizer, all_captions(work)).half(),
    }
    save_checkpoint(work / "latents.pt", saved)
    write_autoencoder(work, channels)


def encoder_digest(weights: dict[str, torch.Tensor]) -> str:
    """sha256 of the weights that latents depend on: training the decoder alone leaves it what it is."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        if name.startswith(("encoder.", "quant_conv.")):
            digest.update(name.encode())
            digest.update(weights[name].contiguous().numpy().tobytes())
    return digest.hexdigest()


def fitting(path: Path, made_by: dict[str, Any]) -> bool:
    """Whether a file of latents is there, and was made by this encoder from so many faces."""
    if not path.is_file():
        return False
    saved = load_checkpoint(path)
    return all(name in saved and saved[name] == value for name, value in made_by.items())


def write_autoencoder(work: Path, channels: tuple[int, ...] = autoencoder.CHANNELS) -> None:
    """work/vae with the statistics of latents.pt; enough after training the decoder alone."""
    model = autoencoder.new_autoencoder(channels).eval()
    model.load_state_dict(load_checkpoint(work / "autoencoder.pt")["model"])
    saved = load_checkpoint(work / "latents.pt")
    autoencoder.fold_statistics(model, saved["mean"], saved["std"])
    model.save_pretrained(work / "vae")


def learnt_pictures(
    rows: np.ndarray, labels: list[captions.Label], faces: int | None
) -> np.ndarray:
    """Indices of the pictures of learnt labels, with at most `faces` faces, in order."""
    is_face = np.array([label.captions[0] == captions.FACE for label in labels])[rows]
    learnt = np.array([label.learnt for label in labels])[rows]
    few = np.flatnonzero(is_face)[:faces]
    return np.concatenate([few, np.flatnonzero(learnt & ~is_face)])


def all_captions(work: Path) -> list[str]:
    """The empty caption, then every caption of a learnt label once, in order."""
    labels = [label for label in data.load_labels(work) if label.learnt]
    return list(dict.fromkeys(["", *(text for label in labels for text in label.captions)]))


class LatentSampler:
    """Draws training batches from latents.pt: faces and emoji by share, common emoji oftener."""

    def __init__(self, work: Path, faces_share: float = FACES_SHARE) -> None:
        self.faces_share = faces_share
        saved = load_checkpoint(work / "latents.pt")
        self.means, self.stds, self.states = saved["means"], saved["stds"], saved["states"]
        self.encoder = saved.get("encoder")  # the digest of the encoder that made them
        rows, labels = saved["rows"].numpy(), data.load_labels(work)
        position = {text: i for i, text in enumerate(all_captions(work))}
        self.captions_of = {
            row: [position[text] for text in labels[row].captions] for row in np.unique(rows)
        }
        self.rows = rows
        emoji = [row for row in np.unique(rows) if labels[row].captions[0] != captions.FACE]
        self.faces = np.flatnonzero(~np.isin(rows, emoji))
        self.pictures_of = [np.flatnonzero(rows == row) for row in emoji]
        common = [labels[row].name in captions.COMMON for row in emoji]
        weights = np.where(common, COMMON_WEIGHT, 1.0)
        self.chances = weights / weights.sum()

    def choose(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of `count` pictures and of a caption for each; faces come first."""
        faces = rng.binomial(count, self.faces_share)
        emoji = rng.choice(len(self.pictures_of), count - faces, p=self.chances)
        pictures = np.concatenate(
            [rng.choice(self.faces, faces), [rng.choice(self.pictures_of[i]) for i in emoji]]
        ).astype(np.int64)
        return pictures, np.array([self._caption(rng, self.rows[i]) for i in pictures])

    def _caption(self, rng: np.random.Generator, row: int) -> int:
        chance, options = rng.random(), self.captions_of[row]
        if chance < EMPTY_SHARE:
            return 0
        if chance < EMPTY_SHARE + PLAIN_SHARE or len(options) == 1:
            return options[0]
        return int(rng.choice(options[1:]))

    def batch(
        self, rng: np.random.Generator, noise: torch.Generator, count: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents drawn from their posteriors [B, 4, 16, 16] and token states [B, 24, 384]."""
        import torch

        pictures, texts = self.choose(rng, count)
        means, stds = self.means[pictures].float(), self.stds[pictures].float()
        drawn = means + stds * torch.randn(means.shape, generator=noise)
        return drawn, self.states[texts].float()
