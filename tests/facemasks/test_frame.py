import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.facemasks.frame import Frame
from mask2face.facemasks.head import HEAD
from mask2face.landmarks import MIRRORED

SIDE = 212  # px


def turned(yaw=0.0, pitch=0.0, roll=0.0, width=90.0):
    """Landmarks of the generic head, `width` px from ear to ear, its pose in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    x, y, z = HEAD.T
    y, z = y * np.cos(b) + z * np.sin(b), z * np.cos(b) - y * np.sin(b)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    x, y = x * np.cos(c) - y * np.sin(c), x * np.sin(c) + y * np.cos(c)
    return np.stack([x, y], axis=1) * width + SIDE / 2


def mirrored(points):
    """The same landmarks in the photo's mirror image."""
    flipped = points[list(MIRRORED)].copy()
    flipped[:, 0] = SIDE - flipped[:, 0]
    return flipped


POSES = st.fixed_dictionaries(
    {
        "yaw": st.floats(-60, 60),
        "pitch": st.floats(-25, 25),
        "roll": st.floats(-90, 90),
        "width": st.floats(20, 400),
    }
)


@settings(max_examples=20, deadline=None)
@given(POSES)
def test_axes_and_size_are_those_of_the_head(pose):
    frame = Frame(turned(**pose))
    axes = np.stack([frame.right, frame.down, frame.out])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-6)
    assert frame.unit == pytest.approx(pose["width"], rel=1e-2)
    assert frame.yaw == pytest.approx(pose["yaw"], abs=1)
    assert frame.out[2] > 0  # towards the camera
    chin, brow = frame.points[8], frame.points[27]
    assert (chin - brow) @ frame.down > 0.7 * frame.unit


def test_a_face_from_the_front_has_the_photos_axes():
    frame = Frame(turned())
    np.testing.assert_allclose(frame.right, (1, 0, 0), atol=1e-3)
    np.testing.assert_allclose(frame.down, (0, 1, 0), atol=1e-3)
    np.testing.assert_allclose(frame.out, (0, 0, 1), atol=1e-3)


@pytest.mark.parametrize("yaw", [-50, -20, 20, 50])
def test_out_leans_where_the_nose_points(yaw):
    frame = Frame(turned(yaw))
    assert frame.out[0] == pytest.approx(np.sin(np.radians(yaw)), abs=0.02)
    nose, lips = frame.points[30], frame.points[51]
    assert np.sign((nose - lips) @ np.array([1, 0, 0])) == np.sign(yaw)


