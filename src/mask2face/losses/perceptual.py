"""Distance between frozen EfficientNet-Lite0 features of two crops."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mask2face.efficientnet import shared_features
from mask2face.losses.hole import touched

EPSILON = 1e-6  # feature positions


def distance(got: Sequence[Tensor], wanted: Sequence[Tensor], hole: Tensor) -> Tensor:
    """Return the L1 of features at the positions that the hole touches, averaged over stages.

    Args:
        got: maps (N, C, h, w), as `LiteFeatures` gives them.
        wanted: maps of the same shapes.
        hole: (N, 1, H, W) in [0, 1]; a position counts by its largest value there.
    """
    means = []
    for ours, theirs in zip(got, wanted, strict=True):
        weight = touched(hole, ours)
        error = (ours.float() - theirs.float()).abs() * weight
        means.append(error.sum() / (ours.shape[1] * weight.sum() + EPSILON))
    return torch.stack(means).mean()


def perceptual(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return the L1 between the features of prediction and target, averaged over stages.

    After Johnson, Alahi and Fei-Fei, "Perceptual losses" (2016); departures: another network,
    several stages, L1 instead of L2, and only positions that the hole touches.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1], H and W at least 16.
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace.

    Raises:
        MissingExtraError: the package with the weights is not installed.
    """
    features = shared_features(str(prediction.device))
    with torch.no_grad():
        wanted = features(target)
    return distance(features(prediction), wanted, hole)
