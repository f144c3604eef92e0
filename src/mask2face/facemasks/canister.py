"""Hard round parts that stand out of a face mask: filter canisters, pads and exhalation valves."""

from dataclasses import dataclass

import numpy as np

from mask2face.facemasks import fabric, mesh
from mask2face.facemasks.drawn import Layer, Points
from mask2face.facemasks.garment import Cloth, Paint, Piece
from mask2face.facemasks.mesh import Sheet

_AROUND = 20  # points around
_PLAIN = 3  # kind of paint: none of rings (0), slats (1), band in front (2)
_FRONT = 0.45  # v where the side ends and the front begins


@dataclass(frozen=True)
class Canister:
    """A cylinder that stands on a face mask.

    Attributes:
        foot: (3,) px, the middle of its base.
        axis: unit vector (3,) along which it stands out.
        radius: px at its base.
        height: px.
        taper: radius at its front over that at its base.
        oval: how much taller than wide it is.
        corner: 2 is round, more is squarer, the exponent of a superellipse.
    """

    foot: Points
    axis: Points
    radius: float
    height: float
    taper: float = 1.0
    oval: float = 1.0
    corner: float = 2.0


def sheet(canister: Canister) -> Sheet:
    """Its hull: u -1 ... 1 around, v 0 at the base, `_FRONT` at the front's rim, 1 inside it."""
    axis = canister.axis / np.sqrt(canister.axis @ canister.axis)
    helper = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    one = np.cross(axis, helper)
    one = one / np.sqrt(one @ one)
    two = np.cross(axis, one)
    angles = np.linspace(-np.pi, np.pi, _AROUND)
    across, along = np.cos(angles), np.sin(angles)
    reach = (np.abs(across) ** canister.corner + np.abs(along) ** canister.corner) ** (
        -1 / canister.corner
    )
    across, along = reach * across, reach * along
    ring = across[:, None] * one + canister.oval * along[:, None] * two
    base, front, height = canister.radius, canister.radius * canister.taper, canister.height
    profile = [  # radius, height, v
        (0.002 * base, 0.0, 0.0),  # closed below: a far one is seen from behind
        (base, 0.0, 0.0),
        (0.5 * (base + front), 0.5 * height, 0.5 * _FRONT),
        (front, 0.96 * height, 0.96 * _FRONT),
        (0.94 * front, height, _FRONT + 0.04),
        (0.5 * front, height, 0.5 * (1 + _FRONT)),
        (0.002 * front, height, 1.0),
    ]
    points = np.array([canister.foot + radius * ring + axis * up for radius, up, _ in profile])
    u = np.broadcast_to(np.linspace(-1, 1, _AROUND)[None], points.shape[:2])
    v = np.broadcast_to(np.array([place for *_, place in profile])[:, None], points.shape[:2])
    return Sheet(points, u, v, mesh.rim_distance(points))


def on(sheet: Sheet, u: float, v: float) -> tuple[Points, Points]:
    """The point (3,) of a sheet nearest to (u, v), and its unit normal (3,)."""
    place = int(np.argmin((sheet.u - u) ** 2 + (sheet.v - v) ** 2))
    row, column = np.unravel_index(place, sheet.u.shape)
    normal = mesh.normals_of(sheet.points)[row, column]
    return sheet.points[row, column], normal


def plain(canister: Canister, colour: Points) -> Piece:
    """A canister painted in `colour` (3,) in [0, 1] all over, but for its rim."""
    return Piece(sheet(canister), _painter(colour, None, _PLAIN))


def piece(canister: Canister, colour: Points, rng: np.random.Generator) -> Piece:
    """A canister painted in `colour` (3,) in [0, 1], with a ring or slats and often a label."""
    label = fabric.any_colour(rng) if rng.random() < 0.4 else None
    return Piece(sheet(canister), _painter(colour, label, int(rng.integers(0, 3))))


def _painter(colour: Points, label: Points | None, kind: int) -> Paint:
    def paint(cloth: Cloth, rng: np.random.Generator) -> tuple[Layer, Layer]:
        u, v = cloth.u, cloth.v
        front = (v > _FRONT + 0.02).astype(np.float32)
        inside = ((v - _FRONT) / (1 - _FRONT)).clip(0, 1)  # 0 at the front's rim, 1 in its middle
        tone = 1 - rng.uniform(0.1, 0.4) * np.exp(-(((v - _FRONT - 0.03) / 0.02) ** 2))
        if kind == 0:  # rings
            tone = tone - 0.25 * front * (inside * rng.integers(2, 6) % 1 < 0.25)
        elif kind == 1:  # slats
            slats = np.sin(np.pi * u * rng.integers(6, 14)) > 0.2
            tone = tone - 0.3 * front * slats * (inside < 0.75)
        if kind == _PLAIN:
            return (colour * tone[..., None]).astype(np.float32), np.zeros_like(u)
        ribs = (np.sin(np.pi * u * 18) > 0) & (v < 0.8 * _FRONT) & (rng.random() < 0.5)
        tone = tone - 0.15 * ribs
        albedo = colour.astype(np.float32) * tone[..., None].astype(np.float32)
        if label is not None:
            band = ((v > 0.12) & (v < 0.32)) | ((inside > 0.35) & (front > 0) & (kind == 2))
            albedo = np.where(band[..., None], label.astype(np.float32), albedo)
        return albedo.clip(0, 1).astype(np.float32), np.zeros_like(u)

    return paint
