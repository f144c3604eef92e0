import cv2
import numpy as np
import pytest

from mask2face.facemasks.drawn import Drawn
from mask2face.facemasks.eyewear import keep_in_front, matte, worn


def with_glasses(photo, landmarks, colour=(15, 15, 18)):
    """Black round glasses with bridge and temples, and where they are: bool (H, W)."""
    frame = np.zeros(photo.shape[:2], np.uint8)
    unit = float(np.ptp(landmarks[:17, 0]))
    eyes = [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)]
    thick = max(round(0.03 * unit), 2)
    radius = round(0.145 * unit)
    for eye, ear in zip(eyes, (landmarks[0], landmarks[16]), strict=True):
        centre = np.rint(eye + np.array([0, 0.02 * unit])).astype(int)
        cv2.circle(frame, centre.tolist(), radius, 255, thick)
        outer = centre + np.array([int(np.sign(ear[0] - eye[0])) * radius, -2])
        cv2.line(frame, outer.tolist(), np.rint(ear - (0, 4)).astype(int).tolist(), 255, thick)
    middle = np.rint((eyes[0] + eyes[1]) / 2).astype(int)
    half = np.array([round(0.08 * unit), 0])
    left, right = middle - half, middle + half
    cv2.line(frame, left.tolist(), right.tolist(), 255, thick)
    result = photo.copy()
    result[frame > 0] = colour
    return result, frame > 0


def masked(photo, landmarks):
    """A white block over everything below the pupils."""
    hole = np.zeros(photo.shape[:2], np.float32)
    hole[round(float(landmarks[36:48, 1].mean())) + 2 :] = 1
    drawn = photo.copy()
    drawn[hole > 0] = 235
    return Drawn(drawn, hole, "block")


@pytest.mark.parametrize("width", [60.0, 93.0, 200.0])
def test_glasses_make_it_likelier(face_of_width, width):
    photo, landmarks = face_of_width(width)
    dressed, _ = with_glasses(photo, landmarks)
    assert worn(dressed, landmarks) > 0.8
    assert worn(dressed, landmarks) > worn(photo, landmarks) + 0.3


def test_lower_rims_stay_in_front(face):
    photo, landmarks = face
    dressed, frame = with_glasses(photo, landmarks)
    drawn = masked(dressed, landmarks)
    result = keep_in_front(drawn, dressed, landmarks)
    unit = np.ptp(landmarks[:17, 0])
    rows = np.indices(frame.shape)[0] - landmarks[36:48, 1].mean()
    columns = np.abs(np.indices(frame.shape)[1] - landmarks[27, 0]) / unit
    rims = frame & (drawn.hole > 0) & (rows < 0.17 * unit) & (columns < 0.4)
    assert result.hole[rims].mean() < 0.3
    assert np.abs(result.photo[rims].astype(int) - dressed[rims]).mean() < 70
    far = (rows > 0.3 * unit) & (drawn.hole > 0)
    assert (result.hole[far] == 1).all()
    assert (result.photo[far] == drawn.photo[far]).all()


def test_photo_is_untouched_where_the_hole_is_zero(face):
    photo, landmarks = face
    dressed, _ = with_glasses(photo, landmarks)
    drawn = masked(dressed, landmarks)
    before = drawn.photo.copy(), drawn.hole.copy()
    result = keep_in_front(drawn, dressed, landmarks)
    outside = result.hole == 0
    assert (result.photo[outside] == dressed[outside]).all()
    assert (result.hole <= drawn.hole).all()
    assert result.hole.dtype == np.float32
    assert np.array_equal(drawn.photo, before[0])
    assert np.array_equal(drawn.hole, before[1])


def test_dark_lenses_stay_whole(face):
    photo, landmarks = face
    dressed, _ = with_glasses(photo, landmarks)
    for eye in (landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)):
        cv2.circle(dressed, np.rint(eye).astype(int).tolist(), 14, (10, 10, 10), -1)
    kept, window = matte(dressed, landmarks)
    below = np.rint(landmarks[[41, 46]].mean(axis=0) * (0, 1) + landmarks[41] * (1, 0)).astype(int)
    assert kept[below[1] + 3 - window.y0, below[0] - window.x0] > 0.9


def test_nothing_changes_without_glasses(face):
    photo, landmarks = face
    flat = np.full_like(photo, 150)
    drawn = masked(flat, landmarks)
    assert worn(flat, landmarks) < 0.05
    assert matte(flat, landmarks) is None
    assert keep_in_front(drawn, flat, landmarks) is drawn


def test_a_false_alarm_keeps_little(face):
    photo, landmarks = face
    drawn = masked(photo, landmarks)
    result = keep_in_front(drawn, photo, landmarks)
    assert (drawn.hole - result.hole).sum() < 0.02 * drawn.hole.sum()


def test_glasses_outside_the_photo(face):
    photo, landmarks = face
    dressed, _ = with_glasses(photo, landmarks)
    for shift in ((-5000, 0), (0, -60), (80, 0)):
        moved = landmarks + np.array(shift, np.float32)
        drawn = masked(dressed, landmarks)
        result = keep_in_front(drawn, dressed, moved)
        assert (result.hole <= drawn.hole).all()


def test_refuses_bad_input(face):
    photo, landmarks = face
    with pytest.raises(ValueError, match="uint8"):
        worn(photo.astype(np.float32), landmarks)
    with pytest.raises(ValueError, match="68"):
        matte(photo, landmarks[:17])
