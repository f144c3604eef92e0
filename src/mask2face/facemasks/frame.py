"""The face as the face mask sees it: named curves, axes and size in three dimensions."""

import numpy as np

from mask2face.facemasks.drawn import Points
from mask2face.facemasks.head import lift

_HALF = 0.53  # half the width of the cross-section of a head through the cheeks, face widths
_DEPTH = 0.7  # from the cheeks' front to that cross-section's widest place, face widths


class Frame:
    """Axes, size and named curves of one face; (x, y) in photo px, z in px towards the camera.

    Attributes:
        landmarks: float64 (68, 2) as given, iBUG order.
        points: float64 (68, 3), the landmarks on the head; see `head.Head`.
        unit: face width in px, as if seen from the front.
        right: unit vector (3,) from the wearer's right ear to the left one: image right.
        down: unit vector (3,) from the brow to the chin.
        out: unit vector (3,) out of the face.
        centre: (3,) the middle of the mouth.
        yaw: degrees, positive when the nose points to image right.
    """

    def __init__(self, landmarks: Points) -> None:
        self.landmarks = landmarks.astype(np.float64)
        self.head = lift(self.landmarks)
        self.points = self.head.points
        self.unit = self.head.unit
        self.right, self.down, self.out = self.head.rotation.T
        self.centre = self.points[48:60].mean(axis=0)
        self.yaw = self.head.yaw

    def jaw(self, index: float) -> Points:
        """Point (3,) of the jaw line at a fractional landmark index in [0, 16]."""
        return self._along(index, 0, 16)

    def nose(self, index: float) -> Points:
        """Point (3,) of the nose ridge at a fractional landmark index in [27, 30]."""
        return self._along(index, 27, 30)

    def _along(self, index: float, first: int, last: int) -> Points:
        index = min(max(index, first), last)
        start = min(int(index), last - 1)
        step = index - start
        near, far = self.points[start], self.points[start + 1]
        return np.asarray((1 - step) * near + step * far)

    def ear(self, side: int, height: float) -> Points:
        """Where a loop meets the ear: `side` -1 (image left) or 1, `height` 0 top ... 1 lobe."""
        ends = (0.0, 2.0) if side < 0 else (16.0, 14.0)
        point = self.jaw(ends[0] + (ends[1] - ends[0]) * height)
        lift_up = 0.04 * (1 - height)
        offset = self.right * side * 0.05 - self.down * lift_up - self.out * 0.1
        return np.asarray(point + offset * self.unit)

    def eyelid(self, side: int) -> Points:
        """The lower lid (3,) of the eye at image left (-1) or right (1)."""
        pair = self.points[40:42] if side < 0 else self.points[46:48]
        point: Points = pair.mean(axis=0)
        return point

    def nudge(self, rng: np.random.Generator, spread: float) -> Points:
        """A random step (3,) px in the plane of the face, deviation `spread` face widths."""
        across, along = rng.normal(0, spread, 2) * self.unit
        return np.asarray(self.right * across + self.down * along)

    def round_over(self, x: Points, edge: Points) -> Points:
        """How far a cheek stands out from the chord between the face's middle and `edge`.

        Args:
            x: distances from the middle of the face, px.
            edge: where the chord ends, px, same shape.

        Returns:
            px along `out`, 0 at both ends of the chord.
        """
        share = np.minimum(np.abs(x) / np.maximum(edge, 1e-6), 1)
        return np.asarray(
            (_section(x / self.unit) - share * _section(edge / self.unit)) * self.unit
        )


def _section(x: Points) -> Points:
    """Depth of the cheeks' cross-section at `x` face widths from its middle; 0 there."""
    share = np.minimum(np.abs(x) * (1 / _HALF), 0.96)
    return np.asarray(_DEPTH * (np.sqrt(1 - share * share) - 1))
