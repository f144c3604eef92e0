"""Sharpness and grain of a fill that is larger in the photo than the net drew it.

What the net draws holds nothing finer than its own pixels. Pasted into a sharper photo it looks
soft, and too clean. So its edges are steepened (unsharp masking), and each band of fine detail gets
the noise that it lacks beside the smooth skin around it (noise matching by bands, as in film-grain
synthesis). No detail of a face is invented here; noise has no shape.
"""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

AMOUNT: Final = (
    0.6  # of unsharp masking: looked at on real photos at 1.5 to 4 times the net's scale
)
# Levels: standard deviation of the noise added to a band at most, the finest first. Coarse noise is
# seen as blotches before it is seen as grain.
MOST: Final = (3.0, 2.0, 1.5, 1.0)
_FINEST: Final = 0.8  # px, standard deviation of the blur that ends the finest band
_TILE: Final = 512  # px: the noise repeats after so many, and no more are measured at a time
_WIDE: Final = 32  # px, beyond which the widest blur reaches no more
_AROUND: Final = 9  # px, side of the square in which a band's strength is measured
_SMOOTH: Final = 20  # percent of the places count as smooth: the others hold eyes, hair, edges
_ENOUGH: Final = 200  # px of skin to measure on
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
# The part of the crop, in sides, where skin is measured: forehead, cheeks.
_MIDDLE: Final = (0.5, 0.38)
_RADII: Final = (0.24, 0.22)


def upper_face(side: int) -> NDArray[np.float32]:
    """Return where an aligned crop shows forehead and cheeks: float32 (side, side), 1 there."""
    y, x = (np.indices((side, side)) + 0.5) / side
    inside = ((x - _MIDDLE[0]) / _RADII[0]) ** 2 + ((y - _MIDDLE[1]) / _RADII[1]) ** 2 < 1
    return np.asarray(inside, np.float32)


def sharpen(crop: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Steepen the edges of a picture that is to be enlarged.

    Args:
        crop: uint8 (h, w, 3).
        scale: how many times it will be enlarged; up to 1 it stays as it is, from 2 on the amount
            is the full one.
    """
    if scale <= 1:
        return crop
    amount = AMOUNT * min(1.0, scale - 1)
    soft = cv2.GaussianBlur(crop.astype(np.float32), (0, 0), 1.0)
    return np.asarray(np.rint(np.clip(crop + amount * (crop - soft), 0, 255)), np.uint8)


def add_grain(
    fill: NDArray[np.float32],
    photo: NDArray[np.float32],
    weight: NDArray[np.float32],
    skin: NDArray[np.bool_],
    origin: tuple[int, int],
    scale: float,
) -> NDArray[np.float32]:
    """Add the fine noise that `photo` has on smooth skin and `fill` lacks.

    The noise is grey and a function of the place in the photo alone: the same photo gives the same
    picture on every machine.

    Args:
        fill: what is to be pasted, (h, w, 3) in levels, 0 to 255.
        photo: the photo there, (h, w, 3).
        weight: of the fill, (h, w) in [0, 1].
        skin: (h, w), where the photo shows the upper face.
        origin: x, y of the first pixel in the whole photo.
        scale: photo pixels in a pixel of the net.
    """
    filled = weight > 0.5
    if np.count_nonzero(skin) < _ENOUGH or not filled.any():
        return fill
    count = min(len(MOST), 2 + int(np.log2(max(scale, 1))))
    strengths = zip(_strengths(photo, skin, count), _strengths(fill, filled, count), strict=True)
    tile = np.zeros((_TILE, _TILE), np.float32)
    for most, band, (there, here) in zip(MOST, _noise_bands(), strengths, strict=False):
        tile += band * np.float32(min(most, max(0.0, there**2 - here**2) ** 0.5))
    if not tile.any():
        return fill
    rows, columns = (
        (np.arange(size) + start) % _TILE
        for size, start in zip(weight.shape, origin[::-1], strict=True)
    )
    return np.asarray(fill + tile[rows[:, None], columns[None]][..., None], np.float32)


def noise(side: int) -> NDArray[np.float32]:
    """Return white noise, float32 (side, side): mean 0, deviation 1, sums of four hashed bytes.

    The hash of a pixel's place is Wellons' lowbias32 (hash-prospector, 2018): 32-bit integers only,
    so that other languages get the same numbers.
    """
    place = np.arange(side, dtype=np.uint32)
    bits = (place[None] * np.uint32(0x9E3779B1)) ^ (place[:, None] * np.uint32(0x85EBCA77))
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(factor)
    bits ^= bits >> np.uint32(16)
    total = np.zeros((side, side), np.float32)
    for byte in range(4):
        total += (bits >> np.uint32(8 * byte)) & np.uint32(255)
    return (total - 510) / np.float32(147.8)  # each byte has mean 127.5 and deviation 73.9


@lru_cache(maxsize=1)
def _noise_bands() -> list[NDArray[np.float32]]:
    """Return the bands of a tile of noise, each with deviation 1."""
    wrapped = np.pad(noise(_TILE), _WIDE, mode="wrap")
    inner = slice(_WIDE, -_WIDE)
    bands = [band[inner, inner] for band in _bands(wrapped, len(MOST))]
    return [band / np.float32(band.std()) for band in bands]


def _bands(grey: NDArray[np.float32], count: int) -> list[NDArray[np.float32]]:
    """Return `count` bands of detail, the finest first, each an octave."""
    found, finer = [], grey
    for band in range(count):
        coarser = np.asarray(cv2.GaussianBlur(grey, (0, 0), _FINEST * 2**band), np.float32)
        found.append(finer - coarser)
        finer = coarser
    return found


def _strengths(picture: NDArray[np.float32], where: NDArray[np.bool_], count: int) -> list[float]:
    """Return the standard deviation of each band where it is smooth, in the middle of `where`."""
    window = _middle(where)
    grey, here = picture[window] @ _LUMA, where[window]
    found = []
    for band in _bands(grey, count):
        local = cv2.blur(band * band, (_AROUND, _AROUND))
        found.append(float(np.sqrt(np.percentile(local[here], _SMOOTH))) if here.any() else 0.0)
    return found


def _middle(where: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the window of at most a tile around the middle of the box of `where`."""
    window = []
    for axis in (1, 0):
        found = np.flatnonzero(where.any(axis=axis))
        first, end = int(found[0]), int(found[-1]) + 1
        if end - first > _TILE:
            first = (first + end - _TILE) // 2
            end = first + _TILE
        window.append(slice(first, end))
    return window[0], window[1]
