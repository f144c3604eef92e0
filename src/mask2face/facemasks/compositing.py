"""Lay coverage, strings and shadow over a photo: only where the hole is above 0 does it change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.drawn import Layer, Photo, Points

SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
SKIRT = 0.45  # highest value of a hole where nothing covers the face, but a shadow may lie


@dataclass(frozen=True)
class Window:
    """The rectangle of the photo that is worked on: photo px, x1 and y1 exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.y1 - self.y0, self.x1 - self.x0

    def of(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The window's view of a picture of the photo's size."""
        return picture[self.y0 : self.y1, self.x0 : self.x1]


def window_around(points: Points, margin: float, photo: Photo) -> Window | None:
    """The smallest window that holds `points` and `margin` px, or None outside the photo."""
    height, width = photo.shape[:2]
    low = np.floor(points.min(axis=0) - margin).astype(int)
    high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), width), min(int(high[1]), height)
    return Window(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def coverage(polygon: Points, window: Window) -> Layer:
    """Anti-aliased inside of a polygon (n, 2) in photo px: float32 (h, w) in [0, 1]."""
    canvas = _canvas(window)
    cv2.fillPoly(canvas, [_fixed(polygon, window)], 255, cv2.LINE_AA, SHIFT)
    return _halved(canvas, window)


def stroke(curves: Sequence[Points], width: float, window: Window) -> Layer:
    """Anti-aliased curves of `width` px, each (n, 2): float32 (h, w) in [0, 1]."""
    canvas = _canvas(window)
    thickness = max(1, round(2 * width))
    lines = [_fixed(curve, window) for curve in curves]
    cv2.polylines(canvas, lines, False, 255, thickness, cv2.LINE_AA, SHIFT)
    layer = _halved(canvas, window)
    return layer * np.float32(min(1.0, 2 * width / thickness))


def _canvas(window: Window) -> Photo:
    height, width = window.shape
    return np.zeros((2 * height, 2 * width), np.uint8)


def _fixed(points: Points, window: Window) -> NDArray[np.int32]:
    origin = np.array([window.x0, window.y0])
    # pixel centre (x, y) of the photo is (2 x + 0.5, 2 y + 0.5) at twice the size
    fixed: NDArray[np.int32] = np.rint(((points - origin) * 2 + 0.5) * 2**SHIFT).astype(np.int32)
    return fixed


def _halved(canvas: Photo, window: Window) -> Layer:
    height, width = window.shape
    half = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return half.astype(np.float32) * np.float32(1 / 255)


def blend(picture: Layer, alpha: Layer, above: Layer) -> Layer:
    """`picture` (h, w, 3) under `above`, of the same shape or one colour (3,), by `alpha`."""
    if above.ndim == 1:
        shape = picture.shape[:2]
        above = np.asarray(cv2.merge([np.full(shape, part, np.float32) for part in above]))
    above = np.ascontiguousarray(above, np.float32)
    return np.asarray(cv2.blendLinear(picture, above, 1 - alpha, alpha))


def darken(picture: Layer, share: Layer) -> Layer:
    """`picture` (h, w, 3) times 1 - `share` (h, w)."""
    factor = 1 - share
    return np.asarray(cv2.multiply(picture, cv2.merge([factor, factor, factor])))


def blur(layer: Layer, radius: float) -> Layer:
    """Gaussian blur with a standard deviation of `radius` px."""
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), radius))


def shadow(alpha: Layer, offset: Points, radius: float) -> Layer:
    """The coverage shifted by `offset` px and blurred by `radius` px (standard deviation)."""
    shift = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float32)
    moved = cv2.warpAffine(alpha, shift, (alpha.shape[1], alpha.shape[0])).astype(np.float32)
    return blur(moved, max(radius, 0.4))


def hole_of(alpha: Layer, reach: float) -> Layer:
    """The hole for a coverage.

    It is above .5 where the coverage is, and half a pixel further; past that it stays below .5
    and fades out within about `reach` px: there the contact shadow lies.
    """
    grow = max(1, round(reach))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1))
    skirt = cv2.GaussianBlur(cv2.dilate(alpha, kernel), (2 * grow + 1, 2 * grow + 1), 0)
    next_to = cv2.dilate(alpha, _CROSS)
    core = cv2.GaussianBlur((alpha + next_to) * np.float32(0.5), (3, 3), 0)
    hole: Layer = np.maximum(np.maximum(core, alpha), np.float32(SKIRT) * skirt)
    hole[hole < 1 / 255] = 0
    return np.minimum(hole, np.float32(1))


def finish(photo: Photo, painted: Layer, hole: Layer, window: Window) -> tuple[Photo, Layer]:
    """Put the painted window back: the whole photo and the whole hole."""
    result = photo.copy()
    whole = np.zeros(photo.shape[:2], np.float32)
    pixels = cv2.convertScaleAbs(np.maximum(painted, 0))  # rounds and saturates
    cv2.copyTo(pixels, (hole > 0).astype(np.uint8), window.of(result))
    window.of(whole)[:] = hole
    return result, whole
