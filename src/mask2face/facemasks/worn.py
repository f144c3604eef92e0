"""What face masks of one piece and one colour share: from how they are made to one on a face."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.drape import Hang, drape, tightened
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Piece, Strings, put_on, tinted
from mask2face.facemasks.outline import Fit, Outline, adjusted, trace, wear_fit


@dataclass(frozen=True)
class Make:
    """How a style is made; every function takes its randomness from the generator.

    Attributes:
        style: registry name.
        palette: its colours.
        fit: how it sits.
        hang: how the cloth stands on the face.
        strings: (frame, outline, own colour, rng) -> loops or straps.
        paint: (cloth, rng, own colour) -> albedo and relief, see `garment.Paint`.
    """

    style: str
    palette: fabric.Palette
    fit: Callable[[np.random.Generator], Fit]
    hang: Callable[[np.random.Generator], Hang]
    strings: Callable[[Frame, Outline, Points, np.random.Generator], Strings]
    paint: Callable[[Cloth, np.random.Generator, Points], tuple[Layer, Layer]]


@dataclass(frozen=True)
class Asked:
    """What the caller of a style asks for; see the `draw` of one.

    Attributes:
        wear: one of `outline.WEARS`.
        colour: "#rrggbb", or "" for a random one.
        colour_weight: share of `colour` against the random one, [0, 1].
        height: of the upper rim, 0 = tip of the nose ... 1 = between the eyes; None = random.
        below: reach below the chin in face heights, -0.2 ... 0.6; None = random.
        tight: 0 = loose ... 1 = close to the face; None = random.
    """

    wear: str
    colour: str
    colour_weight: float
    height: float | None
    below: float | None
    tight: float | None


def dress(
    make: Make, photo: Photo, landmarks: Points, rng: np.random.Generator, asked: Asked
) -> Drawn:
    """Put one on a face.

    Args:
        make: how it is made.
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        asked: what is not left to chance.

    Raises:
        ValueError: an argument has the wrong type, shape or name.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    own = tinted(fabric.pick(make.palette, rng), asked.colour, asked.colour_weight)
    fit = adjusted(make.fit(rng), asked.height, asked.below, asked.tight)
    outline = trace(frame, wear_fit(fit, asked.wear, rng), rng)
    strings = make.strings(frame, outline, own, rng)
    sheet = drape(frame, outline, tightened(make.hang(rng), asked.tight))

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        return make.paint(cloth, rng, own)

    drawn, hole = put_on(photo, frame, [Piece(sheet, paint)], strings, rng)
    return Drawn(drawn, hole, make.style, {"wear": asked.wear, "colour": fabric.text(own)})
