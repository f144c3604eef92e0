"""How far apart dlib sees two faces: a measure of likeness, never a loss.

Low distances do not mean that a person was recovered: the upper face is the same photo.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mask2face.errors import DataError
from mask2face.evaluation.stack import PairStack
from mask2face.face_embedding import recognition_net

LIMIT = 300  # pairs to measure; one takes dlib a quarter of a second for all methods


class FaceDescriptor:
    """dlib's 128 numbers of a face.

    Raises:
        MissingExtraError: dlib or the package with its model file is not installed.
        ModelError: the model file is broken.
    """

    def __init__(self) -> None:
        self._net = recognition_net()
        import dlib

        self._dlib: Any = dlib

    def __call__(
        self, crop: NDArray[np.uint8], landmarks: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the descriptor (128,) of a face.

        Args:
            crop: RGB uint8 (S, S, 3).
            landmarks: (68, 2) x and y in px, iBUG order.
        """
        points = [self._dlib.point(round(float(x)), round(float(y))) for x, y in landmarks]
        box = self._dlib.rectangle(0, 0, crop.shape[1] - 1, crop.shape[0] - 1)
        shape = self._dlib.full_object_detection(box, points)
        found = self._net.compute_face_descriptor(np.ascontiguousarray(crop), shape)
        return np.array(found, np.float64)


def identity_distances(
    pictures: Mapping[str, NDArray[np.uint8]], stack: PairStack, limit: int = LIMIT
) -> dict[str, NDArray[np.float64]]:
    """Return the descriptor distance of each method's pictures from the truth.

    Both are aligned by the landmarks of the pair; lower is closer, 0.6 is dlib's threshold. Only
    the first `limit` pairs with a hole are measured, the others are nan.

    Args:
        pictures: method -> uint8 (N, S, S, 3).
        stack: the pairs.
        limit: pairs to measure.

    Raises:
        DataError: the pairs have no landmarks.
        MissingExtraError: dlib or its model file is not installed.
    """
    if stack.landmarks is None:
        raise DataError("identity distances need pairs with landmarks: use a pair folder")
    describe = FaceDescriptor()
    found = {name: np.full(len(stack), np.nan) for name in pictures}
    for index in np.flatnonzero(stack.masked)[:limit]:
        points = stack.landmarks[index]
        truth = describe(stack.outputs[index], points)
        for name, made in pictures.items():
            found[name][index] = np.linalg.norm(describe(made[index], points) - truth)
    return found
