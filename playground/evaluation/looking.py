"""What can be measured of a drawn picture: how like a reference it is, and how well it fits a caption.

Likeness is the cosine in a fixed feature space: outlines by direction and colours of 8 x 8 cells, colours from middle
grey (playground/diffusion/pocket/features.py; Dalal & Triggs 2005). Nothing in it is learnt and it knows no meaning:
it says how much is of the same shape and colour at the same place. Fit is the cosine of CLIP's two vectors (Radford
et al. 2021; Hessel et al. 2021 use 2.5 times it as CLIPScore).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from playground.context import Context
from playground.errors import ModelMissing
from playground.evaluation import pictures
from playground.evaluation.outputs import Check
from playground.evaluation.pictures import Album

Pair = tuple[str, str]  # a reference's name or a caption, and the key of a drawn picture
GREY = 0.5
AT_ONCE = 8  # pictures and captions that CLIP takes together
CAPTION = 300  # characters of a caption; CLIP reads 77 tokens


def likeness(album: Album, known: Mapping[str, str], pairs: Sequence[Pair]) -> dict[Pair, float]:
    """The cosine of each (name of a reference, key of a picture), -1 to 1."""
    from playground import images

    names, keys = (list(dict.fromkeys(each)) for each in zip(*pairs, strict=True))
    references = vectors(np.stack([pictures.pixels(pictures.find(known, name)) for name in names]))
    drawn = vectors(np.stack([np.asarray(images.square(album.picture(key), pictures.SIDE)) for key in keys]))
    ours, theirs = dict(zip(names, references, strict=True)), dict(zip(keys, drawn, strict=True))
    return {(name, key): float(ours[name] @ theirs[key]) for name, key in pairs}


def vectors(seen: np.ndarray) -> np.ndarray:
    """(N, 64, 64, 3) uint8 -> (N, 768) of length 1: outlines, and colours from middle grey."""
    from playground.diffusion.pocket import features

    made = np.concatenate([features.outlines(seen), features.colours(seen) - GREY], axis=1)
    return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)


def fits(context: Context, album: Album, pairs: Sequence[Pair], check: Check) -> tuple[dict[Pair, float], str]:
    """CLIP's cosine of each (caption, key of a picture); without CLIP none, and how one is to be had."""
    from playground.diffusion import clip

    found: dict[Pair, float] = {}
    try:
        for start in range(0, len(pairs), AT_ONCE):
            check()
            part = pairs[start:start + AT_ONCE]
            captions = [caption[:CAPTION] for caption, _ in part]
            cosines = clip.match(context, [album.picture(key) for _, key in part], captions).cosines
            found.update({pair: float(cosines[place, place]) for place, pair in enumerate(part)})
    except ModelMissing as problem:
        return {}, str(problem)
    return found, ""
