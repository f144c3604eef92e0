"""Faces followed: who is who, how steady, how long a missed one stays."""

import numpy as np
import pytest

from mask2face.faces import Face, align, alignment
from mask2face.video.tracking import Tracker, effective_eyes


def face(x, y=100.0, size=60.0, distance=20.0):
    """A face whose eyes' middle is at (x, y)."""
    eyes = [(x - distance / 2, y), (x + distance / 2, y)]
    points = np.array([*eyes, (x, y + 15), (x - 8, y + 25), (x + 8, y + 25)], np.float32)
    return Face((x - size / 2, y - size / 3, x + size / 2, y + size * 2 / 3), points)


@pytest.mark.parametrize("distance", [5.0, 20.0, 40.0])
def test_the_effective_eyes_alone_give_the_alignment(distance):
    some = face(100, distance=distance)
    expected = alignment(some, 192)
    np.testing.assert_allclose(align(effective_eyes(some), 0.0, 192), expected, atol=1e-4)


def test_faces_that_cross_the_frame_keep_who_they_are():
    tracker = Tracker()
    left, right = tracker([face(50), face(250)], 0.0)
    for step in range(1, 6):
        # the detector gives them in any order
        tracks = tracker([face(250 - 6 * step), face(50 + 6 * step)], step / 25)
        assert tracks == [left, right]
    assert left.eyes[:, 0].mean() == pytest.approx(80, abs=8)
    assert right.eyes[:, 0].mean() == pytest.approx(220, abs=8)


def test_a_face_far_away_or_of_another_size_is_another_face():
    tracker = Tracker()
    (one,) = tracker([face(50)], 0.0)
    assert one not in [track for track in tracker([face(200)], 0.04) if not track.held]
    tracker.forget()
    (one,) = tracker([face(50)], 0.0)
    assert len(tracker([face(50, size=120, distance=40)], 0.04)) == 2


def test_a_missed_face_is_held_for_a_moment_only():
    tracker = Tracker()
    (one,) = tracker([face(50)], 0.0)
    assert tracker([], 0.2) == [one]
    assert one.held
    assert tracker([face(51)], 0.24) == [one]
    assert not one.held
    assert tracker([], 0.6) == []


def test_noise_of_the_detector_is_smoothed():
    rng = np.random.default_rng(0)
    tracker = Tracker()
    raw, steady = [], []
    for step in range(60):
        at = 100 + rng.normal()
        (track,) = tracker([face(at)], step / 25)
        raw.append(at)
        steady.append(track.eyes[:, 0].mean())
    jumps = [np.abs(np.diff(values[10:])).mean() for values in (raw, steady)]
    assert jumps[1] < 0.35 * jumps[0]


def test_a_quick_face_is_not_left_behind():
    tracker = Tracker()
    for step in range(25):
        (track,) = tracker([face(100 + 4 * step)], step / 25)  # 1.4 crop sides a second
    assert abs(track.eyes[:, 0].mean() - 196) < 0.06 * 69  # of the crop's side


def test_time_that_runs_back_starts_anew():
    tracker = Tracker()
    (one,) = tracker([face(50)], 5.0)
    (other,) = [track for track in tracker([face(51)], 1.0) if not track.held]
    assert np.isfinite(other.eyes).all()
    assert other.eyes[:, 0].mean() == pytest.approx(51)
    assert one is not None
