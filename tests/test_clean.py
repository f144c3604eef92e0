import numpy as np
import pytest

from mask2face.clean import MARGIN, RefusedError, clean_crop
from mask2face.faces import Face, alignment, cut

EYES = np.array([[100, 110], [150, 110]], np.float32)

LOW = (95.0, 85.0, 155.0, 155.0)  # a box of 70 px height


def face(eyes=EYES, box=(75.0, 70.0, 175.0, 190.0)):
    eyes = np.asarray(eyes, np.float32)
    nose_and_mouth = [[125, 135], [108, 160], [142, 160]]
    return Face(box, np.concatenate([eyes, nose_and_mouth]).astype(np.float32), 0.9)


def points(eyes=EYES):
    found = np.tile(np.float32([125, 140]), (68, 1))
    found[36:42], found[42:48] = eyes
    return found


def photo(height=250, width=250):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def crop_of(faces, landmarks, picture=None, **options):
    picture = photo() if picture is None else picture
    return clean_crop(picture, lambda _: faces, lambda _, __: landmarks, **options)


def test_the_training_crop_is_the_middle_of_the_clean_crop():
    clean = crop_of([face()], points(), side=224)
    assert clean.crop.shape == (224, 224, 3)
    expected = cut(photo(), alignment(face(), 160), 160)
    assert round(224 / MARGIN) == 160
    assert np.abs(clean.crop[32:192, 32:192].astype(int) - expected).max() <= 1


def test_points_and_height_are_in_pixels_of_the_crop():
    clean = crop_of([face()], points())
    assert clean.eyes.dtype == clean.landmarks.dtype == np.float32
    assert np.allclose(clean.landmarks[36], clean.eyes[0], atol=1e-3)
    assert np.allclose(clean.landmarks[47], clean.eyes[1], atol=1e-3)
    assert clean.eyes[0, 1] == pytest.approx(clean.eyes[1, 1], abs=1e-3)
    zoom = (clean.eyes[1, 0] - clean.eyes[0, 0]) / 50
    assert clean.height == pytest.approx(120 * zoom, rel=1e-5)


def test_the_face_near_the_centre_is_taken_over_a_larger_one_at_the_edge():
    aside = face(EYES - np.float32([95, 0]), (0.0, 60.0, 60.0, 190.0))
    clean = crop_of([aside, face()], points())
    assert clean.eyes == pytest.approx(crop_of([face()], points()).eyes)


def test_the_face_at_the_data_sets_eyes_is_taken():
    middle, aside = face(), face(EYES - np.float32([60, 20]), (15.0, 50.0, 115.0, 170.0))
    found = crop_of([middle, aside], points(EYES - np.float32([60, 20])), eyes_at=(41, 92, 91, 90))
    assert found.eyes == pytest.approx(crop_of([aside], points(EYES - np.float32([60, 20]))).eyes)
    with pytest.raises(RefusedError, match="no face at the data set's landmarks"):
        crop_of([middle, aside], points(), eyes_at=(100, 140, 150, 140))
    with pytest.raises(RefusedError, match="no face"):
        crop_of([], points(), eyes_at=(100, 110, 150, 110))


@pytest.mark.parametrize(
    ("faces", "landmarks", "picture", "reason"),
    [
        ([], points(), None, "no face"),
        ([face([[113, 110], [136, 110]], LOW)], points(), None, "face too small"),
        ([face()], points(EYES + np.float32([0, 11])), None, "landmarks disagree"),
        ([face()], points(EYES[::-1]), None, "landmarks disagree"),
        ([face()], points(), photo(130, 160), "edge of the photo"),
    ],
)
def test_photos_that_are_refused(faces, landmarks, picture, reason):
    with pytest.raises(RefusedError, match=reason):
        crop_of(faces, landmarks, picture)


def test_just_inside_the_limits_is_taken():
    assert crop_of([face()], points(EYES + np.float32([0, 9.9]))).crop.any()
    eyes = [[113, 110], [137.5, 110]]
    assert crop_of([face(eyes, LOW)], points(eyes)).crop.any()


def test_a_face_turned_away_may_have_its_eyes_close_together():
    eyes = [[113, 110], [130, 110]]
    assert crop_of([face(eyes)], points(eyes)).crop.any()
