import numpy as np
import pytest

from mask2face.facemasks import compositing


def disc(radius=20.0, side=80):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)


@pytest.mark.parametrize("reach", [0.2, 2.0, 9.0])
def test_the_hole_ends_where_the_coverage_does(reach, beyond):
    hole = compositing.hole_of(disc(), reach)
    assert beyond(hole, disc()) <= 0
    assert (hole >= disc()).all()
    assert hole.max() <= 1


def test_the_hole_fades_out_below_half_within_its_reach():
    hole = compositing.hole_of(disc(20.0), 6.0)
    middle = hole[40]
    beside = middle[62:66]
    assert (beside > 0).all()
    assert beside.max() < 0.5
    assert middle[73:].max() == 0


def test_no_coverage_no_hole():
    assert not compositing.hole_of(np.zeros((20, 20), np.float32), 3.0).any()
