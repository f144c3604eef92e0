"""Metrics: known numbers, scikit-image as reference, properties, bad input."""

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from mask2face import metrics

REFERENCE = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


def crops(side: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    face = skimage.data.astronaut()[20:220, 120:320]
    truth = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(1).normal(0, 12, truth.shape)
    return np.clip(truth + noise, 0, 255).astype(np.uint8), truth.astype(np.uint8)


def hole(side: int = 64) -> NDArray[np.float32]:
    area = np.zeros((side, side), np.float32)
    area[side // 2 : -4, 8:-8] = 1
    return area


@pytest.mark.parametrize("side", [32, 64, 129])
def test_whole_image_numbers_equal_scikit_image(side: int) -> None:
    picture, truth = crops(side)
    wanted, full = structural_similarity(
        picture, truth, data_range=255, channel_axis=2, full=True, **REFERENCE
    )
    assert metrics.ssim(picture, truth) == pytest.approx(wanted, abs=1e-6)
    np.testing.assert_allclose(metrics.ssim_map(picture, truth), full, atol=1e-6)
    assert metrics.psnr(picture, truth) == pytest.approx(peak_signal_noise_ratio(truth, picture))
    assert metrics.ssim(picture, truth, hole(side)) == pytest.approx(
        full[hole(side) > 0.5].mean(), abs=1e-6
    )


def test_hole_only_numbers_by_hand() -> None:
    truth = np.zeros((20, 20, 3), np.uint8)
    picture = truth + np.uint8(100)
    area = np.zeros((20, 20))
    area[:10] = 1
    picture[:10] = 51
    assert metrics.l1(picture, truth, area) == pytest.approx(0.2)
    assert metrics.psnr(picture, truth, area) == pytest.approx(20 * np.log10(5))


def test_whole_psnr_is_hole_psnr_plus_the_hole_fraction() -> None:
    picture, truth = crops()
    area = hole()
    picture = np.where(area[..., None] > 0, picture, truth)
    gap = -10 * np.log10(metrics.hole_fraction(area))
    assert metrics.psnr(picture, truth) == pytest.approx(metrics.psnr(picture, truth, area) + gap)


def test_equal_pictures() -> None:
    truth = crops()[1]
    assert metrics.psnr(truth, truth) == float("inf")
    assert metrics.l1(truth, truth) == 0
    assert metrics.ssim(truth, truth) == pytest.approx(1)


def test_no_hole_pixels_give_nan() -> None:
    picture, truth = crops()
    for function in (metrics.psnr, metrics.l1, metrics.ssim):
        assert np.isnan(function(picture, truth, np.full((64, 64), 0.5)))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_iou_properties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.random((2, 9, 7))
    value = metrics.hole_iou(one, two)
    assert 0 <= value <= 1
    assert value == metrics.hole_iou(two, one)
    assert metrics.hole_iou(one, one) == 1
    both = ((one > 0.5) & (two > 0.5)).sum()
    assert value == pytest.approx(both / ((one > 0.5) | (two > 0.5)).sum())


def test_iou_without_any_hole_is_one() -> None:
    assert metrics.hole_iou(np.zeros((4, 4)), np.zeros((4, 4))) == 1
    assert metrics.hole_iou(np.ones((4, 4)), np.zeros((4, 4))) == 0


class TestEstimate:
    def test_mean_and_interval_of_a_normal_sample(self) -> None:
        values = np.random.default_rng(3).normal(20, 2, 400)
        found = metrics.estimate(values, range(400))
        assert found.mean == pytest.approx(values.mean())
        half = 1.96 * values.std() / 20
        assert found.high - found.low == pytest.approx(2 * half, rel=0.15)
        assert found.low < found.mean < found.high

    def test_people_are_drawn_not_photos(self) -> None:
        rng = np.random.default_rng(4)
        people = rng.normal(20, 2, 40)
        values = np.repeat(people, 25)
        who = np.repeat(np.arange(40), 25).tolist()
        by_person = metrics.estimate(values, who)
        by_photo = metrics.estimate(values, range(1000))
        assert by_person.high - by_person.low > 3 * (by_photo.high - by_photo.low)

    def test_same_seed_same_interval(self) -> None:
        values = [1.0, 2.0, 5.0, 9.0]
        assert metrics.estimate(values, "abcd") == metrics.estimate(values, "abcd")

    def test_values_that_are_not_finite_are_left_out(self) -> None:
        found = metrics.estimate([1.0, float("nan"), 3.0, float("inf")], "abcd")
        assert (found.mean, found.count) == (2.0, 2)
        assert metrics.estimate([float("nan")], "a").count == 0

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match="2 values but 1"):
            metrics.estimate([1.0, 2.0], "a")
        with pytest.raises(ValueError, match="level"):
            metrics.estimate([1.0], "a", level=95)


@pytest.mark.parametrize(
    ("picture", "area"),
    [
        (np.zeros((16, 16, 3), np.float32), None),
        (np.zeros((16, 16), np.uint8), None),
        (np.zeros((16, 17, 3), np.uint8), None),
        (np.zeros((16, 16, 4), np.uint8), None),
        (np.zeros((16, 16, 3), np.uint8), np.ones((8, 8))),
    ],
)
def test_bad_pictures(picture: NDArray[np.uint8], area: NDArray[np.float64] | None) -> None:
    truth = np.zeros((16, 16, 3), np.uint8)
    for function in (metrics.psnr, metrics.l1, metrics.ssim):
        with pytest.raises(ValueError, match=r"must be|differ"):
            function(picture, truth, area)


def test_too_small_for_ssim() -> None:
    tiny = np.zeros((10, 30, 3), np.uint8)
    with pytest.raises(ValueError, match="at least 11"):
        metrics.ssim(tiny, tiny)


def test_holes_of_different_shape() -> None:
    with pytest.raises(ValueError, match="differ"):
        metrics.hole_iou(np.zeros((2, 2)), np.zeros((3, 3)))
