"""An N95 cup: moulded, pressed rim, often ribs, a valve and lettering; head straps."""

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.drape import Hang
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Strings, folds, loop_colour, loops, straps
from mask2face.facemasks.outline import Fit, Outline, bridge
from mask2face.facemasks.valve import add_lettering, add_valve
from mask2face.facemasks.worn import Asked, Make, dress

VALVE_SHARE = 0.45
LETTERING_SHARE = 0.3
RUBBER = (0.92, 0.9, 0.84)  # pale elastic bands, RGB in [0, 1]


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
    """Draw an N95 cup.

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
    upper = rng.uniform(1.4, 2.8)
    return Fit(
        bridge=bridge(rng),
        upper=upper,
        lower=upper + rng.uniform(0.8, 2.4),
        reach=rng.uniform(0.66, 0.95),
        sag=rng.uniform(-0.06, 0.0),
        peak=rng.uniform(-0.01, 0.03),
        chin=rng.uniform(0.0, 0.12),
        bulge=rng.uniform(-0.02, 0.05),
    )


def _hang(rng: np.random.Generator) -> Hang:
    return Hang(1.0, 0.02, rng.uniform(0.8, 1), inflate=rng.uniform(0.06, 0.16))


def _strings(frame: Frame, outline: Outline, own: Points, rng: np.random.Generator) -> Strings:
    if rng.random() < 0.75:
        ink = np.array(RUBBER) if rng.random() < 0.5 else fabric.any_colour(rng)
        return straps(frame, outline, ink, rng)
    return loops(frame, outline, loop_colour(own, rng), rng)


def _paint(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    relief = folds(cloth, rng, rng.uniform(0, 0.006))
    rim = rng.uniform(0.02, 0.06)
    tone = 1 - rng.uniform(0.05, 0.35) * np.exp(-(((cloth.edge - rim) / 0.01) ** 2))
    for spot in rng.uniform(0.15, 0.9, rng.integers(0, 5)):  # moulded ribs
        tone -= rng.uniform(0.05, 0.25) * np.exp(-(((v - spot - 0.1 * u * u) / 0.02) ** 2))
    albedo = own.astype(np.float32) * tone[..., None]
    if rng.random() < LETTERING_SHARE:
        albedo = add_lettering(cloth, rng, albedo, own)
    if rng.random() < VALVE_SHARE:
        albedo = add_valve(cloth, rng, albedo, own)
    return albedo.astype(np.float32), relief.astype(np.float32)


MAKE = Make("n95", fabric.N95, _fit, _hang, _strings, _paint)
