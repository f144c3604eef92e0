import numpy as np
import pytest

from mask2face.detectors.suppression import Candidates, joined, merged


def candidates(boxes, scores, masked=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    landmarks = np.repeat((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, 5, 1)
    worn = np.zeros(len(boxes)) if masked is None else np.array(masked)
    return Candidates(boxes, landmarks, np.array(scores, np.float32), worn.astype(np.float32))


def test_nothing_stays_nothing():
    made = merged(candidates([], []))
    assert made.boxes.shape == (0, 4)
    assert made.landmarks.shape == (0, 5, 2)


def test_cells_that_agree_are_averaged_by_the_square_of_their_scores():
    made = merged(candidates([(0, 0, 40, 40), (4, 0, 44, 40)], [0.9, 0.3], [1.0, 0.0]))
    assert made.scores.tolist() == pytest.approx([0.9])
    share = 0.81 / 0.9
    assert made.boxes[0].tolist() == pytest.approx(
        [4 * (1 - share), 0, 44 - 4 * share, 40], abs=1e-4
    )
    assert made.landmarks[0, 0].tolist() == pytest.approx(
        [22 - 2 * share + 2 - 2 * share, 20], abs=1e-3
    )
    assert made.masked[0] == pytest.approx(share)


def test_what_only_touches_is_dropped_and_not_averaged():
    made = merged(candidates([(0, 0, 40, 40), (14, 0, 54, 40)], [0.9, 0.8]))  # 0.48 of both
    assert made.boxes.tolist() == [[0, 0, 40, 40]]


def test_a_box_inside_another_is_dropped():
    made = merged(candidates([(0, 0, 100, 100), (10, 10, 30, 30)], [0.6, 0.9]))
    assert made.boxes.tolist() == [[10, 10, 30, 30]]


def test_neighbours_stay_the_surest_first():
    made = merged(candidates([(0, 0, 40, 40), (38, 0, 78, 40), (200, 0, 240, 40)], [0.5, 0.9, 0.7]))
    assert made.scores.tolist() == pytest.approx([0.9, 0.7, 0.5])


def test_looks_are_joined_and_scaled():
    one = candidates([(0, 0, 10, 10)], [0.5])
    two = candidates([(5, 5, 10, 10)], [0.6]).scaled(np.array([2, 4], np.float32))
    both = joined([one, two])
    assert both.boxes.tolist() == [[0, 0, 10, 10], [10.5, 21.5, 20.5, 41.5]]
    assert both.landmarks[1, 0].tolist() == [15.5, 31.5]
    assert both.scores.tolist() == pytest.approx([0.5, 0.6])
