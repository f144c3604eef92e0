import numpy as np
import pytest

from mask2face.facemasks import print_shapes as shapes

FIGURES = [
    shapes.flower(5, 0.5),
    shapes.heart(),
    shapes.star(5),
    shapes.leaf(),
    shapes.sprig(),
    shapes.paisley(),
    shapes.skull(),
    shapes.cat(),
    shapes.bear(),
    shapes.cherry(),
    shapes.drop(),
    shapes.fish(),
]


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_fill_their_radius(figure):
    reach = max(np.hypot(*polygon.T).max() for polygon, _ in figure)
    assert 0.8 < reach < 1.45
    assert {ink for _, ink in figure} <= {-1, 0, 1, 2}


def test_a_stamped_disc_has_the_right_area_across_the_rim():
    tile = np.zeros((100, 100, 3), np.uint8)
    disc = ((shapes.disc(0, 0, 1, 1, 64), 0),)
    white = [np.full(3, 255.0)] * 4
    shapes.stamp(tile, disc, np.array([[0.0, 0.0, 0.2, 0.0]]), white)
    assert tile[..., 0].mean() / 255 == pytest.approx(np.pi * 0.04, rel=0.08)
    assert tile[0, 0, 0] == tile[99, 99, 0] == tile[0, 99, 0] == 255


def test_places_keep_to_the_tile():
    places = shapes.scattered(np.random.default_rng(0), 4, 0.5, 0.4, 0.3, 1.0)
    assert places.shape == (8, 4)
    assert places[:, :2].min() >= 0
    assert places[:, :2].max() < 1
    assert np.abs(places[:, 3]).max() <= 1


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_ink_soaks_in_by_its_share(share):
    tile = np.full((8, 8, 3), 100, np.uint8)
    shapes.soak(tile, np.array([200.0, 100.0, 0.0]), np.full((8, 1), share, np.float32))
    assert tile[3, 3] == pytest.approx([100 + 100 * share, 100, 100 - 100 * share], abs=1)