def test_curves_pass_through_the_landmarks_of_a_face_from_the_front(face):
    _, landmarks = face
    frame = Frame(landmarks)
    for index in range(3, 14):
        np.testing.assert_allclose(frame.jaw(index)[:2], landmarks[index], atol=1.5)
    for index in range(27, 31):
        np.testing.assert_allclose(frame.nose(index)[:2], landmarks[index], atol=1e-6)
    np.testing.assert_allclose(frame.centre[:2], landmarks[48:60].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(frame.eyelid(-1)[:2], landmarks[40:42].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(frame.eyelid(1)[:2], landmarks[46:48].mean(axis=0), atol=1e-6)


def test_a_fractional_index_lies_between_two_points():
    frame = Frame(turned(20, 5, 10))
    points = frame.points
    np.testing.assert_allclose(frame.jaw(3.25), 0.75 * points[3] + 0.25 * points[4])
    np.testing.assert_allclose(frame.nose(28.5), (points[28] + points[29]) / 2)


def test_an_index_past_the_end_is_the_end():
    frame = Frame(turned(20))
    for curve, first, last in ((frame.jaw, 0, 16), (frame.nose, 27, 30)):
        np.testing.assert_allclose(curve(first - 2.5), frame.points[first])
        np.testing.assert_allclose(curve(last), frame.points[last])
        np.testing.assert_allclose(curve(last + 2.5), frame.points[last])


@settings(max_examples=20, deadline=None)
@given(POSES, st.floats(0, 16), st.floats(-0.5, 2))
def test_a_mirrored_face_has_mirrored_curves(pose, index, height):
    landmarks = turned(**pose)
    one, two = Frame(landmarks), Frame(mirrored(landmarks))
    pairs = [
        (one.jaw(index), two.jaw(16 - index)),
        (one.nose(28.3), two.nose(28.3)),
        (one.ear(-1, height), two.ear(1, height)),
        (one.eyelid(1), two.eyelid(-1)),
        (one.centre, two.centre),
    ]
    for first, second in pairs:
        np.testing.assert_allclose(second, (SIDE - first[0], first[1], first[2]), atol=0.02)
    assert two.yaw == pytest.approx(-one.yaw, abs=0.02)
    assert two.unit == pytest.approx(one.unit, rel=1e-4)


@settings(max_examples=20, deadline=None)
@given(POSES, st.sampled_from([-1, 1]), st.floats(0, 1))
def test_loops_end_behind_and_outside_the_jaw(pose, side, height):
    frame = Frame(turned(**pose))
    ear, jaw = frame.ear(side, height), frame.points[:17]
    outside = side * frame.right
    assert (ear @ outside) > (jaw @ outside).max() + 0.02 * frame.unit
    assert (ear @ frame.out) < (jaw @ frame.out).min() - 0.05 * frame.unit


def test_an_ear_runs_down_from_its_top_to_its_lobe():
    frame = Frame(turned(30, 10, 20))
    for side, points in ((-1, frame.points[[0, 2]]), (1, frame.points[[16, 14]])):
        heights = [frame.ear(side, height) @ frame.down for height in (0, 0.5, 1)]
        assert heights == sorted(heights)
        top, lobe = points @ frame.down
        assert heights[0] < top  # loops hang over the top of the ear
        assert heights[2] == pytest.approx(lobe, abs=1e-6)


def test_a_nudge_stays_in_the_plane_of_the_face():
    frame = Frame(turned(40, 10, -20))
    rng = np.random.default_rng(0)
    steps = np.array([frame.nudge(rng, 0.05) for _ in range(2000)]) / frame.unit
    np.testing.assert_allclose(steps @ frame.out, 0, atol=1e-9)
    across, along = (steps @ frame.right).std(), (steps @ frame.down).std()
    assert across == pytest.approx(0.05, rel=0.1)
    assert along == pytest.approx(0.05, rel=0.1)
    assert not frame.nudge(rng, 0.0).any()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 0.5), st.floats(20, 400))
def test_cheeks_stand_out_between_the_ends_of_the_chord(share, width):
    frame = Frame(turned(width=width))
    edge = np.full(21, share * width)
    x = np.linspace(0, 1, 21) * edge
    raised = frame.round_over(x, edge)
    np.testing.assert_allclose(raised[[0, -1]], 0, atol=1e-9 * width)
    assert (raised[1:-1] > 0).all()
    assert raised.max() < 0.3 * width
    np.testing.assert_allclose(frame.round_over(-x, edge), raised)


def test_a_wider_face_mask_is_rounder():
    frame = Frame(turned())
    heights = [float(frame.round_over(np.array(0.5 * e), np.array(e))) for e in (10, 20, 30, 40)]
    assert heights == sorted(heights)
    assert heights[-1] > 4 * heights[0]


def test_an_edge_on_the_middle_line_is_flat():
    frame = Frame(turned())
    assert frame.round_over(np.zeros(3), np.zeros(3)).tolist() == [0, 0, 0]


def test_the_landmarks_are_not_changed():
    landmarks = turned(20).astype(np.float32)
    kept = landmarks.copy()
    frame = Frame(landmarks)
    frame.landmarks[:] = 0
    np.testing.assert_array_equal(landmarks, kept)
