import numpy as np
import pytest

from mask2face.facemasks import print_grins


@pytest.mark.parametrize("ground", [20.0, 130.0, 240.0])
def test_mouths_stand_out_and_keep_off_the_rim(ground):
    shares, pictures = [], set()
    for seed in range(40):
        tile = np.full((120, 120, 3), ground, np.uint8)
        inks = [np.array([200.0, 60.0, 60.0])] * 3
        print_grins.grin(tile, [*inks, np.full(3, ground)], np.random.default_rng(seed))
        spots = np.abs(tile.astype(int) - int(ground)).max(axis=2) > 25
        assert not spots[:10].any()
        assert not spots[:, :2].any()
        shares.append(spots.mean())
        pictures.add(tile.tobytes())
    assert min(shares) > 0.002
    assert 0.01 < np.median(shares) < 0.2
    assert len(pictures) == 40
