"""A disposable surgical face mask: three soft pleats, nose wire, pressed hem, ear loops."""

import numpy as np

from mask2face.facemasks import fabric, surface
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, folds, loop_colour, loops, put_on, straps
from mask2face.facemasks.outline import Fit, trace, wear_fit


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    wear: str = "over_nose",
    colour: str = "",
) -> Drawn:
    """Draw a surgical face mask.

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
    own = fabric.parse(colour) if colour else _colour(rng)
    outline = trace(frame, wear_fit(_fit(rng), wear, rng), rng)
    white = np.full(3, rng.uniform(0.85, 0.97))
    ink = white if rng.random() < 0.7 else loop_colour(own, rng)
    hung = straps if rng.random() < 0.12 else loops  # some are tied behind the head
    strings = hung(frame, outline, ink, rng)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        return _paint(cloth, rng, own)

    drawn, hole = put_on(photo, frame, outline, paint, strings, rng)
    return Drawn(drawn, hole, "surgical", {"wear": wear, "colour": fabric.text(own)})


def _colour(rng: np.random.Generator) -> Points:
    return fabric.pick(fabric.SURGICAL, rng)


def _fit(rng: np.random.Generator) -> Fit:
    return Fit(
        bridge=rng.uniform(27.7, 29.6),
        upper=rng.uniform(1.0, 2.5),
        lower=rng.uniform(3.7, 5.4),
        reach=rng.uniform(0.82, 1.05),
        sag=rng.uniform(-0.01, 0.04),
        peak=rng.uniform(-0.01, 0.045),
        chin=rng.uniform(0.0, 0.13),
        bulge=rng.uniform(0.0, 0.085),
    )


def _paint(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = surface.dome(
        u, v, rng.uniform(0.2, 0.42), rng.uniform(0.02, 0.1), rng.uniform(0.2, 0.8)
    )
    height = height + folds(cloth, rng, rng.uniform(0.004, 0.024))
    tone = np.ones_like(u)
    bend = rng.uniform(-0.06, 0.1)
    width = rng.uniform(0.014, 0.03)
    wobble = surface.warped_noise(rng, u, v, 3, 4) * np.float32(rng.uniform(0.005, 0.02))
    for spot in np.linspace(rng.uniform(0.22, 0.36), rng.uniform(0.6, 0.8), rng.integers(2, 5)):
        line = (v + wobble - np.float32(spot + rng.normal(0, 0.015)) - bend * u * u) / width
        strength = (0.4 + 0.6 * np.abs(u)) * rng.uniform(0.1, 0.5)
        tone -= strength * np.exp(-(line**2))
        tone += 0.5 * strength * np.exp(-((line - 1.8) ** 2))
        height = height + rng.uniform(0.003, 0.02) / (1 + np.exp(-2 * line.clip(-9, 9)))
    if rng.random() < 0.7:  # nose wire and the seam that holds it
        seam = (v - np.float32(rng.uniform(0.06, 0.11))) / 0.012
        tone -= rng.uniform(0.04, 0.25) * np.exp(-(seam**2)) * (np.abs(u) < rng.uniform(0.3, 1.2))
    hem = rng.uniform(0.012, 0.03)
    tone -= rng.uniform(0.02, 0.25) * np.exp(-(((cloth.edge - hem) / 0.006) ** 2))
    tone *= 1 - rng.uniform(0, 0.15) * np.exp(-cloth.edge / 0.01)
    albedo = own.astype(np.float32) * tone[..., None]
    if rng.random() < 0.15:  # a pale back and inlay: the border is whiter than the middle
        albedo += (np.float32(0.93) - albedo) * cloth.border(hem)[..., None]
    return albedo.astype(np.float32), height.astype(np.float32)
