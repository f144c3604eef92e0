"""The face as the face mask sees it: jaw, nose, ears, directions and size from 68 landmarks."""

import numpy as np

from mask2face.facemasks.drawn import Points


class Frame:
    """Directions, size and named curves of one face, in photo pixels (x, y).

    Attributes:
        landmarks: float64 (68, 2), iBUG order.
        unit: face width in px; under yaw the (longer) height stands in for it.
        down: unit vector from the bridge of the nose to the chin.
        right: unit vector at right angles to `down`, towards image right.
        centre: the middle of the mouth.
        turn: yaw in about [-1, 1]; positive when the nose points to image right.
    """

    def __init__(self, landmarks: Points) -> None:
        self.landmarks = landmarks.astype(np.float64)
        points = self.landmarks
        axis = points[8] - points[27]
        height = max(float(np.hypot(*axis)), 1.0)
        self.unit = max(float(np.hypot(*(points[16] - points[0]))), 1.05 * height)
        self.down = axis / height
        self.right = np.array([self.down[1], -self.down[0]])
        self.centre = points[48:60].mean(axis=0)
        left, right = self._half_widths()
        self.turn = (left - right) / max(left + right, 1.0)

    def _half_widths(self) -> tuple[float, float]:
        nose = self.landmarks[28]
        left = float((nose - self.landmarks[1]) @ self.right)
        right = float((self.landmarks[15] - nose) @ self.right)
        return max(left, 0.0), max(right, 0.0)

    def jaw(self, index: float) -> Points:
        """Point of the jaw line at a fractional landmark index in [0, 16]."""
        return self._along(index, 0, 16)

    def nose(self, index: float) -> Points:
        """Point of the nose ridge at a fractional landmark index in [27, 30]."""
        return self._along(index, 27, 30)

    def _along(self, index: float, first: int, last: int) -> Points:
        index = min(max(index, first), last)
        start = min(int(index), last - 1)
        step = index - start
        near, far = self.landmarks[start], self.landmarks[start + 1]
        return np.asarray((1 - step) * near + step * far)

    def ear(self, side: int, height: float) -> Points:
        """Where a loop meets the ear: `side` -1 (image left) or 1, `height` 0 top ... 1 lobe."""
        ends = (0.0, 2.0) if side < 0 else (16.0, 14.0)
        point = self.jaw(ends[0] + (ends[1] - ends[0]) * height)
        # the ear of the far side hides behind the cheek, that of the near side lies further back
        out = 0.05 - 0.1 * side * self.turn
        out = max(out, -0.02) * self.unit
        lift = 0.04 * (1 - height) * self.unit
        return np.asarray(point + self.right * side * out - self.down * lift)

    def eyelid(self, side: int) -> Points:
        """The lower lid of the eye at image left (-1) or right (1)."""
        pair = self.landmarks[40:42] if side < 0 else self.landmarks[46:48]
        point: Points = pair.mean(axis=0)
        return point
