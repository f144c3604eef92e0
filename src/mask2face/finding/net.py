"""The net that finds faces: photo (N, 3, H, W) -> a column of numbers for each cell of three grids.

Anchor-free as FCOS (Tian et al., arXiv:1904.01355) and CenterFace (Xu et al., arXiv:1911.03599):
each cell says whether a face's middle lies there, and from its own middle where box and points are.
Depthwise-separable convolutions (Howard et al., arXiv:1704.04861), a top-down path as in feature
pyramids (Lin et al., arXiv:1612.03144) with depthwise smoothing. Written from the papers.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES: Final = (8, 16, 32)  # photo px between the middles of two cells
MULTIPLE: Final = 32  # H and W must be multiples
ROWS: Final = (
    16  # numbers a cell: face, face mask, four distances to the box's sides, ten of points
)
_LARGEST: Final = 4.0  # of log(distance / stride): no box of 55 strides a side overflows
_PRIOR: Final = -4.0  # logit of a face in a fresh net: most cells have none
_STAGES: Final = ((24, 1), (48, 2), (96, 3), (128, 3))  # channels and blocks from stride 4 on


class FaceFinder(nn.Module):
    """Find faces, masked or bare, with their five points.

    Args:
        width: factor on all channel counts.

    Input: RGB in [0, 255], float32 (N, 3, H, W), H and W multiples of 32.
    Output: (N, 16, M), M = HW/64 + HW/256 + HW/1024: the cells of the strides 8, 16 and 32, each
    grid row by row. Rows: probability of a face; probability of a face mask on it; distances from
    the cell's middle, ((column + 0.5) * stride, (row + 0.5) * stride), to the box's left, top,
    right and bottom sides; x and y of five points from that middle. All in px of the input.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        counts = [max(8, round(channels * width / 8) * 8) for channels, _ in _STAGES]
        first, pyramid = max(8, round(16 * width / 8) * 8), counts[1]
        self.stem = _convolution(3, first, 3, stride=2)
        before = [first, *counts[:-1]]
        self.stages = nn.ModuleList(
            nn.Sequential(
                _Separable(start, count, stride=2),
                *(_Residual(count) for _ in range(blocks)),
            )
            for start, count, (_, blocks) in zip(before, counts, _STAGES, strict=True)
        )
        self.sides = nn.ModuleList(_convolution(count, pyramid, 1) for count in counts[1:])
        self.smooth = nn.ModuleList(_Separable(pyramid, pyramid) for _ in STRIDES)
        self.heads = nn.ModuleList(_Head(pyramid) for _ in STRIDES)

    def forward(self, photo: Tensor) -> Tensor:
        """Return the cells of `photo`; see the class."""
        return torch.cat(
            [_in_px(*cells) for cells in zip(self.logits(photo), STRIDES, strict=True)], 2
        )

    def logits(self, photo: Tensor) -> list[Tensor]:
        """Return for each stride what the losses take: (N, 16, H / stride, W / stride).

        Face and face mask as logits, distances as log(px / stride), points as px / stride.
        """
        x = self.stem(photo / 127.5 - 1)  # H / 2
        features = []
        for stage in self.stages:
            x = stage(x)  # H / 4, 8, 16, 32
            features.append(x)
        above: Tensor | None = None
        found = []
        for side, smooth, head, feature in zip(
            reversed(self.sides),
            reversed(self.smooth),
            reversed(self.heads),
            reversed(features[1:]),
            strict=True,
        ):
            here = side(feature)
            if above is not None:
                here = here + F.interpolate(above, scale_factor=2.0, mode="nearest")
            above = smooth(here)
            found.append(head(above))
        return found[::-1]


def _in_px(cells: Tensor, stride: int) -> Tensor:
    """Turn logits (N, 16, h, w) into probabilities and px, (N, 16, h * w)."""
    flat = cells.flatten(2)
    return torch.cat(
        [
            flat[:, :2].sigmoid(),
            flat[:, 2:6].clamp(max=_LARGEST).exp() * stride,
            flat[:, 6:] * stride,
        ],
        1,
    )


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Separable(nn.Sequential):
    """Depthwise, then pointwise, each normalised."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, size: int = 3) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, size, stride, size // 2, groups=inputs, bias=False),
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """A separable convolution of 5 x 5 beside a shortcut: a wide view at little cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.step = _Separable(channels, channels, size=5)

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.step(x))


class _Head(nn.Module):
    """Two separable convolutions, then a linear map to a cell's 16 numbers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_Separable(channels, channels), _Separable(channels, channels))
        self.out = nn.Conv2d(channels, ROWS, 1)
        nn.init.normal_(self.out.weight, std=0.01)
        bias = torch.zeros(ROWS)
        bias[0] = _PRIOR
        bias[2:6] = 0.7  # log(2): boxes of four strides
        self.out.bias = nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.body(x))
        return found
