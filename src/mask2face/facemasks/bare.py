"""No face mask at all: bare faces keep the net from touching what needs no repair."""

import numpy as np

from mask2face.facemasks.drawn import Drawn, Photo, Points, check


def draw(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Drawn:
    """Return a copy of the photo with an empty hole.

    Args:
        photo: uint8 (H, W, 3) RGB.
        landmarks: (68, 2) x, y in photo px.
        rng: not used; every style takes one.

    Raises:
        ValueError: an argument has the wrong type or shape.
    """
    check(photo, landmarks)
    return Drawn(photo.copy(), np.zeros(photo.shape[:2], np.float32), "bare")
