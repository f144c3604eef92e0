"""A head in space from 68 flat landmarks: a generic head, its pose, and the person's own shape.

(68, 2) px -> `Head`. Head axes: x to the image right of a face seen from the front, y down, z out
of the face; camera axes: x and y of the photo, z towards the camera (weak perspective: no
foreshortening by distance).
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.landmarks import MIRRORED

# Ours: structure from motion (rank 3, weak perspective, true rotations, robust) over dlib's points
# on 1311 faces of LFW and CelebA, turned by -58 to 58 degrees, and their mirror images; of a turned
# face the far side of the jaw was left out. 1.8 % of the face's width remain. Pitch 0 is how heads
# are held in these photos.
# fmt: off
HEAD: Final[NDArray[np.float64]] = np.array([
    (-0.500, 0.002, -0.427), (-0.492, 0.145, -0.431), (-0.478, 0.287, -0.433),
    (-0.454, 0.425, -0.406), (-0.408, 0.548, -0.330), (-0.332, 0.650, -0.226),
    (-0.235, 0.731, -0.121), (-0.124, 0.793, -0.025), (0.0, 0.805, 0.022), (0.124, 0.793, -0.025),
    (0.235, 0.731, -0.121), (0.332, 0.650, -0.226), (0.408, 0.548, -0.330), (0.454, 0.425, -0.406),
    (0.478, 0.287, -0.433), (0.492, 0.145, -0.431), (0.500, 0.002, -0.427),
    (-0.400, -0.094, -0.044), (-0.337, -0.141, 0.016), (-0.252, -0.154, 0.067),
    (-0.162, -0.141, 0.112), (-0.079, -0.108, 0.147), (0.079, -0.108, 0.147),
    (0.162, -0.141, 0.112), (0.252, -0.154, 0.067), (0.337, -0.141, 0.016), (0.400, -0.094, -0.044),
    (0.0, -0.010, 0.156), (0.0, 0.071, 0.196), (0.0, 0.152, 0.242), (0.0, 0.235, 0.289),
    (-0.102, 0.296, 0.159), (-0.053, 0.315, 0.182), (0.0, 0.330, 0.193), (0.053, 0.315, 0.182),
    (0.102, 0.296, 0.159), (-0.299, 0.0, 0.0), (-0.247, -0.029, 0.034), (-0.183, -0.029, 0.045),
    (-0.128, 0.008, 0.040), (-0.187, 0.019, 0.042), (-0.249, 0.019, 0.030), (0.128, 0.008, 0.040),
    (0.183, -0.029, 0.045), (0.247, -0.029, 0.034), (0.299, 0.0, 0.0), (0.249, 0.019, 0.030),
    (0.187, 0.019, 0.042), (-0.190, 0.466, 0.012), (-0.123, 0.429, 0.103), (-0.051, 0.412, 0.153),
    (0.0, 0.423, 0.157), (0.051, 0.412, 0.153), (0.123, 0.429, 0.103), (0.190, 0.466, 0.012),
    (0.125, 0.526, 0.073), (0.056, 0.556, 0.116), (0.0, 0.562, 0.121), (-0.056, 0.556, 0.116),
    (-0.125, 0.526, 0.073), (-0.158, 0.467, 0.025), (-0.051, 0.455, 0.140), (0.0, 0.458, 0.146),
    (0.051, 0.455, 0.140), (0.158, 0.467, 0.025), (0.052, 0.492, 0.127), (0.0, 0.498, 0.133),
    (-0.052, 0.492, 0.127),
])  # iBUG order; face widths; the origin lies midway between the outer corners of the eyes
# fmt: on
HEAD.flags.writeable = False

_JAW: Final = 17  # points 0..16
_ORDER: Final = np.array(MIRRORED)
_FLIP: Final = np.array([-1.0, 1.0, 1.0])
_TURNED: Final = 11.0  # degrees of yaw where a point of the far jaw counts half
_SOFT: Final = 2.5  # degrees; how fast that changes
_ALONE: Final = 0.25  # weight of the near jaw without the far one: a broad jaw is no turned head
_LOOSE: Final = 0.035  # face widths; landmarks further off the generic head count less
_ROUNDS: Final = 5  # of Gauss-Newton; 1 of 100 poses would move by over 0.3 degrees in more
_STEP: Final = 0.5  # radians, and share of the scale, at most in a round


def _weights() -> NDArray[np.float64]:
    weights = np.ones(68)
    weights[:_JAW] = 0.5  # slides along the outline
    weights[48:] = 0.2  # opens, smiles
    return weights


_WEIGHTS: Final = _weights()
_RIGID: Final = _WEIGHTS * (np.arange(68) >= _JAW)
_SOLID: Final = np.c_[HEAD, np.ones(68)]
_AFFINE: Final = np.linalg.solve((_SOLID.T * _RIGID) @ _SOLID, _SOLID.T * _RIGID)  # (4, 68)


@dataclass(frozen=True)
class Head:
    """A head in camera axes: x, y in photo px, z in px of the same scale towards the camera.

    Args:
        points: float64 (68, 3), the person's own 68 points. x and y are the landmarks wherever
            these can be trusted; z is 0 at `origin`.
        rotation: float64 (3, 3), head axes to camera axes. Its columns are the head's right
            (image right of a face seen from the front), down and out.
        origin: float64 (3,), where the generic head's origin lies; z = 0.
        unit: the face's width (between points 0 and 16 of the generic head), px, as if seen from
            the front.
        yaw: degrees; above 0 the nose points to image right.
        pitch: degrees; above 0 the face looks down.
        roll: degrees, -180 to 180; above 0 the head is turned clockwise in the photo. The head
            is pitched first, then turned by yaw, then rolled.
    """

    points: NDArray[np.float64]
    rotation: NDArray[np.float64]
    origin: NDArray[np.float64]
    unit: float
    yaw: float
    pitch: float
    roll: float

    def place(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points from the generic head's axes, face widths, to camera axes: (..., 3), px."""
        placed: NDArray[np.float64] = self.unit * (points @ self.rotation.T) + self.origin
        return placed


