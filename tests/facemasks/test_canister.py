import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mask2face.facemasks import mesh
from mask2face.facemasks.canister import Canister, on, piece, sheet
from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drape import sheet_of
from mask2face.facemasks.garment import Cloth

FOOT = np.array([60.0, 50.0, 7.0])


def cylinder(axis, radius=20.0, height=12.0, taper=1.0):
    return Canister(FOOT, np.array(axis, float), radius, height, taper)


def along(canister):
    """Each point's height over the foot and distance from the axis, (R, C) px."""
    axis = canister.axis / np.linalg.norm(canister.axis)
    away = sheet(canister).points - canister.foot
    heights = away @ axis
    return heights, np.linalg.norm(away - heights[..., None] * axis, axis=2)


AXES = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))


@settings(max_examples=30, deadline=None)
@given(AXES, st.floats(3, 40), st.floats(1, 40), st.floats(0.75, 1.05))
def test_it_faces_outwards_in_every_direction(axis, radius, height, taper):
    assume(np.linalg.norm(axis) > 0.1)
    canister = cylinder(axis, radius, height, taper)
    built = sheet(canister)
    normals = mesh.normals_of(built.points)
    unit_axis = canister.axis / np.linalg.norm(canister.axis)
    away = built.points - FOOT
    outward = away - (away @ unit_axis)[..., None] * unit_axis
    outward /= np.linalg.norm(outward, axis=2, keepdims=True)
    back, side, front = slice(0, 1), slice(1, 3), slice(5, 7)
    assert ((normals * outward).sum(axis=2)[side, 1:-1] > 0).all()
    assert ((normals @ unit_axis)[front] > 0.5).all()
    assert ((normals @ unit_axis)[back] < -0.5).all()


@settings(max_examples=15, deadline=None)
@given(AXES, st.floats(3, 40), st.floats(1, 40), st.floats(0.75, 1.05))
def test_it_has_its_radius_and_height(axis, radius, height, taper):
    assume(np.linalg.norm(axis) > 0.1)
    heights, radii = along(cylinder(axis, radius, height, taper))
    np.testing.assert_allclose(heights[:2], 0, atol=1e-9)
    np.testing.assert_allclose(radii[1], radius)
    np.testing.assert_allclose(heights[-1], height)
    assert heights.max() == pytest.approx(height)
    assert radii.max() == pytest.approx(radius * max(taper, 1.0))
    assert radii[[0, -1]].max() < 0.01 * radius  # it is closed
    np.testing.assert_allclose(radii[3], taper * radius)


def test_coordinates_run_around_and_inwards():
    built = sheet(cylinder((0.3, 0.2, 0.9)))
    np.testing.assert_allclose(built.u[:, [0, -1]], [[-1, 1]] * len(built.u))
    np.testing.assert_allclose(built.v[[0, -1], 0], [0, 1])
    assert (np.diff(built.v, axis=0)[1:] > 0).all()
    assert not built.v[:2].any()  # the base
    np.testing.assert_allclose(built.points[:, 0], built.points[:, -1], atol=1e-9)  # it is closed


@pytest.mark.parametrize("radius", [4, 20, 45, 200])
def test_seen_from_the_front_it_is_a_disc_without_a_hole(radius):
    around = Window(50 - radius, 40 - radius, 70 + radius, 60 + radius)
    seen = mesh.raster([sheet(cylinder((0, 0, 1), radius))], around)
    assert seen.alpha.sum() == pytest.approx(np.pi * radius**2, rel=0.04, abs=radius)
    rows, columns = np.mgrid[around.y0 : around.y1, around.x0 : around.x1]
    within = np.hypot(rows - 50, columns - 60) < 0.95 * radius - 1
    assert seen.alpha[within].min() == 1
    inner = np.hypot(rows - 50, columns - 60) < 0.6 * radius
    assert seen.v[inner].min() > 0.6  # the front


