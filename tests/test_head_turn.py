import numpy as np

from mask2face.head_turn import turn
from mask2face.landmarks import MIRRORED


def faces(noses):
    points = np.zeros((len(noses), 68, 2), np.float32)
    points[:, 36:42], points[:, 42:48] = (30, 40), (70, 40)
    points[:, 30] = [(nose, 60) for nose in noses]
    return points


def test_it_grows_with_the_nose_away_from_the_eyes_middle():
    np.testing.assert_allclose(turn(faces([50, 40, 70])), [0, 0.25, 0.5], atol=1e-6)


def test_a_mirrored_face_is_turned_as_far():
    mirrored = faces([40])[:, list(MIRRORED)] * (-1, 1)
    np.testing.assert_allclose(turn(mirrored), [0.25], atol=1e-6)


def test_size_and_tilt_do_not_count():
    points, angle = faces([60]), np.deg2rad(30)
    tilt = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(turn(points @ (3 * tilt)), [0.25], atol=1e-6)


def test_eyes_at_one_place_are_no_crash():
    assert np.isfinite(turn(np.zeros((1, 68, 2), np.float32))).all()
