"""Distance between the styles of two crops: which EfficientNet-Lite0 features occur together."""

import torch
from torch import Tensor

from mask2face.efficientnet import shared_features
from mask2face.losses.hole import touched

EPSILON = 1e-6  # feature positions


def gram(feature: Tensor, weight: Tensor) -> Tensor:
    """Return the Gram matrix (N, C, C) of a feature map, over its weighted positions.

    Johnson et al. 2016, equation 3: sums of products of two channels over all positions, divided
    by channels times positions; here positions count by their weight. Computed in float32.

    Args:
        feature: (N, C, h, w).
        weight: (N, 1, h, w) in [0, 1]; a crop without any gets zeros.

    >>> import torch
    >>> feature = torch.tensor([[[[1.0, 2.0]], [[3.0, 0.0]]]])
    >>> weight = torch.tensor([[[[1.0, 0.0]]]])
    >>> [[round(value, 3) for value in row] for row in gram(feature, weight)[0].tolist()]
    [[0.5, 1.5], [1.5, 4.5]]
    """
    rows = feature.float().flatten(2)
    share = weight.float().flatten(2)
    positions = share.sum(2, keepdim=True)
    return (rows * share) @ rows.transpose(1, 2) / (rows.shape[1] * positions + EPSILON)


def style(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return the squared Frobenius distance of Gram matrices, averaged over crops and stages.

    After Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks"
    (2016), equations 3 to 5, and Johnson, Alahi and Fei-Fei, "Perceptual Losses" (2016,
    arXiv:1603.08155), equations 3 and 4. Departures: another network, and only positions that the
    hole touches. It asks for texture of the right kind, wherever in the hole it lies.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1], H and W at least 16.
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace.

    Raises:
        MissingExtraError: the package with the weights is not installed.
    """
    features = shared_features(str(prediction.device))
    distances = []
    with torch.autocast(prediction.device.type, enabled=False):
        with torch.no_grad():
            wanted = features(target.float())
        for ours, theirs in zip(features(prediction.float()), wanted, strict=True):
            weight = touched(hole, ours)
            difference = gram(ours, weight) - gram(theirs, weight)
            distances.append(difference.square().sum((1, 2)).mean())
    return torch.stack(distances).mean()
