import numpy as np
import pytest

from mask2face.facemasks import degrade, draw


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
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(16, axis=0)
    for seed in range(30):
        _, kept = degrade(ramp, ramp, np.random.default_rng(seed))
        assert (np.diff(kept.astype(int), axis=1) >= 0).all()


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
