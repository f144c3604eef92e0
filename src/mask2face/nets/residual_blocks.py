"""Residual blocks, and the encoder and decoder that `vae` and `refinement` are made of."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mask2face.nets.blocks import convolution


class Encoder(nn.Module):
    """Shrink pictures level by level, one residual block a level.

    A PixelUnshuffle stem (Shi et al. 2016, arXiv:1609.05158) keeps all convolutions at half the
    side or below; dilated blocks at the lowest level see the whole face.

    Args:
        channels: of the pictures.
        filters: channels at 1/2, 1/4, 1/8, ... of the side.
        kernels: odd side of each level's convolutions.
        dilations: residual blocks at the lowest level, one a dilation.
    """

    def __init__(
        self,
        channels: int,
        filters: Sequence[int],
        kernels: Sequence[int],
        dilations: Sequence[int] = (1,),
    ) -> None:
        super().__init__()
        self.multiple = 2 ** len(filters)
        self.unshuffle = nn.PixelUnshuffle(2)
        self.stem = convolution(4 * channels, filters[0], kernels[0])
        self.blocks = nn.ModuleList(
            Residual(width, kernel) for width, kernel in zip(filters[:-1], kernels, strict=False)
        )
        self.downs = nn.ModuleList(
            convolution(wide, narrow, kernel, stride=2)
            for wide, narrow, kernel in zip(filters[:-1], filters[1:], kernels[1:], strict=True)
        )
        self.lowest = nn.Sequential(*(Residual(filters[-1], kernels[-1], d) for d in dilations))

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the lowest features and those of the levels above, the finest first.

        Args:
            pictures: (N, C, S, S), around 0.
        """
        x = self.stem(self.unshuffle(pictures))  # (N, f0, S/2, S/2)
        skips = []
        for block, down in zip(self.blocks, self.downs, strict=True):
            x = block(x)
            skips.append(x)
            x = down(x)  # halves S
        return self.lowest(x), skips  # (N, f-1, S/2**n, S/2**n)


class Decoder(nn.Module):
    """Grow features back to pictures, joining the encoder's features level by level.

    Args:
        channels: of the pictures.
        filters: as the encoder's.
        kernels: as the encoder's.
        style: numbers of a vector that scales and shifts the features of each level (FiLM, Perez
            et al. 2018, arXiv:1709.07871); 0 for none.
    """

    def __init__(
        self, channels: int, filters: Sequence[int], kernels: Sequence[int], style: int = 0
    ) -> None:
        super().__init__()
        pairs = list(zip(filters[1:], filters[:-1], strict=True))
        self.ups = nn.ModuleList(Up(low, high, style) for low, high in reversed(pairs))
        self.blocks = nn.ModuleList(
            Residual(width, kernel)
            for width, kernel in reversed(list(zip(filters[:-1], kernels, strict=False)))
        )
        self.head = nn.Conv2d(filters[0], 4 * channels, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        start_without_checkerboard(self.head)

    def forward(self, x: Tensor, skips: Sequence[Tensor], style: Tensor | None = None) -> Tensor:
        """Return logits (N, channels, S, S).

        Args:
            x: (N, f-1, s, s), the lowest features.
            skips: of the levels above, the finest first.
            style: (N, style), for a decoder that takes one.
        """
        for up, block, skip in zip(self.ups, self.blocks, reversed(skips), strict=True):
            x = block(up(x, skip, style))  # doubles s
        result: Tensor = self.shuffle(self.head(x))
        return result


class Residual(nn.Module):
    """He et al. 2016 (arXiv:1512.03385): x + two convolutions, the second one started at zero.

    Args:
        width: channels.
        kernel: odd side of both convolutions.
        dilation: of the first one.
    """

    def __init__(self, width: int, kernel: int = 3, dilation: int = 1) -> None:
        super().__init__()
        self.first = convolution(width, width, kernel, dilation=dilation)
        self.second = nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of `x` (N, width, h, w)."""
        residual: Tensor = self.norm(self.second(self.first(x)))
        return functional.relu(x + residual)


class Up(nn.Module):
    """Double the resolution by nearest neighbour and join the encoder's features.

    Args:
        low: channels of the features to enlarge.
        high: channels of the encoder's features, and of the result.
        style: numbers of a vector that scales and shifts the result; 0 for none.
    """

    def __init__(self, low: int, high: int, style: int = 0) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(low, high, 1, bias=False)
        self.skip = nn.Conv2d(high, high, 1, bias=False)
        self.norm = nn.BatchNorm2d(high)
        self.style = nn.Linear(style, 2 * high) if style else None

    def forward(self, x: Tensor, skip: Tensor, style: Tensor | None = None) -> Tensor:
        """Return (N, high, 2h, 2w).

        Args:
            x: (N, low, h, w).
            skip: (N, high, 2h, 2w).
            style: (N, style), where there is one.
        """
        large = functional.interpolate(self.narrow(x), scale_factor=2.0, mode="nearest")
        large = self.norm(large + self.skip(skip))
        if self.style is not None:
            scale, shift = self.style(style)[:, :, None, None].chunk(2, 1)  # (N, high, 1, 1)
            large = large * (1 + scale) + shift
        return functional.relu(large)


def with_new_blocks(net: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` and those of `net`'s residual blocks of which they have nothing.

    A fresh block does nothing, so that a net that has some more than the one that learned computes
    what that computed (Chen et al. 2015, Net2Net, arXiv:1511.05641), and learns on from there.

    Args:
        net: fresh.
        tensors: of a net with the same or fewer blocks.
    """
    grown = dict(tensors)
    for name, module in net.named_modules():
        if isinstance(module, Residual):
            own = {f"{name}.{key}": value for key, value in module.state_dict().items()}
            if not own.keys() & tensors.keys():
                grown |= own
    return grown


def start_without_checkerboard(head: nn.Conv2d) -> None:
    """Give the four sub-pixels of each output the same weights (ICNR, arXiv:1707.02937)."""
    with torch.no_grad():
        head.weight.copy_(head.weight[::4].repeat_interleave(4, dim=0))
        if head.bias is not None:
            head.bias.zero_()
