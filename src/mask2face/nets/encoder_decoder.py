"""The article's first net: an encoder and a decoder without connections between their levels."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from mask2face.nets.blocks import check_blocks, convolution
from mask2face.nets.output import finish, make_head
from mask2face.nets.sides import check_side


class EncoderDecoder(nn.Module):
    """Encoder-decoder CNN (Noh et al. 2015, arXiv:1505.04366): all passes through the bottleneck.

    Departures: strided convolutions and 2 x 2 transposed ones stand where pooling and unpooling
    were, so that no positions are handed over; the bottleneck keeps its positions, so that any
    crop side fits; a fourth output channel is the hole. Each block has two convolutions.

    Args:
        filters: channels of each block, at 1/2, 1/4, ... of the crop's side.
        kernels: odd side of each block's convolutions.
        predict_difference: predict the difference from the crop, see `output.finish`.
    """

    def __init__(
        self,
        filters: Sequence[int] = (64, 128, 128, 256, 256, 512),
        kernels: Sequence[int] = (3, 3, 3, 3, 3, 3),
        *,
        predict_difference: bool = False,
    ) -> None:
        super().__init__()
        check_blocks(filters, kernels)
        self.multiple = 2 ** len(filters)
        self.predict_difference = predict_difference
        levels = list(zip(pairwise((3, *filters)), kernels, strict=True))
        self.downs = nn.ModuleList(
            nn.Sequential(
                convolution(wide, narrow, kernel, stride=2),
                convolution(narrow, narrow, kernel),
            )
            for (wide, narrow), kernel in levels
        )
        self.bottleneck = convolution(filters[-1], filters[-1], kernels[-1])
        # an up block has the kernel of the level it comes from; the last one keeps its filters
        self.ups = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(low, high, 2, stride=2),
                convolution(high, high, kernel),
            )
            for (high, low), kernel in reversed(
                [((filters[0], filters[0]), kernels[0]), *levels[1:]]
            )
        )
        self.head = make_head(filters[0], predict_difference)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].

        Raises:
            ValueError: S is not a multiple of 2 ** len(filters).
        """
        check_side(crops, self.multiple)
        x = crops * 2 - 1
        for down in self.downs:
            x = down(x)  # halves S
        x = self.bottleneck(x)  # (N, f-1, S/2**n, S/2**n)
        for up in self.ups:
            x = up(x)  # doubles S
        return finish(self.head(x), crops, self.predict_difference)  # (N, 4, S, S)
