import numpy as np
import pytest

from mask2face.facemasks import degrade, draw
from mask2face.facemasks.degradation import _NORMAL, _enlarged, _jpeg, _shake


@pytest.fixture
def pair(face):
    photo, landmarks = face
    return draw("surgical", photo, landmarks, np.random.default_rng(0)).photo, photo


def test_about_a_third_stays_untouched(pair):
    masked, clean = pair
    same = []
    for seed in range(100):
        changed, kept = degrade(masked, clean, np.random.default_rng(seed))
        same.append(np.array_equal(changed, masked) and np.array_equal(kept, clean))
    assert 0.2 < np.mean(same) < 0.45


def test_shape_type_and_input_are_kept(pair):
    masked, clean = pair
    before = masked.copy(), clean.copy()
    for seed in range(20):
        for part in degrade(masked, clean, np.random.default_rng(seed)):
            assert part.dtype == np.uint8
            assert part.shape == masked.shape
            assert part.flags.c_contiguous
    np.testing.assert_array_equal(masked, before[0])
    np.testing.assert_array_equal(clean, before[1])


def test_same_seed_same_pixels(pair):
    first = degrade(*pair, np.random.default_rng(2))
    second = degrade(*pair, np.random.default_rng(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_both_get_the_same_tone_and_only_the_input_the_noise(pair):
    _, clean = pair
    noisier = 0
    for seed in range(60):
        dirty, kept = degrade(clean, clean, np.random.default_rng(seed))
        difference = dirty.astype(float) - kept
        assert abs(difference.mean()) < 2.0
        noisier += difference.std() > 1.0
    assert noisier > 15


def test_grey_ramp_stays_monotone():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(64, axis=0)
    for seed in range(30):
        _, kept = degrade(ramp, ramp, np.random.default_rng(seed))
        values = kept.astype(int)
        # enlarging and sharpening may ring by a few levels where the curve meets black or white
        assert (values[:, 8:] - values[:, :-8]).min() >= -2


def test_outside_the_face_mask_the_output_changes_as_the_input(pair):
    masked, clean = pair
    away = np.s_[:20, :20]  # blur and sharpening reach a few px from the face mask
    np.testing.assert_array_equal(masked[away], clean[away])
    equal = 0
    for seed in range(60):
        changed, kept = degrade(masked, clean, np.random.default_rng(seed))
        equal += np.array_equal(changed[away], kept[away])
        assert abs(changed[away].mean(axis=(0, 1)) - kept[away].mean(axis=(0, 1))).max() < 4
    assert equal > 20  # all but noise and JPEG


def test_magnitudes_stay_within_bounds(pair):
    _, clean = pair
    apart, moved, dark = [], [], 0
    for seed in range(150):
        dirty, kept = degrade(clean, clean, np.random.default_rng(seed))
        apart.append((dirty.astype(float) - kept).std())
        moved.append(abs(kept.astype(float) - clean).mean())
        dark += kept.mean() < 0.5 * clean.mean()
    assert 1.5 < np.mean(apart) < 6
    assert max(apart) < 20
    assert 4 < np.mean(moved) < 20
    assert max(moved) < 90
    assert dark < 12


def test_enlarging_loses_detail_and_keeps_the_place():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (128, 96, 3)).astype(np.uint8)
    step = np.zeros((128, 96, 3), np.uint8)
    step[:, 48:] = 200
    for seed in range(20):
        enlarge = _enlarged(picture.shape, np.random.default_rng(seed))
        assert enlarge(picture).shape == picture.shape
        assert enlarge(picture).std() < 0.8 * picture.std()
        assert np.interp(100, enlarge(step)[64, 40:56, 0], np.arange(40, 56)) == pytest.approx(
            47.5, abs=0.35
        )


def test_a_shake_is_a_line_with_sum_1():
    level, steep = _shake(5, 0.0), _shake(5, np.pi / 2)
    assert level.sum() == pytest.approx(1)
    np.testing.assert_allclose(steep, level.T)
    assert (level.sum(axis=1) > 0).sum() == 1


def test_the_noise_table_is_normal():
    assert _NORMAL.shape == (256,)
    assert _NORMAL.mean() == pytest.approx(0, abs=1e-3)
    assert _NORMAL.std() == pytest.approx(1, abs=1e-3)
    assert np.mean(abs(_NORMAL) < 1) == pytest.approx(0.683, abs=0.02)


def test_jpeg_keeps_the_order_of_colours():
    picture = np.empty((16, 16, 3), np.uint8)
    picture[:] = (200, 120, 40)
    coded = _jpeg(picture, 90, np.random.default_rng(0))
    np.testing.assert_allclose(coded, picture, atol=4)


def test_odd_and_tiny_sizes_are_fine():
    for shape in ((1, 1, 3), (7, 3, 3), (33, 129, 3), (0, 4, 3)):
        picture = np.full(shape, 99, np.uint8)
        for seed in range(25):
            dirty, kept = degrade(picture, picture, np.random.default_rng(seed))
            assert dirty.shape == kept.shape == shape


@pytest.mark.parametrize(
    ("masked", "clean"),
    [
        (np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)),
        (np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 3), np.float32)),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)),
    ],
)
def test_wrong_input_is_refused(masked, clean):
    with pytest.raises(ValueError, match=r"need uint8|shapes differ"):
        degrade(masked, clean, np.random.default_rng(0))
