import numpy as np
import pytest

from mask2face.facemasks import print_covers

INK, GROUND = np.array([10.0, 20.0, 200.0]), np.array([240.0, 230.0, 220.0])


def painted(name, seed):
    tile = np.empty((120, 120, 3), np.uint8)
    tile[:] = GROUND
    getattr(print_covers, name)(tile, [INK] * 3 + [GROUND], np.random.default_rng(seed))
    return tile


def changed(tile):
    return np.abs(tile - GROUND).max(axis=2) > 30


def test_an_emblem_is_small_and_off_the_rim():
    shares = []
    for seed in range(40):
        spots = changed(painted("logo", seed))
        assert not spots[:20].any()
        assert not spots[:, :3].any()
        shares.append(spots.mean())
    assert min(shares) > 0
    assert np.median(shares) < 0.06


def test_panels_are_of_two_colours():
    for seed in range(20):
        share = changed(painted("two_tone", seed)).mean()
        assert 0.05 < share < 0.95


def test_a_gradient_has_no_step():
    for seed in range(10):
        tile = painted("gradient", seed).astype(int)
        assert np.abs(np.diff(tile, axis=0)).max() < 25
        assert np.ptp(tile) > 60


@pytest.mark.parametrize("name", ["tie_dye", "bands", "splatter"])
def test_both_colours_are_seen(name):
    shares = [changed(painted(name, seed)).mean() for seed in range(12)]
    assert 0.003 < np.mean(shares) < 0.97
