import numpy as np
import pytest

from mask2face.facemasks import print_figures

NAMES = ["florals", "paisley", "leaves", "hearts", "stars", "figures", "skulls"]


@pytest.mark.parametrize("name", NAMES)
def test_figures_lie_on_the_ground(name):
    shares = []
    for seed in range(20):
        tile = np.full((96, 96, 3), 250, np.uint8)
        colours = [np.array([10.0, 20.0, 30.0])] * 3 + [np.full(3, 250.0)]
        getattr(print_figures, name)(tile, colours, np.random.default_rng(seed))
        shares.append((tile.mean(axis=2) < 240).mean())
    assert min(shares) > 0.005
    assert np.median(shares) < 0.9
    assert len(set(shares)) > 15
