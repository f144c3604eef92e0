"""Prints of cloth: one flat repeat, and how it lies on the bent surface."""

import cv2
import numpy as np

from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.fabric import PRINTS, any_colour

TILE = 96  # px, side of one repeat of a print


def print_tile(
    name: str, ground: Points, rng: np.random.Generator, photo: Photo | None = None
) -> Layer:
    """One repeat of a print.

    Args:
        name: one of `PRINTS`.
        ground: colour (3,) in [0, 1] that is printed on.
        rng: source of randomness.
        photo: uint8 (H, W, 3), of which "collage" takes pieces.

    Returns:
        float32 (TILE, TILE, 3) in [0, 1].

    Raises:
        ValueError: `name` is not one of `PRINTS`.
    """
    if name not in PRINTS:
        raise ValueError(f"pattern must be one of {', '.join(PRINTS)}, got {name!r}")
    tile = np.empty((TILE, TILE, 3), np.uint8)  # OpenCV draws text and smooth edges in 8 bits
    tile[:] = ground * 255
    inks = [any_colour(rng) * 255 for _ in range(3)]
    if rng.random() < 0.4:
        inks[0] = np.repeat(rng.choice([12.0, 242.0]), 3)
    if name == "collage" and photo is not None:
        _collage(tile, photo, rng)
    elif name in _PAINTERS:
        _PAINTERS[name](tile, inks, rng)
    return tile.astype(np.float32) * np.float32(1 / 255)


def _collage(tile: Photo, photo: Photo, rng: np.random.Generator) -> None:
    """A piece of the photo itself, recoloured: texture as rich as photos are."""
    side = max(int(min(photo.shape[:2]) * rng.uniform(0.2, 0.6)), 1)
    y, x = (int(rng.integers(0, length - side + 1)) for length in photo.shape[:2])
    piece = cv2.resize(photo[y : y + side, x : x + side], (TILE, TILE))[..., rng.permutation(3)]
    share = rng.uniform(0.4, 1.0)
    tile[:] = tile * (1 - share) + (255 - piece if rng.random() < 0.3 else piece) * share


