import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.facemasks.light import Light
from mask2face.facemasks.surface import edge_distance, light_up, noise, shade, tinge, warped_noise

SHAPE = (40, 60)
LEVEL = np.zeros(SHAPE, np.float32)


def lamp(x=0.0, y=0.0, z=1.0, ambient=0.3, gain=1.0):
    towards = np.array([x, y, z]) / np.linalg.norm([x, y, z])
    return Light(gain, np.ones(3), towards, ambient, np.full(3, 150.0), False)


def facing(x=0.0, y=0.0, z=1.0):
    normal = np.array([x, y, z]) / np.linalg.norm([x, y, z])
    return np.broadcast_to(normal.astype(np.float32), (*SHAPE, 3))


@settings(max_examples=15, deadline=None)
@given(
    st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 0.75), st.floats(20, 400), st.floats(-1, 1)
)
def test_a_flat_sheet_that_faces_the_camera_is_about_1(x, y, ambient, unit, height):
    lit = shade(facing(), LEVEL + np.float32(height), unit, lamp(x, y, 1.0, ambient))
    assert lit.shape == SHAPE
    assert lit.dtype == np.float32
    np.testing.assert_allclose(lit, 1, atol=2e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 2 * np.pi), st.floats(0.15, 0.6))
def test_tilted_to_the_light_is_brighter_than_away_from_it(angle, tilt):
    x, y = np.cos(angle), np.sin(angle)
    light = lamp(0.6 * x, 0.6 * y)
    towards, away = (
        shade(facing(sign * tilt * x, sign * tilt * y), LEVEL, 90, light)[20, 30]
        for sign in (1, -1)
    )
    assert towards > 1.02
    assert away < 0.98


def test_the_lamps_share_follows_lamberts_cosine():
    light = lamp(0.6, 0.0, 0.8, ambient=0.4)
    shares = []
    for x, z in ((0.5, 1.0), (-0.5, 1.0), (0.2, 1.0)):
        lit = shade(facing(x, 0.0, z), LEVEL, 90, light)
        cosine = (x * 0.6 + z * 0.8) / np.hypot(x, z)
        shares.append(float(lit[20, 30] - 1) / (cosine / 0.8 - 1))
    assert 0.25 < shares[0] <= 0.6 + 1e-3  # the rest is ambient
    np.testing.assert_allclose(shares, shares[0], rtol=0.01)


def test_ambient_light_alone_does_not_shade():
    bumps = np.random.default_rng(0).normal(0, 0.01, SHAPE).astype(np.float32)
    lit = shade(facing(0.4, 0.3), bumps, 90, lamp(1, 1, 1, ambient=1.0))
    np.testing.assert_allclose(lit, 1, atol=1e-6)


