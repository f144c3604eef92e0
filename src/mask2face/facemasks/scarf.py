"""A scarf, bandana or neck gaiter pulled over nose and chin: wide past the jaw, deep folds."""

from dataclasses import replace

import numpy as np

from mask2face.facemasks import fabric, prints, surface
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, folds, put_on
from mask2face.facemasks.light import light_on
from mask2face.facemasks.outline import Fit, Outline, smooth, trace, wear_fit


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    wear: str = "over_nose",
    colour: str = "",
    pattern: str = "",
) -> Drawn:
    """Draw a scarf.

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
    pattern = pattern or prints.any_print(rng, 0.5)
    tile = prints.print_tile(pattern, own, rng, photo)
    outline = _hang(frame, trace(frame, wear_fit(_fit(rng), wear, rng), rng), rng)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        return _paint(cloth, rng, tile, pattern)

    drawn, hole = put_on(photo, frame, outline, paint, None, rng)
    options: Options = {"wear": wear, "colour": fabric.text(own), "pattern": pattern}
    return Drawn(drawn, hole, "scarf", options)


def _fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(1.2, 2.8)
    return Fit(
        bridge=rng.uniform(27.6, 29.6),
        upper=upper,
        lower=upper + 1.5,
        reach=rng.uniform(1.02, 1.1),
        sag=rng.uniform(-0.02, 0.05),
        peak=rng.uniform(0.0, 0.05),
        bulge=0.0,
    )


def _hang(frame: Frame, outline: Outline, rng: np.random.Generator) -> Outline:
    """Replace the lower rim: a triangle (bandana) or a tube down the neck (gaiter)."""
    down, right, unit = frame.down, frame.right, frame.unit
    chin = frame.landmarks[8]
    left, side = outline.left[-1], outline.right[-1]
    length = rng.uniform(0.15, 0.75) * unit
    if rng.random() < 0.5:
        tip = chin + down * length + right * rng.normal(0, 0.1) * unit
        curve = np.array(
            [
                left,
                (left + tip) / 2 + down * 0.08 * unit,
                tip,
                (side + tip) / 2 + down * 0.08 * unit,
                side,
            ]
        )
    else:
        half = rng.uniform(0.3, 0.45) * unit
        low = chin + down * length
        curve = np.array(
            [
                left,
                frame.jaw(5) - right * 0.04 * unit,
                low - right * half,
                low,
                low + right * half,
                frame.jaw(11) + right * 0.04 * unit,
                side,
            ]
        )
    return replace(outline, bottom=smooth(curve))


def _paint(
    cloth: Cloth, rng: np.random.Generator, tile: Layer, pattern: str
) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = surface.dome(u, v, rng.uniform(0.25, 0.45), rng.uniform(0.03, 0.14), 0.2)
    height = height + folds(cloth, rng, rng.uniform(0.012, 0.045))
    tone = 1 + surface.noise(rng, u.shape, u.shape[0] // 2, u.shape[1] // 2) * rng.uniform(0, 0.08)
    ground = tile[0, 0]
    if pattern != "plain":
        ground = prints.lay(tile, u, v, cloth.tall, rng.uniform(0.6, 2), rng.normal(0, 0.6))
    return (ground * tone[..., None]).astype(np.float32), height.astype(np.float32)
