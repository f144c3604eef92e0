"""What cloth looks like on its curved sheet: noise that lies in it, relief and shading."""

import cv2
import numpy as np

from mask2face.facemasks.drawn import Layer
from mask2face.facemasks.light import Light


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


def tinge(shape: tuple[int, int], rng: np.random.Generator, depth: float = 0.012) -> Layer:
    """Soft differences of colour over a cloth, as bounced light and thin places make them.

    Args:
        shape: (h, w) in px.
        rng: source of randomness.
        depth: of the factors; 0.012 gives white cloth a deviation of about 1.5 in a and b of
            CIELAB, measured, mid-grey about 0.8, black 0.2.

    Returns:
        Factors float32 (h, w, 3) about 1; brightness stays nearly the same.
    """
    grid = rng.standard_normal((5, 6, 3), dtype=np.float32)
    grid -= grid @ np.array([0.3, 0.59, 0.11], np.float32)[:, None]
    field = cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(field * np.float32(depth) + np.float32(1))


def shade(normal: Layer, relief: Layer, unit: float, light: Light) -> Layer:
    """Lambert shading of a sheet with relief.

    Args:
        normal: (h, w, 3) of the sheet, z towards the camera.
        relief: (h, w) height above the sheet in face widths.
        unit: face width in px.
        light: the light on the face.

    Returns:
        float32 (h, w), about 1 where the sheet is smooth and faces the camera.
    """
    height = relief * np.float32(unit)
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    facing = np.maximum(normal[..., 2], np.float32(0.25))  # no cliffs where seen edge-on
    nx, ny = normal[..., 0] - facing * slope_x, normal[..., 1] - facing * slope_y
    nz = normal[..., 2]
    x, y, z = (np.float32(part) for part in light.direction)
    dot = (nx * x + ny * y + nz * z) / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-6))
    ambient = 0.2 + 0.8 * light.ambient  # cloth lets light through and shines on itself
    lit = ambient + (1 - ambient) * np.maximum(dot, 0) / max(z, np.float32(0.3))
    return np.clip(lit, 0.25, 1.45).astype(np.float32)


def light_up(
    albedo: Layer, normal: Layer, relief: Layer, unit: float, light: Light, sheen: float
) -> Layer:
    """The colours (h, w, 3) of lit cloth, 8-bit range.

    Args:
        albedo: (h, w, 3) in [0, 1].
        normal: (h, w, 3) of the sheet.
        relief: (h, w) in face widths.
        unit: face width in px.
        light: the light on the face.
        sheen: share of white that even black cloth throws back towards the light, [0, 1].
    """
    shading = shade(normal, relief, unit, light)
    gloss = np.float32(255 * light.gain * sheen) * (shading - np.float32(0.7))
    matt = np.asarray(cv2.multiply(light.on(albedo), cv2.merge([shading, shading, shading])))
    return _soften(matt + gloss[..., None])


def _soften(lit: Layer) -> Layer:
    """Roll off what is brighter than 215 of 255 as film and cameras do; no hard clipping."""
    over = np.maximum(lit - np.float32(215), 0)
    result: Layer = lit - over + np.float32(40) * (1 - np.exp(over * np.float32(-1 / 40)))
    return result


def edge_distance(alpha: Layer) -> Layer:
    """Distance in px of each covered pixel from the rim: float32 (h, w), 0 outside."""
    inside = (alpha > 0.5).astype(np.uint8)
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1])
