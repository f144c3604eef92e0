"""The face in `skimage.data.astronaut()` with its 68 landmarks, found once with dlib."""

import cv2
import numpy as np
import pytest
from skimage import data

# fmt: off
ASTRONAUT = np.array([
    (179, 104), (180, 116), (181, 127), (182, 139), (185, 150), (191, 160), (200, 168), (209, 176),
    (220, 178), (232, 177), (243, 171), (253, 163), (260, 154), (265, 143), (268, 131), (270, 120),
    (272, 108), (186, 94), (192, 88), (200, 87), (208, 89), (216, 92), (236, 93), (244, 91),
    (252, 91), (260, 92), (265, 99), (226, 102), (225, 111), (225, 119), (225, 127), (214, 131),
    (219, 133), (224, 134), (229, 133), (234, 132), (195, 101), (200, 98), (207, 98), (212, 104),
    (206, 104), (199, 104), (237, 106), (243, 100), (250, 100), (255, 105), (250, 107), (244, 107),
    (201, 139), (209, 139), (218, 139), (224, 141), (230, 140), (238, 140), (246, 141), (238, 151),
    (229, 155), (222, 156), (216, 155), (208, 150), (204, 141), (218, 143), (223, 144), (230, 143),
    (243, 142), (229, 150), (223, 151), (217, 150),
], np.float32)  # px in the 512 x 512 photo, iBUG order
# fmt: on


def cut_face(width=90.0):
    """The face, `width` px from ear to ear, in a square 2.36 times as wide.

    Returns:
        uint8 (S, S, 3) RGB and float32 (68, 2).
    """
    photo = np.ascontiguousarray(data.astronaut()[30:250, 115:335])
    side = round(220 * width / 93.1)  # the face is 93.1 px wide in the photo
    method = cv2.INTER_AREA if side < 220 else cv2.INTER_LINEAR
    sized = cv2.resize(photo, (side, side), interpolation=method)
    return sized, ((ASTRONAUT - (115, 30)) * (side / 220)).astype(np.float32)


@pytest.fixture(scope="session")
def face_of_width():
    return cut_face


@pytest.fixture
def face():
    return cut_face()


NEXT_TO = 2**0.5 + 1e-6  # px between the centres of pixels whose contours are 1 px apart


def far_beyond(hole, alpha):
    """How much further than 1 px the hole reaches past what is covered, px.

    Strings thinner than a pixel never cover half of one: there a fifth is enough.
    """
    half = (alpha >= 0.5).astype(np.uint8)
    body = cv2.dilate(cv2.morphologyEx(half, cv2.MORPH_OPEN, np.ones((3, 3))), np.ones((5, 5)))
    covered = (half > 0) | ((alpha >= 0.2) & (body == 0))
    far = cv2.distanceTransform((~covered).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return max(float(far[hole >= 0.5].max(initial=0)) - NEXT_TO, 0.0)


@pytest.fixture(scope="session")
def beyond():
    return far_beyond
