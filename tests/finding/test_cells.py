import numpy as np
import pytest

from mask2face.detectors import own
from mask2face.finding.cells import RANGES, Truth, middles, targets
from mask2face.finding.net import STRIDES

SIDE = 128


def truth(boxes, sure=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    middle = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    points = middle + np.arange(10, dtype=np.float32).reshape(5, 2)
    count = len(boxes)
    known = np.ones(count, bool) if sure is None else np.array(sure)
    return Truth(boxes, points, np.arange(count, dtype=np.float32) % 2, known)


def around(x, y, size):
    return (x - size / 2, y - size / 2, x + size / 2, y + size / 2)


def test_the_grids_are_those_of_the_net_and_of_the_detector():
    assert tuple(RANGES) == STRIDES == own.STRIDES
    places, strides = middles(64, 96)
    assert np.array_equal(places, own.middles(64, 96))
    assert np.array_equal(np.unique(strides, return_counts=True)[1], [96, 24, 6])


@pytest.mark.parametrize(
    ("size", "strides"), [(12, {8}), (34, {8, 16}), (60, {16}), (80, {16, 32}), (110, {32})]
)
def test_a_face_is_answered_by_the_strides_of_its_size(size, strides):
    made = targets(truth([around(61, 67, size)]), SIDE)
    places, grid = middles(SIDE, SIDE)
    assert set(grid[made.answers > 0].astype(int)) == strides
    for stride in strides:
        here = grid == stride
        assert made.heat[here].max() == 1
        best = places[here][made.heat[here].argmax()]
        assert np.abs(best - (61, 67)).max() <= stride / 2


def test_the_answers_lead_back_to_the_face():
    boxes = [around(30, 40, 20), around(90, 88, 64)]
    known = truth(boxes)
    made = targets(known, SIDE)
    places, _ = middles(SIDE, SIDE)
    for cell in np.flatnonzero(made.answers):
        left, top, right, bottom = made.sides[:, cell]
        x, y = places[cell]
        box = (x - left, y - top, x + right, y + bottom)
        face = int(np.abs(np.array(boxes) - box).sum(1).argmin())
        if (made.sides[:, cell] > 0.5).all():
            assert np.allclose(box, boxes[face], atol=1e-3)
        points = made.points[:, cell].reshape(5, 2) + places[cell]
        assert np.allclose(points, known.points[face], atol=1e-3)
        assert made.masked[cell] == face
        assert made.sizes[cell] == pytest.approx((20, 64)[face])


def test_nobody_knows_of_unsure_and_of_tiny_faces():
    places, _ = middles(SIDE, SIDE)
    for known in (truth([around(64, 64, 40)], [False]), truth([around(66, 66, 6)])):
        made = targets(known, SIDE)
        assert made.heat.max() == 0
        x0, y0, x1, y1 = known.boxes[0]
        inside = (places >= (x0, y0)).all(1) & (places <= (x1, y1)).all(1)
        assert inside.any()
        assert (made.counts[inside] == 0).all()
        assert (made.counts[~inside] == 1).all()


def test_an_empty_scene_is_all_background():
    made = targets(truth([]), SIDE)
    assert made.heat.max() == made.answers.max() == 0
    assert made.counts.min() == 1
    assert made.sides.shape == (4, 336)
    assert made.points.shape == (10, 336)
    assert np.isfinite(np.log(made.sides)).all()


def test_a_face_whose_middle_is_far_outside_belongs_to_no_cell():
    assert targets(truth([around(-60, 64, 30)]), SIDE).heat.max() == 0
