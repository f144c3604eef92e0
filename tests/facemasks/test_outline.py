import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.facemasks.frame import Frame
from mask2face.facemasks.head import HEAD
from mask2face.facemasks.outline import WEARS, Fit, bridge, smooth, trace, wear_fit

EVEN = Fit(jitter=0.0)


def turned(yaw=0.0, pitch=0.0, roll=0.0, width=90.0):
    """Landmarks of the generic head, `width` px from ear to ear, its pose in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    x, y, z = HEAD.T
    y, z = y * np.cos(b) + z * np.sin(b), z * np.cos(b) - y * np.sin(b)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    x, y = x * np.cos(c) - y * np.sin(c), x * np.sin(c) + y * np.cos(c)
    return np.stack([x, y], axis=1) * width + 106


def place(frame, point):
    """A point (..., 3) as (right, down, out) from the nose's bridge, face widths."""
    axes = np.stack([frame.right, frame.down, frame.out])
    return (point - frame.points[27]) @ axes.T / frame.unit


def rim(frame, fit=EVEN, seed=0, wear="over_nose"):
    rng = np.random.default_rng(seed)
    return trace(frame, wear_fit(fit, wear, rng), rng)


FITS = st.builds(
    Fit,
    bridge=st.floats(27, 29.5),
    upper=st.floats(0.4, 3.8),
    lower=st.floats(4.0, 5.2),
    reach=st.floats(0.6, 1.1),
    sag=st.floats(-0.06, 0.05),
    peak=st.floats(-0.01, 0.05),
    chin=st.floats(0, 0.2),
    bulge=st.floats(-0.02, 0.08),
)
POSES = st.fixed_dictionaries(
    {"yaw": st.floats(-60, 60), "pitch": st.floats(-20, 20), "roll": st.floats(-60, 60)}
)


def test_smooth_passes_through_its_points_and_keeps_lines_straight():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(6, 3))
    curve = smooth(points, 8)
    assert curve.shape == (5 * 8 + 1, 3)
    np.testing.assert_allclose(curve[::8], points, atol=1e-12)
    line = np.linspace(0, 1, 5)[:, None] * np.array([3.0, -1.0, 2.0])
    np.testing.assert_allclose(np.cross(smooth(line), line[-1]), 0, atol=1e-12)


def test_the_bridge_is_where_people_wear_it():
    rng = np.random.default_rng(0)
    places = [bridge(rng) for _ in range(500)]
    assert 27 <= min(places) < max(places) <= 29.5
    assert np.median(places) == pytest.approx(28, abs=0.1)


@settings(max_examples=20, deadline=None)
@given(FITS, POSES, st.integers(0, 999), st.sampled_from(WEARS))
def test_the_four_curves_meet_at_the_corners(fit, pose, seed, wear):
    outline = rim(Frame(turned(**pose)), fit, seed, wear)
    for one, two in (
        (outline.top[0], outline.left[0]),
        (outline.top[-1], outline.right[0]),
        (outline.bottom[0], outline.left[-1]),
        (outline.bottom[-1], outline.right[-1]),
    ):
        np.testing.assert_allclose(one, two, atol=1e-9)
    for curve in (outline.top, outline.right, outline.bottom, outline.left):
        assert curve.shape[1] == 3
        assert np.isfinite(curve).all()


