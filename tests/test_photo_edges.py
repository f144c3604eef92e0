"""Photos that end inside a crop: what is left of them stays, and their last pixels go on."""

import numpy as np

from mask2face.photo_edges import end_photo

SIDE = 64


def _pictures():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return photo, 255 - photo, rng.random((SIDE, SIDE)).astype(np.float32)


def _kept(seed):
    """Return which pixels of an ended photo are what they were, and the ended pictures."""
    pictures = _pictures()
    ended = end_photo(pictures, np.random.default_rng(seed))
    return (ended[0] == pictures[0]).all(-1), pictures, ended


def test_input_output_and_hole_end_at_the_same_place():
    for seed in range(8):
        kept, pictures, ended = _kept(seed)
        np.testing.assert_array_equal((ended[1] == pictures[1]).all(-1), kept)
        np.testing.assert_allclose(ended[2][kept], pictures[2][kept], atol=2e-3)


def test_the_middle_of_the_face_is_always_kept():
    inner = slice(round(0.40 * SIDE), round(0.60 * SIDE))
    assert all(_kept(seed)[0][inner, inner].all() for seed in range(60))


def test_some_photos_end_and_how_far_differs():
    shares = [_kept(seed)[0].mean() for seed in range(60)]
    assert sum(share < 0.95 for share in shares) > 20
    assert len({round(share, 2) for share in shares}) > 10


def test_past_the_end_the_last_pixels_go_on():
    across = np.tile(np.arange(SIDE, dtype=np.uint8)[:, None, None], (1, SIDE, 3))
    hole = np.zeros((SIDE, SIDE), np.float32)
    lowest = []
    for seed in range(40):
        ended, _, _ = end_photo((across, across, hole), np.random.default_rng(seed))
        assert ended.max() <= SIDE - 1  # nothing is made up
        lowest.append(int(ended[-1, SIDE // 2, 0]))
    assert min(lowest) < 0.8 * SIDE  # the last row shows one from further up


def test_the_same_seed_gives_the_same_pictures():
    one, two = (_kept(5)[2] for _ in range(2))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def test_types_and_shapes_stay():
    for before, after in zip(*_kept(1)[1:], strict=True):
        assert (before.dtype, before.shape) == (after.dtype, after.shape)
