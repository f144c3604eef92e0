"""What several nets are made of: a normalised convolution, and the check of filters and kernels."""

from collections.abc import Sequence

from torch import nn


def convolution(
    wide: int, narrow: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return a convolution, batch normalisation (folds into it on export) and ReLU.

    Args:
        wide: channels in.
        narrow: channels out.
        kernel: odd side of the kernel; the padding keeps the side, or halves it with `stride` 2.
        stride: 1 or 2.
        dilation: distance of the kernel's taps in positions.
    """
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(wide, narrow, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(narrow),
        nn.ReLU(inplace=True),
    )


def check_blocks(filters: Sequence[int], kernels: Sequence[int], least: int = 1) -> None:
    """Raise unless `filters` and `kernels` describe the blocks of a net.

    Args:
        filters: channels of each block.
        kernels: side of each block's convolutions.
        least: fewest blocks that the net can have.

    Raises:
        ValueError: too few blocks, not one entry a block in each, or a value that is no positive
            whole number, odd for kernels.
    """
    listed = isinstance(filters, list | tuple) and isinstance(kernels, list | tuple)
    if not listed or len(filters) < least or len(filters) != len(kernels):
        raise ValueError(
            "filters and kernels need one entry a block each, as [64, 128] and [7, 3], "
            f"and {least} or more blocks; got filters={filters!r} and kernels={kernels!r}"
        )
    whole = all(isinstance(value, int) for value in (*filters, *kernels))
    if not whole or min(*filters, *kernels) < 1 or any(kernel % 2 == 0 for kernel in kernels):
        raise ValueError(
            "filters must be positive whole numbers and kernels odd ones, as [64, 128] and "
            f"[7, 3]; got filters={filters!r} and kernels={kernels!r}"
        )
