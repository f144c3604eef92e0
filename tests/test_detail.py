"""Sharpness and grain of enlarged fills."""

import cv2
import numpy as np
import pytest

from mask2face import detail
from mask2face.detail import add_grain, noise, sharpen, upper_face

SIDE = 96
WANTED = [[-0.453315, -0.121786], [0.209743, 0.297700]]  # of pixels (5, 7) to (6, 8)


def scene(deviation, blur=0.0):
    """A grey photo with noise, a clean fill below the middle, and skin above it."""
    grain = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(np.float32)
    if blur:
        grain = cv2.GaussianBlur(grain, (0, 0), blur)
        grain /= grain.std()
    photo = np.repeat((128 + deviation * grain)[..., None], 3, 2)
    weight = np.zeros((SIDE, SIDE), np.float32)
    weight[SIDE // 2 :] = 1
    return np.full_like(photo, 140), photo, weight, weight == 0


def strength(picture, where):
    """Deviation of the finest detail where the picture is smooth."""
    grey = picture[..., 1]
    return float((grey - cv2.GaussianBlur(grey, (0, 0), 1.5))[where].std())


class TestGrain:
    @pytest.mark.parametrize("scale", [1.0, 2.0, 4.0])
    @pytest.mark.parametrize("blur", [0.0, 1.0])
    def test_a_clean_fill_gets_the_grain_of_the_skin(self, scale, blur):
        fill, photo, weight, skin = scene(2.0, blur)
        made = add_grain(fill, photo, weight, skin, (0, 0), scale)
        ratio = strength(made, weight > 0) / strength(photo, skin)
        assert strength(fill, weight > 0) == 0
        assert 0.6 < ratio < 1.2

    def test_it_is_grey_and_has_no_mean(self):
        fill, *others = scene(3.0)
        added = add_grain(fill, *others, (0, 0), 2.0) - fill
        np.testing.assert_allclose(added[..., 0], added[..., 2], atol=1e-4)
        assert abs(added.mean()) < 0.1

    def test_a_clean_photo_gets_none(self):
        fill, *others = scene(0.0)
        np.testing.assert_allclose(add_grain(fill, *others, (0, 0), 3.0), fill, atol=1e-3)

    def test_a_fill_with_as_much_of_its_own_gets_no_more(self):
        _, photo, weight, skin = scene(2.0)
        made = add_grain(photo.copy(), photo, weight, skin, (0, 0), 1.0)
        assert strength(made, weight > 0) < 1.15 * strength(photo, weight > 0)

    def test_never_more_than_the_most(self):
        fill, *others = scene(60.0)
        added = add_grain(fill, *others, (0, 0), 1.0) - fill
        wanted = np.hypot(*detail.MOST[:2])  # of two bands
        assert 0.8 * wanted < added.std() < 1.3 * wanted  # the bands overlap

    def test_without_skin_to_measure_nothing_happens(self):
        fill, photo, weight, _ = scene(2.0)
        assert add_grain(fill, photo, weight, weight > 2, (0, 0), 2.0) is fill
        assert add_grain(fill, photo, weight * 0, weight == 0, (0, 0), 2.0) is fill

    def test_edges_of_the_face_do_not_count_as_grain(self):
        fill, photo, weight, skin = scene(0.0)
        photo[10:20, 10:40] = 20  # an eyebrow
        np.testing.assert_allclose(
            add_grain(fill, photo, weight, skin, (0, 0), 1.0), fill, atol=1e-3
        )


class TestNoise:
    def test_it_is_standard_and_white(self):
        made = noise(np.zeros((256, 256)), (0, 0))
        assert abs(made.mean()) < 0.02
        assert made.std() == pytest.approx(1, abs=0.02)
        across = np.corrcoef(made[:, 1:].ravel(), made[:, :-1].ravel())[0, 1]
        down = np.corrcoef(made[1:].ravel(), made[:-1].ravel())[0, 1]
        assert max(abs(across), abs(down)) < 0.02

    def test_it_belongs_to_the_place(self):
        whole = noise(np.zeros((40, 50)), (0, 0))
        np.testing.assert_array_equal(noise(np.zeros((10, 12)), (20, 30)), whole[30:, 20:32])

    def test_the_numbers_other_languages_must_get(self):
        np.testing.assert_allclose(noise(np.zeros((2, 2)), (5, 7)), WANTED, atol=1e-5)


class TestSharpen:
    @pytest.mark.parametrize("scale", [0.5, 1.0])
    def test_what_is_not_enlarged_stays(self, scale):
        fill = np.random.default_rng(0).random((8, 8, 3), np.float32)
        assert sharpen(fill, scale) is fill

    def test_edges_get_steeper_and_areas_stay(self):
        fill = np.zeros((32, 64, 3), np.float32)
        fill[:, 32:] = 100
        fill = cv2.GaussianBlur(fill, (0, 0), 3)
        made = sharpen(fill, 3.0)
        assert np.diff(made[16, :, 0]).max() > 1.15 * np.diff(fill[16, :, 0]).max()
        np.testing.assert_allclose(made[:, :8], 0, atol=0.5)
        np.testing.assert_allclose(made[:, -8:], 100, atol=0.5)

    def test_it_sets_in_gradually(self):
        fill = cv2.GaussianBlur(np.eye(32, dtype=np.float32)[..., None].repeat(3, 2), (0, 0), 2)
        changes = [np.abs(sharpen(fill, scale) - fill).max() for scale in (1.01, 1.5, 2.0)]
        assert 0 < changes[0] < 0.1 * changes[2]
        assert changes[0] < changes[1] < changes[2]


def test_the_upper_face_lies_above_the_middle_and_inside():
    where = upper_face(128)
    assert where.shape == (128, 128)
    assert set(np.unique(where)) == {0, 1}
    rows, columns = np.nonzero(where)
    assert rows.max() < 0.62 * 128
    assert columns.min() > 0.2 * 128
