"""Prints of cloth: one flat repeat or one picture for the whole cloth, and how it lies on it."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from mask2face import photos
from mask2face.errors import Mask2FaceError
from mask2face.facemasks import (
    fabric,
    print_covers,
    print_fields,
    print_figures,
    print_words,
    print_woven,
)
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.fabric import PRINTS
from mask2face.facemasks.garment import Cloth
from mask2face.facemasks.print_grins import grin
from mask2face.facemasks.print_woven import Colours

TILE = 96  # px, least side at which a print is painted
WIDE = 1.1  # face widths, across the whole cloth from u = -1 to 1
_LARGEST = 384  # px
_PICTURE = 512  # px, longer side of a picture that is kept

Painter = Callable[[Photo, Colours, np.random.Generator], None]
_TILES: dict[str, Painter] = {
    "dots": print_woven.dots,
    "stripes": print_woven.stripes,
    "checks": print_woven.checks,
    "tartan": print_woven.tartan,
    "houndstooth": print_woven.houndstooth,
    "herringbone": print_woven.herringbone,
    "geometric": print_woven.geometric,
    "florals": print_figures.florals,
    "paisley": print_figures.paisley,
    "leaves": print_figures.leaves,
    "hearts": print_figures.hearts,
    "stars": print_figures.stars,
    "figures": print_figures.figures,
    "skulls": print_figures.skulls,
    "letters": print_words.letters,
    "camouflage": print_fields.camouflage,
    "blotches": print_fields.blotches,
    "animal": print_fields.animal,
    "batik": print_fields.batik,
    "lace": print_fields.lace,
    "patches": print_fields.patches,
    "skin": print_fields.skin,
}
COVERS: dict[str, Painter] = {
    "word": print_words.word,
    "logo": print_covers.logo,
    "two_tone": print_covers.two_tone,
    "gradient": print_covers.gradient,
    "tie_dye": print_covers.tie_dye,
    "bands": print_covers.bands,
    "splatter": print_covers.splatter,
    "grin": grin,
}
"""Prints that a face mask bears once, from rim to rim."""
_REPEAT: dict[str, tuple[float, float]] = {  # face widths that one repeat takes, where not usual
    "dots": (0.1, 0.5),
    "houndstooth": (0.1, 0.3),
    "herringbone": (0.2, 0.6),
    "lace": (0.25, 0.5),
    "letters": (0.25, 0.9),
    "batik": (0.3, 0.8),
    "collage": (0.4, 1.1),
    "patches": (0.3, 1.0),
}


def printed(
    cloth: Cloth,
    pattern: str,
    own: Points,
    rng: np.random.Generator,
    photo: Photo | None = None,
    weight: float = 1.0,
) -> Layer:
    """The colours of a printed cloth.

    Args:
        cloth: the pixels; `u` and `v` go along the cloth at an even pace.
        pattern: one of `fabric.PRINTS`, or the path of a picture file.
        own: colour (3,) in [0, 1] that is printed on.
        rng: source of randomness.
        photo: uint8 (H, W, 3), of which "collage" takes pieces.
        weight: share of the print in what is seen, [0, 1].

    Returns:
        float32 (h, w, 3) in [0, 1].

    Raises:
        ValueError: as `print_tile`.
    """
    if pattern in COVERS:
        tile = print_tile(pattern, own, rng, photo, weight, round(WIDE * cloth.unit))
        return lay(tile, cloth.u, cloth.v, cloth.tall, WIDE, 0.0, (0.5, 0.5))
    low, high = _REPEAT.get(pattern, (0.15, 0.7))
    repeat = low * (high / low) ** rng.random()
    tile = print_tile(pattern, own, rng, photo, weight, round(repeat * cloth.unit))
    angle = rng.normal(0, 0.12) if rng.random() < 0.8 else rng.uniform(-0.8, 0.8)
    start = rng.random(2)
    if pattern == "plain":
        return np.full((*cloth.u.shape, 3), tile[0, 0], np.float32)
    place = (float(start[0]), float(start[1]))
    return lay(tile, cloth.u, cloth.v, cloth.tall, repeat, float(angle), place)


def print_tile(
    name: str,
    ground: Points,
    rng: np.random.Generator,
    photo: Photo | None = None,
    weight: float = 1.0,
    side: int = TILE,
) -> Layer:
    """One repeat of a print or, of those that a cloth bears once, the whole of it.

    Args:
        name: one of `fabric.PRINTS`, or the path of a picture file.
        ground: colour (3,) in [0, 1] that is printed on.
        rng: source of randomness.
        photo: uint8 (H, W, 3), of which "collage" takes pieces.
        weight: share of the print in what is seen, [0, 1].
        side: width in px; the same print at every size.

    Returns:
        float32 (side, side, 3) in [0, 1]; a picture keeps its proportions, the longer is `side`.

    Raises:
        ValueError: `name` is neither a print nor a picture that can be read, or `weight` is not
            in [0, 1].
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"a pattern's weight must be a number from 0 to 1, got {weight!r}")
    side = max(side, 4)
    if name in PRINTS:
        tile = _painted(name, ground, rng, photo, side)
    else:
        tile = _shrunk(_picture(name), side)
    if weight == 1:
        return tile * np.float32(1 / 255)
    base = ground.astype(np.float32)
    return base + (tile * np.float32(1 / 255) - base) * np.float32(weight)


