"""Prints that a face mask bears once: an emblem, panels, runs of colour, flags, splashes.

Painters as in `print_woven`, but the tile is the whole cloth: its middle lies on the cloth's
middle; about two thirds of its height are seen.
"""

import cv2
import numpy as np

from mask2face.facemasks import print_shapes as shapes
from mask2face.facemasks.drawn import Layer, Photo
from mask2face.facemasks.print_fields import smooth_field
from mask2face.facemasks.print_shapes import Figure, box, disc, fill, ink_of, soak, stamp
from mask2face.facemasks.print_words import word_of, write
from mask2face.facemasks.print_woven import Colours


def logo(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """An emblem on one side, or a larger picture in the middle, with or without a word."""
    size = rng.uniform(0.025, 0.09)
    x, y = rng.choice([0.24, 0.3, 0.7, 0.76]), rng.uniform(0.38, 0.66)
    pictures = [shapes.heart, shapes.cat, shapes.bear, shapes.skull, shapes.sprig, shapes.cherry]
    if rng.random() < 0.35:
        figure = pictures[int(rng.integers(len(pictures)))]()
        size, x = rng.uniform(0.08, 0.17), float(rng.choice([0.3, 0.5, 0.5, 0.7]))
    else:
        figure = _emblem(rng)
    place = np.array([[x, y, size, rng.normal(0, 0.1)]])
    kind = rng.random()
    if kind < 0.8:
        stamp(tile, figure, place, colours)
    if kind > 0.6:
        below = float(y + (size * 1.9 if kind < 0.8 else 0))
        width = rng.uniform(0.1, 0.22)
        write(tile, word_of(rng, 1, 2), (x, below), width, colours[0], int(rng.integers(4)), 0.12)


def _emblem(rng: np.random.Generator) -> Figure:
    """A star in a ring, a label, a triangle, a cross or a star."""
    kind = int(rng.integers(5))
    if kind == 0:
        return (disc(0, 0, 1, 1, 24), 0), (disc(0, 0, 0.7, 0.7, 24), -1), *shapes.star(5)
    if kind == 1:
        return (box(-1.2, -0.6, 1.2, 0.6), 0), (box(-0.9, -0.12, 0.9, 0.12), 1)
    if kind == 2:
        return (np.array([[0, -1], [1, 0.8], [-1, 0.8]]), 0), (disc(0, 0.25, 0.4, 0.4), 1)
    if kind == 3:
        return (box(-0.25, -1, 0.25, 1), 0), (box(-1, -0.25, 1, 0.25), 0)
    return shapes.star(int(rng.choice([4, 5, 6])))


def two_tone(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Panels of another colour at the sides, below, or on one half, sometimes with piping."""
    kind, bend = rng.random(), rng.normal(0, 0.12)
    t = np.linspace(0, 1, 12)
    piping = rng.random() < 0.4
    if kind < 0.6:  # side panels
        cut = rng.uniform(0.16, 0.36)
        line = np.stack([cut + bend * (t - 0.5) ** 2 * 4, t], axis=1)
        panel = np.concatenate([line, [[-0.1, 1], [-0.1, 0]]])
        panels = [panel, panel * (-1, 1) + (1, 0)]
        lines = [line, line * (-1, 1) + (1, 0)]
    elif kind < 0.8:  # below
        line = np.stack([t, rng.uniform(0.42, 0.62) + bend * (t - 0.5) ** 2 * 4], axis=1)
        panels, lines = [np.concatenate([line, [[1, 1], [0, 1]]])], [line]
    else:
        line = np.stack([np.full(12, 0.5), t], axis=1)
        panels, lines = [np.concatenate([line, [[1, 1], [1, 0]]])], [line]
    side = tile.shape[0]
    fill(tile, [panel * side for panel in panels], colours[0])
    if piping:
        thick = max(1, round(rng.uniform(0.006, 0.02) * side))
        fixed = [np.rint(line * side * 16).astype(np.int32) for line in lines]
        cv2.polylines(tile, fixed, False, ink_of(colours[1]), thick, cv2.LINE_AA, shapes.SHIFT)


def gradient(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Two colours that run into each other."""
    angle, middle = rng.uniform(0, np.pi), rng.uniform(0.35, 0.65)
    x, y = _grid(tile.shape[0])
    along = (x - 0.5) * np.float32(np.cos(angle)) + (y - 0.5) * np.float32(np.sin(angle))
    share = along * np.float32(rng.uniform(1.2, 3)) + np.float32(middle)
    soak(tile, colours[int(rng.integers(3))], share.clip(0, 1))


def tie_dye(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Rings or rays of dye that bled, round one point."""
    side = tile.shape[0]
    x, y = _grid(side)
    x0, y0 = rng.uniform(0.3, 0.7, 2).astype(np.float32)
    radius = np.sqrt((x - x0) ** 2 + (y - y0) ** 2)
    bled = smooth_field(rng, 6, side) * np.float32(rng.uniform(0.02, 0.2))
    phase = radius * np.float32(rng.uniform(0.4, 3.5)) + bled
    if rng.random() < 0.5:
        turns = np.float32(rng.integers(1, 4) / (2 * np.pi))
        phase = phase + np.arctan2(y - y0, x - x0) * turns
    steps = np.array([*colours, colours[0]])
    white = np.full(3, 245.0)
    steps[rng.random(5) < 0.15] = white
    steps[-1] = steps[0]
    ramp = np.stack([np.interp(np.linspace(0, 4, 256), range(5), part) for part in steps.T], 1)
    index = ((phase - np.floor(phase)) * np.float32(255.99)).astype(np.uint8)
    tile[:] = ramp.astype(np.uint8)[index]
    pale = rng.uniform(0, 0.35)
    soak(tile, white, (smooth_field(rng, 7, side) * np.float32(pale)).clip(0, 0.7))


def bands(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Two to five broad bands over the whole cloth, as flags have, with or without an emblem."""
    count = int(rng.integers(2, 6))
    order = [colours[i] for i in rng.permutation(4)]
    edges = (
        np.linspace(0.17, 0.83, count + 1) if rng.random() < 0.5 else np.linspace(0, 1, count + 1)
    )
    edges[0], edges[-1] = 0, 1
    across, side = rng.random() < 0.4, tile.shape[0]
    for number in range(count):
        low, high = edges[number] * side, edges[number + 1] * side
        area = box(low, 0, high, side) if across else box(0, low, side, high)
        fill(tile, [area], order[number % (3 if count > 2 else 2)])
    kind, ink = rng.random(), [order[3], *order[:2], order[0]]
    if kind < 0.15:
        stamp(tile, shapes.star(5), np.array([[0.5, 0.5, 0.1, 0.0]]), ink)
    elif kind < 0.25:
        stamp(tile, ((disc(0, 0, 1, 1, 28), 0),), np.array([[0.5, 0.5, 0.12, 0.0]]), ink)
    elif kind < 0.4:
        fill(tile, [np.array([[0, 0.1], [0.4, 0.5], [0, 0.9]]) * side], order[3])
    elif kind < 0.5:
        fill(tile, [box(0.3, 0, 0.4, 1) * side, box(0, 0.45, 1, 0.55) * side], order[3])


def splatter(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Drops and runs of paint."""
    count = int(rng.integers(15, 60))
    spots = rng.random((count, 2))
    radii = np.sort(0.004 + 0.035 * rng.random(count) ** 4)[::-1]
    places = np.column_stack([spots, radii, rng.uniform(0, 6, count)])
    blob = shapes.polar(lambda a: 0.9 + 0.08 * np.sin(2 * a) + 0.07 * np.cos(5 * a), 16)
    red = np.array([150.0, 12.0, 18.0])
    several = rng.random() < 0.4
    order = colours if several else [red, red, red, colours[-1]]
    for number in range(3):
        stamp(tile, ((blob, number),), places[number::3], order)
    for spot, radius in zip(spots[:6], radii[:6], strict=True):
        low = spot[1] + rng.uniform(0.03, 0.16)
        run = box(spot[0] - 0.5 * radius, spot[1], spot[0] + 0.5 * radius, low)
        fill(tile, [run * tile.shape[0]], order[0])


def _grid(side: int) -> tuple[Layer, Layer]:
    spot = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    return spot[None], spot[:, None]
