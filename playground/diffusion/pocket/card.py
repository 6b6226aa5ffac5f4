"""The model card: README.md beside the exported weights, with checksums, numbers and a sample grid.

Every number in it is read from the weights, the checkpoints or numbers.json, none is written here.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from playground.diffusion.pocket import data, evaluate, frozen, pipeline
from playground.diffusion.pocket.denoiser import GUIDANCE
from playground.diffusion.pocket.training import load_checkpoint, save_grid

SHOWN = (
    "a photo of a face", "a photo of a face with dark skin",
    "a photo of a face with light skin and a bright background", "red heart",
    "smiling face with sunglasses", "cat face", "pizza", "dog face", "red apple", "rose",
    "penguin", "hamburger", "sunflower", "robot face", "shark", "beach with umbrella",
)  # fmt: skip
COLUMNS = 8  # pictures a prompt in the grid, seeds 0 to 7

TEMPLATE = """\
---
license: mit
pipeline_tag: text-to-image
library_name: diffusers
---
# pocket-diffusion-64

A text-to-image model of 64 x 64 pixels, small enough to ship with the playground and to draw on a
laptop's processor. A `StableDiffusionPipeline`: denoiser `UNet2DConditionModel` ({unet:.1f} M
parameters), autoencoder `AutoencoderKL` ({vae:.2f} M, 16 x 16 x 4 latents), both trained from nothing
by `playground/diffusion/pocket`. Its text encoder is all-MiniLM-L6-v2, frozen and not stored here:
`playground.diffusion.pocket.pipeline.load(folder, text_encoder, tokenizer)` joins them.

![One row a prompt, seeds 0 to 7](samples.png)

Rows: {rows}. Guidance {guidance:g}, 20 DDIM steps, none left out.

## Data
No person's photo is in it.
- {all_faces:,} faces ({faces:,} for the denoiser) drawn by the DCGAN of [gan-face-generate](https://pypi.org/project/gan-face-generate/)
  1.1.1 (MIT), which was trained on DigiFace-1M, pictures of rendered people. Captions begin as "a photo
  of a face" and add skin, hair and background told apart by mean brightness.
- {emoji:,} emoji from [Noto Emoji](https://github.com/googlefonts/noto-emoji) (artwork Apache-2.0) as
  packed in emoji-datasource-google 16.0.0 (data MIT): smileys, animals, food and some objects, without
  flags and skin-tone variants, each in {placements} placements. Captions are their names. The autoencoder
  saw {seen:,} emoji; {held_out} more were held out.
- Text encoder: sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), 24 tokens.

## Training
Autoencoder: {ae_steps:,} steps, {ae_pictures:,} pictures in all; L1, edges, pooled colour, square error and a KL
term of weight 0.03 / 12,288; then its latents were standardised exactly. Denoiser: {steps:,} steps,
{pictures:,} pictures in all; v-prediction on 1000 levels, {face_share:.0%} faces, {empty:.0%}
empty captions, AdamW, averaged weights. `python -m playground.diffusion.pocket --help` lists the
commands that rebuild it from nothing; seeds are fixed.

## Numbers
{table}

Frechet distances are in a fixed space of outlines and colours (playground/diffusion/pocket/features.py),
{faces_drawn} pictures against 1000 held-out faces of the GAN: they compare with each other, not with
a published FID. Spread is the mean distance between two pictures, 1.00 being the GAN's. Nearest own
class: 10 pictures of each of 20 prompts against the training pictures of these classes, by the same outlines
and colours; chance is 5 %.
Held-out pictures are {held_faces:,} faces and {held_emoji:,} of emoji, these of kinds the denoiser never learnt
(signs, people, objects).

## What it cannot do
It knows the captions it was trained on. Other words, counts, relations ("a cat on a pizza"), scenes
and writing fail; an unknown prompt gives something near a known one. Faces are as the GAN drew them:
soft, sometimes bent, and without control of age, expression or identity; skin, hair and background
follow the prompt only loosely. Nobody should take a face from it for a person's. 64 x 64 pixels is
all there is.

## Files
| sha256 | file |
|---|---|
{checksums}
"""


def write(work: Path, folder: Path) -> None:
    """README.md and samples.png into the model's folder."""
    pipe = pipeline.load(folder, *frozen.load_text_encoder())
    prompts = [prompt for prompt in SHOWN for _ in range(COLUMNS)]
    drawn = pipeline.draw(pipe, prompts, list(range(COLUMNS)) * len(SHOWN))
    save_grid(drawn, COLUMNS, folder / "samples.png", scale=1)
    facts = {**_set_facts(work), **_training_facts(work), **_number_facts(folder)}
    millions = {
        name: sum(p.numel() for p in getattr(pipe, name).parameters()) / 1e6
        for name in ("unet", "vae")
    }
    rows = "; ".join(f'"{prompt}"' for prompt in SHOWN)
    (folder / "README.md").write_text(TEMPLATE.format(rows=rows, guidance=GUIDANCE, **facts, **millions))


def _set_facts(work: Path) -> dict[str, int]:
    labels = data.load_labels(work)
    _, rows = data.load_set(work, "train")
    emoji = np.array([label.captions[0] != data.captions.FACE for label in labels])
    learnt = np.array([label.learnt for label in labels])
    present = np.isin(np.arange(len(labels)), rows)
    _, held_out = data.load_set(work, "held_out")
    return {
        "all_faces": int((~emoji[rows]).sum()),
        "emoji": int((emoji & learnt & present).sum()),
        "seen": int((emoji & present).sum()),
        "held_out": int((emoji & ~present).sum()),
        "placements": data.PLACEMENTS,
        "held_faces": int((~emoji[held_out]).sum()),
        "held_emoji": int(emoji[held_out].sum()),
    }


def _training_facts(work: Path) -> dict[str, float]:
    from playground.diffusion.pocket import latents

    seen = load_checkpoint(work / "latents.pt")["rows"].numpy()
    faces = [label.captions[0] == data.captions.FACE for label in data.load_labels(work)]
    encoder = load_checkpoint(work / "autoencoder.pt")
    saved = load_checkpoint(work / "denoiser.pt")
    return {
        "ae_steps": encoder["step"],
        "ae_pictures": encoder["pictures"],
        "steps": saved["step"],
        "pictures": saved["pictures"],
        "faces": int(np.array(faces)[seen].sum()),
        "face_share": saved["face_batches"] / saved["step"],
        "empty": latents.EMPTY_SHARE,
    }


def _number_facts(folder: Path) -> dict[str, object]:
    numbers = json.loads((folder / "numbers.json").read_text())
    checksums = [f"| {sha256} | {name} |" for name, sha256 in pipeline.checksums(folder).items()]
    return {
        "table": evaluate.table(numbers),
        "faces_drawn": numbers["faces_drawn"],
        "checksums": "\n".join(checksums),
    }