def _dots(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    count = int(rng.integers(1, 5))
    step = TILE / count
    radius = step * rng.uniform(0.12, 0.36)
    for row in range(count):
        for column in range(count):
            centre = ((column + 0.5) * step, (row + 0.5) * step)
            cv2.circle(tile, _at(*centre), round(radius * 16), _ink(inks[0]), -1, cv2.LINE_AA, 4)


def _stripes(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    phase = np.arange(TILE) / TILE * int(rng.integers(2, 9)) % 1
    bands = [phase < rng.uniform(0.1, 0.6), (phase > 0.7) & (phase < rng.uniform(0.7, 0.85))]
    across = rng.random() < 0.5
    for band, ink in zip(bands, inks, strict=False):
        if across:
            tile[:, band] = ink
        else:
            tile[band] = ink


def _checks(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    phase = np.arange(TILE) / TILE * int(rng.integers(2, 7)) % 1 < rng.uniform(0.2, 0.6)
    share = (phase[:, None].astype(np.float32) + phase[None]) / 2
    if rng.random() < 0.4:
        share = (phase[:, None] ^ phase[None]).astype(np.float32)
    tile[:] = tile + (inks[0] - tile) * share[..., None]


def _blotches(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    cells = int(rng.integers(4, 12))
    for ink in inks[: int(rng.integers(1, 4))]:
        grid = rng.standard_normal((cells, cells), dtype=np.float32)
        grid[:, -1], grid[-1] = grid[:, 0], grid[0]
        field = cv2.resize(grid, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
        share = (field * 6 - rng.uniform(0, 4)).clip(0, 1)[..., None]
        tile[:] = tile + (ink - tile) * share


def _florals(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(3, 12))):
        x, y = rng.uniform(10, TILE - 10, 2)
        ink, heart = _ink(inks[int(rng.integers(3))]), _ink(inks[int(rng.integers(3))])
        size, petals, start = rng.uniform(4, 15), int(rng.integers(3, 7)), rng.uniform(0, 360)
        for petal in range(petals):
            angle = start + 360 * petal / petals
            offset = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * size * 0.55
            axes = (round(size * 0.5 * 16), round(size * 0.26 * 16))
            cv2.ellipse(
                tile,
                _at(x + offset[0], y + offset[1]),
                axes,
                angle,
                0,
                360,
                ink,
                -1,
                cv2.LINE_AA,
                4,
            )
        cv2.circle(tile, _at(x, y), round(size * 0.2 * 16), heart, -1, cv2.LINE_AA, 4)


def _letters(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    lines = int(rng.integers(1, 5))
    for line in range(lines):
        word = "".join(chr(code) for code in rng.integers(65, 91, int(rng.integers(2, 8))))
        spot = (int(rng.integers(-8, 24)), round((line + 0.8) * TILE / lines))
        font = int(rng.integers(0, 8))
        size = rng.uniform(0.5, 1.6) / lines**0.5
        cv2.putText(
            tile, word, spot, font, size, _ink(inks[0]), int(rng.integers(1, 4)), cv2.LINE_AA
        )


def _logo(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    x, y = rng.uniform(0.25, 0.75, 2) * TILE
    size = rng.uniform(6, 16)
    corners = int(rng.integers(3, 8))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    shape = np.stack([x + size * np.cos(angles), y + size * np.sin(angles)], axis=1)
    if rng.random() < 0.6:
        cv2.fillPoly(tile, [np.rint(shape * 16).astype(np.int32)], _ink(inks[0]), cv2.LINE_AA, 4)
    else:
        cv2.circle(tile, _at(x, y), round(size * 16), _ink(inks[0]), -1, cv2.LINE_AA, 4)
    if rng.random() < 0.6:
        word = "".join(chr(code) for code in rng.integers(65, 91, 4))
        spot = (round(x - size), round(y + 0.4 * size))
        cv2.putText(tile, word, spot, 0, size / 28, _ink(inks[1]), 1, cv2.LINE_AA)


def _patches(tile: Photo, inks: list[Points], rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(3, 12))):
        corners = (
            rng.uniform(-0.2, 1.2, 2) * TILE
            + rng.normal(0, 0.3, (int(rng.integers(3, 6)), 2)) * TILE
        )
        hull = cv2.convexHull(np.rint(corners * 16).astype(np.int32))
        cv2.fillConvexPoly(tile, hull, _ink(inks[int(rng.integers(3))]), cv2.LINE_AA, 4)


_PAINTERS = {
    "dots": _dots,
    "stripes": _stripes,
    "checks": _checks,
    "blotches": _blotches,
    "florals": _florals,
    "letters": _letters,
    "logo": _logo,
    "patches": _patches,
}


def _at(x: float, y: float) -> tuple[int, int]:
    return round(float(x) * 16), round(float(y) * 16)


def _ink(colour: Points) -> tuple[float, float, float]:
    return float(colour[0]), float(colour[1]), float(colour[2])


def lay(tile: Layer, u: Layer, v: Layer, tall: float, repeats: float, angle: float) -> Layer:
    """The print on the cloth.

    Args:
        tile: (TILE, TILE, 3), one repeat.
        u: (h, w), -1 ... 1 across the cloth.
        v: (h, w), 0 ... 1 down the cloth.
        tall: height of the cloth in face widths, so that the print keeps its proportions.
        repeats: tiles across half the cloth.
        angle: of the print, radians.

    Returns:
        float32 (h, w, 3) in [0, 1].
    """
    across = np.arcsin((0.93 * u).clip(-1, 1))  # the cloth turns away from the camera at the sides
    along = v * np.float32(2.3 * tall)
    cos, sin = np.cos(angle) * repeats * TILE, np.sin(angle) * repeats * TILE
    x = (cos * across - sin * along + TILE / 2).astype(np.float32) % TILE
    y = (sin * across + cos * along + TILE / 2).astype(np.float32) % TILE
    return np.asarray(cv2.remap(tile, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def any_print(rng: np.random.Generator, plain: float) -> str:
    """Name of a print; "plain" with the probability `plain`."""
    return "plain" if rng.random() < plain else PRINTS[int(rng.integers(1, len(PRINTS)))]
