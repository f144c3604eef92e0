"""Parts that sit on a face mask: exhalation valves and lettering."""

import numpy as np

from mask2face.facemasks import fabric, prints
from mask2face.facemasks.drawn import Layer, Points
from mask2face.facemasks.garment import Cloth


def add_valve(cloth: Cloth, rng: np.random.Generator, albedo: Layer, own: Points) -> Layer:
    """Paint a round or square exhalation valve on `albedo` (h, w, 3), sometimes one a side."""
    places = [float(rng.choice([0.0, -0.45, 0.45])) + rng.normal(0, 0.04)]
    if rng.random() < 0.25:
        places = [-0.48, 0.48]
    size, height = rng.uniform(0.06, 0.13), rng.uniform(0.4, 0.72)
    power = float(rng.choice([2.0, 2.0, 6.0]))
    colour = fabric.any_colour(rng) if rng.random() < 0.3 else own * rng.uniform(0.7, 1.1)
    if rng.random() < 0.3:
        colour = np.full(3, rng.uniform(0.05, 0.95))
    slats, tilt = rng.uniform(0.05, 0.4), rng.normal(0, 0.3)
    for place in places:
        x, y = _around(cloth, place, height, size)
        radius = (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power)
        inside = ((1 - radius) * (size * cloth.unit)).clip(0, 1)[..., None]
        slope = 1 - 0.15 * y - 0.3 * np.exp(-(((radius - 0.85) / 0.12) ** 2))
        slope = slope - slats * (np.abs(((y + tilt * x) * 2.5) % 1 - 0.5) < 0.16) * (radius < 0.7)
        albedo = albedo * (1 - 0.3 * np.exp(-(((radius - 1.05) / 0.12) ** 2)))[..., None]
        albedo = albedo + (colour.clip(0, 1) * slope[..., None] - albedo) * inside
    return albedo.astype(np.float32)


def _around(cloth: Cloth, u: float, v: float, size: float) -> tuple[Layer, Layer]:
    """Offsets (h, w) from the point (u, v) of the cloth, 1 = `size` face widths in the picture."""
    nearest = int(np.argmin((cloth.u - u) ** 2 + (cloth.v - v) ** 2))
    row, column = np.unravel_index(nearest, cloth.u.shape)
    scale = np.float32(size * cloth.unit)
    x = (np.arange(cloth.u.shape[1], dtype=np.float32) - column) / (scale * (1 - 0.4 * abs(u)))
    y = (np.arange(cloth.u.shape[0], dtype=np.float32) - row) / scale
    return np.broadcast_to(x[None], cloth.u.shape), np.broadcast_to(y[:, None], cloth.u.shape)


def add_lettering(cloth: Cloth, rng: np.random.Generator, albedo: Layer, own: Points) -> Layer:
    """Print a small block of letters somewhere on `albedo` (h, w, 3)."""
    tile = prints.print_tile("letters", own, rng)
    ink = prints.lay(tile, cloth.u, cloth.v, cloth.tall, rng.uniform(1.0, 2.2), 0.0)
    patch = (np.abs(cloth.u - rng.uniform(-0.5, 0.5)) < rng.uniform(0.12, 0.3)) & (
        np.abs(cloth.v - rng.uniform(0.3, 0.7)) < rng.uniform(0.05, 0.15)
    )
    return np.where(patch[..., None], ink, albedo).astype(np.float32)
