"""A duckbill respirator: two flat panels that meet in a crosswise fold far out; head straps."""

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.drape import Hang
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Strings, folds, loop_colour, loops, straps
from mask2face.facemasks.outline import Fit, Outline, bridge
from mask2face.facemasks.valve import add_lettering
from mask2face.facemasks.worn import Asked, Make, dress

LETTERING_SHARE = 0.3


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
    """Draw a duckbill respirator.

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
    upper = rng.uniform(1.0, 2.4)
    return Fit(
        bridge=bridge(rng),
        upper=upper,
        lower=upper + rng.uniform(1.0, 2.6),
        reach=rng.uniform(0.75, 1.0),
        sag=rng.uniform(-0.02, 0.03),
        peak=rng.uniform(0.0, 0.05),
        chin=rng.uniform(0.0, 0.1),
        bulge=rng.uniform(-0.01, 0.04),
    )


def _hang(rng: np.random.Generator) -> Hang:
    return Hang(1.0, 0.03, rng.uniform(0.3, 0.7), bill=rng.uniform(0.1, 0.26))


def _strings(frame: Frame, outline: Outline, own: Points, rng: np.random.Generator) -> Strings:
    hung = straps if rng.random() < 0.6 else loops
    return hung(frame, outline, loop_colour(own, rng), rng)


def _paint(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    relief = folds(cloth, rng, rng.uniform(0.001, 0.008))
    tone = 1 - rng.uniform(0.1, 0.35) * np.exp(-(((v - 0.475) / 0.015) ** 2))
    hem = rng.uniform(0.015, 0.035)
    tone = tone - rng.uniform(0.05, 0.3) * np.exp(-(((cloth.edge - hem) / 0.007) ** 2))
    if rng.random() < 0.6:  # nose wire
        wire = np.exp(-(((v - 0.08) / 0.025) ** 2)) * (np.abs(u) < 0.45)
        tone = tone - rng.uniform(-0.1, 0.3) * wire
    albedo = own.astype(np.float32) * tone[..., None]
    if rng.random() < LETTERING_SHARE:
        albedo = add_lettering(cloth, rng, albedo, own)
    return albedo.astype(np.float32), relief.astype(np.float32)


MAKE = Make("duckbill", fabric.N95, _fit, _hang, _strings, _paint)
