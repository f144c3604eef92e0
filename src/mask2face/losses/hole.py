"""L1 and MSE inside the hole, at one or several scales; where a hole lies in features."""

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-6  # hole pixels; keeps a batch without any hole at zero loss, not 0 / 0
SCALES = (1, 2, 4)  # pooling factors of the pyramid
FLOOR = 1e-4  # MSE, that is 40 dB: below it, what is better counts for little


def hole_l1(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return the absolute error averaged over the hole pixels of the whole batch.

    Pixels count by their hole value. The batch is pooled before the division, so that a
    crop with a tiny hole does not outweigh the others; without any hole the loss is 0.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1].
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace.

    >>> import torch
    >>> hole = torch.zeros(1, 1, 2, 2)
    >>> hole[..., 0, 0] = 1
    >>> round(float(hole_l1(torch.full((1, 3, 2, 2), 0.25), torch.zeros(1, 3, 2, 2), hole)), 4)
    0.25
    """
    error = torch.abs(prediction - target) * hole
    return error.sum() / (prediction.shape[1] * hole.sum() + EPSILON)


def pyramid_l1(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return `hole_l1` averaged over 1, 1/2 and 1/4 of the size.

    The signed error times the hole is area-pooled before the absolute value, so pixels
    outside the hole never count and coarse colour errors cost at each scale.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1].
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace.
    """
    error = (prediction - target) * hole
    losses = []
    for scale in SCALES:
        small, weight = (
            (F.avg_pool2d(x, scale, ceil_mode=True) if scale > 1 else x) for x in (error, hole)
        )
        losses.append(small.abs().sum() / (error.shape[1] * weight.sum() + EPSILON))
    return torch.stack(losses).mean()


def hole_log_mse(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return log(1 + MSE / 1e-4) of each crop's hole, averaged over the batch.

    Up to a factor and a constant it is the negative PSNR in dB, as in the PSNR loss of HINet (Chen
    et al. 2021, arXiv:2105.06086), inside the hole: its mean over crops is what a report gives,
    where an easy crop counts as much as a hard one. Departure: it ends at 0.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1].
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace; a crop without one adds 0.

    >>> import torch
    >>> picture = torch.full((1, 3, 2, 2), 0.1)  # 20 dB
    >>> cost = hole_log_mse(picture, torch.zeros(1, 3, 2, 2), torch.ones(1, 1, 2, 2))
    >>> round(float(cost), 3)
    4.615
    """
    squared = ((prediction - target) ** 2 * hole).sum((1, 2, 3))
    error = squared / (prediction.shape[1] * hole.sum((1, 2, 3)) + EPSILON)
    return torch.log1p(error / FLOOR).mean()


def touched(hole: Tensor, feature: Tensor) -> Tensor:
    """Return (N, 1, h, w): the largest hole value in each position of `feature` (N, C, h, w).

    >>> import torch
    >>> hole = torch.zeros(1, 1, 4, 4)
    >>> hole[..., 0, 3] = 1
    >>> touched(hole, torch.zeros(1, 8, 2, 2)).tolist()
    [[[[0.0, 1.0], [0.0, 0.0]]]]
    """
    return F.adaptive_max_pool2d(hole, list(feature.shape[-2:]))
