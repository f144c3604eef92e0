"""Curved sheets of points in the photo's space -> which sheet each pixel shows, and where on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drawn import Layer, Points

_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
_FINE = 4  # sub-pixels a side in small windows; half of it in those above _LARGE px
_LARGE = 60_000
_THIN = 1e-3  # px²: triangles of less area are seen edge-on


@dataclass(frozen=True)
class Sheet:
    """A curved piece of a face mask.

    Attributes:
        points: (R, C, 3); x, y photo px, z px towards the camera; rows run down the outside of
            the piece, columns to its right, as its wearer's opposite sees it.
        u: (R, C) coordinate across, of what is painted on it.
        v: (R, C) coordinate down.
        edge: (R, C) distance from the nearest rim along the sheet, px.
    """

    points: NDArray[np.float64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    edge: NDArray[np.float64]

    def __post_init__(self) -> None:
        rows, columns = self.points.shape[:2]
        if self.points.shape != (rows, columns, 3) or min(rows, columns) < 2:
            raise ValueError(f"points must be (R, C, 3), R and C >= 2, got {self.points.shape}")
        shapes = {part.shape for part in (self.u, self.v, self.edge)}
        if shapes != {(rows, columns)}:
            raise ValueError(f"u, v and edge must be {(rows, columns)}, got {shapes}")


@dataclass(frozen=True)
class Raster:
    """What a window shows of some sheets; float32, but for `owner`.

    Attributes:
        owner: int16 (h, w), index of the sheet in front, -1 where there is none.
        alpha: (h, w) anti-aliased share of the pixel that any sheet covers, [0, 1].
        u: (h, w).
        v: (h, w).
        edge: (h, w) px.
        normal: (h, w, 3) unit vectors, z towards the camera; (0, 0, 1) where there is no sheet.
    """

    owner: NDArray[np.int16]
    alpha: Layer
    u: Layer
    v: Layer
    edge: Layer
    normal: Layer


def raster(sheets: Sequence[Sheet], window: Window) -> Raster:
    """Render sheets by the painter's algorithm: what is nearer hides what lies behind it.

    Sheets are seen from outside only: parts that turn away from the camera are left out.

    Args:
        sheets: one or more.
        window: the pixels that are wanted.

    Returns:
        All layers have the window's shape.
    """
    corners, values, owners = _triangles(sheets)
    corners = corners - np.array([window.x0, window.y0, 0])
    order = np.argsort(corners[:, :, 2].mean(axis=1))  # far ones first
    corners, values, owners = corners[order], values[order], owners[order]
    height, width = window.shape
    fine = _FINE if height * width <= _LARGE else _FINE // 2
    found = _paint(corners, (height * fine, width * fine), fine)
    front = _nearest(_nearest(found, fine).T, fine).T
    return _filled(front, _share(found, fine), _affine(corners, values), owners)


def _triangles(
    sheets: Sequence[Sheet],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int16]]:
    """Corners (T, 3, 3), u, v, edge, normal at them (T, 3, 6), sheets (T,): what faces us."""
    corners, values, owners = [], [], []
    for index, sheet in enumerate(sheets):
        normals = normals_of(sheet.points)
        paper = np.stack([sheet.u, sheet.v, sheet.edge], axis=2)
        facts = np.concatenate([sheet.points, paper, normals], axis=2)
        a, b, c, d = facts[:-1, :-1], facts[:-1, 1:], facts[1:, :-1], facts[1:, 1:]
        found = np.concatenate(
            [
                np.stack([a, b, d], axis=2).reshape(-1, 3, 9),
                np.stack([a, d, c], axis=2).reshape(-1, 3, 9),
            ]
        )
        one, two = found[:, 1, :2] - found[:, 0, :2], found[:, 2, :2] - found[:, 0, :2]
        towards = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] > _THIN
        corners.append(found[towards, :, :3])
        values.append(found[towards, :, 3:])
        owners.append(np.full(int(towards.sum()), index, np.int16))
    return np.concatenate(corners), np.concatenate(values), np.concatenate(owners)


def normals_of(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals (R, C, 3) of a grid of points, towards the side from which it is seen."""
    down = np.empty_like(points)
    across = np.empty_like(points)
    down[1:-1], down[0], down[-1] = (
        points[2:] - points[:-2],
        points[1] - points[0],
        points[-1] - points[-2],
    )
    across[:, 1:-1] = points[:, 2:] - points[:, :-2]
    across[:, 0], across[:, -1] = points[:, 1] - points[:, 0], points[:, -1] - points[:, -2]
    # x right, y down, z to the camera is a left-handed system: across x down faces the camera
    normal = np.empty_like(points)
    normal[..., 0] = across[..., 1] * down[..., 2] - across[..., 2] * down[..., 1]
    normal[..., 1] = across[..., 2] * down[..., 0] - across[..., 0] * down[..., 2]
    normal[..., 2] = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    length = np.sqrt((normal**2).sum(axis=2, keepdims=True))
    return np.asarray(normal / np.maximum(length, 1e-9))


def _paint(corners: NDArray[np.float64], shape: tuple[int, int], fine: int) -> NDArray[Any]:
    """Number of the nearest triangle, from 1, at each sub-pixel: whole, `shape`, 0 for none."""
    canvas: NDArray[Any] = np.zeros(shape, np.uint16 if len(corners) < 2**16 else np.int32)
    # the pixel centre x is fine * (x + 0.5) - 0.5 at the finer size
    fixed = np.rint((corners[:, :, :2] * fine + (fine - 1) / 2) * 2**_SHIFT).astype(np.int32)
    for number, triangle in enumerate(list(fixed), 1):
        cv2.fillConvexPoly(canvas, triangle, (number,), cv2.LINE_8, _SHIFT)
    return canvas


