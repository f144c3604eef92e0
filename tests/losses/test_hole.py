"""Known numbers of the hole losses."""

import pytest
import torch

from mask2face.losses import hole_bce, hole_dice, hole_l1, mae, mse, pyramid_l1


def test_hole_l1_counts_only_hole_pixels() -> None:
    target = torch.zeros(2, 3, 8, 8)
    prediction = torch.ones(2, 3, 8, 8)
    hole = torch.zeros(2, 1, 8, 8)
    hole[0, :, :4] = 1
    prediction[0, :, :4] = 0.25
    assert float(hole_l1(prediction, target, hole)) == pytest.approx(0.25)
    assert float(pyramid_l1(prediction, target, hole)) == pytest.approx(0.25)


def test_soft_holes_weigh() -> None:
    target = torch.zeros(1, 3, 1, 2)
    prediction = torch.tensor([0.2, 0.8]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    hole = torch.tensor([1.0, 0.5]).view(1, 1, 1, 2)
    assert float(hole_l1(prediction, target, hole)) == pytest.approx((0.2 + 0.4) / 1.5, abs=1e-5)


def test_pyramid_forgives_fine_noise_but_not_a_colour_cast() -> None:
    target = torch.zeros(1, 3, 16, 16)
    hole = torch.ones(1, 1, 16, 16)
    board = torch.ones(16, 16)
    board[::2, ::2] = -1
    board[1::2, 1::2] = -1
    assert float(pyramid_l1(target + 0.3 * board, target, hole)) == pytest.approx(0.1, abs=1e-5)
    assert float(pyramid_l1(target + 0.3, target, hole)) == pytest.approx(0.3, abs=1e-5)


def test_pyramid_takes_odd_sides() -> None:
    target = torch.zeros(1, 3, 33, 35)
    cost = pyramid_l1(target + 0.5, target, torch.ones(1, 1, 33, 35))
    assert float(cost) == pytest.approx(0.5, abs=1e-5)


def test_pixel_losses_by_hand() -> None:
    target = torch.zeros(1, 3, 4, 4)
    hole = torch.zeros(1, 1, 4, 4)
    assert float(mse(target + 0.5, target, hole)) == pytest.approx(0.25)
    assert float(mae(target - 0.5, target, hole)) == pytest.approx(0.5)


def test_dice_and_bce_by_hand() -> None:
    hole = torch.zeros(1, 1, 10, 10)
    hole[..., :5] = 1
    shifted = torch.zeros_like(hole)
    shifted[..., 5:] = 1
    assert float(hole_dice(shifted, hole)) == pytest.approx(1 - 1 / 101)
    assert float(hole_bce(torch.full_like(hole, 0.8), torch.ones_like(hole))) == pytest.approx(
        0.223144, abs=1e-5
    )
