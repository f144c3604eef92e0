"""The face mask as a curved surface: cloth coordinates for each pixel, relief and its shading."""

import cv2
import numpy as np

from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drawn import Layer, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import Light
from mask2face.facemasks.outline import Outline

_EXPONENTS = [(i, j) for i in range(4) for j in range(4) if i + j <= 3]


def cloth_coordinates(
    outline: Outline, ridge: Points, window: Window, unit: float
) -> tuple[Layer, Layer]:
    """Cloth coordinates of each pixel: a cubic fit to the rim and the middle line.

    Args:
        outline: the rim.
        ridge: (n, 2) the middle line of the face from the upper rim to the lower, photo px.
        window: where they are wanted.
        unit: face width in px.

    Returns:
        u, float32 (h, w), -1 at the left edge, 0 on the ridge, 1 at the right edge; and v,
        float32 (h, w), 0 at the upper rim, 1 at the lower.
    """
    origin = ridge.mean(axis=0)
    curves = [outline.top, outline.bottom, outline.left, outline.right, ridge]
    targets = [
        _knots(outline.top, ridge[0], 0.0),
        _knots(outline.bottom, ridge[-1], 1.0),
        _edge(outline.left, -1.0),
        _edge(outline.right, 1.0),
        _edge(ridge, 0.0),
    ]
    points = (np.concatenate(curves) - origin) / unit
    terms = np.stack([points[:, 0] ** i * points[:, 1] ** j for i, j in _EXPONENTS], axis=1)
    normal = terms.T @ terms + 1e-4 * np.eye(len(_EXPONENTS))
    weights = np.linalg.solve(normal, terms.T @ np.concatenate(targets))
    x = (np.arange(window.x0, window.x1) - origin[0]) / unit
    y = (np.arange(window.y0, window.y1) - origin[1]) / unit
    powers_x, powers_y = np.vander(x, 4, True), np.vander(y, 4, True)
    table = np.zeros((2, 4, 4))
    for (i, j), weight in zip(_EXPONENTS, weights, strict=True):
        table[:, i, j] = weight
    u, v = (powers_y @ table[k].T @ powers_x.T for k in (0, 1))
    return u.astype(np.float32), v.astype(np.float32)


def _knots(curve: Points, middle: Points, v: float) -> Points:
    """Give (u, v) along a rim: u is -1 ... 0 at the point nearest the middle ... 1."""
    nearest = int(np.argmin(((curve - middle) ** 2).sum(axis=1)))
    nearest = min(max(nearest, 1), len(curve) - 2)
    left, right = _progress(curve[: nearest + 1]) - 1, _progress(curve[nearest:])[1:]
    return np.stack([np.concatenate([left, right]), np.full(len(curve), v)], axis=1)


def _edge(curve: Points, u: float) -> Points:
    return np.stack([np.full(len(curve), u), _progress(curve)], axis=1)


def _progress(curve: Points) -> Points:
    """Share of the curve's length behind each of its points: (n,), 0 ... 1."""
    steps = np.sqrt((np.diff(curve, axis=0) ** 2).sum(axis=1))
    passed = np.concatenate([[0.0], np.cumsum(steps)])
    return passed / max(float(passed[-1]), 1e-6)


def noise(rng: np.random.Generator, shape: tuple[int, int], rows: int, columns: int) -> Layer:
    """Smooth noise, float32 of `shape`, mean 0 and deviation about 1 before smoothing."""
    grid = rng.standard_normal((rows + 1, columns + 1), dtype=np.float32)
    field = cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field)


def warped_noise(rng: np.random.Generator, u: Layer, v: Layer, rows: int, columns: int) -> Layer:
    """Smooth noise that lies in the cloth: `rows` bumps down, `columns` across."""
    grid = rng.standard_normal((rows + 3, columns + 3), dtype=np.float32)
    tile = cv2.resize(grid, (64, 64), interpolation=cv2.INTER_CUBIC)
    x, y = u * np.float32(24) + 32, v * np.float32(48) + 8
    return np.asarray(cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def dome(u: Layer, v: Layer, depth: float, nose: float, chin: float) -> Layer:
    """Height of the surface above the face's plane, in face widths: cheeks, nose, chin."""
    rest = 1 - 0.92 * u * u
    rest = 0.5 * (rest + np.sqrt(rest * rest + 0.03))  # stays above 0 past the edges, no kink
    round_face = depth * np.sqrt(rest)
    ridge = nose * np.exp(-((u / 0.3) ** 2)) * np.exp(-(((v - 0.25) / 0.3).clip(0, None) ** 2))
    under = chin * (v - 0.62).clip(0, 0.6) ** 2
    height: Layer = (round_face + ridge - under).astype(np.float32)
    return height


def shade(height: Layer, frame: Frame, light: Light) -> Layer:
    """Lambert shading of a height field in face widths: float32 (h, w) about 1 where flat."""
    smooth_height = height * np.float32(frame.unit)
    slope_x = cv2.Sobel(smooth_height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(smooth_height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    x, y, z = (float(part) for part in light.direction)
    dot = (z - x * slope_x - y * slope_y) / np.sqrt(1 + slope_x**2 + slope_y**2)
    lit = light.ambient + (1 - light.ambient) * np.maximum(dot, 0) / z
    result: Layer = np.clip(lit, 0.3, 1.35).astype(np.float32)
    return result


def light_up(albedo: Layer, height: Layer, frame: Frame, light: Light, sheen: float) -> Layer:
    """The colours (h, w, 3) of lit cloth, 8-bit range.

    Args:
        albedo: (h, w, 3) in [0, 1].
        height: (h, w) in face widths.
        frame: the face.
        light: the light on it.
        sheen: share of white that even black cloth throws back towards the light, [0, 1].
    """
    shading = shade(height, frame, light)
    gloss = np.float32(255 * light.gain * sheen) * (shading - np.float32(0.7))
    matt = np.asarray(cv2.multiply(light.on(albedo), cv2.merge([shading, shading, shading])))
    return _soften(matt + gloss[..., None])


def _soften(lit: Layer) -> Layer:
    """Roll off what is brighter than 200 of 255 as film and cameras do; no hard clipping."""
    over = np.maximum(lit - np.float32(200), 0)
    result: Layer = lit - over + np.float32(55) * (1 - np.exp(over * np.float32(-1 / 55)))
    return result


def edge_distance(alpha: Layer) -> Layer:
    """Distance in px of each covered pixel from the rim: float32 (h, w), 0 outside."""
    inside = (alpha > 0.5).astype(np.uint8)
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1])
