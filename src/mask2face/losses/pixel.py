"""Losses averaged over every pixel of the crop, in the hole or not."""

import torch
from torch import Tensor


def mse(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return the mean squared error over all pixels and channels.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1].
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W), not used.
    """
    return torch.mean((prediction - target) ** 2)


def mae(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return the mean absolute error (L1) over all pixels and channels.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1].
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W), not used.
    """
    return torch.mean(torch.abs(prediction - target))
