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
        made = noise(256)
        assert abs(made.mean()) < 0.02
        assert made.std() == pytest.approx(1, abs=0.02)
        across = np.corrcoef(made[:, 1:].ravel(), made[:, :-1].ravel())[0, 1]
        down = np.corrcoef(made[1:].ravel(), made[:-1].ravel())[0, 1]
        assert max(abs(across), abs(down)) < 0.02

    def test_the_numbers_other_languages_must_get(self):
        np.testing.assert_allclose(noise(9)[7:9, 5:7], WANTED, atol=1e-5)

    def test_grain_belongs_to_the_place_in_the_photo(self):
        fill, *others = scene(2.0)
        whole = add_grain(fill, *others, (100, 30), 1.0) - fill
        moved = add_grain(fill, *others, (110, 50), 1.0) - fill
        np.testing.assert_allclose(moved[:-20, :-10], whole[20:, 10:], atol=1e-4)


class TestSharpen:
    @pytest.mark.parametrize("scale", [0.5, 1.0])
    def test_what_is_not_enlarged_stays(self, scale):
        crop = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
        assert sharpen(crop, scale) is crop

    def test_edges_get_steeper_and_areas_stay(self):
        crop = np.full((32, 64, 3), 50, np.float32)
        crop[:, 32:] = 150
        crop = cv2.GaussianBlur(crop, (0, 0), 1.0).astype(np.uint8)
        made = sharpen(crop, 3.0).astype(int)
        assert np.diff(made[16, :, 0]).max() > 1.1 * np.diff(crop[16, :, 0].astype(int)).max()
        np.testing.assert_allclose(made[:, :8], crop[:, :8], atol=1)
        np.testing.assert_allclose(made[:, -8:], crop[:, -8:], atol=1)

    def test_it_sets_in_gradually(self):
        crop = np.full((16, 16, 3), 40, np.uint8)
        crop[:, 8:] = 200
        changes = [np.abs(sharpen(crop, at).astype(int) - crop).max() for at in (1.1, 1.5, 2.0, 3)]
        assert 0 < changes[0] < changes[1] < changes[2] == changes[3]

    def test_black_and_white_stay_in_range(self):
        crop = np.zeros((16, 16, 3), np.uint8)
        crop[:, 8:] = 255
        np.testing.assert_array_equal(sharpen(crop, 4.0), crop)


def test_a_huge_face_costs_no_more_than_a_large_one():
    side = 4 * 512
    rows = np.arange(side)[:, None] < side // 2
    skin = np.broadcast_to(rows, (side, side))
    assert detail._middle(skin) == (slice(256, 768), slice(768, 1280))


def test_the_upper_face_lies_above_the_middle_and_inside():
    where = upper_face(128)
    assert where.shape == (128, 128)
    assert set(np.unique(where)) == {0, 1}
    rows, columns = np.nonzero(where)
    assert rows.max() < 0.62 * 128
    assert columns.min() > 0.2 * 128
