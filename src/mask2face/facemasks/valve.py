"""Parts that sit on a face mask: exhalation valves and lettering."""

from dataclasses import dataclass

import cv2
import numpy as np

from mask2face.facemasks import fabric
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.garment import Cloth
from mask2face.facemasks.print_words import word_of
from mask2face.facemasks.prints import WIDE

_CLASSES = ("KN95", "N95", "FFP2", "FFP2 NR", "FFP3 NR", "KF94", "P2", "KN95", "FFP2 NR D")
_FINE = 2  # lettering is written so many times finer than it is seen


@dataclass(frozen=True)
class Spot:
    """The flat neighbourhood of a point of the cloth.

    Attributes:
        x: (h, w) offset across the cloth in face widths.
        y: (h, w) offset down the cloth in face widths.
        pixel: a pixel's size in face widths, the larger of both ways.
    """

    x: Layer
    y: Layer
    pixel: float


def spot_at(cloth: Cloth, u: float, v: float) -> Spot | None:
    """What lies round the point (u, v) of the cloth, or None where the camera cannot see it."""
    gap = (cloth.u - np.float32(u)) ** 2 + (cloth.v - np.float32(v)) ** 2
    inside = np.where(cloth.edge > 0, gap, np.float32(9))
    row, column = divmod(int(np.argmin(inside)), gap.shape[1])
    if inside[row, column] > 0.01:
        return None
    rows = _neighbours(cloth.edge[:, column], row)
    columns = _neighbours(cloth.edge[row], column)
    if rows is None or columns is None:
        return None
    half = WIDE / 2
    slope_x = _slope(cloth, (row, columns[0]), (row, columns[1])) * (half, cloth.tall)
    slope_y = _slope(cloth, (rows[0], column), (rows[1], column)) * (half, cloth.tall)
    if abs(slope_x[0] * slope_y[1] - slope_x[1] * slope_y[0]) < 1e-9:
        return None
    height, width = cloth.u.shape
    across = np.arange(width, dtype=np.float32)[None] - np.float32(column)
    down = np.arange(height, dtype=np.float32)[:, None] - np.float32(row)
    x = across * np.float32(slope_x[0]) + down * np.float32(slope_y[0])
    y = across * np.float32(slope_x[1]) + down * np.float32(slope_y[1])
    x += np.float32((cloth.u[row, column] - u) * half)
    y += np.float32((cloth.v[row, column] - v) * cloth.tall)
    return Spot(x, y, float(max(np.hypot(*slope_x), np.hypot(*slope_y))))


def _neighbours(edge: Layer, place: int) -> tuple[int, int] | None:
    """Two places of the cloth on either side of `place` in a row or column of `edge`."""
    low, high = max(place - 2, 0), min(place + 2, len(edge) - 1)
    while low < place and edge[low] <= 0:
        low += 1
    while high > place and edge[high] <= 0:
        high -= 1
    return (low, high) if low < high else None


def _slope(cloth: Cloth, one: tuple[int, int], two: tuple[int, int]) -> Points:
    """Change of (u, v) per px between two pixels of a row or column."""
    steps = abs(two[0] - one[0]) + abs(two[1] - one[1])
    change = [float(layer[two]) - float(layer[one]) for layer in (cloth.u, cloth.v)]
    return np.array(change) / steps


def add_valve(cloth: Cloth, rng: np.random.Generator, albedo: Layer, own: Points) -> Layer:
    """Paint an exhalation valve on the cloth, or one on each side.

    Round or square, with slats, spokes or a grid, a rim that catches the light from above and a
    shadow below. Its shading is painted; the scene's light falls on it as on the cloth.

    Args:
        cloth: the pixels.
        rng: source of randomness.
        albedo: float32 (h, w, 3) in [0, 1], not changed.
        own: the cloth's colour (3,).

    Returns:
        float32 (h, w, 3) in [0, 1].
    """
    places = [float(rng.choice([0.0, -0.5, 0.5])) + rng.normal(0, 0.04)]
    if rng.random() < 0.3:
        places = [-0.52, 0.52]
    size, height = rng.uniform(0.068, 0.13), rng.uniform(0.42, 0.75)
    look = _Look.any(rng, own)
    for place in places:
        spot = spot_at(cloth, place, height)
        if spot is not None:
            albedo = look.paint(albedo, spot, size)
    return albedo.astype(np.float32)


