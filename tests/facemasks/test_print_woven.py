import numpy as np
import pytest

from mask2face.facemasks import print_woven

COLOURS = [np.array([0.0, 0.0, 0.0])] * 3 + [np.array([250.0, 250.0, 250.0])]


def painted(paint, seed, side=96):
    tile = np.full((side, side, 3), 250, np.uint8)
    paint(tile, COLOURS, np.random.default_rng(seed))
    return tile


def test_gingham_has_three_tones():
    tones = [np.unique(painted(print_woven.checks, seed)) for seed in range(30)]
    gingham = [found for found in tones if 125 in found]
    assert gingham
    assert all({0, 125, 250} <= set(found.tolist()) for found in gingham)


@pytest.mark.parametrize("seed", range(4))
def test_houndstooth_is_half_dark(seed):
    tile = painted(print_woven.houndstooth, seed)
    assert (tile < 125).mean() == pytest.approx(0.5, abs=0.06)
    rows = tile[..., 0].astype(int)
    assert np.abs(rows - rows.T).mean() > 5  # teeth: not the same seen from the side


@pytest.mark.parametrize("seed", range(4))
def test_stripes_run_one_way(seed):
    tile = painted(print_woven.stripes, seed).astype(int)
    assert min(np.ptp(tile, axis=0).max(), np.ptp(tile, axis=1).max()) == 0
    assert np.ptp(tile) > 100


@pytest.mark.parametrize("seed", range(4))
def test_dots_leave_ground_between_them(seed):
    tile = painted(print_woven.dots, seed)
    assert 0.02 < (tile < 125).mean() < 0.6
