"""The article's best net: a U-Net whose down and up blocks are ResNet blocks."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mask2face.nets.sides import check_side


class ResNetUNet(nn.Module):
    """U-Net (Ronneberger et al. 2015, arXiv:1505.04597) with ResNet blocks (arXiv:1512.03385).

    After the figure in STRV's article, which sets no normalisation. It departs from the article in
    one point: a fourth output channel is the hole, so that nothing outside need be re-synthesised.

    Args:
        filters: channels of each down block; the article's best is (64, 128, 128, 256, 256, 512).
        kernels: odd side of each block's convolutions; the article's best is (7, 7, 7, 3, 3, 3).
    """

    def __init__(
        self,
        filters: Sequence[int] = (64, 128, 128, 256, 256, 512),
        kernels: Sequence[int] = (7, 7, 7, 3, 3, 3),
    ) -> None:
        super().__init__()
        _check(filters, kernels)
        self.multiple = 2 ** len(filters)
        self.stem = _same(3, filters[0], kernels[0])
        widths = (filters[0], *filters)
        self.downs = nn.ModuleList(
            _Down(wide, narrow, kernel)
            for wide, narrow, kernel in zip(widths[:-1], filters, kernels, strict=True)
        )
        self.bottleneck = _same(filters[-1], filters[-1], kernels[-1])
        # an up block works with the filters and kernel of the level it leads to
        self.ups = nn.ModuleList(
            _Up(filters[level], filters[max(level - 1, 0)], kernels[max(level - 1, 0)])
            for level in reversed(range(len(filters)))
        )
        self.merge = _same(2 * filters[0], filters[0], kernels[0])
        self.head = nn.Conv2d(filters[0], 4, 1)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].

        Raises:
            ValueError: S is not a multiple of 2 ** len(filters).
        """
        check_side(crops, self.multiple)
        first = self.stem(crops)  # (N, f0, S, S)
        x, skips = first, []
        for down in self.downs:
            x, skip = down(x)  # halves S
            skips.append(skip)
        x = functional.relu(self.bottleneck(x))
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            x = up(x, skip)  # doubles S
        x = functional.relu(self.merge(torch.cat([first, x], 1)))  # (N, f0, S, S)
        return torch.sigmoid(self.head(x).float())  # (N, 4, S, S)


class _Down(nn.Module):
    def __init__(self, wide: int, narrow: int, kernel: int) -> None:
        super().__init__()
        self.shrink = _same(wide, narrow, kernel, stride=2)
        self.residual = _residual(narrow, narrow, kernel)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.shrink(x)
        return functional.relu(x + self.residual(x)), x


class _Up(nn.Module):
    """Residual block on the joined features, then a transposed convolution."""

    def __init__(self, width: int, next_width: int, kernel: int) -> None:
        super().__init__()
        self.residual = _residual(2 * width, width, kernel)
        self.grow = nn.ConvTranspose2d(
            2 * width,
            next_width,
            kernel,
            stride=2,
            padding=kernel // 2,
            output_padding=1,
        )
        self.smooth = _same(next_width, next_width, kernel)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = functional.relu(x + self.residual(torch.cat([x, skip], 1)))
        return functional.relu(self.smooth(self.grow(torch.cat([x, skip], 1))))


def _residual(wide: int, narrow: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        _same(wide, narrow, kernel), nn.ReLU(inplace=True), _same(narrow, narrow, kernel)
    )


def _same(wide: int, narrow: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(wide, narrow, kernel, stride=stride, padding=kernel // 2)


def _check(filters: Sequence[int], kernels: Sequence[int]) -> None:
    if not filters or len(filters) != len(kernels):
        raise ValueError(
            f"filters and kernels need one entry a block each, got {len(filters)} filters "
            f"{tuple(filters)} and {len(kernels)} kernels {tuple(kernels)}"
        )
    if min(filters) < 1 or any(kernel < 1 or kernel % 2 == 0 for kernel in kernels):
        raise ValueError(
            f"filters must be positive and kernels odd, got {tuple(filters)} and {tuple(kernels)}"
        )