def bump(unit):
    """A round bump in the middle, 5 px wide, 2 px high."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    away = (rows - 20) ** 2 + (columns - 30) ** 2
    return (2 / unit * np.exp(-away / 50)).astype(np.float32)


@pytest.mark.parametrize(("x", "y"), [(1, 0), (-1, 0), (0, 1), (0, -1), (0.7, -0.7)])
def test_a_bump_is_lit_on_the_side_of_the_light(x, y):
    lit = shade(facing(), bump(90), 90, lamp(0.6 * x, 0.6 * y))
    on, off = ((round(20 + 5 * s * y), round(30 + 5 * s * x)) for s in (1, -1))
    assert lit[on] > 1.02
    assert lit[off] < 0.98
    assert lit[2, 2] == pytest.approx(1, abs=0.01)


def test_relief_is_in_face_widths():
    light = lamp(0.6, 0.0)
    np.testing.assert_allclose(
        shade(facing(), bump(90), 90, light), shade(facing(), bump(300), 300, light), atol=1e-5
    )


def test_shading_stays_within_what_cloth_shows():
    cliffs = np.random.default_rng(1).normal(0, 1, SHAPE).astype(np.float32)
    lit = shade(facing(0.9, 0, 0.1), cliffs, 400, lamp(1, -1, 0.4, 0.1))
    assert np.isfinite(lit).all()
    assert 0.25 <= lit.min() < lit.max() <= 1.45


def coloured(colour):
    return np.broadcast_to(np.array(colour, np.float32), (*SHAPE, 3))


def test_a_facing_sheet_has_the_colour_of_the_cloth_in_the_light():
    lit = light_up(coloured((0.5, 0.25, 0.1)), facing(), LEVEL, 90, lamp(gain=0.8), 0.0)
    np.testing.assert_allclose(lit[20, 30], np.array((0.5, 0.25, 0.1)) * 0.8 * 255, rtol=5e-3)


def test_black_cloth_is_seen_by_its_sheen():
    light = lamp(0.6, 0.0)
    matt, glossy = (
        light_up(coloured((0, 0, 0)), facing(), bump(90), 90, light, sheen) for sheen in (0, 0.2)
    )
    assert np.ptp(matt) == 0
    assert np.ptp(glossy) > 5
    assert glossy[20, 35].min() > glossy[20, 25].max()


def test_highlights_roll_off_below_white():
    lit = light_up(coloured((1, 1, 1)), facing(0.5, 0, 1), LEVEL, 90, lamp(0.6, gain=1.25), 0.1)
    assert 215 < lit.min() <= lit.max() <= 255
    levels = [
        float(light_up(coloured((c, c, c)), facing(), LEVEL, 90, lamp(), 0.0).mean())
        for c in (0.2, 0.5, 0.8, 0.9, 1.0)
    ]
    assert levels == sorted(levels)


@pytest.mark.parametrize("cells", [(3, 3), (20, 30)])
def test_noise_has_no_mean_and_the_deviation_it_promises(cells):
    rng = np.random.default_rng(0)
    fields = np.stack([noise(rng, SHAPE, *cells) for _ in range(60)])
    assert fields.shape[1:] == SHAPE
    assert fields.dtype == np.float32
    assert fields.mean() == pytest.approx(0, abs=0.1)
    assert 0.5 < fields.std() < 1.3


def test_warped_noise_lies_in_the_cloth():
    u, v = np.meshgrid(*(np.linspace(low, 1, 50, dtype=np.float32) for low in (-1, 0)))
    plain = warped_noise(np.random.default_rng(3), u, v, 5, 4)
    turned = warped_noise(np.random.default_rng(3), u[:, ::-1], v[:, ::-1], 5, 4)
    np.testing.assert_allclose(turned[:, ::-1], plain, atol=1e-6)
    still = warped_noise(np.random.default_rng(3), 0 * u + u[7, 9], 0 * v + v[7, 9], 5, 4)
    np.testing.assert_allclose(still, plain[7, 9], atol=1e-6)
    assert plain.std() > 0.2


def test_more_rows_make_finer_noise():
    u, v = np.meshgrid(*(np.linspace(low, 1, 50, dtype=np.float32) for low in (-1, 0)))
    steps = []
    for rows in (2, 12):
        fields = [warped_noise(np.random.default_rng(seed), u, v, rows, 3) for seed in range(8)]
        steps.append(np.mean([np.abs(np.diff(field, axis=0)).mean() for field in fields]))
    assert steps[1] > 2 * steps[0]


def test_edge_distance_counts_from_the_rim():
    alpha = np.zeros((20, 30), np.float32)
    alpha[5:15, 4:26] = 1
    distance = edge_distance(alpha)
    assert distance.shape == alpha.shape
    assert not distance[alpha == 0].any()
    assert distance[5, 10] == pytest.approx(1, abs=0.1)
    assert distance[9, 15] == pytest.approx(5, abs=0.3)


def test_a_photos_border_is_no_rim():
    alpha = np.zeros((20, 30), np.float32)
    alpha[:12] = 1  # goes on outside the photo
    distance = edge_distance(alpha)
    assert distance[0, 0] == pytest.approx(12, abs=0.6)
    assert distance[0, 15] == pytest.approx(distance[0, 0], abs=0.1)


def test_a_tinge_changes_the_hue_and_hardly_the_brightness():
    factors = tinge((90, 120), np.random.default_rng(0))
    assert factors.shape == (90, 120, 3)
    assert factors.dtype == np.float32
    bright = factors @ (0.3, 0.59, 0.11)
    np.testing.assert_allclose(bright, 1, atol=1e-4)
    assert 0.005 < factors.std(axis=(0, 1)).max() < 0.05
