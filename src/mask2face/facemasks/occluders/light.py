"""The light on the face that something is held before."""

import numpy as np

from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import Light, light_on


def face_light(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Light:
    """The light and skin of the face, as the garments see it."""
    return light_on(photo, Frame(landmarks), rng)
