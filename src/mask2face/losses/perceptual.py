"""Distance between frozen EfficientNet-Lite0 features of two crops."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor, nn

from mask2face.efficientnet import LiteFeatures
from mask2face.losses.hole import touched

EPSILON = 1e-6  # feature positions


class Perceptual(nn.Module):
    """L1 between the features of prediction and target, averaged over stages.

    After Johnson, Alahi and Fei-Fei, "Perceptual losses" (2016); departures: another
    network, several stages, L1 instead of L2, and only positions that the hole touches.

    Args:
        stages: as in `LiteFeatures`.
        hole_weighted: count only feature positions that a hole pixel lies in.
    """

    def __init__(self, stages: Sequence[int] = (2, 4, 8, 16), hole_weighted: bool = True) -> None:
        super().__init__()
        self.features = LiteFeatures(stages)
        self.hole_weighted = hole_weighted

    def forward(self, prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
        """Return the loss, a scalar; arguments as in `perceptual`."""
        with torch.no_grad():
            wanted = self.features(target)
        everywhere = torch.ones_like(hole)
        weight = hole if self.hole_weighted else everywhere
        return distance(self.features(prediction), wanted, weight)


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


@lru_cache(maxsize=4)
def _default(device: str) -> Perceptual:
    with torch.inference_mode(False):
        return Perceptual().to(device)


def perceptual(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return the hole-weighted feature distance of `Perceptual` with its default stages.

    The network is read once a device.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1], H and W at least 32.
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace.

    Raises:
        MissingExtraError: the package with the weights is not installed.
    """
    result: Tensor = _default(str(prediction.device))(prediction, target, hole)
    return result