def lift(landmarks: NDArray[Any]) -> Head:
    """Lift 68 landmarks into space.

    The generic head's pose is fitted under weak perspective, robustly. Each of its points is then
    moved within the image plane onto its landmark. A detector slides the far jaw of a turned head
    along the visible outline: with growing yaw these points become the generic ones plus the near
    side's own deviation, mirrored.

    >>> round(lift(100 * HEAD[:, :2]).unit)
    100

    Args:
        landmarks: (68, 2) x and y in photo px, iBUG order.

    Raises:
        ValueError: the shape is another, a value is not finite, or all points are one.
    """
    flat = np.asarray(landmarks, np.float64)
    if flat.shape != (68, 2):
        raise ValueError(f"landmarks must be (68, 2), got {flat.shape}")
    if not np.isfinite(flat).all() or (flat == flat[0]).all():
        raise ValueError("landmarks must be finite and not all at one place")
    centre = flat.mean(axis=0)
    spread = float(np.abs(flat - centre).max())
    rotation, unit, shift = _pose((flat - centre) / spread)
    yaw, pitch, roll = _angles(rotation)
    origin = np.array([*(centre + spread * shift), 0.0])
    unit *= spread
    generic = unit * (HEAD @ rotation.T) + origin
    own = np.zeros((68, 3))
    own[:, :2] = flat - generic[:, :2]
    mirrored = ((own @ rotation) * _FLIP)[_ORDER] @ rotation.T
    for side, trust in zip((slice(8), slice(9, _JAW)), _trust(yaw), strict=True):
        own[side] = trust * own[side] + (1 - trust) * mirrored[side]
    return Head(generic + own, rotation, origin, unit, yaw, pitch, roll)


def _trust(yaw: float) -> tuple[float, float]:
    """Return 1 for a side of the jaw that shows, falling to 0 for the far one: left, right."""
    left, right = (1 / (1 + math.exp((lean - _TURNED) / _SOFT)) for lean in (-yaw, yaw))
    return left, right


def _angles(rotation: NDArray[np.float64]) -> tuple[float, float, float]:
    (r00, _, _), (r10, _, _), (r20, r21, r22) = rotation.tolist()
    yaw = math.asin(min(1.0, max(-1.0, -r20)))
    return (
        math.degrees(yaw),
        math.degrees(math.atan2(-r21, r22)),
        math.degrees(math.atan2(r10, r00)),
    )


def _pose(
    flat: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Fit the generic head under weak perspective: (68, 2) -> rotation, unit, place of origin."""
    rotation, unit, shift = _start(flat)
    jacobian = np.zeros((2, 68, 6))
    jacobian[0, :, 4] = jacobian[1, :, 5] = 1
    rows = jacobian.reshape(136, 6)
    for _ in range(_ROUNDS):
        seen = unit * (HEAD @ rotation.T)  # (68, 3)
        off = (flat - shift - seen[:, :2]).T  # (2, 68)
        weights = _WEIGHTS / (1 + (off * off).sum(axis=0) / (_LOOSE * unit) ** 2)
        left, right = _trust(_angles(rotation)[0])
        weights[:8] *= left * (_ALONE + (1 - _ALONE) * right)
        weights[9:_JAW] *= right * (_ALONE + (1 - _ALONE) * left)
        x, y, z = seen.T
        jacobian[0, :, 1], jacobian[0, :, 2], jacobian[0, :, 3] = z, -y, x
        jacobian[1, :, 0], jacobian[1, :, 2], jacobian[1, :, 3] = -z, x, y
        weighted = (jacobian * weights[:, None]).reshape(136, 6).T
        normal = weighted @ rows
        normal.flat[::7] += 1e-6 * unit * unit
        step = np.linalg.solve(normal, weighted @ off.ravel())
        step[:4] *= min(1.0, _STEP / (1e-12 + math.sqrt(float(step[:4] @ step[:4]))))
        rotation = _turn(step[:3].tolist()) @ rotation
        unit *= math.exp(step[3])
        shift = shift + step[4:]
    return rotation, unit, shift


def _start(
    flat: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the pose next to the best affine view of the points that do not move."""
    affine = _AFFINE @ flat  # (4, 2)
    left, sizes, right = np.linalg.svd(affine[:3].T, full_matrices=False)
    (a, b, c), (d, e, f) = (left @ right).tolist()
    rotation = np.array([[a, b, c], [d, e, f], [b * f - c * e, c * d - a * f, a * e - b * d]])
    return rotation, max(float(sizes.mean()), 0.05), affine[3]


def _turn(vector: list[float]) -> NDArray[np.float64]:
    """Return the rotation about `vector` by nearly its length, radians (Cayley)."""
    x, y, z = (value / 2 for value in vector)
    n = 1 + x * x + y * y + z * z
    return np.array(
        [
            [1 - 2 * (y * y + z * z) / n, 2 * (x * y - z) / n, 2 * (x * z + y) / n],
            [2 * (x * y + z) / n, 1 - 2 * (x * x + z * z) / n, 2 * (y * z - x) / n],
            [2 * (x * z - y) / n, 2 * (y * z + x) / n, 1 - 2 * (x * x + y * y) / n],
        ]
    )
