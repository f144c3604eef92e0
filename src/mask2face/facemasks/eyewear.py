"""The wearer's own glasses: found in the photo, and put back before a drawn face mask's rim."""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.compositing import Window, window_around
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points, check

FINE: Final = 100  # px of the patch per face width
WIDE: Final = 121  # px of the patch around the eyes
TALL: Final = 61
MIDDLE: Final = (60, 25)  # column and row of the point midway between the eyes
LINE: Final = 9  # px: frames are thinner than this
# Logistic regression on 240 train faces of CelebA and LFW labelled by eye, 43 with glasses; on 141
# validation faces it finds 28 of 36 pairs, with 16 false alarms.
WEIGHTS: Final = (1.52, 1.92, -1.67, 1.44)  # temple, bridge, below the eye, beside the eye
BIAS: Final = 7.7
WORN: Final = 0.2  # from this probability on a face counts as one with glasses


def _patch(photo: Photo, points: Points) -> tuple[Layer, NDArray[np.float64]]:
    """The level eye region, luma over that of bright skin, and the matrix patch -> photo."""
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    along = (right - left) / max(float(np.hypot(*(right - left))), 1e-6)
    height = float(np.hypot(*(points[8] - points[27])))
    unit = max(float(np.hypot(*(points[16] - points[0]))), 1.05 * height, 4.0)
    linear = np.column_stack([along, (-along[1], along[0])]) * (unit / FINE)
    shift = (left + right) / 2 - linear @ MIDDLE
    matrix = np.column_stack([linear, shift]).astype(np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(
        photo, matrix, (WIDE, TALL), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    grey = cv2.GaussianBlur(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32), (5, 5), 0.8)
    bright = np.partition(grey[:51].ravel(), int(0.8 * 51 * WIDE))[int(0.8 * 51 * WIDE)]
    return grey / np.float32(max(float(bright), 20.0)), matrix


def _lines(patch: Layer, kernel: tuple[int, int]) -> Layer:
    """How much a line thinner than the kernel stands out, dark or bright."""
    box = np.ones(kernel, np.uint8)
    dark = cv2.morphologyEx(patch, cv2.MORPH_CLOSE, box) - patch
    bright = patch - cv2.morphologyEx(patch, cv2.MORPH_OPEN, box)
    return np.asarray(np.maximum(dark, bright))


def _features(patch: Layer, level: Layer) -> list[float]:
    """What tells glasses: `level` is the strength of level lines."""
    steps = np.abs(np.diff(patch, axis=0))
    edges = np.minimum(np.abs(patch[2:] - patch[:-2]), 0.5)
    temple = max(float(np.median(level[12:32, a:b].max(axis=0))) for a, b in ((4, 14), (107, 117)))
    bridge = float(np.median(steps[10:38, 54:67], axis=1).max())
    below = np.concatenate([edges[29:38, 35:46], edges[29:38, 75:86]]).mean()
    beside = np.concatenate([edges[20:29, 15:26], edges[20:29, 95:106]]).mean()
    return [float(np.log(max(value, 1e-3))) for value in (temple, bridge, below, beside)]


def _worn(patch: Layer, level: Layer) -> float:
    score = float(np.dot(WEIGHTS, _features(patch, level))) + BIAS
    return float(1 / (1 + np.exp(-score)))


def worn(photo: Photo, landmarks: Points) -> float:
    """Guess whether a face wears glasses.

    Args:
        photo: uint8 (H, W, 3) RGB.
        landmarks: (68, 2) x, y in photo px, iBUG order.

    Returns:
        A probability in [0, 1].

    Raises:
        ValueError: an argument has the wrong type or shape.
    """
    check(photo, landmarks)
    patch, _ = _patch(photo, landmarks)
    return _worn(patch, _lines(patch, (LINE, 1)))


def matte(photo: Photo, landmarks: Points) -> tuple[Layer, Window] | None:
    """Find the bridge and the lower rims of glasses, and dark lenses.

    A face without glasses that is taken for one with them loses nothing: only thin lines and dark
    patches from the eyelids to about 0.2 face widths below the eyes are ever in the matte.

    Args:
        photo: uint8 (H, W, 3) RGB.
        landmarks: (68, 2) x, y in photo px, iBUG order.

    Returns:
        float32 (h, w) in [0, 1], 1 = glasses, and where it lies; None = no glasses.

    Raises:
        ValueError: an argument has the wrong type or shape.
    """
    check(photo, landmarks)
    patch, matrix = _patch(photo, landmarks)
    level = _lines(patch, (LINE, 1))
    chance = _worn(patch, level)
    if chance < WORN:
        return None
    corners = np.array([(0, 0), (WIDE, 0), (0, TALL), (WIDE, TALL)]) @ matrix[:, :2].T
    window = window_around(corners + matrix[:, 2], 1, photo)
    if window is None:
        return None
    lines = np.maximum(level, _lines(patch, (1, LINE)))
    kept = _smooth(lines, 0.07, 0.2)
    under = patch[31:36]
    if max(float(np.median(under[:, 28:48])), float(np.median(under[:, 73:93]))) < 0.5:
        kept = np.maximum(kept, _smooth(-patch, -0.55, -0.4) * _box(0.4))
    kept = np.asarray(kept * _box(0.52), np.float32)
    matrix[:, 2] -= (window.x0, window.y0)
    back = cv2.warpAffine(kept, matrix, window.shape[::-1], flags=cv2.INTER_LINEAR)
    back[back > 1 - 1 / 256] = 1
    return np.asarray(back), window


def _smooth(layer: Layer, low: float, high: float) -> Layer:
    share = np.clip((layer - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def _box(half: float) -> Layer:
    """Where glasses may be: `half` face widths to each side, 0.2 below, not on the nose."""
    x = np.abs(np.arange(WIDE, dtype=np.float32) - MIDDLE[0]) / FINE
    y = (np.arange(TALL, dtype=np.float32) - MIDDLE[1])[:, None] / FINE
    beside = np.clip((x - 0.05 - 0.5 * y) * 25, 0, 1)  # of the nose, which widens downwards
    beside = np.maximum(beside, np.clip((0.04 - y) * 25, 0, 1))  # the bridge lies above
    return np.asarray(np.clip((half - x) * 20, 0, 1) * np.clip((0.22 - y) * 20, 0, 1) * beside)


def keep_in_front(drawn: Drawn, photo: Photo, landmarks: Points) -> Drawn:
    """Put the wearer's own glasses back in front of a drawn face mask.

    Args:
        drawn: the face mask on the photo, before anything else is put in front; not changed.
        photo: uint8 (H, W, 3) RGB, without the face mask.
        landmarks: (68, 2) x, y in photo px, iBUG order.

    Returns:
        The same, without the glasses' frame in hole and drawing; `drawn` itself without glasses.

    Raises:
        ValueError: an argument has the wrong type or shape.
    """
    found = matte(photo, landmarks)
    if found is None:
        return drawn
    kept, window = found
    result, hole = drawn.photo.copy(), drawn.hole.copy()
    below = photo if drawn.bare is None else drawn.bare
    view = window.of(result)
    layers = (window.of(below).astype(np.float32), view.astype(np.float32))
    view[:] = cv2.convertScaleAbs(cv2.blendLinear(*layers, kept, 1 - kept))
    window.of(hole)[:] *= 1 - kept
    return replace(drawn, photo=result, hole=hole)
