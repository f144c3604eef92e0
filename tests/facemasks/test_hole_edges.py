"""The hole ends within 1 px of what was drawn, for every style, pose, size and seed."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mask2face.facemasks import FACEMASKS, compositing, draw
from mask2face.facemasks.head import HEAD

WORN = sorted(set(FACEMASKS) - {"bare", "shield"})  # a visor takes its own share of the hole


def turned(yaw, pitch, roll, width, side):
    """Landmarks of the generic head, its pose in degrees, `width` px from ear to ear."""
    a, b, c = np.radians([yaw, pitch, roll])
    x, y, z = HEAD.T
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    y, z = y * np.cos(b) + z * np.sin(b), z * np.cos(b) - y * np.sin(b)
    x, y = x * np.cos(c) - y * np.sin(c), x * np.sin(c) + y * np.cos(c)
    flat = np.stack([x, y], axis=1) * width
    return (flat - flat.mean(axis=0) + side / 2).astype(np.float32)


@pytest.mark.parametrize("style", WORN)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**31),
    width=st.floats(40, 220),
    yaw=st.floats(-60, 60),
    pitch=st.floats(-25, 25),
    roll=st.floats(-60, 60),
)
def test_hole_edges(style, seed, width, yaw, pitch, roll, beyond):
    side = int(2.4 * width)
    photo = np.full((side, side, 3), (190, 150, 130), np.uint8)
    covered = []

    def recorded(alpha, reach, whole=compositing.hole_of):
        covered.append(alpha.copy())
        return whole(alpha, reach)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compositing, "hole_of", recorded)
        landmarks = turned(yaw, pitch, roll, width, side)
        result = draw(style, photo, landmarks, np.random.default_rng(seed))
    (alpha,) = covered
    rows, columns = np.nonzero(result.hole)
    y0, x0 = _offset(result.hole, alpha, rows, columns)
    hole = result.hole[y0 : y0 + alpha.shape[0], x0 : x0 + alpha.shape[1]]
    assert (hole >= alpha - 1 / 255).all()
    assert beyond(hole, alpha) == 0
    changed = (result.photo != photo).any(axis=2)
    assert not (changed & (result.hole == 0)).any()


def _offset(hole, alpha, rows, columns):
    """Where the window of `alpha` lies in the photo: its hole is the whole hole."""
    inner = compositing.hole_of(alpha, 1.0)
    inside_rows, inside_columns = np.nonzero(inner >= 0.5)
    whole_rows, whole_columns = np.nonzero(hole >= 0.5)
    return whole_rows.min() - inside_rows.min(), whole_columns.min() - inside_columns.min()