def test_an_oval_one_is_taller_than_wide():
    points = sheet(Canister(FOOT, np.array([0.0, 0.0, 1.0]), 20.0, 5.0, 1.0, 1.4)).points
    assert np.ptp(points[..., 0]) == pytest.approx(40, rel=0.02)
    assert np.ptp(points[..., 1]) == pytest.approx(56, rel=0.02)


def test_from_behind_its_base_is_seen():
    seen = mesh.raster([sheet(cylinder((0, 0, -1)))], Window(0, 0, 120, 100))
    assert seen.alpha.sum() == pytest.approx(np.pi * 20**2, rel=0.04)
    assert seen.alpha[40:61, 50:71].min() == 1
    assert seen.v[50, 60] == pytest.approx(0, abs=0.02)


def test_seen_from_the_side_it_is_a_box():
    seen = mesh.raster([sheet(cylinder((1, 0, 0)))], Window(0, 0, 120, 100))
    assert seen.alpha.sum() == pytest.approx(12 * 40, rel=0.06)
    rows, columns = np.nonzero(seen.alpha > 0.5)
    assert columns.min() == pytest.approx(60, abs=1)
    assert columns.max() == pytest.approx(72, abs=1)
    assert np.ptp(rows) == pytest.approx(40, abs=2)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_slanted_one_shows_its_front_and_one_side(direction):
    seen = mesh.raster([sheet(cylinder((direction, 0, 1)))], Window(0, 0, 120, 100))
    front, side = (np.nonzero(part & (seen.alpha > 0.9)) for part in (seen.v > 0.5, seen.v < 0.4))
    assert len(front[0])
    assert len(side[0])
    # the front has moved along the axis, the side that shows lies behind it
    assert direction * (front[1].mean() - side[1].mean()) > 5


def test_on_finds_the_point_of_a_coordinate():
    x, y = np.meshgrid(np.linspace(0, 80, 9), np.linspace(0, 50, 11))
    flat = sheet_of(np.stack([x, y, 0 * x + 4], axis=2))
    foot, normal = on(flat, 0.5, 0.3)
    np.testing.assert_allclose(normal, (0, 0, 1), atol=1e-9)
    np.testing.assert_allclose(foot[:2], (60, 15), atol=1e-9)
    assert 0 <= 4 - foot[2] <= 2  # sunk a little, so that no gap shows


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (0.85, 0.25, 0.5)])
def test_a_painted_canister_stays_within_colours(colour):
    u, v = (
        part.astype(np.float32)
        for part in np.meshgrid(np.linspace(-1, 1, 50), np.linspace(0, 1, 40))
    )
    seen, plain = set(), []
    for seed in range(16):
        rng = np.random.default_rng(seed)
        part = piece(cylinder((0, 0, 1)), np.array(colour, float), rng)
        albedo, relief = part.paint(Cloth(u, v, 0 * u, 90.0, 1.0), rng)
        assert albedo.shape == (*u.shape, 3)
        assert albedo.dtype == np.float32
        assert 0 <= albedo.min() <= albedo.max() <= 1
        assert relief.shape == u.shape
        seen.add(albedo.tobytes())
        plain.append((np.abs(albedo - np.array(colour)).max(axis=2) < 0.35).mean())
    assert min(plain) > 0.3  # the rest is a label, rings, ribs
    assert np.median(plain) > 0.7
    assert len(seen) > (12 if any(colour) else 5)


def test_the_same_state_paints_the_same_canister():
    u, v = (
        part.astype(np.float32)
        for part in np.meshgrid(np.linspace(-1, 1, 30), np.linspace(0, 1, 30))
    )
    pictures = []
    for _ in range(2):
        rng = np.random.default_rng(8)
        part = piece(cylinder((0, 0.5, 1)), np.array([0.4, 0.5, 0.3]), rng)
        pictures.append(part.paint(Cloth(u, v, 0 * u, 90.0, 1.0), rng)[0])
    np.testing.assert_array_equal(*pictures)