@pytest.mark.parametrize("height", [27.0, 28.3, 29.5])
@pytest.mark.parametrize("yaw", [-60, 0, 35])
def test_the_upper_rim_passes_over_the_nose_where_it_is_asked_to(height, yaw):
    frame = Frame(turned(yaw, 8, 15))
    top = rim(frame, Fit(bridge=height)).top
    np.testing.assert_allclose(top[len(top) // 2], frame.nose(height), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(FITS, POSES, st.integers(0, 999))
def test_the_upper_rim_stays_below_the_eyes(fit, pose, seed):
    frame = Frame(turned(**pose))
    top = place(frame, rim(frame, fit, seed).top)
    eyes = place(frame, frame.points[36:48])
    for eye in (eyes[:6], eyes[6:]):
        centre = eye.mean(axis=0)
        near = np.abs(top[:, 0] - centre[0]) < 0.04
        assert near.any()
        assert (top[near, 1] > centre[1] + 0.02).all()


def test_an_even_fit_on_an_even_face_is_symmetric():
    frame = Frame(turned())
    outline = rim(frame)
    for curve in (outline.top, outline.bottom):
        there = place(frame, curve)
        np.testing.assert_allclose(there[::-1] * (-1, 1, 1), there, atol=1e-6)


def test_jitter_makes_it_uneven():
    frame = Frame(turned())
    there = place(frame, rim(frame, Fit(jitter=0.03)).top)
    assert np.abs(there[::-1] * (-1, 1, 1) - there).max() > 0.005


def test_corners_lie_on_the_jaw_with_reach_one():
    frame = Frame(turned())
    outline = rim(frame, Fit(jitter=0.0, reach=1.0, upper=1.5, lower=4.0))
    np.testing.assert_allclose(outline.left[0], frame.jaw(1.5), atol=1e-6)
    np.testing.assert_allclose(outline.right[0], frame.jaw(14.5), atol=1e-6)
    np.testing.assert_allclose(outline.left[-1], frame.jaw(4.0), atol=1e-6)
    np.testing.assert_allclose(outline.right[-1], frame.jaw(12.0), atol=1e-6)


@pytest.mark.parametrize("yaw", [-45, 0, 45])
def test_less_reach_is_nearer_to_the_nose_and_in_front(yaw):
    frame = Frame(turned(yaw))
    wide, narrow = (
        place(frame, rim(frame, Fit(jitter=0.0, reach=reach)).left[0]) for reach in (1.0, 0.7)
    )
    assert wide[0] < narrow[0] < 0
    assert narrow[2] > wide[2]


def test_the_lower_rim_reaches_below_the_chin_by_its_share():
    frame = Frame(turned())
    tall = place(frame, frame.points[8])[1]
    for share in (0.0, 0.1, 0.3):
        bottom = place(frame, rim(frame, Fit(jitter=0.0, chin=share, bulge=0.0)).bottom)
        assert bottom[:, 1].max() == pytest.approx(tall * (1 + share), rel=0.02)
    low = bottom[bottom[:, 1].argmax()]
    assert abs(low[0]) < 0.02


def test_bulge_moves_the_lower_rim_outside_the_jaw():
    frame = Frame(turned())
    flat, wide = (
        place(frame, rim(frame, Fit(jitter=0.0, chin=0.0, bulge=bulge)).bottom)
        for bulge in (0.0, 0.08)
    )
    middle = len(flat) // 2
    assert wide[middle, 1] - flat[middle, 1] == pytest.approx(0.08, abs=0.005)
    assert (np.ptp(wide[8:-8, 0]) - np.ptp(flat[8:-8, 0])) > 0.04


def test_sag_lowers_the_rim_under_the_eyes_and_peak_leaves_the_nose():
    frame = Frame(turned(pitch=5))
    plain, low = (rim(frame, Fit(jitter=0.0, sag=sag, peak=0.0)).top for sag in (0.0, 0.05))
    steps = (low - plain) @ frame.down / frame.unit
    middle = len(steps) // 2
    np.testing.assert_allclose(steps[[0, middle, -1]], 0, atol=1e-9)
    assert steps.max() > 0.02
    peaked = rim(frame, Fit(jitter=0.0, sag=0.0, peak=0.05)).top
    beside = ((peaked - plain) @ frame.down / frame.unit)[[middle - 12, middle + 12]]
    assert (beside > 0.01).all()  # the sides lie lower, the nose does not rise
    np.testing.assert_allclose(peaked[middle], plain[middle])


@pytest.mark.parametrize("yaw", [-50, -20, 0, 20, 50])
def test_nose_out_leaves_the_tip_of_the_nose_and_covers_the_lips(yaw):
    frame = Frame(turned(yaw))
    nose, lips = place(frame, frame.points[[33, 57]])
    for seed in range(5):
        top = place(frame, rim(frame, Fit(), seed, "nose_out").top)
        middle = top[len(top) // 2]
        assert nose[1] - 1e-9 <= middle[1] < lips[1]
        near = np.abs(top[:, 0]) < 0.1
        assert (top[near, 1] > place(frame, frame.points[30])[1]).all()


@pytest.mark.parametrize("yaw", [-50, -20, 0, 20, 50])
def test_chin_leaves_the_lips_and_ends_below_the_chin(yaw):
    frame = Frame(turned(yaw))
    lips, chin = place(frame, frame.points[[57, 8]])
    for seed in range(5):
        outline = rim(frame, Fit(), seed, "chin")
        top, bottom = place(frame, outline.top), place(frame, outline.bottom)
        near = np.abs(top[:, 0]) < 0.15
        assert (top[near, 1] > lips[1]).all()
        assert bottom[:, 1].max() > chin[1]
        assert bottom[len(bottom) // 2, 1] > top[len(top) // 2, 1]


@pytest.mark.parametrize("yaw", [-60, -30, 30, 60])
def test_one_ear_hangs_beside_the_face_from_the_ear_that_shows(yaw):
    frame = Frame(turned(yaw))
    for seed in range(5):
        outline = rim(frame, Fit(), seed, "one_ear")
        assert outline.ear == -np.sign(yaw)  # the nose points away from it
        points = np.concatenate([outline.top, outline.bottom, outline.left, outline.right])
        there = place(frame, points)
        ear = place(frame, frame.ear(outline.ear, 0.0))
        middle = there.mean(axis=0)
        assert outline.ear * middle[0] > 0.35  # beside the mouth and nose
        assert middle[1] > ear[1] + 0.2  # and below the ear
        assert outline.top[:, 1].mean() < outline.bottom[:, 1].mean()


def test_from_the_front_either_ear_may_hold_it():
    frame = Frame(turned())
    assert {rim(frame, Fit(), seed, "one_ear").ear for seed in range(20)} == {-1, 1}


def test_only_one_ear_names_an_ear():
    frame = Frame(turned(40))
    for wear in ("over_nose", "nose_out", "chin"):
        assert rim(frame, Fit(), 0, wear).ear == 0


@pytest.mark.parametrize("wear", WEARS)
def test_a_worn_fit_says_how_it_is_worn(wear):
    fit = wear_fit(Fit(bridge=29.0), wear, np.random.default_rng(0))
    assert fit.wear == wear
    assert fit.bridge == 29.0


@pytest.mark.parametrize("wear", ["", "nose", "Chin"])
def test_an_unknown_wear_names_those_that_are_known(wear):
    with pytest.raises(ValueError, match=r"over_nose, nose_out, chin, one_ear.*got"):
        wear_fit(Fit(), wear, np.random.default_rng(0))


def test_the_same_state_traces_the_same_rim():
    frame = Frame(turned(20))
    one, two, other = (rim(frame, Fit(), seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.top, two.top)
    np.testing.assert_array_equal(one.left, two.left)
    assert (one.top != other.top).any()