def _nearest(found: NDArray[Any], fine: int) -> NDArray[Any]:
    """The largest of each `fine` rows that follow each other."""
    front: NDArray[Any] = np.maximum(found[::fine], found[1::fine])
    for row in range(2, fine):
        np.maximum(front, found[row::fine], out=front)
    return front


def _share(found: NDArray[Any], fine: int) -> Layer:
    """Share of each pixel's sub-pixels that are not 0: float32 (h, w)."""
    layer: Any = (found > 0).astype(np.uint8) * np.uint8(255)
    for _ in range(fine.bit_length() - 1):  # OpenCV halves bytes fastest
        size = (layer.shape[1] // 2, layer.shape[0] // 2)
        layer = cv2.resize(layer, size, None, 0, 0, cv2.INTER_AREA)
    steps = fine * fine
    exact = np.rint(np.arange(256) * (steps / 255)) / steps
    return np.asarray(cv2.LUT(layer, exact.astype(np.float32)))


def _affine(corners: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Coefficients (T, 6, 3) of each value as a function of (x, y, 1) on its triangle."""
    x, y = corners[:, :, 0], corners[:, :, 1]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (y[:, 1] - y[:, 0]) * (x[:, 2] - x[:, 0])
    first = values[:, 1] - values[:, 0]
    second = values[:, 2] - values[:, 0]
    slope_x = first * (y[:, 2] - y[:, 0])[:, None] - second * (y[:, 1] - y[:, 0])[:, None]
    slope_y = second * (x[:, 1] - x[:, 0])[:, None] - first * (x[:, 2] - x[:, 0])[:, None]
    slope_x, slope_y = slope_x / area[:, None], slope_y / area[:, None]
    start = values[:, 0] - slope_x * x[:, :1] - slope_y * y[:, :1]
    return np.stack([slope_x, slope_y, start], axis=2).astype(np.float32)


def _filled(
    front: NDArray[Any],
    alpha: Layer,
    coefficients: NDArray[np.float32],
    owners: NDArray[np.int16],
) -> Raster:
    """The layers, from the number of the triangle that each pixel shows."""
    height, width = front.shape
    number = front.astype(np.intp, order="C")
    table = np.zeros((18, len(coefficients) + 1), np.float32)  # column 0: no triangle
    table[:, 1:] = coefficients.reshape(-1, 18).T
    table[17, 0] = 1
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    layers = []
    for slope_x, slope_y, start in table.reshape(6, 3, -1):
        layer = slope_x.take(number, mode="wrap")  # no number is too large; "raise" is slower
        layer *= x
        layer += slope_y.take(number, mode="wrap") * y
        layer += start.take(number, mode="wrap")
        layers.append(layer)
    nx, ny, nz = layers[3:]
    length = np.maximum(np.sqrt(nx * nx + ny * ny + nz * nz), np.float32(1e-6))
    normal = np.asarray(cv2.merge([nx / length, ny / length, nz / length]))
    owner = np.append(owners, np.int16(-1)).take(number - 1, mode="wrap")
    return Raster(owner, alpha, layers[0], layers[1], layers[2], normal)


def between(top: Points, bottom: Points, left: Points, right: Points) -> NDArray[np.float64]:
    """The Coons patch between four curves.

    Args:
        top: (C, 3) from left to right.
        bottom: (C, 3) from left to right; starts where `left` ends.
        left: (R, 3) downwards; starts where `top` starts.
        right: (R, 3) downwards.

    Returns:
        (R, C, 3). Source: Coons, Surfaces for computer-aided design of space forms, 1967.
    """
    rows, columns = len(left), len(top)
    v = (np.arange(rows) / (rows - 1))[:, None, None]
    u = (np.arange(columns) / (columns - 1))[:, None]
    above = top - ((1 - u) * top[0] + u * top[-1])  # what is left of the edges between corners
    below = bottom - ((1 - u) * bottom[0] + u * bottom[-1])
    across = left[:, None] + u * (right - left)[:, None]
    return np.asarray(across + above + v * (below - above))


def rim_distance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each point of a grid from the nearest rim, along rows and columns: (R, C) px."""
    down = _passed(points)
    across = _passed(points.transpose(1, 0, 2)).T
    nearest = np.minimum(np.minimum(down, down[-1] - down), across)
    return np.asarray(np.minimum(nearest, across[:, -1:] - across))


def _passed(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance (R, C) of each point of a grid from the first of its column, along the column."""
    steps = points[1:] - points[:-1]
    passed = np.zeros(points.shape[:2])
    np.cumsum(np.sqrt((steps * steps).sum(axis=2)), axis=0, out=passed[1:])
    return passed


def resample(curve: Points, count: int) -> Points:
    """`count` points at equal steps along a curve (n, 3)."""
    steps = curve[1:] - curve[:-1]
    passed = np.zeros(len(curve))
    np.cumsum(np.sqrt((steps * steps).sum(axis=1)), out=passed[1:])
    # where on the curve, in points of it; the last one is the end of the last step
    place = np.interp(np.arange(count) * (passed[-1] / (count - 1)), passed, np.arange(len(curve)))
    before = place.astype(np.intp).clip(0, len(steps) - 1)
    return np.asarray(curve[before] + (place - before)[:, None] * steps[before])
