"""The DCGAN generator and its loading.

Architecture: Radford, Metz, Chintala 2015, "Unsupervised Representation Learning with Deep Convolutional
Generative Adversarial Networks" (arXiv:1511.06434); layer names as the checkpoint has them, `main.0` to `main.13`.
"""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from playground.errors import DamagedWeights

if TYPE_CHECKING:
    from torch import nn

LATENT = 100  # nz: length of z
WIDTH = 64  # ngf: feature maps before the last layer
SIZE = 64  # pixels a side


def build_generator(latent: int = LATENT, width: int = WIDTH, channels: int = 3) -> "nn.Sequential":
    """z (B, 100, 1, 1) -> pictures (B, 3, 64, 64) in [-1, 1]; untrained. Its layers are in `.main`."""
    from torch import nn

    layers: list[nn.Module] = []
    previous = latent
    for number, maps in enumerate((width * 8, width * 4, width * 2, width)):  # 4, 8, 16, 32 pixels a side
        stride, padding = (1, 0) if number == 0 else (2, 1)
        layers += [nn.ConvTranspose2d(previous, maps, 4, stride, padding, bias=False),
                   nn.BatchNorm2d(maps), nn.ReLU(inplace=True)]
        previous = maps
    layers += [nn.ConvTranspose2d(previous, channels, 4, 2, 1, bias=False), nn.Tanh()]  # 64 pixels a side
    return nn.Sequential(OrderedDict(main=nn.Sequential(*layers)))


def load_generator(path: Path, device: str = "cpu") -> "nn.Sequential":
    """The generator of a checkpoint that holds `netG_state_dict`, in eval mode; DamagedWeights if it does not.

    Batch normalisation uses the running statistics, so that a face depends on its own z alone.
    """
    import torch

    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        model = build_generator()
        model.load_state_dict(checkpoint["netG_state_dict"])
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as problem:
        raise DamagedWeights(f"{path.name} is not a DCGAN generator ({type(problem).__name__}).",
                             "Put an intact copy in its place.") from problem
    return model.requires_grad_(False).eval().to(device)