def _painted(
    name: str, ground: Points, rng: np.random.Generator, photo: Photo | None, side: int
) -> Photo:
    large = TILE
    while large < side and large < _LARGEST:
        large *= 2
    tile = np.empty((large, large, 3), np.uint8)  # OpenCV draws text and smooth edges in 8 bits
    tile[:] = np.rint(ground * 255)
    colours = [ink * 255 for ink in [*fabric.inks(ground, rng), ground]]
    painter = _TILES.get(name) or COVERS.get(name)
    if painter is not None:
        painter(tile, colours, rng)
    elif name == "collage" and photo is not None:
        print_fields.collage(tile, photo, rng)
    return _shrunk(tile, side)


def _shrunk(picture: Photo, side: int) -> Photo:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return picture
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)


@lru_cache(maxsize=32)
def _picture(path: str) -> Photo:
    """A picture file as uint8 (H, W, 3) RGB, at most `_PICTURE` px."""
    if not path or (not Path(path).suffix and not Path(path).exists()):
        raise ValueError(
            f"pattern must be one of {', '.join(PRINTS)}, or the path of a picture file, "
            f"got {path!r}"
        )
    try:
        pixels = photos.read(path).pixels
    except Mask2FaceError as error:
        raise ValueError(
            f"the pattern {path!r} cannot be read ({error}): give the path of a JPEG or PNG "
            "picture, or the name of a print"
        ) from error
    return _shrunk(pixels, _PICTURE) if max(pixels.shape[:2]) > _PICTURE else pixels


def lay(
    tile: Layer,
    u: Layer,
    v: Layer,
    tall: float,
    repeat: float,
    angle: float,
    start: tuple[float, float] = (0.5, 0.5),
) -> Layer:
    """The print on the cloth.

    Args:
        tile: float32 (S, T, 3), one repeat.
        u: (h, w), -1 ... 1 across the cloth.
        v: (h, w), 0 ... 1 down the cloth.
        tall: height of the cloth in face widths, so that the print keeps its proportions.
        repeat: width of a tile in face widths.
        angle: of the print, radians.
        start: which point of the tile, x, y in [0, 1], lies in the middle of the cloth.

    Returns:
        float32 (h, w, 3) in [0, 1].
    """
    height, width = tile.shape[:2]
    scale = width / repeat
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    half, long = WIDE / 2, tall
    x = u * np.float32(cos * half) - v * np.float32(sin * long)
    x += np.float32(start[0] * width + 0.5 * sin * long)
    y = u * np.float32(sin * half) + v * np.float32(cos * long)
    y += np.float32(start[1] * height - 0.5 * cos * long)
    _wrap(x, width)
    _wrap(y, height)
    ring = cv2.copyMakeBorder(tile, 0, 1, 0, 1, cv2.BORDER_WRAP)
    return np.asarray(cv2.remap(ring, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _wrap(place: Layer, length: int) -> None:
    """Bring pixel coordinates into [0, length] in place; faster than the remainder."""
    place -= np.floor(place * np.float32(1 / length)) * np.float32(length)


def any_print(rng: np.random.Generator, plain: float) -> str:
    """Name of a print; "plain" with the probability `plain`."""
    return "plain" if rng.random() < plain else PRINTS[int(rng.integers(1, len(PRINTS)))]
