"""The perceptual loss looks where the hole is, and at structure."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

from mask2face.efficientnet import PACKAGE, LiteFeatures
from mask2face.losses import perceptual as perceptual_loss
from mask2face.losses.perceptual import distance

pytest.importorskip(PACKAGE)


def photo(name: str) -> Tensor:
    crop = getattr(skimage.data, name)()[:300, :300]
    small = cv2.resize(crop, (96, 96), interpolation=cv2.INTER_AREA)
    return torch.tensor(small.astype(np.float32) / 255).permute(2, 0, 1)[None]


def test_only_the_hole_counts() -> None:
    target = photo("astronaut")
    prediction = target.clone()
    prediction[..., :16, :] = 0.5
    hole = torch.zeros(1, 1, 96, 96)
    hole[..., 80:, :] = 1
    features = LiteFeatures((2, 4))
    ours, theirs = features(prediction), features(target)
    near, whole = (float(distance(ours, theirs, where)) for where in (hole, torch.ones_like(hole)))
    assert near == pytest.approx(0, abs=1e-6)
    assert whole > 0.01


def test_structure_costs_more_than_a_slight_shade() -> None:
    target = photo("astronaut")
    hole = torch.ones(1, 1, 96, 96)
    blurred = torch.nn.functional.avg_pool2d(target, 9, 1, 4, count_include_pad=False)
    assert float(perceptual_loss(blurred, target, hole)) > 2 * float(
        perceptual_loss((target + 0.02).clamp(0, 1), target, hole)
    )
