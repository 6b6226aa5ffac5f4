"""Faces through the cache, gate and conversion to pictures, against the bare forward pass of the same network."""

import statistics
import tempfile
import time
from pathlib import Path

from playground import catalog
from playground.context import build_context
from playground.gan import faces
from playground.settings import Settings

COUNT, ROUNDS = 16, 15


def bench() -> list[dict]:
    """Sixteen faces, warm, alternating ours and the bare network."""
    import torch

    from playground.gan.dcgan import load_generator

    with tempfile.TemporaryDirectory() as folder:
        context = build_context(Settings(device="cpu", offline=True, data_dir=Path(folder)))
        model = load_generator(context.weights.locate(catalog.find(faces.MODEL)).files["weights.tar"])
        z = torch.stack([faces.latent(seed) for seed in range(COUNT)])[:, :, None, None]
        faces.generate(context, COUNT, 0)
        ours, bare = [], []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            faces.generate(context, COUNT, 0)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            with torch.inference_mode():
                model(z)
            bare.append(time.perf_counter() - start)
    mine, peer = statistics.median(ours) / COUNT * 1000, statistics.median(bare) / COUNT * 1000
    return [{"what": "a face of 16, warm (peer: bare forward pass)", "ours": f"{mine:.1f} ms", "peer": f"{peer:.1f} ms",
             "ratio": mine / peer, "target": "<= 1.15"}]