@dataclass(frozen=True)
class _Look:
    """How a valve looks; `power` 2 is round, more is squarer."""

    power: float
    aspect: float
    colour: Points
    inner: Points
    kind: int
    count: int
    depth: float
    turn: float
    hub: float

    @classmethod
    def any(cls, rng: np.random.Generator, own: Points) -> "_Look":
        choice = rng.random()
        colour = own * rng.uniform(0.75, 1.1)
        if choice < 0.3:
            colour = np.full(3, rng.uniform(0.04, 0.12))
        elif choice < 0.55:
            colour = np.full(3, rng.uniform(0.8, 0.96))
        elif choice < 0.65:
            colour = fabric.any_colour(rng)
        inner = colour if rng.random() < 0.7 else np.full(3, rng.uniform(0.05, 0.9))
        return cls(
            power=float(rng.choice([2.0, 2.0, 2.0, 5.0, 8.0])),
            aspect=float(rng.choice([1.0, 1.0, rng.uniform(0.75, 1.3)])),
            colour=colour.clip(0.02, 0.98),
            inner=inner.clip(0.02, 0.98),
            kind=int(rng.integers(4)),
            count=int(rng.integers(3, 7)),
            depth=rng.uniform(0.25, 0.75),
            turn=rng.uniform(-0.4, 0.4),
            hub=rng.uniform(0.12, 0.3),
        )

    def paint(self, albedo: Layer, spot: Spot, size: float) -> Layer:
        near = (np.abs(spot.x) < 1.7 * size) & (np.abs(spot.y) < 1.7 * size)
        rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
        if not len(rows) or not len(columns):
            return albedo
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        x, y = spot.x[part] / np.float32(size), spot.y[part] / np.float32(size * self.aspect)
        pixel = spot.pixel / size
        radius = self._radius(x, y)
        cast = self._radius(x, y - np.float32(0.14))
        below = albedo[part] * (1 - 0.45 * _soft(1.12 - cast, 0.28)[..., None])
        valve = self._surface(x, y, radius, pixel)
        result = albedo.copy()
        result[part] = below + (valve - below) * _soft(1 - radius, pixel)[..., None]
        return result

    def _radius(self, x: Layer, y: Layer) -> Layer:
        if self.power == 2:
            return np.sqrt(x * x + y * y)
        power = np.float32(self.power)
        return np.asarray((np.abs(x) ** power + np.abs(y) ** power) ** (1 / power))

    def _surface(self, x: Layer, y: Layer, radius: Layer, pixel: float) -> Layer:
        """Colours (h, w, 3) of the valve: rim, slats and hub."""
        core = _soft(0.74 - radius, pixel)
        ring = np.exp(-(((radius - 0.86) / 0.1) ** 2))
        light = 1 - 0.12 * y + 0.22 * ring * (-y - 0.35 * x) - 0.3 * _soft(radius - 0.93, 0.1)
        groove = np.exp(-(((radius - 0.75) / max(0.04, 0.5 * pixel)) ** 2))
        light = light - 0.45 * groove
        cos, sin = np.float32(np.cos(self.turn)), np.float32(np.sin(self.turn))
        a, b = cos * x - sin * y, sin * x + cos * y
        if self.kind == 0:  # slats across
            gaps = _soft(0.5 * np.sin(b * np.float32(np.pi * self.count)) - 0.1, 1.5 * pixel + 0.2)
        elif self.kind == 1:  # spokes
            gaps = np.cos(np.arctan2(a, b) * (self.count + 2))
            gaps = _soft(0.5 * gaps, 2 * pixel + 0.2) * (radius > self.hub)
        elif self.kind == 2:  # grid
            fine = np.float32(np.pi * self.count)
            gaps = _soft(np.cos(a * fine) * np.cos(b * fine), 2 * pixel + 0.3)
        else:  # smooth, with a hub or a slit
            gaps = np.exp(-(((radius - self.hub) / 0.06) ** 2))
        slats = core * gaps
        colour = self.colour + (self.inner - self.colour) * core[..., None]
        return np.asarray((colour * light[..., None]) * (1 - self.depth * slats)[..., None])


