import numpy as np
import pytest

from mask2face.facemasks import print_fields


@pytest.mark.parametrize(("cells", "side"), [(3, 96), (7, 96), (5, 192)])
def test_fields_are_smooth_and_repeat(cells, side):
    field = print_fields.smooth_field(np.random.default_rng(0), cells, side)
    assert field.shape == (side, side)
    steps = np.abs(np.diff(field, axis=1)).max()
    assert np.abs(field[:, 0] - field[:, -1]).max() < 1.5 * steps
    assert 0.3 < field.std() < 1.3


def test_camouflage_has_four_shades_of_the_ground():
    tile = np.full((96, 96, 3), 100, np.uint8)
    print_fields.camouflage(tile, [np.full(3, 100.0)] * 4, np.random.default_rng(0))
    shades, counts = np.unique(tile.reshape(-1, 3), axis=0, return_counts=True)
    assert 3 <= len(shades) <= 4
    assert counts.min() > 90


def test_a_collage_never_shows_the_photo_upright():
    photo = np.zeros((96, 96, 3), np.uint8)
    photo[:, :, :] = np.linspace(0, 60, 96, dtype=np.uint8)[:, None, None]  # bright below
    for seed in range(30):
        tile = np.full((96, 96, 3), 200, np.uint8)
        print_fields.collage(tile, photo, np.random.default_rng(seed))
        down = float(tile[-20:].mean()) - float(tile[:20].mean())
        inverted = tile.mean() > 205
        assert inverted or down < 1


@pytest.mark.parametrize("name", ["blotches", "animal", "batik", "lace", "patches"])
def test_ink_and_ground_are_seen(name):
    ground = np.full(3, 240.0)
    for seed in range(8):
        tile = np.full((96, 96, 3), 240, np.uint8)
        colours = [np.array([20.0, 30.0, 40.0])] * 3 + [ground]
        getattr(print_fields, name)(tile, colours, np.random.default_rng(seed))
        assert (tile.mean(axis=2) < 200).mean() > 0.01
        assert np.ptp(tile) > 40
