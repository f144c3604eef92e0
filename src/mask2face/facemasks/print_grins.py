"""Mouths painted on face masks: lips, teeth, jaws of skulls, snouts, moustaches, stitches.

What shows a mouth here is cloth: a net that looks for mouths must learn that. Painters as in
`print_covers`; none imitates a photo of a mouth.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from mask2face.facemasks import print_shapes as shapes
from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.print_shapes import box, disc, fill, ink_of
from mask2face.facemasks.print_woven import Colours


def grin(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """One kind of painted mouth about the middle of the cloth."""
    _KINDS[int(rng.integers(len(_KINDS)))](tile, colours, rng)


class _Brush:
    """Paints in units of a picture's half width about its middle, y down."""

    def __init__(self, tile: Photo, rng: np.random.Generator, widest: float = 0.3) -> None:
        side = tile.shape[0]
        self.tile = tile
        self.size = float(rng.uniform(0.55, 1.1)) * widest * side
        self.middle = np.array([0.5 + rng.normal(0, 0.015), rng.uniform(0.5, 0.62)]) * side

    def fill(self, polygons: Sequence[Points], ink: Points) -> None:
        fill(self.tile, [polygon * self.size + self.middle for polygon in polygons], ink)

    def line(
        self, curves: Sequence[Points], ink: Points, width: float, closed: bool = False
    ) -> None:
        fixed = [np.rint((c * self.size + self.middle) * 16).astype(np.int32) for c in curves]
        thick = max(1, round(width * self.size))
        cv2.polylines(self.tile, fixed, closed, ink_of(ink), thick, cv2.LINE_AA, shapes.SHIFT)


def _dark_on(ground: Points) -> Points:
    """Black on light cloth, white on dark."""
    return np.full(3, 235.0 if float(ground @ (0.3, 0.59, 0.11)) < 100 else 18.0)


