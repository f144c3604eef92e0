"""A sewn face mask of cloth: any colour or print, centre seam, hem, weave, ear loops."""

import numpy as np

from mask2face.facemasks import fabric, prints, surface
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, folds, loop_colour, loops, put_on
from mask2face.facemasks.light import light_on
from mask2face.facemasks.outline import Fit, trace, wear_fit
from mask2face.facemasks.valve import add_valve

PLAIN_SHARE = 0.45
VALVE_SHARE = 0.07


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    wear: str = "over_nose",
    colour: str = "",
    pattern: str = "",
) -> Drawn:
    """Draw a face mask of cloth.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        wear: "over_nose", "nose_out" or "chin".
        colour: "#rrggbb" of the ground, or "" for a random one.
        pattern: one of `fabric.PRINTS`, or "" for a random one.

    Raises:
        ValueError: an argument has the wrong type, shape or name.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    skin = light_on(photo, frame, rng).skin
    own = fabric.parse(colour) if colour else fabric.cloth_colour(skin, rng)
    pattern = pattern or prints.any_print(rng, PLAIN_SHARE)
    tile = prints.print_tile(pattern, own, rng, photo)
    outline = trace(frame, wear_fit(_fit(rng), wear, rng), rng)
    colour_of_loops, band = (own, 0.05) if rng.random() < 0.2 else (loop_colour(own, rng), 0.018)
    strings = loops(frame, outline, colour_of_loops, rng, band)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        return _paint(cloth, rng, tile, pattern)

    drawn, hole = put_on(photo, frame, outline, paint, strings, rng)
    options: Options = {"wear": wear, "colour": fabric.text(own), "pattern": pattern}
    return Drawn(drawn, hole, "cloth", options)


def _fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(1.0, 2.8)
    return Fit(
        bridge=rng.uniform(27.7, 29.6),
        upper=upper,
        lower=upper + rng.uniform(0.6, 2.4),
        reach=rng.uniform(0.82, 1.06),
        sag=rng.uniform(-0.01, 0.06),
        peak=rng.uniform(-0.01, 0.06),
        chin=rng.uniform(0.0, 0.16),
        bulge=rng.uniform(-0.01, 0.085),
    )


def _paint(
    cloth: Cloth, rng: np.random.Generator, tile: Layer, pattern: str
) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = surface.dome(
        u, v, rng.uniform(0.2, 0.45), rng.uniform(0.03, 0.16), rng.uniform(0.2, 1.0)
    )
    height = height + folds(cloth, rng, rng.uniform(0.003, 0.03))
    tone = 1 + surface.noise(rng, u.shape, u.shape[0] // 2, u.shape[1] // 2) * max(
        rng.uniform(-0.06, 0.09), 0
    )
    if rng.random() < 0.5:  # centre seam
        seam = (u - rng.normal(0, 0.02) - rng.normal(0, 0.05) * v) / rng.uniform(0.012, 0.03)
        tone = tone - rng.uniform(0.1, 0.5) * np.exp(-(seam**2))
        height = height - rng.uniform(0.0, 0.12) * np.abs(u).clip(0, 0.5)
    if rng.random() < 0.55:  # hem with a stitched line
        hem = rng.uniform(0.014, 0.04)
        tone = tone - rng.uniform(0.05, 0.4) * np.exp(-(((cloth.edge - hem) / 0.006) ** 2))
    tone = tone * (1 - rng.uniform(0, 0.25) * np.exp(-cloth.edge / 0.012))
    ground = tile[0, 0]
    if pattern != "plain":
        repeats = rng.uniform(0.35, 0.8) if pattern == "logo" else rng.uniform(0.5, 2.2)
        ground = prints.lay(tile, u, v, cloth.tall, repeats, rng.normal(0, 0.3))
    albedo = ground * tone[..., None]
    if rng.random() < 0.15:  # binding of another colour
        binding = fabric.any_colour(rng).astype(np.float32)
        albedo = albedo + (binding - albedo) * cloth.border(rng.uniform(0.012, 0.035))[..., None]
    if rng.random() < VALVE_SHARE:
        albedo = add_valve(cloth, rng, albedo, tile[0, 0])
    return albedo.astype(np.float32), height.astype(np.float32)
