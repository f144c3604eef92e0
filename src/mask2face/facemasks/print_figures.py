"""Prints of figures, in rows or strewn: blossoms, paisley, leaves, hearts, stars, heads, skulls.

Painters as in `print_woven`.
"""

from collections.abc import Sequence

import numpy as np

from mask2face.facemasks import print_shapes as shapes
from mask2face.facemasks.drawn import Photo
from mask2face.facemasks.print_shapes import Figure, scattered, stamp
from mask2face.facemasks.print_woven import Colours


def florals(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Blossoms, few and large or many and small, with leaves or sprigs between them."""
    cells = int(rng.integers(2, 6))
    filled = rng.uniform(0.35, 1.0)
    green = np.array([60.0, 95.0, 55.0]) * rng.uniform(0.6, 1.7)
    greens = list(colours)
    if rng.random() < 0.5:
        greens[:2] = green, green * 0.75
    filler = shapes.sprig() if rng.random() < 0.5 else shapes.leaf()
    jitter = rng.uniform(0.05, 0.4)
    stamp(tile, filler, scattered(rng, cells, filled, 0.5, jitter, 3.2), greens)
    for _ in range(1 if cells > 3 else 2):
        bloom = shapes.flower(int(rng.integers(4, 9)), float(rng.choice([0.25, 0.45, 0.7])))
        size = rng.uniform(0.25, 0.6)
        order = [colours[i] for i in rng.permutation(3)]
        places = scattered(rng, cells, filled, float(size), float(jitter), 3.2)
        stamp(tile, bloom, places, [*order, colours[-1]])


def paisley(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Bent drops of two sizes, with small blossoms: a bandana."""
    places = scattered(rng, 2, 1.0, rng.uniform(0.55, 0.8), 0.12, 0.8)
    places[len(places) // 2 :, 3] += np.pi
    stamp(tile, shapes.flower(6, 0.5), scattered(rng, 5, 0.6, 0.3, 0.2, 3.2), colours)
    stamp(tile, shapes.paisley(), places, colours)
    stamp(tile, shapes.flower(8, 0.6), scattered(rng, 2, 0.75, 0.22, 0.4, 3.2), colours)


def leaves(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Leaves or sprigs all over."""
    figure = shapes.leaf() if rng.random() < 0.6 else shapes.sprig()
    turn = float(rng.choice([0.5, 3.2]))
    for number in range(2):
        order = [*np.roll(np.array(colours[:3]), number, axis=0), colours[-1]]
        cells = int(rng.integers(2, 6))
        stamp(tile, figure, scattered(rng, cells, 0.8, 0.55, 0.3, turn), order)


def hearts(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Hearts in rows or strewn."""
    _rows(tile, [shapes.heart()], colours, rng)


def stars(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Stars in rows or strewn."""
    _rows(tile, [shapes.star(int(rng.choice([4, 5, 5, 6, 8])))], colours, rng)


def figures(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Small pictures: heads of cats and bears, cherries, fish, rings."""
    kinds = [shapes.cat, shapes.bear, shapes.cherry, shapes.fish, shapes.drop, shapes.heart]
    chosen = rng.permutation(len(kinds))[: int(rng.integers(1, 3))]
    _rows(tile, [kinds[int(i)]() for i in chosen], colours, rng)


def skulls(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Skulls, sometimes with stars."""
    chosen = [shapes.skull()]
    if rng.random() < 0.4:
        chosen.append(shapes.star(5))
    _rows(tile, chosen, colours, rng)


def _rows(
    tile: Photo, chosen: Sequence[Figure], colours: Colours, rng: np.random.Generator
) -> None:
    cells = int(rng.integers(2, 6))
    strewn = rng.random() < 0.5
    turn = rng.uniform(0.2, 0.9) if strewn else 0.0
    filled = rng.uniform(0.6, 1.0) if strewn else 1.0
    size = rng.uniform(0.25, 0.48)
    places = scattered(rng, cells, filled, float(size), 0.2 if strewn else 0.0, float(turn))
    for number, figure in enumerate(chosen):
        order = [*np.roll(np.array(colours[:3]), number, axis=0), colours[-1]]
        stamp(tile, figure, places[number :: len(chosen)], order)
