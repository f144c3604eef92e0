"""Every registered detector keeps the same promises."""

import cv2
import numpy as np
import pytest
from skimage import data

from mask2face.detectors import DETECTORS

EYES = np.array([[202, 102], [245, 103]])  # px in the astronaut's photo: image left, right
NOSE, MOUTH = (225, 122), (223, 141)


@pytest.fixture(scope="module", params=sorted(DETECTORS))
def detector(request):
    return DETECTORS[request.param](device="cpu", threads=1)


def scaled(factor):
    photo = data.astronaut()
    size = round(512 * factor)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(photo, (size, size), interpolation=method)


def main_face(faces):
    assert faces, "no face found"
    return faces[0]


@pytest.mark.parametrize("factor", [0.25, 0.5, 1, 2.03, 4])
def test_the_astronaut_is_found_at_any_scale(detector, factor):
    face = main_face(detector(scaled(factor)))
    tolerance = 6 * factor + 1.5  # px
    assert np.abs(face.landmarks[:2] - EYES * factor).max() < tolerance
    assert np.abs(face.landmarks[2] - np.array(NOSE) * factor).max() < 1.5 * tolerance
    assert np.abs(face.landmarks[3:].mean(0) - np.array(MOUTH) * factor).max() < 1.5 * tolerance
    assert face.landmarks[0, 0] < face.landmarks[1, 0]
    assert face.landmarks[3, 0] < face.landmarks[4, 0]
    x0, y0, x1, y1 = np.array(face.box) / factor
    assert x0 < 195 < 255 < x1
    assert y0 < 90
    assert 150 < y1 < 200


def test_landmarks_map_back_from_a_photo_that_is_not_square(detector):
    photo = cv2.resize(data.astronaut(), (1021, 1537), interpolation=cv2.INTER_LINEAR)
    face = main_face(detector(photo))
    factors = np.array([1021, 1537]) / 512
    assert np.abs(face.landmarks[:2] / factors - EYES).max() < 6


def test_a_small_face_on_a_large_canvas(detector):
    photo = np.full((2000, 3000, 3), 90, np.uint8)
    photo[1200:1712, 2100:2612] = data.astronaut()
    face = main_face(detector(photo))
    assert np.abs(face.landmarks[:2] - EYES - (2100, 1200)).max() < 12


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("shape", [(240, 320), (1, 1), (7, 900), (33, 31)])
def test_nothing_on_a_blank(detector, value, shape):
    assert detector(np.full((*shape, 3), value, np.uint8)) == []


def test_boxes_lie_inside_and_landmarks_near_the_photo(detector):
    astronaut = data.astronaut()
    for photo in (astronaut, astronaut[:, 215:], astronaut[95:], astronaut[:130]):
        photo = np.ascontiguousarray(photo)
        height, width = photo.shape[:2]
        for face in detector(photo):
            x0, y0, x1, y1 = face.box
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            margin = 0.3 * max(x1 - x0, y1 - y0)
            assert (face.landmarks >= -margin).all()
            assert (face.landmarks <= np.array([width, height]) + margin).all()
            assert 0 < face.score <= 1


def test_every_face_is_found_once_the_surest_first(detector):
    face = data.astronaut()[20:240, 110:330]
    photo = np.full((300, 700, 3), 120, np.uint8)
    photo[40:260, 20:240] = face
    photo[40:260, 440:660] = face[:, ::-1]
    faces = detector(photo)
    assert sorted(int(one.box[0] > 350) for one in faces) == [0, 1]
    scores = [one.score for one in faces]
    assert scores == sorted(scores, reverse=True)


def test_the_photo_is_not_changed_and_may_be_a_view(detector):
    photo = data.astronaut()
    before = photo.copy()
    whole = main_face(detector(photo))
    assert np.array_equal(photo, before)
    padded = np.zeros((512, 600, 3), np.uint8)
    padded[:, :512] = photo
    view = main_face(detector(padded[:, :512]))
    assert np.allclose(whole.landmarks, view.landmarks, atol=1e-3)


def test_a_photo_gives_the_same_faces_again_and_after_others(detector):
    first = main_face(detector(scaled(0.5)))
    detector(np.zeros((64, 96, 3), np.uint8))
    again = main_face(detector(scaled(0.5)))
    assert first.box == again.box
    assert np.array_equal(first.landmarks, again.landmarks)


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 2])
def test_a_threshold_outside_0_to_1(detector, threshold):
    with pytest.raises(ValueError, match="threshold must lie between 0 and 1"):
        type(detector)(device="cpu", threshold=threshold)
