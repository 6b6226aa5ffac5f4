"""Differentiable augmentation: the same random changes to whatever D sees, real or generated, through which G learns.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv:2006.10738): brightness,
saturation and contrast, a shift by up to an eighth of the side, and a square of half the side left blank.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def augment(pictures: "torch.Tensor", random: "torch.Generator") -> "torch.Tensor":
    """Pictures (B, C, H, W) in -1..1, each changed in its own way."""
    return cut_out(shift(colour(pictures, random), random), random)


def colour(pictures: "torch.Tensor", random: "torch.Generator") -> "torch.Tensor":
    """Brightness by up to 0.5 either way, saturation by a factor 0 to 2, contrast by a factor 0.5 to 1.5."""
    import torch

    amounts = torch.rand(3, len(pictures), 1, 1, 1, generator=random)
    pictures = pictures + (amounts[0] - 0.5)
    grey = pictures.mean(1, keepdim=True)
    pictures = (pictures - grey) * (2 * amounts[1]) + grey
    middle = pictures.mean((1, 2, 3), keepdim=True)
    return (pictures - middle) * (amounts[2] + 0.5) + middle


def shift(pictures: "torch.Tensor", random: "torch.Generator") -> "torch.Tensor":
    """Moved by up to an eighth of the side in each direction; what comes in from outside is 0."""
    import torch
    from torch.nn import functional as F

    count, _, height, width = pictures.shape
    reach = max(1, height // 8)
    moves = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=random)
    rows = (torch.arange(height) + moves[0])[:, None, :, None]
    columns = (torch.arange(width) + moves[1])[:, None, None, :]
    padded = F.pad(pictures, (reach,) * 4)
    which, colours = torch.arange(count)[:, None, None, None], torch.arange(pictures.shape[1])[None, :, None, None]
    return padded[which, colours, rows, columns]


def cut_out(pictures: "torch.Tensor", random: "torch.Generator") -> "torch.Tensor":
    """A square of half the side set to 0, its centre anywhere in the picture."""
    import torch

    count, _, height, width = pictures.shape
    centres = torch.randint(0, height, (2, count, 1), generator=random)
    rows = (torch.arange(height) - centres[0]).abs() <= height // 4
    columns = (torch.arange(width) - centres[1]).abs() <= width // 4
    return pictures * ~(rows[:, None, :, None] & columns[:, None, None, :])