def _lips(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Painted lips, closed, or open with teeth and perhaps a tongue."""
    brush = _Brush(tile, rng, 0.28)
    t = np.linspace(-1, 1, 25)
    round_off = np.sqrt(1 - t**2)
    smile, full = rng.uniform(-0.1, 0.45), rng.uniform(0.18, 0.36)
    lift = smile * (1 - t**2) - 0.5 * smile
    bow = 1 - rng.uniform(0.1, 0.45) * np.exp(-((t / 0.16) ** 2))
    gap = rng.uniform(0.15, 0.6) if rng.random() < 0.55 else 0.0
    upper = lift - full * round_off * bow - 0.35 * gap * round_off
    lower = lift + full * 1.25 * round_off + 0.65 * gap * round_off
    red = np.array([175.0, 24.0, 40.0]) * rng.uniform(0.6, 1.3)
    ink = red.clip(0, 255) if rng.random() < 0.65 else colours[0]
    brush.fill([_between(t, upper, lower)], ink)
    inner = t * 0.88
    if gap:
        roof, floor = lift - 0.35 * gap * round_off, lift + 0.65 * gap * round_off
        brush.fill([_between(inner, roof, floor)], np.full(3, 25.0))
        brush.fill([_between(inner * 0.9, roof, roof + (floor - roof) * 0.45)], np.full(3, 238.0))
        for x in np.linspace(-0.6, 0.6, 7):
            top, low = np.interp(x, inner, roof), np.interp(x, inner, roof + (floor - roof) * 0.45)
            brush.line([np.array([[x, top], [x, low]])], np.full(3, 150.0), 0.01)
        if rng.random() < 0.3:
            y = float(lift[12]) + 0.65 * gap
            brush.fill([disc(0.1, y, 0.35, 0.4)], np.array([205.0, 80.0, 95.0]))
    else:
        brush.line([np.stack([t, lift], axis=1)], ink * 0.35, 0.04)


def _between(x: Points, upper: Points, lower: Points) -> Points:
    return np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]])


def _teeth(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Two rows of bared teeth, a skull's jaw or a monster's fangs."""
    brush = _Brush(tile, rng, 0.4)
    bend, tall, count = rng.uniform(-0.3, 0.35), rng.uniform(0.2, 0.5), int(rng.integers(4, 9))
    bone: Points = np.array([232.0, 228.0, 210.0]) * rng.uniform(0.75, 1.05)
    if rng.random() < 0.2:
        bone = colours[0]
    t = np.linspace(-1, 1, 21)
    curve = bend * (t**2 - 0.4)
    gum = rng.uniform(1.15, 1.5) * tall * np.sqrt(1.02 - t**2)
    cavity = np.array([120.0, 20.0, 25.0]) if rng.random() < 0.3 else np.full(3, 14.0)
    brush.fill([_between(t * 1.05, curve - gum, curve + gum)], cavity)
    sharp = rng.random() < 0.35
    for row in (-1, 1):
        for number in range(-count, count + 1):
            x = number / (count + 0.6)
            half = 0.5 / (count + 0.6) * 0.88
            y, height = bend * (x * x - 0.4), row * tall * (1.05 - 0.6 * x * x)
            tip = 0.15 if sharp else 0.75
            shape = [[x - half, y + height], [x + half, y + height]]
            if sharp:
                shape += [[x + half * tip, y], [x - half * tip, y]]
            else:
                near = y + row * 0.015
                shape += [[x + half, near + height * 0.15], [x + half * tip, near]]
                shape += [[x - half * tip, near], [x - half, near + height * 0.15]]
            brush.fill([np.array(shape)], np.minimum(bone, 250))
    if rng.random() < 0.5:  # the skull's nose and cheeks
        brush.fill([np.array([[0.02, -0.95], [0.17, -0.55], [0.02, -0.6]])], _dark_on(colours[-1]))
        brush.fill(
            [np.array([[-0.02, -0.95], [-0.17, -0.55], [-0.02, -0.6]])], _dark_on(colours[-1])
        )
        for side in (-1, 1):
            cheek = np.array([[side * 1.08, -0.6], [side * 0.6, -0.35], [side * 1.05, 0.1]])
            brush.fill([cheek], bone * 0.8)


def _smile(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """A smile of one line, with cheeks, a heart or a tongue."""
    brush, ink = _Brush(tile, rng), _dark_on(colours[-1])
    if rng.random() < 0.4:
        ink = colours[0]
    t = np.linspace(-1, 1, 21)
    bend = rng.uniform(-0.3, 0.7)
    wave = rng.uniform(0.0, 0.2) if rng.random() < 0.25 else 0.0
    curve = np.stack([t, bend * (0.5 - t**2) + wave * np.sin(9 * t)], axis=1)
    choice = rng.random()
    if choice < 0.3 and bend > 0.25:
        brush.fill([np.concatenate([curve, [[0.7, -0.15], [-0.7, -0.15]]])], np.full(3, 25.0))
        brush.fill([box(-0.7, -0.15, 0.7, 0.05)], np.full(3, 240.0))
    elif choice < 0.5:
        brush.fill([disc(s * 1.25, 0, 0.2, 0.15) for s in (-1, 1)], np.array([225.0, 120.0, 130.0]))
    elif choice < 0.65:
        brush.fill([shapes.heart()[0][0] * 0.25 + (0.0, -0.7)], np.array([200.0, 40.0, 55.0]))
    brush.line([curve], ink, rng.uniform(0.04, 0.12))


def _moustache(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """A moustache."""
    brush = _Brush(tile, rng, 0.3)
    t = np.linspace(0, 1, 14)
    curl = rng.uniform(-0.1, 0.5)
    upper = -0.2 * np.sin(np.pi * t**0.7) - curl * t**3
    lower = 0.26 * np.sin(np.pi * (0.15 + 0.85 * t)) * (1 - t) ** 0.4 - curl * t**2.2
    half = _between(t, upper, lower)
    dark: Points = np.array([40.0, 28.0, 20.0]) * rng.uniform(0.3, 2.0)
    if float(colours[-1].mean()) < 70:
        dark = _dark_on(colours[-1])
    brush.fill([half, half * (-1, 1)], dark)


def _snout(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """The snout of a cat, dog, bear or pig with nose, mouth and whiskers."""
    brush, ink = _Brush(tile, rng, 0.3), _dark_on(colours[-1])
    nose = np.array([60.0, 40.0, 40.0]) if rng.random() < 0.5 else np.array([215.0, 130.0, 140.0])
    if rng.random() < 0.25:  # pig
        brush.fill([disc(0, -0.2, 0.65, 0.48, 28)], np.array([228.0, 150.0, 160.0]))
        brush.fill(
            [disc(s * 0.22, -0.2, 0.1, 0.17) for s in (-1, 1)], np.array([120.0, 60.0, 75.0])
        )
        return
    if rng.random() < 0.6:
        pale = np.minimum(colours[-1] * 0.4 + 140, 245)
        brush.fill([disc(s * 0.36, 0.12, 0.45, 0.4, 24) for s in (-1, 1)], pale)
        ink = np.full(3, 25.0)
    brush.fill([disc(0, -0.32, 0.25, 0.17, 20)], nose)
    t = np.linspace(0, np.pi, 12)
    arcs = [np.stack([s * (0.28 - 0.28 * np.cos(t)), 0.1 + 0.18 * np.sin(t)], 1) for s in (-1, 1)]
    width = rng.uniform(0.03, 0.07)
    brush.line([np.array([[0, -0.2], [0, 0.12]]), *arcs], ink, width)
    for side in (-1, 1):
        hairs = [np.array([[side * 0.55, 0.0], [side * 1.3, y]]) for y in (-0.25, 0.0, 0.22)]
        brush.line(hairs, ink, width * 0.6)


def _stitches(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """A mouth that is sewn or zipped up, or crossed out."""
    brush, ink = _Brush(tile, rng, 0.36), _dark_on(colours[-1])
    if rng.random() < 0.3:
        size = rng.uniform(0.3, 0.6)
        cross = [np.array([[-size, -size], [size, size]]), np.array([[-size, size], [size, -size]])]
        brush.line(cross, colours[0], rng.uniform(0.08, 0.2))
        return
    zipped = rng.random() < 0.5
    if zipped:
        ink = np.array([190.0, 185.0, 170.0])
        brush.fill([box(-1, -0.12, 1, 0.12)], np.full(3, 25.0))
    count = int(rng.integers(7, 16))
    xs = np.linspace(-0.95, 0.95, count)
    tall = 0.08 if zipped else rng.uniform(0.1, 0.25)
    slant = 0.0 if zipped else rng.normal(0, 0.04)
    brush.line([np.array([[x - slant, -tall], [x + slant, tall]]) for x in xs], ink, 0.04)
    brush.line([np.array([[-1.0, 0.0], [1.0, 0.0]])], ink, 0.04)


_KINDS = (_lips, _teeth, _smile, _lips, _teeth, _moustache, _snout, _stitches)
