"""The article's best net: a U-Net whose down and up blocks are ResNet blocks."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mask2face.nets.blocks import check_blocks
from mask2face.nets.embeddings import Embeddings
from mask2face.nets.output import finish, make_head
from mask2face.nets.sides import check_side


class ResNetUNet(nn.Module):
    """U-Net (Ronneberger et al. 2015, arXiv:1505.04597) with ResNet blocks (arXiv:1512.03385).

    After the figure in STRV's article, which sets no normalisation. It departs from the article in
    one point: a fourth output channel is the hole, so that nothing outside need be re-synthesised.
    Embeddings are joined before the bottleneck's convolution.

    Args:
        filters: channels of each down block; the article's best is (64, 128, 128, 256, 256, 512).
        kernels: odd side of each block's convolutions; the article's best is (7, 7, 7, 3, 3, 3).
        embeddings: out of "imagenet" and "face", see `embeddings.Embeddings`.
        face_size: numbers of the embedding "face".
        predict_difference: predict the difference from the crop, see `output.finish`.
        batch_norm: normalise after each convolution, as He et al. do; the article's figure does
            not, and then needs far more steps.

    Attributes:
        extra: the second input that "face" needs, or None.
    """

    def __init__(
        self,
        filters: Sequence[int] = (64, 128, 128, 256, 256, 512),
        kernels: Sequence[int] = (7, 7, 7, 3, 3, 3),
        *,
        embeddings: Sequence[str] = (),
        face_size: int = 128,
        predict_difference: bool = False,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        check_blocks(filters, kernels)
        self.multiple = 2 ** len(filters)
        self.predict_difference = predict_difference
        self.embeddings = Embeddings(embeddings, face_size)
        self.extra = self.embeddings.extra
        self.stem = _same(3, filters[0], kernels[0], norm=batch_norm)
        widths = (filters[0], *filters)
        self.downs = nn.ModuleList(
            _Down(wide, narrow, kernel, batch_norm)
            for wide, narrow, kernel in zip(widths[:-1], filters, kernels, strict=True)
        )
        self.bottleneck = _same(
            filters[-1] + self.embeddings.size, filters[-1], kernels[-1], norm=batch_norm
        )
        # an up block works with the filters and kernel of the level it leads to
        self.ups = nn.ModuleList(
            _Up(filters[level], filters[max(level - 1, 0)], kernels[max(level - 1, 0)], batch_norm)
            for level in reversed(range(len(filters)))
        )
        self.merge = _same(2 * filters[0], filters[0], kernels[0], norm=batch_norm)
        self.head = make_head(filters[0], predict_difference)

    def forward(self, crops: torch.Tensor, face: torch.Tensor | None = None) -> torch.Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].
            face: (N, face_size), the embedding of each face, where the net has "face".

        Raises:
            ValueError: S is not a multiple of 2 ** len(filters), or `face` does not fit.
        """
        check_side(crops, self.multiple)
        first = self.stem(crops)  # (N, f0, S, S)
        x, skips = first, []
        for down in self.downs:
            x, skip = down(x)  # halves S
            skips.append(skip)
        x = functional.relu(self.bottleneck(self.embeddings(x, crops, face)))
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            x = up(x, skip)  # doubles S
        x = functional.relu(self.merge(torch.cat([first, x], 1)))  # (N, f0, S, S)
        return finish(self.head(x), crops, self.predict_difference)  # (N, 4, S, S)


class _Down(nn.Module):
    def __init__(self, wide: int, narrow: int, kernel: int, norm: bool) -> None:
        super().__init__()
        self.shrink = _same(wide, narrow, kernel, stride=2, norm=norm)
        self.residual = _residual(narrow, narrow, kernel, norm)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.shrink(x)
        return functional.relu(x + self.residual(x)), x


class _Up(nn.Module):
    """Residual block on the joined features, then a transposed convolution."""

    def __init__(self, width: int, next_width: int, kernel: int, norm: bool) -> None:
        super().__init__()
        self.residual = _residual(2 * width, width, kernel, norm)
        self.grow = nn.ConvTranspose2d(
            2 * width,
            next_width,
            kernel,
            stride=2,
            padding=kernel // 2,
            output_padding=1,
        )
        self.smooth = _same(next_width, next_width, kernel, norm=norm)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = functional.relu(x + self.residual(torch.cat([x, skip], 1)))
        return functional.relu(self.smooth(self.grow(torch.cat([x, skip], 1))))


def _residual(wide: int, narrow: int, kernel: int, norm: bool) -> nn.Sequential:
    return nn.Sequential(
        _same(wide, narrow, kernel, norm=norm),
        nn.ReLU(inplace=True),
        _same(narrow, narrow, kernel, norm=norm),
    )


def _same(wide: int, narrow: int, kernel: int, stride: int = 1, *, norm: bool) -> nn.Module:
    plain = nn.Conv2d(wide, narrow, kernel, stride, kernel // 2, bias=not norm)
    return nn.Sequential(plain, nn.BatchNorm2d(narrow)) if norm else plain
