"""The article's default net: the U-Net, to whose bottleneck embeddings can be joined."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from mask2face.nets.blocks import check_blocks, convolution
from mask2face.nets.embeddings import Embeddings
from mask2face.nets.output import finish, make_head
from mask2face.nets.sides import check_side


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015, arXiv:1505.04597).

    Departures: convolutions keep the side, so that the crop need not be larger than the result;
    batch normalisation (arXiv:1502.03167), which came into use after the paper; number and size of
    filters and kernels are free; a fourth output channel is the hole.

    Args:
        filters: channels at 1, 1/2, 1/4, ... of the crop's side, two or more; the last are the
            bottleneck's.
        kernels: odd side of each level's convolutions.
        embeddings: out of "imagenet" and "face", see `embeddings.Embeddings`; joined between the
            bottleneck's two convolutions.
        face_size: numbers of the embedding "face".
        predict_difference: predict the difference from the crop, see `output.finish`.

    Attributes:
        extra: the second input that "face" needs, or None.
    """

    def __init__(
        self,
        filters: Sequence[int] = (64, 128, 128, 256, 256, 512),
        kernels: Sequence[int] = (3, 3, 3, 3, 3, 3),
        *,
        embeddings: Sequence[str] = (),
        face_size: int = 128,
        predict_difference: bool = False,
    ) -> None:
        super().__init__()
        check_blocks(filters, kernels, least=2)
        self.multiple = 2 ** (len(filters) - 1)
        self.predict_difference = predict_difference
        self.embeddings = Embeddings(embeddings, face_size)
        self.extra = self.embeddings.extra
        self.downs = nn.ModuleList(
            _twice(wide, narrow, kernel)
            for (wide, narrow), kernel in zip(
                pairwise((3, *filters[:-1])), kernels[:-1], strict=True
            )
        )
        low, kernel = filters[-1], kernels[-1]
        self.bottleneck = convolution(filters[-2], low, kernel)
        self.join = convolution(low + self.embeddings.size, low, kernel)
        self.ups = nn.ModuleList(
            _Up(low, high, kernel)
            for high, low, kernel in reversed(
                list(zip(filters[:-1], filters[1:], kernels[:-1], strict=True))
            )
        )
        self.head = make_head(filters[0], predict_difference)

    def forward(self, crops: torch.Tensor, face: torch.Tensor | None = None) -> torch.Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].
            face: (N, face_size), the embedding of each face, where the net has "face".

        Raises:
            ValueError: S is not a multiple of 2 ** (len(filters) - 1), or `face` does not fit.
        """
        check_side(crops, self.multiple)
        x, skips = crops * 2 - 1, []
        for down in self.downs:
            x = down(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)  # halves S
        x = self.embeddings(self.bottleneck(x), crops, face)
        x = self.join(x)  # (N, f-1, S/2**(n-1), S/2**(n-1))
        for up, skip in zip(self.ups, reversed(skips), strict=True):
            x = up(x, skip)  # doubles S
        return finish(self.head(x), crops, self.predict_difference)  # (N, 4, S, S)


class _Up(nn.Module):
    """Double the side and join the features of the way down."""

    def __init__(self, low: int, high: int, kernel: int) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(low, high, 2, stride=2)
        self.convolutions = _twice(2 * high, high, kernel)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        joined: torch.Tensor = self.convolutions(torch.cat([skip, self.grow(x)], 1))
        return joined


def _twice(wide: int, narrow: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(convolution(wide, narrow, kernel), convolution(narrow, narrow, kernel))
