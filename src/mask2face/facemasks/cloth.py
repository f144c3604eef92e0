"""A sewn face mask of cloth: any colour or print, centre seam, hem, weave, ear loops."""

import numpy as np

from mask2face.facemasks import fabric, prints
from mask2face.facemasks.drape import Hang, drape, tightened
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Piece, folds, loop_colour, loops, put_on, tinted
from mask2face.facemasks.light import light_on
from mask2face.facemasks.outline import Fit, adjusted, bridge, trace, wear_fit
from mask2face.facemasks.valve import add_valve
from mask2face.facemasks.weave import any_weave, weave

PLAIN_SHARE = 0.45
VALVE_SHARE = 0.05
SPORT_SHARE = 0.18  # neoprene: smooth, a seam, often valves, wide straps of its own stuff


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    wear: str = "over_nose",
    colour: str = "",
    colour_weight: float = 1.0,
    pattern: str = "",
    pattern_weight: float = 1.0,
    height: float | None = None,
    below: float | None = None,
    tight: float | None = None,
) -> Drawn:
    """Draw a face mask of cloth.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        wear: one of `outline.WEARS`.
        colour: "#rrggbb" of the ground, or "" for a random one.
        colour_weight: share of `colour` against the random one, [0, 1].
        pattern: one of `fabric.PRINTS`, the path of a picture, or "" for a random print.
        pattern_weight: share of the print against the ground, [0, 1].
        height: of the upper rim, 0 = tip of the nose ... 1 = between the eyes; None = random.
        below: reach below the chin in face heights, -0.2 ... 0.6; None = random.
        tight: 0 = loose ... 1 = close to the face; None = random.

    Raises:
        ValueError: an argument has the wrong type, shape or name.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    light = light_on(photo, frame, rng)
    pattern = pattern or prints.any_print(rng, PLAIN_SHARE)
    own = tinted(fabric.cloth_colour(light.skin, rng, pattern), colour, colour_weight)
    sport = rng.random() < SPORT_SHARE
    outline = trace(frame, wear_fit(adjusted(_fit(rng), height, below, tight), wear, rng), rng)
    if sport or rng.random() < 0.15:  # the cloth itself runs on to the ears
        strings = loops(frame, outline, own, rng, rng.uniform(0.04, 0.1))
    else:
        strings = loops(frame, outline, loop_colour(own, rng), rng)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        ground = prints.printed(cloth, pattern, own, rng, photo, pattern_weight)
        return _paint(cloth, rng, ground, own, pattern, sport)

    hang = Hang(
        rng.uniform(0.7, 1),
        rng.uniform(0.0, 0.03),
        rng.uniform(0.8, 1.15),
        fold=max(rng.uniform(-0.06, 0.08), 0.0),
    )
    piece = Piece(drape(frame, outline, tightened(hang, tight)), paint)
    drawn, hole = put_on(photo, frame, [piece], strings, rng, light)
    options: Options = {"wear": wear, "colour": fabric.text(own), "pattern": pattern}
    return Drawn(drawn, hole, "cloth", options)


def _fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(0.2, 1.8)
    return Fit(
        bridge=bridge(rng),
        upper=upper,
        lower=upper + rng.uniform(1.0, 3.4),
        reach=rng.uniform(0.82, 1.1),
        sag=rng.uniform(-0.05, 0.02),
        peak=rng.uniform(-0.01, 0.04),
        chin=rng.uniform(-0.05, 0.13),
        bulge=rng.uniform(-0.03, 0.06),
    )


def _paint(
    cloth: Cloth,
    rng: np.random.Generator,
    ground: Layer,
    own: Points,
    pattern: str,
    sport: bool,
) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = folds(cloth, rng, rng.uniform(0.003, 0.012 if sport else 0.034))
    kind = "cloth" if pattern == "plain" else "printed"
    tone, raised = weave(cloth, any_weave(rng, kind), rng)
    height = height + raised
    if sport or rng.random() < 0.5:  # centre seam
        seam = (u - rng.normal(0, 0.02) - rng.normal(0, 0.05) * v) / rng.uniform(0.012, 0.03)
        tone = tone - rng.uniform(0.1, 0.5) * np.exp(-(seam**2))
    if rng.random() < 0.55:  # hem with a stitched line
        hem = rng.uniform(0.014, 0.04)
        tone = tone - rng.uniform(0.05, 0.4) * np.exp(-(((cloth.edge - hem) / 0.006) ** 2))
    tone = tone * (1 - rng.uniform(0, 0.25) * np.exp(-cloth.edge / 0.012) * (1 - 0.7 * v))
    albedo = ground * tone[..., None]
    if rng.random() < (0.5 if sport else 0.12):  # binding of another colour, or piping
        binding = fabric.any_colour(rng).astype(np.float32)
        albedo = albedo + (binding - albedo) * cloth.border(rng.uniform(0.012, 0.035))[..., None]
    if rng.random() < (0.7 if sport else VALVE_SHARE):
        albedo = add_valve(cloth, rng, albedo, own)
    return albedo.astype(np.float32), height.astype(np.float32)
