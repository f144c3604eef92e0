import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.facemasks import mesh
from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drape import Hang, drape, inflated, sheet_of
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.head import HEAD
from mask2face.facemasks.outline import Fit, trace, wear_fit

WINDOW = Window(0, 0, 240, 240)
FLAT = Hang(tent=1.0, off=0.02, round=0.0)


def turned(yaw=0.0, pitch=0.0, roll=0.0, width=90.0):
    """Landmarks of the generic head, `width` px from ear to ear, its pose in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    x, y, z = HEAD.T
    y, z = y * np.cos(b) + z * np.sin(b), z * np.cos(b) - y * np.sin(b)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    x, y = x * np.cos(c) - y * np.sin(c), x * np.sin(c) + y * np.cos(c)
    return np.stack([x, y], axis=1) * width + (120, 90)


def worn(frame, hang, fit=None, seed=0, wear="over_nose"):
    """The rim and its sheet."""
    rng = np.random.default_rng(seed)
    outline = trace(frame, wear_fit(fit or Fit(jitter=0.0), wear, rng), rng)
    return outline, drape(frame, outline, hang)


def farthest(frame, points, curve):
    """How far the points lie from a curve, looked at along `out`, face widths."""
    axes = np.stack([frame.right, frame.down])
    points, curve = points @ axes.T, mesh.resample(curve, 400) @ axes.T
    apart = np.sqrt(((points[:, None] - curve[None]) ** 2).sum(axis=2))
    return apart.min(axis=1).max() / frame.unit


HANGS = st.builds(
    Hang,
    tent=st.floats(0.6, 1),
    off=st.floats(0, 0.05),
    round=st.floats(0, 1.1),
    fold=st.floats(0, 0.16),
    inflate=st.floats(0, 0.18),
    bill=st.floats(0, 0.26),
)
POSES = st.fixed_dictionaries(
    {"yaw": st.floats(-60, 60), "pitch": st.floats(-20, 20), "roll": st.floats(-60, 60)}
)


@settings(max_examples=15, deadline=None)
@given(HANGS, POSES, st.integers(0, 999))
def test_the_sheet_fills_its_rim(hang, pose, seed):
    frame = Frame(turned(**pose))
    outline, sheet = worn(frame, hang, Fit(), seed)
    for edge, curve in (
        (sheet.points[0], outline.top),
        (sheet.points[-1], outline.bottom),
        (sheet.points[:, 0], outline.left),
        (sheet.points[:, -1], outline.right),
    ):
        assert farthest(frame, edge, curve) < 0.015
    for row, column, corner in (
        (0, 0, outline.top[0]),
        (0, -1, outline.top[-1]),
        (-1, 0, outline.bottom[0]),
        (-1, -1, outline.bottom[-1]),
    ):
        np.testing.assert_allclose(sheet.points[row, column], corner, atol=1e-6 * frame.unit)


@settings(max_examples=15, deadline=None)
@given(HANGS, POSES, st.sampled_from(["over_nose", "nose_out", "chin", "one_ear"]))
def test_coordinates_run_over_the_sheet_without_tears(hang, pose, wear):
    frame = Frame(turned(**pose))
    _, sheet = worn(frame, hang, Fit(), 1, wear)
    rows, columns = sheet.u.shape
    assert columns % 2 == 1  # there is a middle line
    np.testing.assert_allclose(sheet.u[:, [0, columns // 2, -1]], [[-1, 0, 1]] * rows, atol=1e-12)
    np.testing.assert_allclose(sheet.v[[0, -1]], [[0] * columns, [1] * columns])
    assert (np.diff(sheet.u, axis=1) > 0).all()
    assert (np.diff(sheet.v, axis=0) > 0).all()
    assert sheet.edge.min() == 0
    np.testing.assert_allclose(np.concatenate([sheet.edge[0], sheet.edge[:, 0]]), 0, atol=1e-9)
    assert sheet.edge[rows // 2, columns // 2] > 0
    for axis in (0, 1):
        steps = np.linalg.norm(np.diff(sheet.points, axis=axis), axis=2)
        assert steps.max() < 0.3 * frame.unit


def middle_line(frame, sheet):
    """Height below the rim and depth of the middle line, face widths."""
    line = sheet.points[:, sheet.points.shape[1] // 2] / frame.unit
    return (line - line[0]) @ frame.down, (line - line[0]) @ frame.out


@pytest.mark.parametrize("yaw", [-45, 0, 45])
def test_a_tent_spans_from_the_nose_to_the_chin(yaw):
    frame = Frame(turned(yaw))
    _, sheet = worn(frame, FLAT)
    heights, depths = middle_line(frame, sheet)
    slopes = np.diff(depths) / np.diff(heights)
    assert (np.diff(slopes) < 0.15).all()  # convex, but for what the smoothing overshoots
    assert slopes[0] > 0 > slopes[-1]


@pytest.mark.parametrize("yaw", [-45, 0, 45])
def test_cloth_lies_on_the_nose_and_before_the_lips(yaw):
    frame = Frame(turned(yaw))
    outline, sheet = worn(frame, FLAT)
    heights, depths = middle_line(frame, sheet)
    start = outline.top[len(outline.top) // 2]
    for index in (30, 33, 51, 57):
        there = (frame.points[index] - start) / frame.unit
        cloth = np.interp(there @ frame.down, heights, depths)
        assert cloth > there @ frame.out - 0.01
        if index == 30:
            assert cloth - there @ frame.out == pytest.approx(0.02, abs=0.02)


def test_without_a_tent_it_follows_the_lips():
    frame = Frame(turned())
    outline, loose = worn(frame, Hang(0.0, 0.0, 0.0))
    _, tight = worn(frame, Hang(1.0, 0.0, 0.0))
    nose, lip, mouth = (
        ((frame.points[index] - outline.top[len(outline.top) // 2]) / frame.unit) @ frame.down
        for index in (30, 33, 57)
    )
    hangs = [np.interp([nose, lip, mouth], *middle_line(frame, sheet)) for sheet in (loose, tight)]
    assert hangs[0][0] == pytest.approx(hangs[1][0], abs=0.02)
    assert hangs[1][1] - hangs[0][1] > 0.03  # under the nose there is air


def stands(frame, hang, plain=FLAT):
    """How far a sheet stands out of the plain one, (R, C) face widths."""
    return (worn(frame, hang)[1].points - worn(frame, plain)[1].points) @ frame.out / frame.unit


@pytest.mark.parametrize("yaw", [-40, 0, 40])
def test_cheeks_are_rounded_between_the_middle_and_the_sides(yaw):
    frame = Frame(turned(yaw))
    raised = stands(frame, Hang(1.0, 0.02, 1.0))
    middle = raised.shape[1] // 2
    np.testing.assert_allclose(raised[:, [0, middle, -1]], 0, atol=1e-9)
    assert (raised[:, 1:middle] > -0.01).all()
    assert (raised[:, middle + 1 : -1] > -0.01).all()
    assert 0.02 < raised.max() < 0.3


def test_a_fold_stands_out_along_the_middle_line():
    raised = stands(Frame(turned()), Hang(1.0, 0.02, 0.0, fold=0.1))
    rows, middle = raised.shape[0], raised.shape[1] // 2
    assert raised[rows // 2, middle] == pytest.approx(0.1, rel=0.03)
    assert (raised.argmax(axis=1)[1:-1] == middle).all()
    np.testing.assert_allclose(raised[:, [0, -1]], 0, atol=1e-9)
    np.testing.assert_allclose(raised[[0, -1]], 0, atol=1e-6)


def test_a_bill_stands_out_half_way_down():
    raised = stands(Frame(turned()), Hang(1.0, 0.02, 0.0, bill=0.2))
    rows, middle = raised.shape[0], raised.shape[1] // 2
    tip = raised[:, middle].argmax()
    assert abs(tip / (rows - 1) - 0.475) < 0.1
    assert raised[tip, middle] == pytest.approx(0.2, rel=0.1)
    assert raised[tip, 2] < 0.75 * raised[tip, middle]
    np.testing.assert_allclose(raised[:, [0, -1]], 0, atol=1e-9)
    assert np.abs(raised[[0, -1]]).max() < 0.02


def flat_sheet():
    x, y = np.meshgrid(np.linspace(0, 40, 9), np.linspace(0, 30, 7))
    return sheet_of(np.stack([x, y, 0 * x], axis=2))


def test_inflated_leaves_the_rim_and_pushes_the_middle_out():
    sheet = flat_sheet()
    pushed = inflated(sheet, 6.0)
    rim = sheet.edge == 0
    np.testing.assert_allclose(pushed.points[rim], sheet.points[rim])
    assert pushed.points[3, 4] == pytest.approx((20, 15, 6))
    assert (pushed.points[~rim][:, 2] > 0).all()
    np.testing.assert_allclose(pushed.points[..., :2], sheet.points[..., :2], atol=1e-9)
    np.testing.assert_array_equal(pushed.u, sheet.u)


def test_nothing_is_inflated_by_nothing():
    sheet = flat_sheet()
    np.testing.assert_array_equal(inflated(sheet, 0.0).points, sheet.points)


@pytest.mark.parametrize("yaw", [-35, 0, 35])
def test_an_inflated_cup_stands_out_along_the_nose(yaw):
    raised = stands(Frame(turned(yaw)), Hang(1.0, 0.02, 0.0, inflate=0.15))
    rows, middle = raised.shape[0], raised.shape[1] // 2
    assert raised[rows // 2, middle] == pytest.approx(0.15, rel=0.25)
    np.testing.assert_allclose(raised[:, [0, -1]], 0, atol=1e-9)


def seen_of(yaw, hang=None):
    frame = Frame(turned(yaw))
    _, sheet = worn(frame, hang or Hang())
    seen = mesh.raster([sheet], WINDOW)
    return seen.u[seen.alpha > 0.9]


def test_from_the_front_both_halves_are_seen_alike():
    u = seen_of(0)
    assert u.min() < -0.95
    assert u.max() > 0.95
    assert (u < 0).mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("hang", [Hang(), Hang(fold=0.12), Hang(inflate=0.12)])
def test_of_a_turned_head_the_far_half_is_partly_hidden(side, hang):
    far = side * seen_of(60 * side, hang)  # above 0 on the side that turns away
    near, facing = (far < 0).mean(), side * seen_of(0, hang)
    assert far.min() < -0.95
    assert far.max() < 0.8 < facing.max()
    assert near > 0.75


def test_the_more_it_turns_the_less_of_the_far_half_is_seen():
    shares = [(seen_of(yaw) > 0).mean() for yaw in (0, 20, 40, 60)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.6 * shares[0]


def test_a_face_mask_on_one_ear_hangs_free():
    frame = Frame(turned(30))
    outline, sheet = worn(frame, Hang(), wear="one_ear")
    assert outline.ear == -1
    rows, columns = sheet.u.shape
    corners = sheet.points[[0, 0, -1, -1], [0, -1, 0, -1]]
    ends = [outline.top[0], outline.top[-1], outline.bottom[0], outline.bottom[-1]]
    np.testing.assert_allclose(corners, ends, atol=1e-6)
    flat = corners.mean(axis=0)
    normal = mesh.normals_of(sheet.points)[rows // 2, columns // 2]
    assert (sheet.points[rows // 2, columns // 2] - flat) @ normal > 0.02 * frame.unit
