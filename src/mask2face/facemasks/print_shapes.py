"""Figures of printed cloth as polygons (hearts, flowers, skulls, ...), and their stamping."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import cv2
import numpy as np

from mask2face.facemasks.drawn import Layer, Photo, Points

SHIFT = 4  # fractional bits of OpenCV's drawing coordinates

Ink = tuple[float, float, float]
Figure = tuple[tuple[Points, int], ...]
"""Polygons (n, 2) about (0, 0), 1 = the figure's radius, y down, and the number of their ink;
-1 stands for the ground."""


def ink_of(colour: Points) -> Ink:
    """A colour (3,), 8-bit range, as OpenCV takes it."""
    return float(colour[0]), float(colour[1]), float(colour[2])


def fill(tile: Photo, polygons: Sequence[Points], colour: Points) -> None:
    """Fill polygons (n, 2) in tile px on `tile`, smooth at the edges."""
    for polygon in polygons:
        fixed = np.rint(polygon * 2**SHIFT).astype(np.int32)
        cv2.fillPoly(tile, [fixed], ink_of(colour), cv2.LINE_AA, SHIFT)


def soak(tile: Photo, colour: Points, share: Layer) -> None:
    """Let ink into `tile`: `share` in [0, 1] of `colour`, (S, S) or what spreads to it."""
    part = np.ascontiguousarray(np.broadcast_to(share, tile.shape[:2]), np.float32)
    ink = np.empty_like(tile)
    ink[:] = np.rint(colour).clip(0, 255)
    tile[:] = cv2.blendLinear(tile, ink, 1 - part, part)


def stamp(tile: Photo, figure: Figure, places: Points, colours: Sequence[Points]) -> None:
    """Print a figure at several places of a tile that repeats.

    Args:
        tile: uint8 (S, S, 3), changed in place.
        figure: what to print.
        places: (n, 4) x, y, radius as shares of the tile's side, and angle in radians.
        colours: inks (3,), 8-bit range; the last one is the ground.
    """
    side = tile.shape[0]
    every = wrapped(places) * np.array([side, side, side, 1])
    cos, sin = np.cos(every[:, 3]) * every[:, 2], np.sin(every[:, 3]) * every[:, 2]
    turns = np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)
    for polygon, number in figure:
        moved = (polygon[None] @ turns + every[:, None, :2]) * 2**SHIFT
        lines = np.rint(moved).astype(np.int32)
        cv2.fillPoly(tile, list(lines), ink_of(colours[number]), cv2.LINE_AA, SHIFT)


def wrapped(places: Points) -> Points:
    """`places` and, where a figure reaches over the tile's rim, its copies on the other side."""
    found = places
    for axis in (0, 1):
        reach = 1.15 * found[:, 2]
        copies = [found]
        for step, over in ((1.0, found[:, axis] < reach), (-1.0, found[:, axis] > 1 - reach)):
            copy = found[over]
            copy[:, axis] += step
            copies.append(copy)
        found = np.concatenate(copies)
    return found


def scattered(
    rng: np.random.Generator, cells: int, filled: float, size: float, jitter: float, turn: float
) -> Points:
    """Places of figures that do not overlap much: (n, 4) as `stamp` takes them.

    Args:
        rng: source of randomness.
        cells: the tile is cut in so many cells a side, one figure in each.
        filled: share of the cells that hold one.
        size: radius as a share of the cell's side.
        jitter: how far figures lie off the middle, share of the cell's side.
        turn: largest angle in radians.
    """
    rows, columns = (grid.ravel() for grid in np.mgrid[:cells, :cells])
    chosen = rng.permutation(cells * cells)[: max(1, round(filled * cells * cells))]
    count = len(chosen)
    x = columns[chosen] + 0.5 + (rows[chosen] % 2) * (0.5 if cells % 2 == 0 else 0)
    spots = np.stack([x, rows[chosen] + 0.5], axis=1)
    spots = (spots + rng.uniform(-jitter, jitter, (count, 2))) / cells % 1
    radii = size / cells * rng.uniform(0.8, 1.15, count)
    return np.column_stack([spots, radii, rng.uniform(-turn, turn, count)])


def polar(radius: Callable[[Points], Points], count: int = 32) -> Points:
    """The polygon (count, 2) whose distance from (0, 0) is `radius` of the angle."""
    angle = np.arange(count) / count * 2 * np.pi
    return np.stack([np.sin(angle), -np.cos(angle)], axis=1) * radius(angle)[:, None]


