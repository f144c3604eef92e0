"""Prints of straight lines: dots, stripes, checks, tartan, houndstooth, geometric ones.

A painter takes (tile uint8 (S, S, 3) filled with the ground, four colours (3,) in 8-bit range of
which the last is the ground, rng) and paints one repeat in place; S does not change what is drawn.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from mask2face.facemasks import print_shapes as shapes
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.print_shapes import ink_of, scattered, soak, stamp

Colours = Sequence[Points]
_FINE = 4  # samples a pixel of lines


def dots(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Dots in rows or set off, large or small."""
    cells = int(rng.integers(2, 7))
    places = scattered(rng, cells, 1.0, 0.0, 0.0 if rng.random() < 0.8 else 0.3, 0.0)
    places[:, 2] = rng.uniform(0.1, 0.38) / cells
    disc = shapes.disc(0, 0, 1, 1, 20)
    half = len(places) // 2 if rng.random() < 0.25 else len(places)
    stamp(tile, ((disc, 0),), places[:half], colours)
    if half < len(places):
        stamp(tile, ((disc, 1),), places[half:], colours)


def stripes(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Bands along or across, all alike or of several widths and colours."""
    line = _sett(rng, colours, int(rng.integers(1, 4)), int(rng.integers(1, 5)), tile.shape[0])
    if rng.random() < 0.5:
        tile[:] = line[:, None]
    else:
        tile[:] = line[None]


def checks(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Gingham, windowpane or a chessboard."""
    side, count = tile.shape[0], int(rng.integers(2, 9))
    kind = rng.random()
    width = 0.5 if kind < 0.7 else rng.uniform(0.06, 0.2)
    on = _bands([0.0, width], count, side)
    across, down = on[None, :], on[:, None]
    if kind < 0.5:  # threads of both ways mix
        share = (across + down) / 2
    elif kind < 0.7:
        share = across + down - 2 * across * down
    else:
        share = np.maximum(across, down)
    soak(tile, colours[0], share)


def tartan(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Bands of several colours that cross, with thin bright lines."""
    side = tile.shape[0]
    warp = _sett(rng, colours, int(rng.integers(3, 6)), 1, side)
    weft = warp if rng.random() < 0.7 else _sett(rng, colours, int(rng.integers(3, 6)), 1, side)
    tile[:] = (warp[None] + weft[:, None]) * np.float32(0.5)


def houndstooth(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Four threads dark, four light, in a 2/2 twill: broken checks with teeth."""
    side, count = tile.shape[0], int(rng.integers(2, 6))
    index = np.arange(8)
    dark = index < 4
    over = (index[None] - index[:, None]) % 4 < 2
    cell = np.where(over, dark[None], dark[:, None]).astype(np.float32)
    many = np.tile(cell, (count, count))
    share = cv2.resize(many, (side, side), interpolation=cv2.INTER_AREA)
    soak(tile, colours[0] * 0.35, np.asarray(share, np.float32))


def herringbone(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Slanted lines that change their way from column to column."""
    side, columns = tile.shape[0], 2 * int(rng.integers(1, 4))
    spot = np.arange(side, dtype=np.float32) / side
    zigzag = np.abs(2 * ((spot * columns / 2) % 1) - 1) * rng.uniform(0.8, 1.6)
    lines = columns * int(rng.integers(1, 3))
    phase = (spot[:, None] * lines + zigzag[None] * lines / columns * 2) % 1
    share = ((np.abs(phase - 0.5) - 0.25) * (side / lines) + 0.5).clip(0, 1)
    grain = rng.random((side, side), dtype=np.float32)
    soak(tile, colours[0], share * (0.6 + 0.4 * grain))


def geometric(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Triangles, diamonds, framed boxes, rings that cross, or a net of lines."""
    kind = int(rng.integers(5))
    if kind == 0:
        _triangles(tile, colours, rng)
    elif kind == 1:
        _diamonds(tile, colours, rng)
    elif kind == 2:
        _boxes(tile, colours, rng)
    elif kind == 3:
        cells = int(rng.integers(2, 5))
        places = scattered(rng, cells, 1.0, 0.7, 0.0, 0.0)
        _outlines(tile, shapes.disc(0, 0, 1, 1, 24), places, colours[0], rng.uniform(0.02, 0.05))
    else:
        _net(tile, colours, rng)


def _bands(cuts: Sequence[float], count: int, side: int) -> Layer:
    """Share (side,) of each pixel that lies between cuts[0] and cuts[1] of `count` periods."""
    phase = (np.arange(side * _FINE) + 0.5) / (side * _FINE) * count % 1
    inside = (phase >= cuts[0]) & (phase < cuts[1])
    return np.asarray(inside.reshape(side, _FINE).mean(axis=1, dtype=np.float32))


def _sett(rng: np.random.Generator, colours: Colours, bands: int, count: int, side: int) -> Layer:
    """Colours (side, 3) along a line: bands of random widths on the ground, `count` periods."""
    line = np.tile(np.asarray(colours[-1], np.float32), (side, 1))
    for number in range(bands):
        width = rng.uniform(0.25, 0.5) if number == 0 else rng.uniform(0.02, 0.14)
        start = 0.0 if number == 0 else rng.uniform(0, 1 - width)
        share = _bands([start, start + width], count, side)[:, None]
        line += (np.asarray(colours[number % 3], np.float32) - line) * share
    return line


def _outlines(tile: Photo, polygon: Points, places: Points, ink: Points, width: float) -> None:
    side = tile.shape[0]
    every = shapes.wrapped(places)
    lines = (polygon[None] * every[:, 2, None, None] + every[:, None, :2]) * side
    fixed = np.rint(lines * 2**shapes.SHIFT).astype(np.int32)
    thick = max(1, round(width * side))
    cv2.polylines(tile, list(fixed), True, ink_of(ink), thick, cv2.LINE_AA, shapes.SHIFT)


def _triangles(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    side, cells = tile.shape[0], int(rng.integers(2, 6))
    step = side / cells
    for row in range(cells):
        for column in range(cells):
            corner = np.array([column, row]) * step
            flip = rng.random() < 0.5
            points = [[0, 0], [1, 0], [0, 1]] if flip else [[0, 0], [1, 0], [1, 1]]
            ink = colours[int(rng.integers(3))]
            shapes.fill(tile, [np.array(points) * step + corner], ink)


def _diamonds(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    cells = int(rng.integers(1, 4))
    diamond = np.array([[0, -1], [0.62, 0], [0, 1], [-0.62, 0]])
    places = scattered(rng, cells, 1.0, 0.5, 0.0, 0.0)
    places[:, 2] = 0.5 / cells
    stamp(tile, ((diamond, 0), (diamond * rng.uniform(0.3, 0.8), 1)), places, colours)
    places[:, :2] = (places[:, :2] + 0.5 / cells) % 1
    _outlines(tile, diamond, places, colours[2], 0.012)


def _boxes(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    side, cells = tile.shape[0], int(rng.integers(2, 6))
    choices = np.array(colours)[rng.integers(0, 4, (cells, cells))]
    grid = choices.astype(np.uint8)
    tile[:] = cv2.resize(grid, (side, side), interpolation=cv2.INTER_NEAREST)
    if rng.random() < 0.6:
        frame = 1 - _bands([0.0, 1 - rng.uniform(0.06, 0.2)], cells, side)
        share = np.maximum(frame[None], frame[:, None])
        soak(tile, np.full(3, 15.0), share)


def _net(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    side, count = tile.shape[0], int(rng.integers(1, 5))
    spot = np.arange(side, dtype=np.float32) / side * count
    lines = [spot[:, None] + spot[None], spot[:, None] - spot[None]]
    if rng.random() < 0.5:
        lines += [np.broadcast_to(2 * spot[:, None], (side, side))]
    width = rng.uniform(0.02, 0.06) * count
    for phase in lines:
        share = ((width - np.abs(phase - np.floor(phase) - 0.5)) * (side / count) + 0.5).clip(0, 1)
        soak(tile, colours[1], share)
