"""What G is to imitate: distributions on a plane with known modes, and sets of small pictures.

Points lie in -1..1. The ring of Gaussians and the grid are the usual tests of lost modes (Metz et al. 2016,
arXiv:1611.02163; Srivastava et al. 2017, arXiv:1705.07761).
"""

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from playground.errors import BadInput
from playground.gan.lab import nets
from playground.gan.lab.settings import DIGITS, GRID, MOONS, RING

if TYPE_CHECKING:
    import torch

RING_MODES, RING_SPREAD = 8, 0.05
GRID_SIDE, GRID_SPREAD = 5, 0.04
MOON_SPREAD = 0.04
DRAWING_SIDE = 64  # pixels a side of a drawing
FEWEST_PICTURES, MOST_PICTURES = 20, 4000


@dataclass(frozen=True)
class Gaussians:
    """Equal Gaussians of standard deviation `spread` around `centres` (K, 2)."""

    centres: np.ndarray
    spread: float
    shape: nets.Shape = nets.POINT

    def sample(self, count: int, random: "torch.Generator") -> "torch.Tensor":
        """Points (count, 2)."""
        import torch

        which = torch.randint(0, len(self.centres), (count,), generator=random)
        return torch.from_numpy(self.centres)[which] + self.spread * torch.randn(count, 2, generator=random)


@dataclass(frozen=True)
class Moons:
    """Two half circles that reach into each other, with Gaussian noise."""

    spread: float = MOON_SPREAD
    shape: nets.Shape = nets.POINT

    def sample(self, count: int, random: "torch.Generator") -> "torch.Tensor":
        """Points (count, 2)."""
        import torch

        angle = math.pi * torch.rand(count, generator=random)
        side = torch.randint(0, 2, (count,), generator=random).float()
        x, y = torch.cos(angle) * (1 - 2 * side) + side, torch.sin(angle) * (1 - 2 * side) + 0.5 * side
        points = torch.stack([(x - 0.5) / 1.5, (y - 0.25) / 1.5], 1)
        return points + self.spread * torch.randn(count, 2, generator=random)


@dataclass(frozen=True)
class Drawing:
    """Points spread evenly over the dark pixels of a drawing; `corners` (N, 2) are the pixels' lower left corners."""

    corners: np.ndarray
    shape: nets.Shape = nets.POINT

    def sample(self, count: int, random: "torch.Generator") -> "torch.Tensor":
        """Points (count, 2)."""
        import torch

        which = torch.randint(0, len(self.corners), (count,), generator=random)
        return torch.from_numpy(self.corners)[which] + torch.rand(count, 2, generator=random) * 2 / DRAWING_SIDE


@dataclass(frozen=True)
class Pictures:
    """A set of pictures (N, side, side, C) uint8."""

    pictures: np.ndarray

    @property
    def shape(self) -> nets.Shape:
        """What G must make."""
        return nets.picture(self.pictures.shape[1], self.pictures.shape[3])

    def sample(self, count: int, random: "torch.Generator") -> "torch.Tensor":
        """Pictures (count, C, side, side) in -1..1, drawn with replacement."""
        import torch

        which = torch.randint(0, len(self.pictures), (count,), generator=random)
        return to_tensor(self.pictures[which.numpy()])


Data = Gaussians | Moons | Drawing | Pictures


def ring() -> Gaussians:
    """Eight Gaussians on the unit circle."""
    angles = np.arange(RING_MODES) * 2 * math.pi / RING_MODES
    return Gaussians(np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32), RING_SPREAD)


def grid() -> Gaussians:
    """Twenty-five Gaussians on a grid from -1 to 1."""
    ticks = np.linspace(-1, 1, GRID_SIDE, dtype=np.float32)
    return Gaussians(np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2), GRID_SPREAD)


def drawing(mask: np.ndarray) -> Drawing:
    """The drawing of a mask (64, 64), true where it is dark, first row on top. BadInput where hardly anything is."""
    rows, columns = np.nonzero(mask)
    if mask.shape != (DRAWING_SIDE, DRAWING_SIDE) or len(rows) < 8:
        raise BadInput("There is hardly anything drawn.", "Draw some thick lines or dots first.")
    corners = np.stack([columns, DRAWING_SIDE - 1 - rows], 1).astype(np.float32)
    return Drawing(corners * 2 / DRAWING_SIDE - 1)


def packed(mask: np.ndarray) -> str:
    """A mask (64, 64) as text."""
    return base64.b64encode(np.packbits(mask)).decode()


def unpacked(text: str) -> np.ndarray:
    """The mask (64, 64) of packed()."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8))
    return bits[:DRAWING_SIDE**2].reshape(DRAWING_SIDE, DRAWING_SIDE).astype(bool)


def digits() -> Pictures:
    """The 1,797 handwritten digits of scikit-learn, 8 x 8, in grey (Alpaydin and Kaynak 1998, UCI)."""
    from sklearn.datasets import load_digits

    return Pictures((load_digits().images * 255 / 16).round().astype(np.uint8)[..., None])


def named(name: str) -> Data:
    """The data that need nothing but their name."""
    return {RING: ring, GRID: grid, MOONS: Moons, DIGITS: digits}[name]()


def pictures(array: np.ndarray) -> Pictures:
    """A visitor's pictures (N, 32, 32, 3) uint8. BadInput where there are too few."""
    if len(array) < FEWEST_PICTURES:
        raise BadInput(f"{len(array)} pictures are too few.", f"Give {FEWEST_PICTURES} at least; hundreds are better.")
    return Pictures(np.ascontiguousarray(array[:MOST_PICTURES]))


def to_tensor(array: np.ndarray) -> "torch.Tensor":
    """(B, H, W, C) uint8 -> (B, C, H, W) in -1..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_array(tensor: "torch.Tensor") -> np.ndarray:
    """(B, C, H, W) in -1..1 -> (B, H, W, C) uint8; points (B, 2) stay float32."""
    if tensor.dim() == 2:
        return tensor.numpy()
    scaled = ((tensor + 1) * 127.5).round().clamp(0, 255)
    return scaled.byte().permute(0, 2, 3, 1).contiguous().numpy()