def _soft(level: Layer, width: float) -> Layer:
    """A step from 0 to 1 where `level` is 0, `width` wide."""
    return np.asarray((level / np.float32(max(width, 1e-3)) + np.float32(0.5)).clip(0, 1))


def add_lettering(cloth: Cloth, rng: np.random.Generator, albedo: Layer, own: Points) -> Layer:
    """Print what respirators bear on `albedo` (h, w, 3): maker, class, norm, in small lines.

    Makers are made up. The print lies on one side or in the middle, upright or along the fold,
    dark or in a colour of the maker, sometimes only embossed.
    """
    v, u = rng.uniform(0.35, 0.75), float(rng.choice([-0.45, -0.35, 0.0, 0.35, 0.45]))
    spot = spot_at(cloth, u + rng.normal(0, 0.04), v)
    lines = _lines(rng)
    width = rng.uniform(0.1, 0.26)
    upright = rng.random() < 0.15
    faint = rng.uniform(0.1, 0.3) if rng.random() < 0.35 else rng.uniform(0.5, 0.95)
    ink = np.full(3, 0.12) if float(own.mean()) > 0.4 else np.full(3, 0.85)
    if rng.random() < 0.3:
        ink = np.array([0.12, 0.2, 0.5]) + rng.normal(0, 0.05, 3)
    if spot is None:
        return albedo
    size = max(8, round(width / spot.pixel * _FINE))
    print_ = _written(lines, size)
    x, y = (-spot.y, spot.x) if upright else (spot.x, spot.y)
    scale = np.float32(size / width)
    found = cv2.remap(
        cv2.blur(print_, (_FINE, _FINE)),
        (x * scale + np.float32(size / 2)).astype(np.float32),
        (y * scale + np.float32(len(print_) / 2)).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    share = found.astype(np.float32)[..., None] * np.float32(faint / 255)
    return np.asarray(albedo + (ink.clip(0, 1).astype(np.float32) - albedo) * share)


def _lines(rng: np.random.Generator) -> list[tuple[str, float]]:
    """One to four lines of text and their heights, the class largest."""
    kind = str(rng.choice(_CLASSES))
    lines = [(kind, 1.0)]
    if rng.random() < 0.5:
        lines.insert(0, (word_of(rng), rng.uniform(0.6, 1.3)))
    if rng.random() < 0.5:
        norm = str(rng.choice(["EN149:2001+A1", "GB2626-2019", "TC-84A"]))
        lines.append((norm, rng.uniform(0.4, 0.6)))
    if rng.random() < 0.4:
        lines.append((f"LOT {int(rng.integers(1000, 99999))}", rng.uniform(0.35, 0.5)))
    return lines


def _written(lines: list[tuple[str, float]], width: int) -> Photo:
    """Lines of text, the longest `width` px wide: uint8 (h, width), 255 = ink."""
    sizes = [cv2.getTextSize(text, 0, scale, 1)[0] for text, scale in lines]
    fit = width / max(wide for wide, _ in sizes)
    heights = [max(2.0, tall * fit) for _, tall in sizes]
    sheet = np.zeros((round(sum(heights) * 1.6) + 2, width), np.uint8)
    y = 0.0
    for (text, scale), (wide, _), height in zip(lines, sizes, heights, strict=True):
        spot = (round((width - wide * fit) / 2), round(y + 1.25 * height))
        thick = max(1, round(0.14 * height))
        cv2.putText(sheet, text, spot, 0, scale * fit, 255, thick, cv2.LINE_AA)
        y += 1.6 * height
    return sheet
