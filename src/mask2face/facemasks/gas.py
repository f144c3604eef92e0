"""A gas mask below the eyes: heavy rubber up to the cheekbones, one or two canisters, harness."""

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.canister import Canister, on
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
    (0.60, (0.08, 0.08, 0.09)),
    (0.20, (0.25, 0.28, 0.24)),
    (0.12, (0.32, 0.33, 0.35)),
    (0.08, (0.38, 0.34, 0.24)),
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
    """Draw a gas mask that leaves the eyes bare.

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
    upper = rng.uniform(1.2, 2.4)
    return Fit(
        bridge=rng.uniform(27.7, 28.6),
        upper=upper,
        lower=upper + rng.uniform(2.0, 3.4),
        reach=rng.uniform(0.82, 1.0),
        sag=rng.uniform(0.0, 0.04),
        peak=rng.uniform(0.0, 0.03),
        chin=rng.uniform(0.05, 0.2),
        bulge=rng.uniform(0.0, 0.06),
    )


def _hang(rng: np.random.Generator) -> Hang:
    return Hang(1.0, 0.03, 1.0, inflate=rng.uniform(0.12, 0.2))


def _canisters(frame: Frame, body: Sheet, own: Points, rng: np.random.Generator) -> list[Piece]:
    """The voice piece in front, and one or two canisters, metal or plastic."""
    unit = frame.unit
    shade = rng.uniform(0.1, 0.6)
    colour = np.array([shade, shade * rng.uniform(0.95, 1.1), shade * rng.uniform(0.8, 1)])
    radius, height = rng.uniform(0.15, 0.22) * unit, rng.uniform(0.1, 0.24) * unit
    foot, axis = on(body, 0.0, rng.uniform(0.5, 0.68))
    if rng.random() < 0.45:  # one, straight ahead
        tilted = axis + rng.uniform(0, 0.5) * frame.down
        return [canister_piece(Canister(foot, tilted, radius, height, 0.95), colour, rng)]
    voice = Canister(foot, axis, 0.6 * radius, 0.25 * radius, 0.9)
    pieces = [canister_piece(voice, (own * 1.5 + 0.03).clip(0, 1), rng)]
    u, v = rng.uniform(0.45, 0.6), rng.uniform(0.55, 0.75)
    for side in (-1, 1):
        foot, axis = on(body, side * u, v)
        tilted = axis + 0.5 * side * frame.right + rng.uniform(0, 0.3) * frame.down
        pieces.append(canister_piece(Canister(foot, tilted, radius, height, 0.95), colour, rng))
    return pieces


MAKE = Mould("gas", RUBBER, _fit, _hang, 0.15, _canisters)
