"""Cups, bottles and microphones: a turned profile -> a sprite with bands of paint."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.drawn import Layer, Points
from mask2face.facemasks.occluders.sprite import Sprite, sprite

SCALE = 110  # px per face width in the sprite
FINE = 2  # modelled so much finer, for smooth edges


class Solid:
    """A sprite in the making, in face widths: x to the right, y up.

    Attributes:
        height: (h, w) towards the viewer, face widths; -1 where nothing is.
        paint: (h, w, 4) shares of three colours, and how open to light.
        x, y: of the pixels, (1, w) and (h, 1).
    """

    def __init__(self, left: float, right: float, bottom: float, top: float) -> None:
        step = 1 / (SCALE * FINE)
        columns = FINE * round((right - left) * SCALE)
        rows = FINE * round((top - bottom) * SCALE)
        self.left, self.top = left, top
        self.x = (left + (np.arange(columns, dtype=np.float32) + 0.5) * step)[None]
        self.y = (top - (np.arange(rows, dtype=np.float32) + 0.5) * step)[:, None]
        self.height = np.full((rows, columns), -1, np.float32)
        self.paint = np.zeros((rows, columns, 4), np.float32)

    def put(self, high: Layer, colour: int, opened: Layer | float = 1.0) -> None:
        """Put a surface `high` (h, w) in front of what is there, where it is above -1."""
        above = high > self.height
        self.height = np.where(above, high, self.height)
        shares = np.zeros(4, np.float32)
        shares[colour] = 1
        self.paint[above] = shares
        self.paint[..., 3] = np.where(above, opened, self.paint[..., 3])

    def turned(
        self, profile: Sequence[tuple[float, float]], colour: int, lean: float = 0.0
    ) -> NDArray[np.bool_]:
        """Put a solid of revolution about the y axis.

        Args:
            profile: y and radius from bottom to top.
            colour: 0 to 2.
            lean: towards the viewer: the ends are seen as ellipses of this flatness; positive
                when the bottom is seen.

        Returns:
            bool (h, w): where it lies.
        """
        ys, radii = np.array(profile).T
        radius = np.interp(self.y, ys, radii)
        round_ = np.sqrt(np.maximum(radius**2 - self.x**2, 0))
        level = self.y + lean * round_
        radius = np.interp(level, ys, radii)
        inside = (np.abs(self.x) < radius) & (level >= ys[0]) & (level <= ys[-1])
        high = np.sqrt(np.maximum(radius**2 - self.x**2, 0))
        self.put(np.where(inside, high, -1).astype(np.float32), colour)
        return np.asarray(inside)

    def done(self, blur: float = 0.6) -> Sprite:
        """The sprite; `blur` softens edges of the relief, px of the sprite."""
        inside = self.height > -1
        floor = float(self.height[inside].min()) - 0.02
        high = np.where(inside, self.height, np.float32(floor))
        high = cv2.GaussianBlur(high, (0, 0), max(blur * FINE, 0.3))
        size = (self.height.shape[1] // FINE, self.height.shape[0] // FINE)
        height, alpha, paint = (
            np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)
            for layer in (high * SCALE, inside.astype(np.float32), self.paint)
        )
        paint /= np.maximum(alpha, np.float32(1e-3))[..., None]
        origin = (-self.left * SCALE - 0.5, self.top * SCALE - 0.5)
        return sprite(height, alpha, paint, SCALE, origin)


def tube(solid: Solid, start: Points, end: Points, radius: float, colour: int) -> None:
    """Put a straight round bar between two points (2,) into the solid, in front."""
    along = end - start
    share = ((solid.x - start[0]) * along[0] + (solid.y - start[1]) * along[1]) / (along @ along)
    share = np.clip(share, 0, 1)
    apart = np.hypot(solid.x - start[0] - share * along[0], solid.y - start[1] - share * along[1])
    high = np.sqrt(np.maximum(radius**2 - apart**2, 0)) + 0.6
    solid.put(np.where(apart < radius, high, -1).astype(np.float32), colour)
