"""A disposable surgical face mask: three soft pleats, nose wire, pressed hem, ear loops."""

import numpy as np

from mask2face.facemasks import fabric, surface
from mask2face.facemasks.drape import Hang
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Strings, folds, loop_colour, loops, straps
from mask2face.facemasks.outline import Fit, Outline, bridge
from mask2face.facemasks.weave import any_weave, weave
from mask2face.facemasks.worn import Asked, Make, dress


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
    """Draw a surgical face mask.

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
    return Fit(
        bridge=bridge(rng),
        upper=rng.uniform(0.3, 1.7),
        lower=rng.uniform(3.2, 5.0),
        reach=rng.uniform(0.8, 1.04),
        sag=rng.uniform(-0.05, 0.01),
        peak=rng.uniform(-0.01, 0.035),
        chin=rng.uniform(-0.05, 0.1),
        bulge=rng.uniform(-0.02, 0.06),
    )


def _hang(rng: np.random.Generator) -> Hang:
    return Hang(rng.uniform(0.75, 1), rng.uniform(0.01, 0.05), rng.uniform(0.7, 1.1))


def _strings(frame: Frame, outline: Outline, own: Points, rng: np.random.Generator) -> Strings:
    white = np.full(3, rng.uniform(0.85, 0.97))
    ink = white if rng.random() < 0.7 else loop_colour(own, rng)
    hung = straps if rng.random() < 0.12 else loops  # some are tied behind the head
    return hung(frame, outline, ink, rng)


def _paint(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = folds(cloth, rng, rng.uniform(0.004, 0.026))
    tone, raised = weave(cloth, any_weave(rng, "surgical"), rng)
    height = height + raised
    tone, height = _pleats(cloth, tone, height, rng)
    pocket = rng.uniform(0.035, 0.06)  # the upper rim is doubled and holds the nose wire
    if rng.random() < 0.7:
        seam = (v * cloth.tall - np.float32(pocket)) / 0.008
        tone = tone - rng.uniform(0.04, 0.25) * np.exp(-(seam**2))
    hem = rng.uniform(0.012, 0.03)
    weld = np.exp(-(((cloth.edge - hem) / 0.006) ** 2))
    if rng.random() < 0.5:  # dotted rows along the sides
        dots = np.sin(v * np.float32(rng.uniform(60, 110))) > 0
        strip = np.exp(-(((1 - np.abs(u)) * 0.45 - hem) ** 2) / 0.006**2)
        weld = np.maximum(0.5 * weld, strip * dots)
    tone = tone - rng.uniform(0.02, 0.2) * weld
    tone = tone * (1 - rng.uniform(0, 0.12) * np.exp(-cloth.edge / 0.01) * (1 - 0.7 * v))
    albedo = own.astype(np.float32) * tone[..., None]
    if rng.random() < 0.3:  # paler where it is doubled
        doubled = np.maximum((v * cloth.tall < pocket), (1 - np.abs(u)) * 0.45 < pocket)
        pale = np.float32(rng.uniform(0.1, 0.5)) * doubled[..., None]
        albedo = albedo + (np.float32(0.93) - albedo) * pale
    return albedo.astype(np.float32), height.astype(np.float32)


def _pleats(
    cloth: Cloth, tone: Layer, height: Layer, rng: np.random.Generator
) -> tuple[Layer, Layer]:
    """Thin dark lines with a pale upper lip, nearly level, closer together at the sides."""
    u, v = cloth.u, cloth.v
    bend = rng.uniform(-0.05, 0.3)
    width = rng.uniform(0.01, 0.022)
    wobble = surface.warped_noise(rng, u, v, 3, 4) * np.float32(rng.uniform(0.004, 0.016))
    for spot in np.linspace(rng.uniform(0.2, 0.34), rng.uniform(0.58, 0.8), rng.integers(2, 5)):
        line = (v + wobble - np.float32(spot + rng.normal(0, 0.015)) - bend * u * u) / width
        strength = (0.4 + 0.6 * np.abs(u)) * rng.uniform(0.08, 0.4)
        tone = tone - strength * np.exp(-(line**2))
        tone = tone + 0.4 * strength * np.exp(-((line + 1.8) ** 2))
        height = height + rng.uniform(0.002, 0.014) / (1 + np.exp(-2 * line.clip(-9, 9)))
    return tone, height


MAKE = Make("surgical", fabric.SURGICAL, _fit, _hang, _strings, _paint)
