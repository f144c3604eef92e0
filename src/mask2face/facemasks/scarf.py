"""A scarf, bandana or neck gaiter pulled over nose and chin: wide past the jaw, deep folds."""

from dataclasses import replace

import numpy as np

from mask2face.facemasks import fabric, prints, surface
from mask2face.facemasks.drape import Hang, drape, tightened
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Piece, folds, put_on, tinted
from mask2face.facemasks.light import light_on
from mask2face.facemasks.outline import Fit, Outline, adjusted, bridge, smooth, trace, wear_fit
from mask2face.facemasks.weave import any_weave, weave

_EAR_HIDDEN = 10.0  # degrees of yaw, past which the far ear is behind the cheek


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
    tight: float | None = None,
) -> Drawn:
    """Draw a scarf.

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
        tight: 0 = loose ... 1 = close to the face; None = random.

    Raises:
        ValueError: an argument has the wrong type, shape or name.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    light = light_on(photo, frame, rng)
    pattern = pattern or prints.any_print(rng, 0.5)
    own = tinted(fabric.cloth_colour(light.skin, rng, pattern), colour, colour_weight)
    fit = adjusted(_fit(rng), height, None, tight)
    outline, tube = _hang(frame, trace(frame, wear_fit(fit, wear, rng), rng), rng)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        ground = prints.printed(cloth, pattern, own, rng, photo, pattern_weight)
        return _paint(cloth, rng, ground, tube)

    hang = Hang(rng.uniform(0.6, 1), rng.uniform(0.01, 0.05), rng.uniform(0.8, 1.1))
    piece = Piece(drape(frame, outline, tightened(hang, tight)), paint)
    drawn, hole = put_on(photo, frame, [piece], None, rng, light)
    options: Options = {"wear": wear, "colour": fabric.text(own), "pattern": pattern}
    return Drawn(drawn, hole, "scarf", options)


def _fit(rng: np.random.Generator) -> Fit:
    upper = rng.uniform(1.2, 2.8)
    return Fit(
        bridge=bridge(rng),
        upper=upper,
        lower=upper + 1.5,
        reach=rng.uniform(1.02, 1.1),
        sag=rng.uniform(-0.02, 0.05),
        peak=rng.uniform(0.0, 0.05),
        bulge=0.0,
    )


def _hang(frame: Frame, outline: Outline, rng: np.random.Generator) -> tuple[Outline, bool]:
    """Replace the sides and the lower rim: a tube round the neck, or a triangle on the chest."""
    outline = _to_the_ears(frame, outline, rng)
    if rng.random() < 0.6:
        return _tube(frame, outline, rng), True
    down, right, unit = frame.down, frame.right, frame.unit
    left, side = outline.left[-1], outline.right[-1]
    length = rng.uniform(0.2, 0.6) * unit
    tip = frame.points[8] + down * length - frame.out * rng.uniform(0, 0.2) * unit
    tip = tip + right * rng.normal(0, 0.06) * unit
    bows = [
        (end + tip) / 2 + (down + right * way * 0.5) * 0.07 * unit
        for end, way in ((left, -1), (side, 1))
    ]
    return replace(outline, bottom=smooth(np.array([left, bows[0], tip, bows[1], side]))), False


def _to_the_ears(frame: Frame, outline: Outline, rng: np.random.Generator) -> Outline:
    """The rim goes on past the corners, over or under the ears and behind the head."""
    height = rng.uniform(0.3, 1.1)
    ends = [frame.ear(way, height) - frame.out * 0.2 * frame.unit for way in (-1, 1)]
    if abs(frame.yaw) > _EAR_HIDDEN:  # the cheek hides what runs to the far ear
        far = int(frame.yaw > 0)
        ends[far] = (outline.left, outline.right)[far][0]
    top = np.concatenate([ends[:1], outline.top[2:-2], ends[1:]])
    left, right = (
        smooth(np.array([end, (end + side[-1]) / 2, side[-1]]), 6)
        for end, side in zip(ends, (outline.left, outline.right), strict=True)
    )
    return replace(outline, top=top, left=left, right=right)


def _tube(frame: Frame, outline: Outline, rng: np.random.Generator) -> Outline:
    """Sides that run behind the jaw and down the neck, and a lower rim round the neck."""
    unit = frame.unit
    neck = rng.uniform(0.3, 0.4) * unit  # half of its width
    low = frame.points[8] + frame.down * rng.uniform(0.18, 0.5) * unit
    middle = low - frame.out * rng.uniform(0.5, 0.6) * unit
    angles = np.linspace(-1.25, 1.25, 7)[:, None]
    bottom = middle + neck * (np.sin(angles) * frame.right + 1.1 * np.cos(angles) * frame.out)
    bottom = bottom + frame.down * (0.06 * unit * np.cos(angles))
    bottom += np.array([frame.nudge(rng, 0.012) for _ in angles])
    sides = []
    for start, end, way in ((outline.top[0], bottom[0], -1), (outline.top[-1], bottom[-1], 1)):
        jaw = frame.jaw(3.2 if way < 0 else 12.8) + way * frame.right * 0.04 * unit
        sides.append(smooth(np.array([start, jaw - frame.out * 0.06 * unit, end]), 6))
    return Outline(outline.top, sides[1], smooth(bottom, 6), sides[0])


def _paint(
    cloth: Cloth, rng: np.random.Generator, ground: Layer, tube: bool
) -> tuple[Layer, Layer]:
    u, v = cloth.u, cloth.v
    height = folds(cloth, rng, rng.uniform(0.012, 0.03))
    if tube:  # bunched in rings below the chin
        wobble = surface.warped_noise(rng, u, v, 2, 5) * np.float32(0.05)
        rings = np.sin(2 * np.pi * (v + wobble + 0.12 * u * u) * rng.uniform(3, 6))
        height = height + rings * rng.uniform(0.008, 0.025) * (v - 0.45).clip(0, 0.4) / 0.4
    else:  # pulled from the ears towards the tip
        fans = np.sin(2 * np.pi * np.abs(u) * rng.uniform(1, 2.5) + 3 * v)
        height = height + fans * rng.uniform(0.005, 0.02) * v.clip(0, 1)
    tone, raised = weave(cloth, any_weave(rng, "scarf"), rng)
    return (ground * tone[..., None]).astype(np.float32), (height + raised).astype(np.float32)
