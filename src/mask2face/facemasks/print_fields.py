"""Prints without lines: camouflage, animal coats, batik, lace, patches, pieces of photos.

Painters as in `print_woven`.
"""

import cv2
import numpy as np

from mask2face.facemasks import print_shapes as shapes
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.print_shapes import scattered, soak, stamp
from mask2face.facemasks.print_woven import Colours


def smooth_field(rng: np.random.Generator, cells: int, side: int) -> Layer:
    """Smooth noise that repeats: float32 (side, side), mean about 0, deviation about 0.7."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    ring = np.pad(grid, 2, mode="wrap")
    scale = side / cells
    wide = round((cells + 4) * scale)
    field = cv2.resize(ring, (wide, wide), interpolation=cv2.INTER_CUBIC)
    start = round(2 * scale)
    return np.asarray(field[start : start + side, start : start + side])


def camouflage(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Spots of three more colours round the ground's: soft shapes or square ones."""
    side, ground = tile.shape[0], colours[-1]
    brown = np.array([88.0, 66.0, 44.0])
    share = rng.uniform(0.2, 0.7)
    shades = [
        ground,
        ground * 0.55 * (1 - share) + brown * share,
        np.minimum(ground * rng.uniform(1.25, 1.6) + 12, 245),
        ground * rng.uniform(0.15, 0.4),
    ]
    cells = int(rng.integers(4, 9))
    square = rng.random() < 0.25
    size = cells * 3 if square else side
    index = np.zeros((size, size), np.uint8)
    for number in (1, 2, 3):
        field = smooth_field(rng, cells, size) + 0.4 * smooth_field(rng, cells * 2, size)
        index[field > rng.uniform(0.25, 0.7)] = number
    if square:
        index = cv2.resize(index, (side, side), interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    tile[:] = np.array(shades).clip(0, 255).astype(np.uint8)[index]


def blotches(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Soft spots of one to three inks: watercolour."""
    cells, steep = int(rng.integers(4, 12)), rng.uniform(1.0, 6.0)
    for ink in colours[: int(rng.integers(1, 4))]:
        field = smooth_field(rng, cells, tile.shape[0])
        soak(tile, ink, (field * steep - rng.uniform(0, 0.7) * steep).clip(0, 1))


def animal(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Leopard, zebra, cow, or the net of a giraffe or snake."""
    kind = int(rng.integers(4))
    dark: Points = np.array([30.0, 22.0, 16.0]) * rng.uniform(0.4, 1.6)
    if kind == 0:
        _leopard(tile, [dark, colours[-1] * 0.72, dark, colours[-1]], rng)
        return
    side = tile.shape[0]
    if kind == 1:
        spot = np.arange(side, dtype=np.float32)[:, None] / side
        bend = smooth_field(rng, 3, side) * rng.uniform(0.08, 0.2)
        wave = np.sin(2 * np.pi * (int(rng.integers(4, 9)) * (spot + bend)))
        share = (wave * side / 20 + rng.uniform(-0.5, 1)).clip(0, 1)
    elif kind == 2:
        share = (smooth_field(rng, int(rng.integers(3, 6)), side) * side / 8 - 2).clip(0, 1)
    else:
        edge = _cell_edges(rng, int(rng.integers(3, 6)), side)
        share = ((edge - rng.uniform(0.01, 0.04)) * (side / 2)).clip(0, 1)
        dark = colours[-1] * rng.uniform(0.3, 0.6)
    soak(tile, dark, share)


def batik(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Large rings, rays and blossoms on lines or waves."""
    side = tile.shape[0]
    spot = np.arange(side, dtype=np.float32) / side
    count = int(rng.integers(4, 10))
    wave = spot[:, None] + 0.03 * np.sin(2 * np.pi * int(rng.integers(1, 5)) * spot[None])
    soak(tile, colours[2], (np.sin(2 * np.pi * count * wave) * 3).clip(0, 1))
    cells = int(rng.integers(1, 3))
    for place in (0.0, 0.5):
        places = scattered(rng, cells, 1.0, 0.0, 0.0, 3.2)
        places[:, :2] = (places[:, :2] + place / cells) % 1
        places[:, 2] = rng.uniform(0.2, 0.42) / cells
        rays = shapes.flower(int(rng.integers(8, 20)), float(rng.uniform(0.1, 0.4)))
        ring = shapes.disc(0, 0, 1.08, 1.08, 32)
        figure = ((ring, 1), *rays[:1], (shapes.disc(0, 0, 0.6, 0.6, 24), -1), *shapes.drop())
        stamp(tile, tuple((p * 0.9, i) for p, i in figure[:3]), places, colours)
        places[:, 2] *= 0.45
        stamp(tile, rays if rng.random() < 0.6 else shapes.drop(), places, colours)


def lace(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """A fine net with blossoms and leaves closed in it."""
    side = tile.shape[0]
    spot = np.arange(side, dtype=np.float32) / side * int(rng.integers(8, 15))
    net = np.minimum(
        np.abs((spot[:, None] + spot[None]) % 1 - 0.5),
        np.abs((spot[:, None] - spot[None]) % 1 - 0.5),
    )
    soak(tile, colours[0], ((0.16 - net) * 6).clip(0, 0.8))
    order = [colours[0], colours[-1], colours[0], colours[-1]]
    stamp(tile, shapes.leaf(), scattered(rng, 3, 1.0, 0.4, 0.3, 3.2), order)
    bloom = shapes.flower(int(rng.integers(5, 9)), 0.5)
    stamp(tile, bloom, scattered(rng, 2, 1.0, rng.uniform(0.3, 0.5), 0.2, 3.2), order)


def patches(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Large shapes with straight edges."""
    side = tile.shape[0]
    for _ in range(int(rng.integers(3, 12))):
        middle = rng.uniform(-0.2, 1.2, 2)
        corners = (middle + rng.normal(0, 0.3, (int(rng.integers(3, 6)), 2))) * side * 16
        hull = cv2.convexHull(np.rint(corners).astype(np.int32))
        ink = shapes.ink_of(colours[int(rng.integers(3))])
        cv2.fillConvexPoly(tile, hull, ink, cv2.LINE_AA, shapes.SHIFT)


def collage(tile: Photo, photo: Photo, rng: np.random.Generator) -> None:
    """A piece of the photo itself, turned and recoloured: texture as rich as photos are."""
    width = max(int(min(photo.shape[:2]) * rng.uniform(0.2, 0.6)), 1)
    y, x = (int(rng.integers(0, length - width + 1)) for length in photo.shape[:2])
    piece = cv2.resize(photo[y : y + width, x : x + width], tile.shape[:2])
    turns = int(rng.integers(1, 4))  # never upright: no face is printed on a face
    piece = np.rot90(piece, turns)[..., rng.permutation(3)]
    share = rng.uniform(0.4, 1.0)
    tile[:] = tile * (1 - share) + (255 - piece if rng.random() < 0.3 else piece) * share


def skin(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Plain, hardly uneven."""
    uneven = 1 + 0.015 * smooth_field(rng, 6, tile.shape[0])
    tile[:] = (tile * uneven[..., None]).clip(0, 255)


def _leopard(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    edge = shapes.polar(lambda a: 0.8 + 0.2 * np.sin(3 * a + 1) + 0.15 * np.sin(5 * a), 20)
    gap = np.array([[0, 0], [0.3, -1.3], [0.9, -1.1]])
    spots = ((edge, 0), (edge * 0.58, 1), (gap, -1))
    stamp(tile, spots, scattered(rng, int(rng.integers(3, 7)), 1.0, 0.42, 0.2, 3.2), colours)
    small = scattered(rng, int(rng.integers(5, 9)), 0.4, 0.18, 0.4, 3.2)
    stamp(tile, ((edge, 0),), small, colours)


def _cell_edges(rng: np.random.Generator, cells: int, side: int) -> Layer:
    """How much nearer a pixel is to its own of some points than to the next, share of the side."""
    spots = scattered(rng, cells, 1.0, 0.0, 0.35, 0.0)[:, :2].astype(np.float32)
    coarse = 48
    grid = (np.arange(coarse, dtype=np.float32) + 0.5) / coarse
    gap_x = np.abs(grid[None] - spots[:, :1])
    gap_y = np.abs(grid[None] - spots[:, 1:])
    gap_x, gap_y = np.minimum(gap_x, 1 - gap_x), np.minimum(gap_y, 1 - gap_y)
    far = np.sqrt(gap_x[:, None, :] ** 2 + gap_y[:, :, None] ** 2)
    nearest = np.partition(far, 1, axis=0)[:2]
    return np.asarray(cv2.resize(nearest[1] - nearest[0], (side, side)))
