"""Training pictures of faces, 32 x 32, drawn from the bundled generator: rendered people, imitated once already.

They are drawn once for each data folder. A latent is truncated a little (0.9), as the wildest faces are broken ones.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from playground.gan.lab import files

COUNT, SIDE, BATCH = 3000, 32, 60
SEED, TRUNCATION = 2024, 0.9


def faces(kept: Path, weights: Path, report: Callable[[str], None], count: int = COUNT) -> np.ndarray:
    """Pictures (count, 32, 32, 3) uint8 from the file `kept`, which is made from the generator's weights if need be.

    Raises DamagedWeights for weights that are not the generator's.
    """
    if kept.exists():
        return files.read_arrays(kept)["faces"]
    made = draw(weights, report, count)
    files.write_arrays(kept, {"faces": made})
    return made


def draw(weights: Path, report: Callable[[str], None], count: int) -> np.ndarray:
    """Draws them, 64 x 64, and halves each side by averaging."""
    import torch

    from playground.gan import dcgan
    from playground.gan.faces import to_bytes

    model = dcgan.load_generator(weights)
    random = torch.Generator().manual_seed(SEED)
    parts = []
    for done in range(0, count, BATCH):
        report(f"Drawing the faces to learn from: {done:,} of {count:,} (only the first time)")
        z = torch.randn(min(BATCH, count - done), dcgan.LATENT, 1, 1, generator=random) * TRUNCATION
        with torch.inference_mode():
            parts.append(to_bytes(torch.nn.functional.avg_pool2d(model(z), 2)))
    return np.concatenate(parts)
