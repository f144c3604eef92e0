"""Losses on the predicted hole: probability (N, 1, H, W) against the true hole."""

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTH = 1.0  # pixels; a bare face (empty hole) predicted empty costs 0


def hole_bce(prediction: Tensor, hole: Tensor) -> Tensor:
    """Return the binary cross-entropy, averaged over all pixels.

    Computed in float32 under autocast too. A soft hole makes the minimum its own entropy,
    not zero.

    Args:
        prediction: (N, 1, H, W) hole probability in [0, 1].
        hole: (N, 1, H, W) true hole in [0, 1].
    """
    with torch.autocast(prediction.device.type, enabled=False):
        return F.binary_cross_entropy(prediction.float(), hole.float())


def hole_dice(prediction: Tensor, hole: Tensor) -> Tensor:
    """Return the soft Dice loss, averaged over crops.

    1 - 2 sum(p h) / (sum(p^2) + sum(h^2)): Milletari, Navab and Ahmadi, "V-Net" (2016),
    section 3, with one pixel added above and below.

    Args:
        prediction: (N, 1, H, W) hole probability in [0, 1].
        hole: (N, 1, H, W) true hole in [0, 1].

    >>> import torch
    >>> float(hole_dice(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)))
    0.0
    """
    p, h = prediction.float().flatten(1), hole.float().flatten(1)
    overlap = 2 * (p * h).sum(1) + SMOOTH
    return torch.mean(1 - overlap / ((p * p).sum(1) + (h * h).sum(1) + SMOOTH))
