"""The picture of the steps from a photo to a photo: `python docs/images/steps.py OUT.jpg`."""

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face import demo, mean_face, photos
from mask2face.detectors import CenterFace
from mask2face.facemasks import draw
from mask2face.faces import alignment, cut
from mask2face.hole_weights import soft_hole
from mask2face.pipeline import Unmasker
from mask2face.restorer import Restorer, find_model

SIDE = 300  # px of each of the pictures
PART = (slice(0, 340), slice(70, 410))  # rows and columns of the portrait


def main(target: Path) -> None:
    """Write the photo, the aligned crop, hole and face from the net, and the result in a row."""
    bare = photos.read(demo.sample()).pixels[PART]
    (face,) = CenterFace()(bare)
    points = mean_face.guess(face)
    photo = draw("surgical", bare, points, np.random.default_rng(6), colour="#9fd0ec").photo
    (face,) = CenterFace("auto", threshold=0.4)(photo)
    restorer = Restorer(find_model(), "cpu")
    matrix = alignment(face, restorer.card.side)
    crop = cut(photo, matrix, restorer.card.side)
    (filled,), (probability,) = restorer(crop[None])
    hole = soft_hole(probability, 0.5)[0]
    shown = photo.copy()
    corners = np.float32([(0, 0), (0, 1), (1, 1), (1, 0)]) * restorer.card.side
    back = cv2.invertAffineTransform(matrix)
    square = corners @ back[:, :2].T + back[:, 2]
    cv2.polylines(shown, [np.int32(square.round())], True, (255, 220, 0), 2, cv2.LINE_AA)
    for eye in face.landmarks[:2]:
        cv2.circle(shown, np.int32(eye.round()).tolist(), 4, (255, 220, 0), -1, cv2.LINE_AA)
    grey = np.repeat(np.uint8(hole * 255)[..., None], 3, 2)
    result = Unmasker(device="cpu")(photo).photo
    tiles = [tile(picture) for picture in (shown, crop, grey, filled, result)]
    gap = np.full((SIDE, 8, 3), 255, np.uint8)
    row = [part for one in tiles for part in (one, gap)][:-1]
    Image.fromarray(np.hstack(row)).save(target, quality=88, optimize=True)


def tile(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a square picture, uint8 (S, S, 3), to that of the row."""
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
