"""A half-face respirator of rubber with one or two filters and a valve; wide head straps."""

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.canister import Canister, on, plain
from mask2face.facemasks.canister import piece as canister_piece
from mask2face.facemasks.drape import Hang
from mask2face.facemasks.drawn import Drawn, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Piece
from mask2face.facemasks.mesh import Sheet
from mask2face.facemasks.moulded import Mould, mould
from mask2face.facemasks.outline import Fit
from mask2face.facemasks.worn import Asked

RUBBER: fabric.Palette = (
    (0.38, (0.10, 0.10, 0.11)),
    (0.24, (0.33, 0.35, 0.38)),
    (0.14, (0.18, 0.34, 0.55)),
    (0.12, (0.62, 0.64, 0.66)),
    (0.12, (0.45, 0.20, 0.18)),
)
PADS = 0.45  # share of two flat oval pads instead of cylinders
CARTRIDGES = 0.35  # share of two plain cartridges on coloured necks
SHELLS: fabric.Palette = (
    (0.70, (0.95, 0.95, 0.94)),
    (0.15, (0.72, 0.73, 0.74)),
    (0.15, (0.16, 0.16, 0.17)),
)
NECKS: fabric.Palette = (
    (0.35, (0.75, 0.33, 0.12)),
    (0.20, (0.65, 0.12, 0.12)),
    (0.25, (0.30, 0.31, 0.33)),
    (0.20, (0.85, 0.75, 0.20)),
)
FILTERS: fabric.Palette = (
    (0.22, (0.85, 0.25, 0.50)),
    (0.38, (0.90, 0.89, 0.87)),
    (0.15, (0.12, 0.12, 0.13)),
    (0.15, (0.85, 0.75, 0.20)),
    (0.10, (0.35, 0.50, 0.35)),
)


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    colour: str = "",
    colour_weight: float = 1.0,
    height: float | None = None,
    below: float | None = None,
    tight: float | None = None,
) -> Drawn:
    """Draw a half-face respirator.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        colour: "#rrggbb" of the rubber, or "" for a random one.
        colour_weight: share of `colour` against the random one, [0, 1].
        height: of the upper rim, 0 = tip of the nose ... 1 = between the eyes; None = random.
        below: reach below the chin in face heights, -0.2 ... 0.6; None = random.
        tight: 0 = loose ... 1 = close to the face; None = random.

    Raises:
        ValueError: an argument has the wrong type, shape or value.
    """
    asked = Asked("over_nose", colour, colour_weight, height, below, tight)
    return mould(MAKE, photo, landmarks, rng, asked)


def _fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(2.6, 3.8)
    return Fit(
        bridge=rng.uniform(27.5, 28.8),
        upper=upper,
        lower=upper + rng.uniform(0.8, 1.6),
        reach=rng.uniform(0.6, 0.82),
        sag=rng.uniform(-0.05, 0.0),
        peak=rng.uniform(0.0, 0.03),
        chin=rng.uniform(0.0, 0.08),
        bulge=rng.uniform(-0.02, 0.03),
    )


def _hang(rng: np.random.Generator) -> Hang:
    return Hang(1.0, 0.02, 0.8, inflate=rng.uniform(0.1, 0.18))


def _parts(frame: Frame, body: Sheet, own: Points, rng: np.random.Generator) -> list[Piece]:
    """The filters and, mostly, the valve in the middle."""
    pieces = _filters(frame, body, rng)
    if rng.random() < 0.8:
        valve = on(body, 0.0, rng.uniform(0.55, 0.75))
        size = rng.uniform(0.07, 0.12) * frame.unit
        shape = Canister(*valve, size, 0.5 * size, rng.uniform(0.75, 1))
        pieces.append(canister_piece(shape, (own * rng.uniform(0.6, 1.2)).clip(0, 1), rng))
    return pieces


def _filters(frame: Frame, body: Sheet, rng: np.random.Generator) -> list[Piece]:
    """Two filters at the sides, or one in front."""
    if rng.random() < CARTRIDGES:
        return _cartridges(frame, body, rng)
    colour = fabric.pick(FILTERS, rng)
    radius = rng.uniform(0.13, 0.31) * frame.unit
    height = radius * rng.uniform(0.15, 1.0)
    taper = rng.uniform(0.85, 1.05)
    if rng.random() < 0.15:
        foot, axis = on(body, 0.0, 0.55)
        tilted = axis + 0.4 * frame.down
        return [canister_piece(Canister(foot, tilted, radius, height, taper), colour, rng)]
    oval, (u, v) = 1.0, rng.uniform((0.5, 0.4), (0.85, 0.75))
    sideways, forward, away = rng.uniform(-0.4, 0.6), 0.0, rng.uniform(0, 0.7) * radius
    if rng.random() < PADS:
        radius = rng.uniform(0.18, 0.3) * frame.unit
        height, oval = radius * rng.uniform(0.12, 0.35), rng.uniform(1.1, 1.5)
        sideways, forward = rng.uniform(-0.6, 0.1), rng.uniform(0, 1.5)
        away = rng.uniform(0.1, 0.8) * radius
    pieces = []
    for side in (-1, 1):
        foot, axis = on(body, side * u, v)
        tilted = axis + sideways * side * frame.right + forward * frame.out
        tilted = tilted + rng.uniform(0, 0.4) * frame.down
        foot = foot + side * frame.right * away
        shape = Canister(foot, tilted, radius, height, taper, oval)
        pieces.append(canister_piece(shape, colour, rng))
    return pieces


def _cartridges(frame: Frame, body: Sheet, rng: np.random.Generator) -> list[Piece]:
    """Two plain rounded boxes that stand beside the cheeks, each on a coloured neck."""
    shell, neck = fabric.pick(SHELLS, rng), fabric.pick(NECKS, rng)
    shell = (shell * rng.uniform(0.9, 1.05)).clip(0, 1)
    radius = rng.uniform(0.17, 0.3) * frame.unit
    oval, corner = rng.uniform(1.15, 1.75), rng.uniform(2, 5)
    u, v = rng.uniform((0.55, 0.45), (0.85, 0.75))
    sideways, away, fall = rng.uniform(-0.5, 0.5), rng.uniform(0.3, 1.1), rng.uniform(-0.2, 0.3)
    pieces = []
    for side in (-1, 1):
        foot, normal = on(body, side * u, v)
        outwards = side * frame.right
        stem = (normal + outwards) / np.sqrt((normal + outwards) @ (normal + outwards))
        length = away * radius
        pieces.append(plain(Canister(foot, stem, 0.5 * radius, 0.8 * length, 1.1, oval), neck))
        tilted = frame.out + sideways * outwards + fall * frame.down
        middle = foot + length * stem + 0.4 * radius * outwards
        box = Canister(middle, tilted, radius, 0.5 * radius, rng.uniform(0.9, 1), oval, corner)
        pieces.append(plain(box, shell))
    return pieces


MAKE = Mould("respirator", RUBBER, _fit, _hang, 0.2, _parts)
