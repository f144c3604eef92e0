"""Our default net: a small U-Net of residual blocks around a dilated bottleneck."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from mask2face.nets.blocks import convolution
from mask2face.nets.residual_blocks import Residual, Up, start_without_checkerboard
from mask2face.nets.sides import check_side


class FaceFiller(nn.Module):
    """Fill the lower face from the upper one, and say where the face mask is.

    A PixelUnshuffle stem and a PixelShuffle head (Shi et al. 2016, arXiv:1609.05158) keep all
    convolutions at half resolution or below; dilated residual blocks (Yu and Koltun 2016,
    arXiv:1511.07122) see the whole face; since crops are aligned by the eyes, the bottleneck is
    told where in the crop it stands (Liu et al. 2018, arXiv:1807.03247). Batch normalisation folds
    into the convolutions on export.

    Args:
        filters: channels at 1/2, 1/4, 1/8, ... of the crop's side.
        dilations: one residual block each at the lowest resolution.
        blocks: residual blocks per resolution on the way down and on the way up.
    """

    def __init__(
        self,
        filters: Sequence[int] = (32, 64, 128, 192),
        dilations: Sequence[int] = (1, 2, 1, 2, 1, 2),
        blocks: int = 1,
    ) -> None:
        super().__init__()
        if len(filters) < 2 or blocks < 1 or not dilations or min(*filters, *dilations) < 1:
            raise ValueError(
                "face_filler needs two or more filters, one or more dilations and blocks; "
                f"got filters={tuple(filters)}, dilations={tuple(dilations)}, blocks={blocks}"
            )
        self.multiple = 2 ** len(filters)
        self.unshuffle = nn.PixelUnshuffle(2)
        self.stem = convolution(3 * 4, filters[0])
        self.down_blocks = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(blocks))) for width in filters[:-1]
        )
        self.downs = nn.ModuleList(
            convolution(wide, narrow, stride=2) for wide, narrow in pairwise(filters)
        )
        self.place = nn.Conv2d(_PLACES, filters[-1], 1, bias=False)
        self.bottleneck = nn.Sequential(
            *(Residual(filters[-1], dilation=step) for step in dilations)
        )
        self.ups = nn.ModuleList(
            Up(low, high) for high, low in zip(filters[-2::-1], filters[:0:-1], strict=True)
        )
        self.up_blocks = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(blocks))) for width in filters[-2::-1]
        )
        self.head = nn.Conv2d(filters[0], 4 * 4, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        start_without_checkerboard(self.head)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1], aligned by the eyes.

        Raises:
            ValueError: S is not a multiple of 2 ** len(filters).
        """
        check_side(crops, self.multiple)
        x = self.stem(self.unshuffle(crops * 2 - 1))  # (N, f0, S/2, S/2)
        skips = []
        for block, down in zip(self.down_blocks, self.downs, strict=True):
            x = block(x)
            skips.append(x)
            x = down(x)  # halves S
        x = x + self.place(_places(x.shape[2], x.device, x.dtype))
        x = self.bottleneck(x)  # (N, f-1, S/2**n, S/2**n)
        for up, block, skip in zip(self.ups, self.up_blocks, reversed(skips), strict=True):
            x = block(up(x, skip))  # doubles S
        return torch.sigmoid(self.shuffle(self.head(x)).float())  # (N, 4, S, S)


_WAVES = (1, 2, 4)  # half periods across the crop
_PLACES = 2 + 4 * len(_WAVES)


def _places(side: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Return (1, _PLACES, side, side): x, y and their sines and cosines, all in [-1, 1]."""
    line = (torch.arange(side, device=device, dtype=torch.float32) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    planes = [x, y]
    for waves in _WAVES:
        for axis in (x, y):
            planes += [torch.sin(math.pi / 2 * waves * axis), torch.cos(math.pi / 2 * waves * axis)]
    return torch.stack(planes)[None].to(dtype)
