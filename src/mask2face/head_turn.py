"""How far a face is turned to the side, from its landmarks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

TURNED: Final = 0.25  # from here on a face is turned: one in ten of LFW and CelebA
_NOSE_TIP: Final = 30  # of the 68 landmarks
_EYES: Final = (slice(36, 42), slice(42, 48))


def turn(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far faces are turned to the side.

    Args:
        landmarks: (N, 68, 2).

    Returns:
        (N,) distances of the nose's tip from the eyes' middle along the eyes' line, in eye
        distances: about 0.1 seen from the front, 0.5 and more from the side.
    """
    left, right = (landmarks[:, eye].mean(1) for eye in _EYES)
    line = right - left
    nose = landmarks[:, _NOSE_TIP] - (left + right) / 2
    along = (nose * line).sum(1) / np.maximum((line**2).sum(1), 1e-6)
    return np.asarray(np.abs(along), np.float32)
