"""A KN95: folded along the middle, welded rim, ear loops; stands off the mouth like a tent."""

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.drape import Hang
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Strings, folds, loop_colour, loops
from mask2face.facemasks.outline import Fit, Outline, bridge
from mask2face.facemasks.valve import add_lettering, add_valve
from mask2face.facemasks.worn import Asked, Make, dress

VALVE_SHARE = 0.15
LETTERING_SHARE = 0.35


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    wear: str = "over_nose",
    colour: str = "",
    colour_weight: float = 1.0,
    height: float | None = None,
    below: float | None = None,
    tight: float | None = None,
) -> Drawn:
    """Draw a KN95.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        wear: one of `outline.WEARS`.
        colour: "#rrggbb", or "" for a random one.
        colour_weight: share of `colour` against the random one, [0, 1].
        height: of the upper rim, 0 = tip of the nose ... 1 = between the eyes; None = random.
        below: reach below the chin in face heights, -0.2 ... 0.6; None = random.
        tight: 0 = loose ... 1 = close to the face; None = random.

    Raises:
        ValueError: an argument has the wrong type, shape or name.
    """
    asked = Asked(wear, colour, colour_weight, height, below, tight)
    return dress(MAKE, photo, landmarks, rng, asked)


def _fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(0.5, 2.0)
    return Fit(
        bridge=bridge(rng),
        upper=upper,
        lower=upper + rng.uniform(1.0, 3.0),
        reach=rng.uniform(0.8, 1.06),
        sag=rng.uniform(-0.05, 0.02),
        peak=rng.uniform(0.0, 0.05),
        chin=rng.uniform(-0.03, 0.14),
        bulge=rng.uniform(-0.01, 0.05),
    )


def _hang(rng: np.random.Generator) -> Hang:
    return Hang(1.0, 0.02, rng.uniform(0.1, 0.6), fold=rng.uniform(0.04, 0.16))


def _strings(frame: Frame, outline: Outline, own: Points, rng: np.random.Generator) -> Strings:
    return loops(frame, outline, loop_colour(own, rng), rng)


def _paint(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    relief = folds(cloth, rng, rng.uniform(0.001, 0.012))
    crease = np.exp(-((u / rng.uniform(0.01, 0.025)) ** 2))
    tone = 1 - rng.uniform(0.05, 0.4) * crease
    hem = rng.uniform(0.02, 0.045)
    weld = np.exp(-(((cloth.edge - hem) / 0.007) ** 2))
    if rng.random() < 0.5:  # welded in short bars
        weld = weld * (np.abs((u + v) * rng.uniform(25, 45) % 1 - 0.5) < 0.3)
    tone = tone - rng.uniform(0.05, 0.3) * weld
    relief = relief - 0.004 * weld
    if rng.random() < 0.5:  # nose wire
        wire = np.exp(-(((v - 0.09) / 0.03) ** 2)) * (np.abs(u) < 0.4)
        tone = tone - rng.uniform(-0.1, 0.35) * wire
    for side in (-1, 1):  # a weld from the corner towards the middle holds the side in shape
        if rng.random() < 0.5:
            slope = rng.uniform(-0.2, 0.2)
            line = (v - 0.5 - slope * (np.abs(u) - 0.6)) / 0.012
            reach = (side * u > rng.uniform(0.55, 0.8)).astype(np.float32)
            tone = tone - 0.15 * np.exp(-(line**2)) * reach
    albedo = own.astype(np.float32) * tone[..., None]
    if rng.random() < LETTERING_SHARE:
        albedo = add_lettering(cloth, rng, albedo, own)
    if rng.random() < VALVE_SHARE:
        albedo = add_valve(cloth, rng, albedo, own)
    return albedo.astype(np.float32), relief.astype(np.float32)


MAKE = Make("kn95", fabric.N95, _fit, _hang, _strings, _paint)
