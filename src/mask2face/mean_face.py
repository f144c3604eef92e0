"""The 68 landmarks of a face, guessed from the detector's five points: no dlib needed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face.faces import Face

# Medians of the 68 points of 8000 faces of LFW and CelebA, made symmetric; 1000 = crop side.
# fmt: off
_MEAN: Final = np.array(
    [(201, 378), (206, 457), (215, 536), (228, 615), (254, 689), (298, 756), (356, 811),
     (422, 854), (500, 867), (578, 854), (644, 811), (702, 756), (746, 689), (772, 615),
     (785, 536), (794, 457), (799, 378),  # jaw
     (260, 318), (296, 285), (346, 275), (400, 282), (450, 302),
     (550, 302), (600, 282), (654, 275), (704, 285), (740, 318),  # brows
     (500, 361), (500, 412), (500, 463), (500, 516),
     (442, 550), (470, 561), (500, 571), (530, 561), (558, 550),  # nose
     (320, 371), (351, 352), (389, 353), (421, 376), (386, 383), (350, 383),
     (579, 376), (611, 353), (649, 352), (680, 371), (650, 383), (614, 383),  # eyes
     (382, 654), (424, 632), (467, 622), (500, 629), (533, 622), (576, 632), (618, 654),
     (578, 693), (534, 710), (500, 714), (466, 710), (422, 693),  # lips, outside
     (401, 655), (467, 648), (500, 650), (533, 648), (599, 655), (533, 673), (500, 677),
     (467, 673)],  # lips, inside
    np.float32,
)
# fmt: on
_FIVE: Final = np.stack(
    [_MEAN[36:42].mean(0), _MEAN[42:48].mean(0), _MEAN[30], _MEAN[48], _MEAN[54]]
)  # of the mean face, in the detector's order


def guess(face: Face) -> NDArray[np.float32]:
    """Fit the mean face to the five points of `face`: turned, scaled and moved, not bent.

    Good enough to draw a face mask on a face seen from the front; dlib's own points follow the jaw
    and a turned head much better.

    Returns:
        float32 (68, 2), x and y in photo px, iBUG order; may lie outside the photo.

    >>> face = Face((0, 0, 100, 100), np.array(_FIVE / 10, np.float32))
    >>> guess(face)[8].round().tolist()
    [50.0, 87.0]
    """
    # points as complex numbers: a similarity is z -> turn * z + shift, fitted by least squares
    mean, found = (points[:, 0] + 1j * points[:, 1] for points in (_FIVE, face.landmarks))
    spread = mean - mean.mean()
    turn = np.vdot(spread, found - found.mean()) / np.vdot(spread, spread)
    fitted = turn * (_MEAN[:, 0] + 1j * _MEAN[:, 1] - mean.mean()) + found.mean()
    return np.stack([fitted.real, fitted.imag], 1).astype(np.float32)
