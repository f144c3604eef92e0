"""The face as things in front of it see it: size, axes and a few places, from 68 landmarks."""

from dataclasses import dataclass

import numpy as np

from mask2face.facemasks.drawn import Points


@dataclass(frozen=True)
class Face:
    """Flat geometry of one face, photo px.

    Attributes:
        points: float64 (68, 2), iBUG order.
        unit: face width; under yaw the (longer) height stands in for it.
        down: unit vector from the bridge of the nose to the chin.
        right: unit vector at right angles to `down`, towards image right.
    """

    points: Points
    unit: float
    down: Points
    right: Points

    @classmethod
    def of(cls, landmarks: Points) -> "Face":
        """Measure the face of (68, 2) landmarks."""
        points = landmarks.astype(np.float64)
        axis = points[8] - points[27]
        height = max(float(np.hypot(*axis)), 1.0)
        unit = max(float(np.hypot(*(points[16] - points[0]))), 1.05 * height)
        down = axis / height
        return cls(points, unit, down, np.array([down[1], -down[0]]))

    @property
    def mouth(self) -> Points:
        """The middle of the mouth."""
        middle: Points = self.points[48:60].mean(axis=0)
        return middle

    def at(self, start: Points, right: float, down: float) -> Points:
        """The point so many face widths to the right of and below `start`."""
        return np.asarray(start + (self.right * right + self.down * down) * self.unit)

    def heading(self, degrees: float) -> Points:
        """Unit vector up the face (0) turned towards image right (90)."""
        angle = np.deg2rad(degrees)
        return np.asarray(-np.cos(angle) * self.down + np.sin(angle) * self.right)
