"""68 landmarks from five points."""

import numpy as np
import pytest
from skimage import data

from mask2face import mean_face
from mask2face.detectors import CenterFace
from mask2face.faces import Face
from mask2face.landmarks import MIRRORED, eye_centres


def turned(points, degrees, scale, shift):
    angle = np.deg2rad(degrees)
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ matrix.T + shift).astype(np.float32)


def test_the_mean_face_is_symmetric():
    mirrored = mean_face._MEAN[list(MIRRORED)] * (-1, 1) + (1000, 0)
    assert np.abs(mirrored - mean_face._MEAN).max() <= 1


@pytest.mark.parametrize(
    ("degrees", "scale", "shift"), [(0, 1, (0, 0)), (30, 0.2, (50, 9)), (180, 2, (0, 0))]
)
def test_a_moved_mean_face_is_found_again(degrees, scale, shift):
    five = turned(mean_face._FIVE, degrees, scale, shift)
    found = mean_face.guess(Face((0, 0, 1, 1), five))
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, turned(mean_face._MEAN, degrees, scale, shift), atol=0.01 * scale
    )


def test_it_fits_a_real_face_seen_from_the_front():
    (face,) = CenterFace("cpu")(data.astronaut())
    found = mean_face.guess(face)
    apart = np.hypot(*(face.landmarks[1] - face.landmarks[0]))
    assert np.hypot(*(eye_centres(found) - face.landmarks[:2]).T).max() < 0.15 * apart
    x0, y0, x1, y1 = face.box
    assert x0 < found[8, 0] < x1
    assert y1 - 0.3 * (y1 - y0) < found[8, 1] < y1 + 0.2 * (y1 - y0)  # the chin


def test_five_points_on_one_spot_give_a_spot():
    found = mean_face.guess(Face((0, 0, 1, 1), np.full((5, 2), 7, np.float32)))
    np.testing.assert_allclose(found, 7, atol=1e-3)
