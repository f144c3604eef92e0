"""What face masks of moulded rubber share: body, hard parts and head straps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.drape import Hang, drape, tightened
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import Cloth, Piece, put_on, straps, tinted
from mask2face.facemasks.mesh import Sheet
from mask2face.facemasks.outline import Fit, adjusted, trace
from mask2face.facemasks.worn import Asked


@dataclass(frozen=True)
class Mould:
    """How a style is made; every function takes its randomness from the generator.

    Attributes:
        style: registry name.
        palette: its colours.
        fit: how it sits.
        hang: how the body stands on the face.
        palest: lightest colour of the straps, [0, 1].
        parts: (frame, body, own colour, rng) -> the hard parts on the body.
    """

    style: str
    palette: fabric.Palette
    fit: Callable[[np.random.Generator], Fit]
    hang: Callable[[np.random.Generator], Hang]
    palest: float
    parts: Callable[[Frame, Sheet, Points, np.random.Generator], list[Piece]]


def mould(
    make: Mould, photo: Photo, landmarks: Points, rng: np.random.Generator, asked: Asked
) -> Drawn:
    """Put one on a face.

    Args:
        make: how it is made.
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        asked: what is not left to chance; it can only be worn over the nose.

    Raises:
        ValueError: an argument has the wrong type, shape or value.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    own = tinted(fabric.pick(make.palette, rng), asked.colour, asked.colour_weight)
    fit = adjusted(make.fit(rng), asked.height, asked.below, asked.tight)
    outline = trace(frame, fit, rng)
    body = drape(frame, outline, tightened(make.hang(rng), asked.tight))
    strings = straps(frame, outline, np.full(3, rng.uniform(0.04, make.palest)), rng)

    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        return _rubber(cloth, rng, own)

    pieces = [Piece(body, paint), *make.parts(frame, body, own, rng)]
    drawn, hole = put_on(photo, frame, pieces, strings, rng)
    return Drawn(drawn, hole, make.style, {"colour": fabric.text(own)})


def _rubber(cloth: Cloth, rng: np.random.Generator, own: Points) -> tuple[Layer, Layer]:
    """Moulded rubber: a lip along the rim, a raised panel in the middle; see `garment.Paint`."""
    lip = rng.uniform(0.03, 0.06)
    tone = 1 - rng.uniform(0.1, 0.4) * np.exp(-(((cloth.edge - lip) / 0.012) ** 2))
    panel = np.maximum(np.abs(cloth.u) / 0.45, np.abs(cloth.v - 0.5) / 0.35)
    tone = tone - rng.uniform(0, 0.35) * np.exp(-(((panel - 1) / 0.06) ** 2))
    relief = 0.012 / (1 + np.exp(((panel - 1) * 12).clip(-30, 30)))
    albedo = own.astype(np.float32) * tone[..., None]
    return albedo.clip(0, 1).astype(np.float32), relief.astype(np.float32)
