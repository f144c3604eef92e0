"""Sharpness and grain of a fill that is larger in the photo than the net drew it.

What the net draws holds nothing finer than its own pixels. Pasted into a sharper photo it looks
soft, and too clean. So its edges are steepened (unsharp masking), and each band of fine detail gets
the noise that it lacks beside the smooth skin around it (noise matching by bands, as in film-grain
synthesis). No detail of a face is invented here; noise has no shape.
"""

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
    return inside.astype(np.float32)


def sharpen(fill: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Steepen the edges of an enlarged picture.

    Args:
        fill: (h, w, 3) in levels, 0 to 255.
        scale: how many times it was enlarged; up to 1 it stays as it is, from 2 on the amount is
            the full one.
    """
    if scale <= 1:
        return fill
    amount = AMOUNT * min(1.0, scale - 1)
    return np.asarray(fill + amount * (fill - cv2.GaussianBlur(fill, (0, 0), scale)), np.float32)


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
    grain = np.zeros(weight.shape, np.float32)
    layers = (_bands(layer, count) for layer in (photo @ _LUMA, fill @ _LUMA, noise(skin, origin)))
    for most, there, here, band in zip(MOST, *layers, strict=False):
        lacking = _strength(there, skin) ** 2 - _strength(here, filled) ** 2
        if lacking > 0:
            grain += band * np.float32(min(most, lacking**0.5) / max(float(band.std()), 1e-6))
    return fill + grain[..., None]


def noise(like: NDArray[np.generic], origin: tuple[int, int]) -> NDArray[np.float32]:
    """Return noise, (h, w) as `like`: mean 0, deviation 1, the sum of four hashed bytes.

    The hash of a pixel's place is Wellons' lowbias32 (hash-prospector, 2018): 32-bit integers only,
    so that other languages get the same numbers.

    Args:
        like: gives the shape.
        origin: x, y of the first pixel.
    """
    height, width = like.shape[:2]
    y = (np.arange(height, dtype=np.uint32) + np.uint32(origin[1]))[:, None]
    x = (np.arange(width, dtype=np.uint32) + np.uint32(origin[0]))[None]
    bits = (x * np.uint32(0x9E3779B1)) ^ (y * np.uint32(0x85EBCA77))
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(factor)
    bits ^= bits >> np.uint32(16)
    total = sum(
        ((bits >> np.uint32(8 * byte)) & np.uint32(255)).astype(np.float32) for byte in range(4)
    )
    return np.asarray((total - 510) / np.float32(147.8), np.float32)  # 4 bytes, each 0 to 255


def _bands(grey: NDArray[np.float32], count: int) -> list[NDArray[np.float32]]:
    """Return `count` bands of detail, the finest first, each an octave."""
    found, finer = [], grey
    for band in range(count):
        coarser = np.asarray(cv2.GaussianBlur(grey, (0, 0), _FINEST * 2**band), np.float32)
        found.append(finer - coarser)
        finer = coarser
    return found


def _strength(band: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    """Return the standard deviation of a band where it is smooth."""
    local = cv2.blur(band * band, (_AROUND, _AROUND))
    return float(np.sqrt(np.percentile(local[where], _SMOOTH)))
