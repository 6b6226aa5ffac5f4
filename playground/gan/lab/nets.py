"""The networks of the lab: small perceptrons for points, small convolutional ones for pictures.

Pictures: the shape of DCGAN (Radford et al. 2015, arXiv:1511.06434) at 8 or 32 pixels a side; D has no batch
normalisation, since penalties on its gradient are defined for each picture alone (Gulrajani et al. 2017, section 4).
Spectral normalisation: Miyato et al. 2018 (arXiv:1802.05957), torch's own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

HIDDEN = 96  # units of a hidden layer for points
WIDTH = 32  # feature maps next to a picture; doubled at each halving of the side


@dataclass(frozen=True)
class Shape:
    """What G makes: points (side 0), or pictures of `side` pixels in `channels` colours. `latent`: length of z."""

    side: int
    channels: int
    latent: int


POINT = Shape(side=0, channels=2, latent=8)


def picture(side: int, channels: int) -> Shape:
    """The shape for pictures."""
    return Shape(side, channels, 64)


def build(shape: Shape, seed: int, spectral: bool = False) -> "tuple[nn.Module, nn.Module]":
    """G: z (B, latent) -> data, and D: data -> scores (B,), with the weights of a seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if shape.side == 0:
            return point_generator(shape), point_discriminator(spectral)
        return picture_generator(shape), picture_discriminator(shape, spectral)


def point_generator(shape: Shape) -> "nn.Module":
    """z (B, latent) -> points (B, 2)."""
    from torch import nn

    return nn.Sequential(nn.Linear(shape.latent, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
                         nn.Linear(HIDDEN, 2))


def point_discriminator(spectral: bool) -> "nn.Module":
    """points (B, 2) -> scores (B,)."""
    from torch import nn

    layers = [normed(nn.Linear(2, HIDDEN), spectral), nn.LeakyReLU(0.2),
              normed(nn.Linear(HIDDEN, HIDDEN), spectral), nn.LeakyReLU(0.2), normed(nn.Linear(HIDDEN, 1), spectral)]
    return nn.Sequential(*layers, nn.Flatten(0))


def picture_generator(shape: Shape) -> "nn.Module":
    """z (B, latent) -> pictures (B, C, side, side) in -1..1."""
    from torch import nn

    maps = WIDTH * shape.side // 8  # at 4 pixels a side
    layers: list[nn.Module] = [nn.Unflatten(1, (shape.latent, 1, 1)),
                               nn.ConvTranspose2d(shape.latent, maps, 4, bias=False), nn.BatchNorm2d(maps), nn.ReLU()]
    for _ in range(doublings(shape.side) - 1):
        layers += [nn.ConvTranspose2d(maps, maps // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(maps // 2), nn.ReLU()]
        maps //= 2
    layers += [nn.ConvTranspose2d(maps, shape.channels, 4, 2, 1), nn.Tanh()]
    net = nn.Sequential(*layers)
    for module in net.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)  # Radford et al. 2015, section 4
    return net


def picture_discriminator(shape: Shape, spectral: bool) -> "nn.Module":
    """pictures (B, C, side, side) -> scores (B,)."""
    from torch import nn

    maps, layers = shape.channels, []
    for number in range(doublings(shape.side)):
        layers += [normed(nn.Conv2d(maps, WIDTH << number, 4, 2, 1), spectral), nn.LeakyReLU(0.2)]
        maps = WIDTH << number
    return nn.Sequential(*layers, normed(nn.Conv2d(maps, 1, 4), spectral), nn.Flatten(0))


def doublings(side: int) -> int:
    """How often 4 pixels are doubled to `side`."""
    return (side // 4).bit_length() - 1


def normed(layer: "nn.Module", spectral: bool) -> "nn.Module":
    """The layer, divided by its largest singular value if so wished."""
    from torch.nn.utils.parametrizations import spectral_norm

    return spectral_norm(layer) if spectral else layer
