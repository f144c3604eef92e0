import numpy as np
import pytest

from mask2face.facemasks import mesh
from mask2face.facemasks.compositing import Window
from mask2face.facemasks.mesh import Sheet


def flat(x0=10.0, y0=10.0, x1=30.0, y1=40.0, z=0.0, rows=4, columns=5):
    x, y = np.meshgrid(np.linspace(x0, x1, columns), np.linspace(y0, y1, rows))
    points = np.stack([x, y, np.full_like(x, z)], axis=2)
    u, v = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(0, 1, rows))
    return Sheet(points, u, v, mesh.rim_distance(points))


WINDOW = Window(0, 0, 50, 60)


def test_a_flat_sheet_covers_its_rectangle():
    seen = mesh.raster([flat()], WINDOW)
    assert seen.alpha.shape == seen.owner.shape == WINDOW.shape
    assert seen.alpha[11:40, 11:30].min() == 1
    assert seen.alpha[:9].max() == seen.alpha[:, 33:].max() == 0
    assert seen.alpha.sum() == pytest.approx(20 * 30, rel=0.03)
    assert (seen.owner[seen.alpha > 0] == 0).all()


def test_coordinates_are_linear_on_a_flat_sheet():
    seen = mesh.raster([flat()], WINDOW)
    assert seen.u[25, 20] == pytest.approx(0, abs=1e-5)
    assert seen.v[25, 20] == pytest.approx(0.5, abs=1e-5)
    assert seen.u[25, 25] == pytest.approx(0.5, abs=1e-5)
    assert seen.edge[25, 13] == pytest.approx(3, abs=0.01)
    np.testing.assert_allclose(seen.normal[25, 20], (0, 0, 1), atol=1e-6)


def test_the_nearer_sheet_is_in_front_in_any_order():
    near, far = flat(z=5.0), flat(5, 5, 25, 30)
    for sheets, front in (([near, far], 0), ([far, near], 1)):
        seen = mesh.raster(sheets, WINDOW)
        assert seen.owner[20, 20] == front
        assert seen.owner[7, 7] == 1 - front


def test_the_back_of_a_sheet_is_not_seen():
    sheet = flat()
    back = Sheet(sheet.points[:, ::-1], sheet.u, sheet.v, sheet.edge)
    assert not mesh.raster([back], WINDOW).alpha.any()


def test_a_turned_half_cylinder_shows_its_near_side():
    angles = np.linspace(-np.pi / 2, np.pi / 2, 19)
    turn = np.radians(40)
    x, z = np.sin(angles), np.cos(angles)
    points = np.empty((4, 19, 3))
    points[..., 0] = 25 + 20 * (x * np.cos(turn) + z * np.sin(turn))
    points[..., 1] = np.linspace(5, 55, 4)[:, None]
    points[..., 2] = 20 * (z * np.cos(turn) - x * np.sin(turn))
    u = np.broadcast_to(angles, (4, 19))
    seen = mesh.raster([Sheet(points, u, u, mesh.rim_distance(points))], WINDOW)
    # the point that faces the camera was turned away from the middle by as much
    assert seen.u[30, 25] == pytest.approx(-turn, abs=0.06)
    assert seen.u[seen.alpha > 0.9].max() < np.pi / 2 - turn + 0.15
    assert seen.normal[30, 38, 0] == pytest.approx(13 / 20, abs=0.06)


def test_alpha_is_the_same_at_both_finenesses():
    small = mesh.raster([flat()], WINDOW)
    large = mesh.raster([flat()], Window(0, 0, 300, 300))
    np.testing.assert_allclose(large.alpha[:60, :50], small.alpha, atol=0.45)


def test_a_sheet_outside_the_window_is_not_seen():
    seen = mesh.raster([flat()], Window(100, 100, 120, 130))
    assert not seen.alpha.any()
    assert (seen.owner == -1).all()


def test_a_coons_patch_ends_on_its_curves():
    t = np.linspace(0, 1, 7)[:, None]
    top = np.hstack([10 * t, np.sin(3 * t), t * 0])
    left = np.hstack([0 * t, 8 * t, np.sin(np.pi * t)])
    right = left + np.array([10, np.sin(3), 0])
    bottom = top + left[-1]
    patch = mesh.between(top, bottom, left, right)
    for side, curve in ((patch[0], top), (patch[-1], bottom), (patch[:, 0], left)):
        np.testing.assert_allclose(side, curve, atol=1e-9)
    np.testing.assert_allclose(patch[:, -1], right, atol=1e-9)


def test_resample_steps_evenly():
    curve = np.array([[0.0, 0, 0], [1, 0, 0], [10, 0, 0]])
    np.testing.assert_allclose(mesh.resample(curve, 6)[:, 0], [0, 2, 4, 6, 8, 10])


def test_rim_distance():
    points = flat(0, 0, 4, 3, rows=4, columns=5).points
    expected = [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(mesh.rim_distance(points), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 2), (1, 3, 3)])
def test_points_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"points must be \(R, C, 3\)"):
        Sheet(np.zeros(shape), np.zeros(shape[:2]), np.zeros(shape[:2]), np.zeros(shape[:2]))


def test_coordinates_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="u, v and edge"):
        Sheet(np.zeros((3, 4, 3)), np.zeros((4, 3)), np.zeros((3, 4)), np.zeros((3, 4)))
