"""The style loss asks for texture of the right kind where the hole is, wherever in it."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from torch import Tensor

from mask2face.efficientnet import PACKAGE
from mask2face.losses.style import gram, style


def photo() -> Tensor:
    small = cv2.resize(skimage.data.astronaut()[:300, :300], (64, 64), interpolation=cv2.INTER_AREA)
    return torch.tensor(small.astype(np.float32) / 255).permute(2, 0, 1)[None]


def test_gram_by_hand() -> None:
    feature = torch.rand(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    rows = feature.double().flatten(2).numpy()
    everywhere = gram(feature, torch.ones(2, 1, 3, 4)).numpy()
    for crop, wanted in zip(everywhere, rows, strict=True):
        np.testing.assert_allclose(crop, wanted @ wanted.T / (5 * 12), rtol=1e-5)
    some = torch.zeros(2, 1, 3, 4)
    some[..., 1, 2] = 1
    column = rows[1][:, 6]
    np.testing.assert_allclose(gram(feature, some)[1], np.outer(column, column) / 5, rtol=1e-5)


def test_gram_does_not_know_where() -> None:
    feature = torch.rand(1, 4, 6, 6, generator=torch.Generator().manual_seed(1))
    weight = (feature[:, :1] > 0.5).float()
    turned = gram(feature.flip(-1), weight.flip(-1))
    torch.testing.assert_close(turned, gram(feature, weight))


def test_gram_of_nothing_is_zero() -> None:
    feature = torch.ones(1, 4, 2, 2, requires_grad=True)
    found = gram(feature, torch.zeros(1, 1, 2, 2))
    torch.autograd.backward(found.sum())
    assert not found.detach().any()
    assert feature.grad is not None
    assert torch.isfinite(feature.grad).all()


def test_float32_under_autocast() -> None:
    pytest.importorskip(PACKAGE)
    target = photo()
    hole = torch.ones(1, 1, 64, 64)
    plain = float(style(0.8 * target, target, hole))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert float(style(0.8 * target, target, hole)) == pytest.approx(plain, rel=1e-4)


def test_a_wrong_texture_costs_more_than_the_right_one_elsewhere() -> None:
    pytest.importorskip(PACKAGE)
    target = photo()
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 16:56, 8:56] = 1
    blurred = F.avg_pool2d(target, 7, 1, 3, count_include_pad=False)
    moved = torch.roll(target, 2, -1)
    costs = [float(style(crop, target, hole)) for crop in (target, moved, blurred)]
    assert costs[0] == pytest.approx(0, abs=1e-6)
    assert 0 < 3 * costs[1] < costs[2]


def test_only_the_hole_counts() -> None:
    pytest.importorskip(PACKAGE)
    target = photo()
    # a change of 4 pixels at the top reaches, by receptive field, not down to a hole at the bottom
    # at the fine stages; at the coarse ones it counts a little
    prediction = target.clone()
    prediction[..., :4, :] = 0.5
    low, high = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    low[..., 56:, :], high[..., :8, :] = 1, 1
    assert float(style(prediction, target, low)) < 0.02 * float(style(prediction, target, high))
