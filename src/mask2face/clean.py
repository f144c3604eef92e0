"""One photo -> the aligned crop of its main face, bare, with landmarks; or the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mask2face.faces import Face, alignment, cut, transform
from mask2face.landmarks import EYES_AGREE, eye_distance, on_face

MARGIN: Final = 1.4  # side of a clean crop over the side of the training crop inside it
SIDE: Final = 224  # of a clean crop, px: 160 px of training crop, what LFW and CelebA hold
EYES_APART: Final = 24  # px in the photo; closer eyes give a training crop of fewer than 90 px
SAME_FACE: Final = 0.5  # eye distances; a face further from the data set's eyes is another one
INSIDE: Final = 0.7  # least share of the training crop that lies inside the photo


class Detector(Protocol):
    """Finds the faces of a photo."""

    def __call__(self, photo: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of `photo` (H, W, 3)."""


class Landmarks(Protocol):
    """Finds the 68 landmarks of a face."""

    def __call__(
        self, photo: NDArray[np.uint8], box: tuple[float, float, float, float]
    ) -> NDArray[np.float32]:
        """Return the landmarks (68, 2) of the face in `box`."""


@dataclass(frozen=True)
class CleanCrop:
    """A bare face, aligned and cut wider than a training crop.

    Attributes:
        crop: uint8 (C, C, 3) RGB.
        landmarks: float32 (68, 2), px of the crop.
        eyes: float32 (2, 2), the detector's eyes at image left and right, px of the crop.
        height: of the detector's box, px of the crop.
    """

    crop: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    eyes: NDArray[np.float32]
    height: float


class RefusedError(Exception):
    """A photo that gives no crop; the message is the reason."""


def clean_crop(
    photo: NDArray[np.uint8],
    detector: Detector,
    landmarker: Landmarks,
    side: int = SIDE,
    eyes_at: tuple[float, float, float, float] | None = None,
) -> CleanCrop:
    """Cut the aligned crop of the main face of `photo`.

    Args:
        photo: uint8 (H, W, 3) RGB.
        detector: photo -> faces.
        landmarker: photo, box -> 68 landmarks.
        side: of the crop, px; the training crop's geometry covers its middle `1 / MARGIN`.
        eyes_at: where the data set says that the eyes are, x, y at image left and x, y at image
            right, px of the photo: the face there is cut. None: the largest near the centre.

    Raises:
        RefusedError: no usable face; the message says why.
    """
    faces = detector(photo)
    if not faces:
        raise RefusedError("no face")
    face = _main_face(faces, photo) if eyes_at is None else _face_at(faces, eyes_at)
    eyes = face.landmarks[:2]
    if eye_distance(face) < EYES_APART:
        raise RefusedError("face too small")
    landmarks, off = on_face(photo, face, landmarker)
    if off > EYES_AGREE:
        raise RefusedError("landmarks disagree with the detector's eyes")
    inner = round(side / MARGIN)
    matrix = alignment(face, inner)
    if _share_inside(matrix, inner, photo.shape) < INSIDE:
        raise RefusedError("face too close to the edge of the photo")
    matrix[:, 2] += (side - inner) / 2
    return CleanCrop(
        cut(photo, matrix, side),
        transform(landmarks, matrix),
        transform(eyes, matrix),
        float((face.box[3] - face.box[1]) * np.hypot(*matrix[:, 0])),
    )


def _main_face(faces: Sequence[Face], photo: NDArray[np.uint8]) -> Face:
    """Return the largest face near the centre: height less distance from the centre decides."""
    centre = np.array(photo.shape[1::-1]) / 2

    def weight(face: Face) -> float:
        x0, y0, x1, y1 = face.box
        return y1 - y0 - float(np.hypot(*((x0 + x1) / 2 - centre[0], (y0 + y1) / 2 - centre[1])))

    return max(faces, key=weight)


def _face_at(faces: Sequence[Face], eyes_at: tuple[float, float, float, float]) -> Face:
    """Return the face whose eyes are nearest to `eyes_at`, if they are near at all."""
    eyes = np.array(eyes_at).reshape(2, 2)

    def off(face: Face) -> float:
        return float(np.hypot(*(face.landmarks[:2] - eyes).T).max())

    face = min(faces, key=off)
    if off(face) > SAME_FACE * np.hypot(*(eyes[1] - eyes[0])):
        raise RefusedError("no face at the data set's landmarks")
    return face


def _share_inside(matrix: NDArray[np.float64], side: int, shape: tuple[int, ...]) -> float:
    """Return the share of the crop's pixels that lie inside a photo of `shape`."""
    steps = np.linspace(0, side - 1, 16)
    points = np.stack(np.meshgrid(steps, steps), -1).reshape(-1, 2)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    x, y = transform(points, back).T
    return float(np.mean((x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])))
