"""Put a garment on a face: surface, light, strings and shadow in one place for all styles."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mask2face.facemasks import compositing, surface
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import Light, light_on
from mask2face.facemasks.outline import Outline, smooth


@dataclass(frozen=True)
class Cloth:
    """The pixels of a face mask, all float32 (h, w).

    Attributes:
        u: -1 at the left edge ... 0 on the nose ... 1 at the right edge.
        v: 0 at the upper rim ... 1 at the lower.
        edge: distance from the rim in face widths.
        unit: face width in px.
        tall: length of the middle line in face widths.
    """

    u: Layer
    v: Layer
    edge: Layer
    unit: float
    tall: float

    def border(self, width: float) -> Layer:
        """Anti-aliased band of `width` face widths along the rim: float32 (h, w) in [0, 1]."""
        band: Layer = ((np.float32(width) - self.edge) * np.float32(self.unit) + 1).clip(0, 1)
        return band


@dataclass(frozen=True)
class Strings:
    """Loops, straps or ties: curves (n, 2) in photo px, width in px, colour (3,) in [0, 1]."""

    curves: list[Points]
    width: float
    colour: Points


Paint = Callable[[Cloth, np.random.Generator], tuple[Layer, Layer]]
"""Albedo (h, w, 3) in [0, 1] and height (h, w) in face widths of the cloth."""


def ridge_of(frame: Frame, outline: Outline) -> Points:
    """The middle line of the face from the upper rim to the lower: (n, 2) photo px."""
    start, end = outline.top[len(outline.top) // 2], outline.bottom[len(outline.bottom) // 2]
    marks = frame.landmarks[[30, 33, 51, 57]]
    low, high = float(start @ frame.down), float(end @ frame.down)
    margin = 0.08 * frame.unit
    inner = [mark for mark in marks if low + margin < float(mark @ frame.down) < high - margin]
    return smooth(np.array([start, *inner, end]), 4)


def put_on(
    photo: Photo,
    frame: Frame,
    outline: Outline,
    paint: Paint,
    strings: Strings | None,
    rng: np.random.Generator,
) -> tuple[Photo, Layer]:
    """Draw a garment.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        frame: the face.
        outline: the rim.
        paint: gives the cloth's colour and relief.
        strings: drawn below the cloth, or None.
        rng: source of randomness.

    Returns:
        The photo with the garment, and the hole float32 (H, W) in [0, 1].
    """
    unit = frame.unit
    every = np.concatenate([outline.polygon, *(strings.curves if strings else ())])
    window = compositing.window_around(every, 0.06 * unit + 4, photo)
    if window is None:
        return photo.copy(), np.zeros(photo.shape[:2], np.float32)
    light = light_on(photo, frame, rng)
    body = compositing.coverage(outline.polygon, window)
    cloth = _cloth(frame, outline, body, window)
    albedo, height = paint(cloth, rng)
    albedo = albedo * _falloff(cloth, rng)[..., None]
    lit = surface.light_up(albedo, height, frame, light, rng.uniform(0, 0.09))

    painted, worn = window.of(photo).astype(np.float32), body
    if strings and strings.curves:
        painted, worn = _add_strings(painted, body, strings, light, window)
    hole = compositing.hole_of(worn, rng.uniform(0.008, 0.018) * unit)
    shadow = _contact_shadow(frame, body, rng) * hole
    painted = compositing.blend(compositing.darken(painted, shadow), body, lit)
    if rng.random() < 0.4:  # lenses and resampling soften what is drawn at pixel sharpness
        painted = compositing.blur(painted, max(rng.uniform(0.003, 0.01) * unit, 0.25))
    return compositing.finish(photo, painted, hole, window)


def _cloth(frame: Frame, outline: Outline, body: Layer, window: compositing.Window) -> Cloth:
    ridge = ridge_of(frame, outline)
    u, v = surface.cloth_coordinates(outline, ridge, window, frame.unit)
    edge = surface.edge_distance(body) * np.float32(1 / frame.unit)
    tall = float(np.hypot(*(ridge[-1] - ridge[0]))) / frame.unit
    return Cloth(u, v, edge, frame.unit, tall)


def _falloff(cloth: Cloth, rng: np.random.Generator) -> Layer:
    """Light that fades across and down the cloth: factor (h, w)."""
    across, down = np.float32(rng.normal(0, 0.12)), np.float32(rng.uniform(-0.05, 0.3))
    return np.asarray(1 + across * cloth.u - down * (cloth.v - np.float32(0.4)))


def _contact_shadow(frame: Frame, body: Layer, rng: np.random.Generator) -> Layer:
    """Share of light (h, w) that the rim takes from the skin beside and below it."""
    offset = frame.down * rng.uniform(0.0, 0.02) * frame.unit
    dark = compositing.shadow(body, offset, rng.uniform(0.006, 0.018) * frame.unit)
    return dark * np.float32(rng.uniform(0.1, 0.55)) * (1 - body)


def _add_strings(
    picture: Layer, body: Layer, strings: Strings, light: Light, window: compositing.Window
) -> tuple[Layer, Layer]:
    """The picture with the strings, and what is covered by them, their shadow or the body."""
    alpha = compositing.stroke(strings.curves, strings.width, window)
    width = strings.width
    below = compositing.shadow(alpha, np.array([0.0, 0.6 * width]), 0.4 * width)
    below = np.maximum(below - np.float32(0.02), 0)
    picture = compositing.darken(picture, 0.25 * below)
    picture = compositing.blend(picture, alpha, light.on(strings.colour))
    return picture, np.maximum(body, np.maximum(alpha, 0.5 * below))


def loops(
    frame: Frame, outline: Outline, colour: Points, rng: np.random.Generator, widest: float = 0.017
) -> Strings:
    """Ear loops from the corners to the ears, on the sides that the head's turn shows.

    Args:
        frame: the face.
        outline: the rim, whose corners the loops leave.
        colour: (3,) in [0, 1].
        rng: source of randomness.
        widest: largest width in face widths; the least is a third of it.
    """
    width = float(rng.uniform(widest / 3, widest)) * frame.unit
    curves = []
    for side, edge in ((-1, outline.left), (1, outline.right)):
        if side * frame.turn > 0.36:  # the ear is behind the face
            continue
        bow = rng.uniform(-0.015, 0.03) * frame.unit
        for corner, height, way in (
            (edge[0], rng.uniform(0.1, 0.8), -1),
            (edge[-1], rng.uniform(0.7, 1.4), 1),
        ):
            ear = frame.ear(side, height)
            middle = (corner + ear) / 2 + frame.down * way * bow
            curves.append(smooth(np.array([corner, middle, ear]), 6))
    return Strings(curves, width, colour)


def straps(frame: Frame, outline: Outline, colour: Points, rng: np.random.Generator) -> Strings:
    """Two bands round the head on each side; they leave the face above and below the ears."""
    width = float(rng.uniform(0.012, 0.035)) * frame.unit
    curves = []
    for side, edge in ((-1, outline.left), (1, outline.right)):
        for corner, height in (
            (edge[0], rng.uniform(-0.6, 0.3)),
            (edge[-1], rng.uniform(0.9, 2.0)),
        ):
            end = frame.ear(side, height)
            middle = (corner + end) / 2 + frame.down * rng.normal(0, 0.008) * frame.unit
            curves.append(smooth(np.array([corner, middle, end]), 5))
    return Strings(curves, width, colour)


def loop_colour(own: Points, rng: np.random.Generator) -> Points:
    """White, black or the colour of the face mask."""
    choice = rng.random()
    if choice < 0.5:
        return np.full(3, rng.uniform(0.82, 0.97))
    if choice < 0.75:
        return np.full(3, rng.uniform(0.04, 0.14))
    return own


def folds(cloth: Cloth, rng: np.random.Generator, strength: float) -> Layer:
    """Wrinkles as a height in face widths: long across, with some that run to the corners."""
    u, v = cloth.u, cloth.v
    across = surface.warped_noise(rng, u, v, int(rng.integers(4, 9)), 3)
    slant = v + u * np.float32(rng.normal(0, 0.3))
    pulled = surface.warped_noise(rng, u, slant, 6, int(rng.integers(3, 7)))
    creases = np.abs(surface.warped_noise(rng, u, slant, 7, int(rng.integers(4, 9))))
    sharp = np.float32(rng.uniform(0, 0.8))
    height: Layer = (0.7 * across + 0.5 * pulled - sharp * creases) * np.float32(strength)
    return height
