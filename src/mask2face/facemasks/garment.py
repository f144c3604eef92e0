"""Put a garment on a face: surface, light, strings and shadow in one place for all styles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mask2face.facemasks import compositing, fabric, surface
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import Light, light_on
from mask2face.facemasks.mesh import Raster, Sheet, raster
from mask2face.facemasks.outline import Outline, smooth

_OWN_BLUR = 0.4  # px, standard deviation
_DARK = 0.2  # albedo below which cloth is seen by its gloss
_EAR_HIDDEN = 22.0  # degrees of yaw, past which the far ear is behind the face


@dataclass(frozen=True)
class Cloth:
    """The pixels of a face mask, all float32 (h, w).

    Attributes:
        u: -1 at the left edge ... 0 in the middle ... 1 at the right edge.
        v: 0 at the upper rim ... 1 at the lower.
        edge: distance from the rim along the cloth in face widths.
        unit: face width in px.
        tall: length of the middle line in face widths.
    """

    u: Layer
    v: Layer
    edge: Layer
    unit: float
    tall: float

    def border(self, width: float) -> Layer:
        """Anti-aliased band of `width` face widths along the rim: float32 (h, w) in [0, 1]."""
        band: Layer = ((np.float32(width) - self.edge) * np.float32(self.unit) + 1).clip(0, 1)
        return band


@dataclass(frozen=True)
class Strings:
    """Loops, straps or ties: curves (n, 3) px, width in px, colour (3,) in [0, 1]."""

    curves: list[Points]
    width: float
    colour: Points


Paint = Callable[[Cloth, np.random.Generator], tuple[Layer, Layer]]
"""Albedo (h, w, 3) in [0, 1] and height (h, w) in face widths of the cloth."""


@dataclass(frozen=True)
class Piece:
    """A part of a garment: where it is and how it is painted."""

    sheet: Sheet
    paint: Paint


def put_on(
    photo: Photo,
    frame: Frame,
    pieces: Sequence[Piece],
    strings: Strings | None,
    rng: np.random.Generator,
    light: Light | None = None,
) -> tuple[Photo, Layer]:
    """Draw a garment.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        frame: the face.
        pieces: of the garment; nearer ones hide those behind them.
        strings: drawn below the pieces, or None.
        rng: source of randomness.
        light: on the face; None = guess it.

    Returns:
        The photo with the garment, and the hole float32 (H, W) in [0, 1].
    """
    unit = frame.unit
    every: list[Points] = [piece.sheet.points[..., :2].reshape(-1, 2) for piece in pieces]
    every += [curve[:, :2] for curve in strings.curves] if strings else []
    window = compositing.window_around(np.concatenate(every), 0.06 * unit + 4, photo)
    if window is None:
        return photo.copy(), np.zeros(photo.shape[:2], np.float32)
    light = light or light_on(photo, frame, rng)
    reach = rng.uniform(0.012, 0.03) * unit  # of the contact shadow
    seen = raster([piece.sheet for piece in pieces], window)
    lit = np.zeros((*window.shape, 3), np.float32)
    for index, piece in enumerate(pieces):
        _paint_piece(lit, seen, index, piece, frame, light, rng)
    lit, body = _as_seen(lit, seen.alpha, unit, light, rng)

    painted, worn = window.of(photo).astype(np.float32), body
    if strings and strings.curves:
        painted, worn = _add_strings(painted, body, strings, light, window)
    hole = compositing.hole_of(worn, reach)
    shadow = _contact_shadow(frame, body, light, rng) * np.minimum(hole * np.float32(4), 1)
    painted = compositing.blend(compositing.darken(painted, shadow), body, lit)
    return compositing.finish(photo, painted, hole, window)


def _paint_piece(
    lit: Layer,
    seen: Raster,
    index: int,
    piece: Piece,
    frame: Frame,
    light: Light,
    rng: np.random.Generator,
) -> None:
    """Paint one piece into `lit` (h, w, 3) where it is seen."""
    own = seen.owner == index
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    if not len(rows):
        return
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    # at the rim a pixel's centre may lie off the sheet
    u, v = seen.u[box].clip(-1.1, 1.1), seen.v[box].clip(-0.1, 1.1)
    edge = np.maximum(seen.edge[box], 0) * np.float32(1 / frame.unit)
    cloth = Cloth(u, v, edge, frame.unit, _tall(piece.sheet, frame))
    albedo, relief = piece.paint(cloth, rng)
    albedo = _stained(albedo * _falloff(cloth, rng)[..., None], cloth, rng)
    sheen = rng.uniform(0.03, 0.2) if float(albedo.mean()) < _DARK else rng.uniform(0, 0.09)
    colours = surface.light_up(albedo, seen.normal[box], relief, frame.unit, light, sheen)
    cv2.copyTo(colours, own[box].astype(np.uint8), lit[box])


def _tall(sheet: Sheet, frame: Frame) -> float:
    middle = sheet.points[:, sheet.points.shape[1] // 2]
    return float(np.sqrt((np.diff(middle, axis=0) ** 2).sum(axis=1)).sum()) / frame.unit


def _as_seen(
    lit: Layer, alpha: Layer, unit: float, light: Light, rng: np.random.Generator
) -> tuple[Layer, Layer]:
    """The colours and the coverage as soft and as grainy as the photo is."""
    # what is drawn is not pixel-sharp itself, and cloth has finer lines than eyes have
    blur = light.blur * rng.uniform(0.3, 0.8)
    radius = float(np.sqrt(max(blur**2 - _OWN_BLUR**2, 0)))
    if rng.random() < 0.1:  # the guess of the photo's blur is rough
        radius += rng.uniform(0.002, 0.006) * unit
    if radius > 0.25:
        soft = compositing.blur(alpha, radius)
        filled = np.asarray(cv2.multiply(lit, cv2.merge([alpha, alpha, alpha])), np.float32)
        share = np.maximum(soft, np.float32(0.02))
        soft_lit = cv2.divide(compositing.blur(filled, radius), cv2.merge([share, share, share]))
        lit = np.asarray(soft_lit, np.float32)
        alpha = soft
    return light.grained(lit, rng), alpha


def _falloff(cloth: Cloth, rng: np.random.Generator) -> Layer:
    """Light that fades across and down the cloth: factor (h, w)."""
    across, down = np.float32(rng.normal(0, 0.05)), np.float32(rng.uniform(0.0, 0.42))
    return np.asarray(1 + across * cloth.u - down * (cloth.v - np.float32(0.35)))


def _stained(albedo: Layer, cloth: Cloth, rng: np.random.Generator) -> Layer:
    """Colour that varies a little over the cloth: threads, skin below, clothes that shine back."""
    fine = rng.standard_normal(cloth.u.shape, dtype=np.float32)
    albedo *= (1 + np.float32(rng.uniform(0.005, 0.04)) * fine)[..., None]
    return albedo * surface.tinge(
        (cloth.u.shape[0], cloth.u.shape[1]), rng, rng.uniform(0.006, 0.025)
    )


def _contact_shadow(frame: Frame, body: Layer, light: Light, rng: np.random.Generator) -> Layer:
    """Share of light (h, w) that the rim takes from the skin beside it and the neck below it."""
    close = compositing.shadow(
        body, -light.direction[:2] * 0.01 * frame.unit, rng.uniform(0.005, 0.015) * frame.unit
    )
    away = (frame.down[:2] - 0.5 * light.direction[:2]) * rng.uniform(0.015, 0.04) * frame.unit
    below = compositing.shadow(body, away, rng.uniform(0.012, 0.025) * frame.unit)
    dark = close * np.float32(rng.uniform(0.04, 0.3)) + below * np.float32(rng.uniform(0.1, 0.45))
    return np.minimum(dark, np.float32(0.55)) * (1 - body)


def _add_strings(
    picture: Layer, body: Layer, strings: Strings, light: Light, window: compositing.Window
) -> tuple[Layer, Layer]:
    """The picture with the strings, and what is covered by them, their shadow or the body."""
    alpha = compositing.stroke([curve[:, :2] for curve in strings.curves], strings.width, window)
    width = strings.width
    below = compositing.shadow(alpha, np.array([0.0, 0.6 * width]), 0.4 * width)
    below = np.maximum(below - np.float32(0.02), 0)
    picture = compositing.darken(picture, 0.25 * below)
    picture = compositing.blend(picture, alpha, light.on(strings.colour))
    return picture, np.maximum(body, np.maximum(alpha, np.float32(0.4) * below))


def loops(
    frame: Frame, outline: Outline, colour: Points, rng: np.random.Generator, widest: float = 0.014
) -> Strings:
    """Ear loops from the corners to the ears, on the sides that the head's turn shows.

    Args:
        frame: the face.
        outline: the rim, whose corners the loops leave.
        colour: (3,) in [0, 1].
        rng: source of randomness.
        widest: largest width in face widths; the least is half of it.
    """
    width = float(rng.uniform(0.55 * widest, widest)) * frame.unit
    curves = []
    for side, edge in ((-1, outline.left), (1, outline.right)):
        if _unseen(frame, outline, side):
            continue
        near = side * frame.yaw < -15  # this side of the head shows
        if not near and rng.random() < 0.3:  # under the hair
            continue
        upper, lower = (outline.left[0], outline.right[0]) if outline.ear else (edge[0], edge[-1])
        ends = [(upper, rng.uniform(-0.1, 0.5))]
        if near or outline.ear or rng.random() < 0.35:
            ends.append((lower, rng.uniform(0.7, 1.2)))
        for corner, height in ends:
            ear = frame.ear(side, height)
            bow = frame.right * side * rng.uniform(0.0, 0.03) * frame.unit
            curves.append(smooth(np.array([corner, (corner + ear) / 2 + bow, ear]), 6))
    return Strings(curves, width, colour)


def _unseen(frame: Frame, outline: Outline, side: int) -> bool:
    """Whether no string goes to the ear of that side, or the ear is behind the face."""
    return side * frame.yaw > _EAR_HIDDEN or side == -outline.ear


def straps(frame: Frame, outline: Outline, colour: Points, rng: np.random.Generator) -> Strings:
    """Two bands round the head on each side; they leave the face above and below the ears."""
    width = float(rng.uniform(0.012, 0.035)) * frame.unit
    curves = []
    for side, edge in ((-1, outline.left), (1, outline.right)):
        if _unseen(frame, outline, side):
            continue
        for corner, height in (
            (edge[0], rng.uniform(-0.6, 0.3)),
            (edge[-1], rng.uniform(0.9, 2.0)),
        ):
            end = frame.ear(side, height)
            middle = (corner + end) / 2 + frame.down * rng.normal(0, 0.008) * frame.unit
            curves.append(smooth(np.array([corner, middle, end]), 5))
    return Strings(curves, width, colour)


def tinted(own: Points, colour: str, weight: float) -> Points:
    """The style's own colour (3,), with a share of "#rrggbb" in it; "" leaves it alone.

    Raises:
        ValueError: `colour` is not "#rrggbb", or `weight` lies outside [0, 1].
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"colour_weight must be 0 to 1, got {weight}")
    return fabric.mixed(own, fabric.parse(colour), weight) if colour else own


def loop_colour(own: Points, rng: np.random.Generator) -> Points:
    """White, black or the colour of the face mask."""
    choice = rng.random()
    if choice < 0.5:
        return np.full(3, rng.uniform(0.62, 0.95))
    if choice < 0.75:
        return np.full(3, rng.uniform(0.04, 0.14))
    return own


def folds(cloth: Cloth, rng: np.random.Generator, strength: float) -> Layer:
    """Wrinkles as a height in face widths: long across, with some that run to the corners."""
    u, v = cloth.u, cloth.v
    across = surface.warped_noise(rng, u, v, int(rng.integers(4, 9)), 3)
    slant = v + u * np.float32(rng.normal(0, 0.3))
    pulled = surface.warped_noise(rng, u, slant, 6, int(rng.integers(3, 7)))
    creases = np.abs(surface.warped_noise(rng, u, slant, 7, int(rng.integers(4, 9))))
    sharp = np.float32(rng.uniform(0, 0.8))
    height: Layer = (0.7 * across + 0.5 * pulled - sharp * creases) * np.float32(strength)
    crumpled = surface.warped_noise(rng, u, slant, int(rng.integers(14, 28)), 18)
    return height + crumpled * np.float32(rng.uniform(0.001, 0.006))