def disc(x: float, y: float, across: float, down: float, count: int = 16) -> Points:
    """An ellipse about (x, y) as a polygon (count, 2)."""
    angle = np.arange(count) / count * 2 * np.pi
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], axis=1)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """A rectangle as a polygon (4, 2)."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


@lru_cache(maxsize=64)
def flower(petals: int, depth: float) -> Figure:
    """A blossom: `depth` in [0, 1] is how deep it is cut between the petals."""
    edge = polar(lambda a: 1 - depth * (0.5 + 0.5 * np.cos(petals * a)) ** 0.7, 8 * petals)
    return (edge, 0), (edge * 0.55, 1), (disc(0, 0, 0.24, 0.24, 12), 2)


@lru_cache(maxsize=1)
def heart() -> Figure:
    """A heart."""
    t = np.arange(32) / 32 * 2 * np.pi
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return ((np.stack([16 * np.sin(t) ** 3, -y], axis=1) / 17, 0),)


@lru_cache(maxsize=8)
def star(points: int) -> Figure:
    """A star."""
    angle = np.arange(2 * points) / points * np.pi
    radius = np.where(np.arange(2 * points) % 2, 0.42, 1.0)
    return ((np.stack([np.sin(angle) * radius, -np.cos(angle) * radius], axis=1), 0),)


@lru_cache(maxsize=1)
def leaf() -> Figure:
    """A pointed leaf with its rib."""
    t = np.linspace(0, 1, 10)
    half = 0.36 * np.sin(np.pi * t**0.8)
    y = 1 - 2 * t
    edge = np.concatenate([np.stack([half, y], 1), np.stack([-half, y], 1)[::-1]])
    rib = np.array([[-0.03, 1.0], [0.03, 1.0], [0.015, -0.8], [-0.015, -0.8]])
    return (edge, 0), (rib, -1)


@lru_cache(maxsize=1)
def sprig() -> Figure:
    """A stem with six leaves and a bud."""
    blade = leaf()[0][0] * 0.36
    parts: list[tuple[Points, int]] = [(box(-0.035, -0.8, 0.035, 1.0), 1)]
    for row, y in enumerate((0.55, 0.1, -0.35)):
        for side in (-1, 1):
            angle = side * (1.0 - 0.15 * row)
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            parts.append((blade @ turn + (side * 0.3, y - 0.2), 1))
    return (*parts, (disc(0, -0.8, 0.2, 0.2), 0))


@lru_cache(maxsize=1)
def paisley() -> Figure:
    """A bent drop in a drop in a drop."""
    t = np.arange(36) / 36 * 2 * np.pi
    taper = np.sin(t / 2) ** 1.4
    x, y = 0.62 * np.sin(t) * taper, -np.cos(t) * 0.95
    drop = np.stack([x + 0.5 * (-y - 0.1).clip(0, None) ** 2, y], axis=1)
    middle = np.array([0.0, 0.35])
    rings = [
        ((drop - middle) * size + middle, ink)
        for size, ink in ((1.0, 0), (0.86, -1), (0.72, 1), (0.45, -1), (0.3, 0))
    ]
    beads = [(disc(0, 0, 0.055, 0.055, 8) + 1.18 * drop[i], 0) for i in range(3, 36, 3)]
    return (*rings, *beads)


@lru_cache(maxsize=1)
def skull() -> Figure:
    """A skull."""
    teeth = [(box(x, 0.58, x + 0.05, 0.95), -1) for x in (-0.25, -0.09, 0.07, 0.23)]
    return (
        (disc(0, -0.2, 0.8, 0.78, 24), 0),
        (box(-0.42, 0.3, 0.42, 0.92), 0),
        (disc(-0.34, -0.1, 0.22, 0.24), -1),
        (disc(0.34, -0.1, 0.22, 0.24), -1),
        (np.array([[0, 0.15], [0.12, 0.4], [-0.12, 0.4]]), -1),
        *teeth,
    )


@lru_cache(maxsize=1)
def cat() -> Figure:
    """The head of a cat."""
    ears = [np.array([[s * 0.85, -0.95], [s * 0.15, -0.6], [s * 0.8, -0.1]]) for s in (-1, 1)]
    eyes = [disc(s * 0.35, -0.05, 0.1, 0.15, 10) for s in (-1, 1)]
    return (
        *((ear, 0) for ear in ears),
        (disc(0, 0.05, 0.9, 0.72, 24), 0),
        *((eye, -1) for eye in eyes),
        (disc(0, 0.25, 0.12, 0.08, 8), 1),
    )


@lru_cache(maxsize=1)
def bear() -> Figure:
    """The head of a bear."""
    ears = [(disc(s * 0.62, -0.6, 0.3, 0.3), 0) for s in (-1, 1)]
    eyes = [(disc(s * 0.34, -0.12, 0.09, 0.11, 8), -1) for s in (-1, 1)]
    muzzle = (disc(0, 0.3, 0.38, 0.28), 1)
    return (*ears, (disc(0, 0, 0.85, 0.78, 24), 0), *eyes, muzzle, (disc(0, 0.2, 0.13, 0.09), -1))


@lru_cache(maxsize=1)
def cherry() -> Figure:
    """Two cherries on their stems."""
    stems = [
        (np.array([[s * 0.42, 0.4], [0.05, -0.9], [-0.05, -0.9], [s * 0.48, 0.4]]), 1)
        for s in (-1, 1)
    ]
    balls = [(disc(s * 0.45, 0.5, 0.38, 0.38), 0) for s in (-1, 1)]
    return (*stems, *balls, (leaf()[0][0] * 0.4 + (0.3, -0.7), 1))


@lru_cache(maxsize=1)
def drop() -> Figure:
    """Three rings, one in the other, off the middle."""
    return (
        (disc(0, 0, 1, 1, 24), 0),
        (disc(0.1, 0.1, 0.7, 0.7, 20), 1),
        (disc(0.2, 0.2, 0.36, 0.36), 2),
    )


@lru_cache(maxsize=1)
def fish() -> Figure:
    """A fish."""
    tail = np.array([[0.5, 0.0], [1.0, -0.5], [0.9, 0.0], [1.0, 0.5]])
    return (disc(-0.15, 0, 0.8, 0.46, 20), 0), (tail, 0), (disc(-0.6, -0.1, 0.1, 0.1, 8), -1)
