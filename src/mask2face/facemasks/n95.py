"""A respirator: moulded cup or folded KN95 with a centre line, often a valve, straps or loops."""

import cv2
import numpy as np

from mask2face.facemasks import fabric, surface
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, folds, loop_colour, loops, put_on, straps
from mask2face.facemasks.outline import Fit, trace, wear_fit
from mask2face.facemasks.valve import add_lettering, add_valve

RUBBER = (0.92, 0.9, 0.84)  # pale elastic bands, RGB in [0, 1]


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    wear: str = "over_nose",
    colour: str = "",
) -> Drawn:
    """Draw a respirator (N95 cup or folded KN95).

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        wear: "over_nose", "nose_out" or "chin".
        colour: "#rrggbb", or "" for a random one.

    Raises:
        ValueError: an argument has the wrong type, shape or name.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    own = fabric.parse(colour) if colour else fabric.pick(fabric.N95, rng)
    cup = bool(rng.random() < 0.5)
    outline = trace(frame, wear_fit(_cup_fit(rng) if cup else _folded_fit(rng), wear, rng), rng)
    if cup and rng.random() < 0.7:
        ink = np.array(RUBBER) if rng.random() < 0.5 else fabric.any_colour(rng)
        strings = straps(frame, outline, ink, rng)
    else:
        strings = loops(frame, outline, loop_colour(own, rng), rng)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        return _cup(cloth, rng, own) if cup else _folded(cloth, rng, own)

    drawn, hole = put_on(photo, frame, outline, paint, strings, rng)
    options: Options = {
        "wear": wear,
        "colour": fabric.text(own),
        "shape": "cup" if cup else "folded",
    }
    return Drawn(drawn, hole, "n95", options)


def _cup_fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(2.2, 3.4)
    return Fit(
        bridge=rng.uniform(27.6, 29.2),
        upper=upper,
        lower=upper + rng.uniform(0.6, 1.8),
        reach=rng.uniform(0.66, 0.95),
        sag=rng.uniform(-0.06, 0.0),
        peak=rng.uniform(-0.01, 0.03),
        chin=rng.uniform(0.0, 0.12),
        bulge=rng.uniform(-0.02, 0.05),
    )


def _folded_fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(1.2, 2.8)
    return Fit(
        bridge=rng.uniform(27.6, 29.2),
        upper=upper,
        lower=upper + rng.uniform(0.8, 2.2),
        reach=rng.uniform(0.8, 1.08),
        sag=rng.uniform(-0.02, 0.05),
        peak=rng.uniform(0.0, 0.06),
        chin=rng.uniform(0.02, 0.18),
        bulge=rng.uniform(-0.01, 0.05),
    )


def _cup(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    share = (cloth.edge / max(float(cloth.edge.max()), 1e-6)).clip(0, 1)  # 0 at the rim, 1 inside
    height = rng.uniform(0.15, 0.35) * np.sqrt(1 - (1 - share) ** 2)
    height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), max(0.05 * cloth.unit, 0.5))
    height = height + surface.dome(u, v, 0.2, 0.03, 0.4) + folds(cloth, rng, rng.uniform(0, 0.006))
    rim = rng.uniform(0.02, 0.06)
    tone = 1 - rng.uniform(0.05, 0.35) * np.exp(-(((cloth.edge - rim) / 0.01) ** 2))
    for spot in rng.uniform(0.15, 0.9, rng.integers(0, 5)):  # moulded ribs
        tone -= rng.uniform(0.05, 0.25) * np.exp(-(((v - spot - 0.1 * u * u) / 0.02) ** 2))
    albedo = own.astype(np.float32) * tone[..., None]
    return _parts(cloth, rng, albedo, own, 0.45), height.astype(np.float32)


def _folded(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = surface.dome(u, v, rng.uniform(0.15, 0.35), rng.uniform(0, 0.1), rng.uniform(0.2, 1))
    height = height - rng.uniform(0.02, 0.3) * np.abs(u)  # the centre fold stands out
    height = height + folds(cloth, rng, rng.uniform(0.001, 0.012))
    tone = 1 - rng.uniform(0.05, 0.4) * np.exp(-((u / rng.uniform(0.01, 0.025)) ** 2))
    hem = rng.uniform(0.02, 0.045)
    tone -= rng.uniform(0.02, 0.3) * np.exp(-(((cloth.edge - hem) / 0.007) ** 2))
    if rng.random() < 0.5:  # nose wire
        wire = np.exp(-(((v - 0.09) / 0.03) ** 2)) * (np.abs(u) < 0.4)
        tone -= rng.uniform(-0.1, 0.35) * wire
    if rng.random() < 0.35:  # boat or duckbill: the lower panel turns away below a fold
        fold = v - rng.uniform(0.4, 0.75) - rng.uniform(-0.1, 0.15) * u * u
        tone -= 0.12 * np.exp(-((fold / 0.015) ** 2))
        height = height - rng.uniform(0.1, 0.5) * fold.clip(0, None)
    albedo = own.astype(np.float32) * tone[..., None]
    return _parts(cloth, rng, albedo, own, 0.25), height.astype(np.float32)


def _parts(
    cloth: Cloth, rng: np.random.Generator, albedo: Layer, own: Points, share: float
) -> Layer:
    """Lettering and, on `share` of the respirators, a valve."""
    if rng.random() < 0.3:
        albedo = add_lettering(cloth, rng, albedo, own)
    return add_valve(cloth, rng, albedo, own) if rng.random() < share else albedo
