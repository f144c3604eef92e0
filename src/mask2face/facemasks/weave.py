"""The fine structure of cloth: threads, ribs, knit, bonded fibres, embossed points, holes."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.drawn import Layer
from mask2face.facemasks.garment import Cloth
from mask2face.facemasks.prints import WIDE

_SIDE = 64  # px, one repeat of a structure; a power of 2
_FINEST, _SEEN = 2.2, 4.5  # px a thread: no finer one is drawn; from here on it is drawn in full

WEAVES = (
    "smooth",
    "plain",
    "twill",
    "rib",
    "knit",
    "melange",
    "felt",
    "embossed",
    "mesh",
    "holes",
    "quilt",
)
# of each: periods a repeat; least and largest period in face widths; largest depth in tone; relief
# in face widths for one period of one face width
_FACTS: dict[str, tuple[int, float, float, float, float]] = {
    "plain": (8, 0.008, 0.022, 0.16, 0.12),
    "twill": (8, 0.008, 0.028, 0.16, 0.12),
    "rib": (8, 0.014, 0.05, 0.25, 0.2),
    "knit": (8, 0.012, 0.035, 0.22, 0.16),
    "melange": (16, 0.012, 0.03, 0.3, 0.0),
    "felt": (8, 0.012, 0.04, 0.05, 0.02),
    "embossed": (8, 0.016, 0.035, 0.14, 0.12),
    "mesh": (8, 0.014, 0.035, 0.5, 0.1),
    "holes": (2, 0.06, 0.16, 0.85, 0.05),
    "quilt": (2, 0.08, 0.2, 0.12, 0.03),
}


def weave(cloth: Cloth, kind: str, rng: np.random.Generator) -> tuple[Layer, Layer]:
    """The structure of the cloth.

    It fades where its period comes near a pixel, so that it never flickers.

    Args:
        cloth: the pixels; `u` and `v` go along the cloth at an even pace.
        kind: one of `WEAVES`.
        rng: source of randomness.

    Returns:
        Tone, float32 (h, w) about 1, that the colours are multiplied with; and height, float32
        (h, w) in face widths.

    Raises:
        ValueError: `kind` is not one of `WEAVES`.
    """
    if kind not in WEAVES:
        raise ValueError(f"weave must be one of {', '.join(WEAVES)}, got {kind!r}")
    shape = cloth.u.shape
    if kind == "smooth":
        return np.ones(shape, np.float32), np.zeros(shape, np.float32)
    periods, least, largest, depth, raised = _FACTS[kind]
    period = least * (largest / least) ** rng.random()
    depth *= rng.uniform(0.3, 1.0)
    start, slant = (rng.random(2) + 64) * _SIDE, rng.normal(0, 0.04)  # never below 0
    if period * cloth.unit <= _FINEST:
        return np.ones(shape, np.float32), np.zeros(shape, np.float32)
    scale = _SIDE / (periods * period)  # px of the repeat for one face width
    x = cloth.u * np.float32(scale * WIDE / 2) + np.float32(start[0])
    y = cloth.v * np.float32(scale * cloth.tall) + np.float32(start[1])
    y += x * np.float32(slant)
    shown = _shown(x, y, _SIDE / periods)
    index = ((y.astype(np.int32) & (_SIDE - 1)) << 6) + (x.astype(np.int32) & (_SIDE - 1))
    structure = _repeat(kind).take(index) * shown
    tone = structure * np.float32(depth) + np.float32(1)
    return tone, structure * np.float32(raised * period * rng.uniform(0.3, 1.0))


def any_weave(rng: np.random.Generator, family: str = "cloth") -> str:
    """A weave as often as the family of face masks has it.

    Args:
        rng: source of randomness.
        family: "cloth" (of one colour), "printed", "surgical", "n95" or "scarf".

    Raises:
        ValueError: the family is not one of these.
    """
    if family not in _FAMILIES:
        raise ValueError(f"family must be one of {', '.join(_FAMILIES)}, got {family!r}")
    draw = rng.random()
    for share, kind in _FAMILIES[family]:
        draw -= share
        if draw < 0:
            return kind
    return "smooth"


_FAMILIES: dict[str, tuple[tuple[float, str], ...]] = {  # the rest is smooth
    "cloth": (
        (0.24, "plain"),
        (0.12, "twill"),
        (0.08, "rib"),
        (0.1, "knit"),
        (0.07, "melange"),
        (0.06, "mesh"),
        (0.04, "holes"),
        (0.02, "quilt"),
    ),
    "printed": ((0.3, "plain"), (0.12, "twill"), (0.08, "knit"), (0.02, "mesh"), (0.02, "rib")),
    "surgical": ((0.45, "felt"), (0.3, "embossed"), (0.05, "plain")),
    "n95": ((0.6, "felt"), (0.12, "embossed"), (0.04, "mesh")),
    "scarf": ((0.25, "plain"), (0.25, "knit"), (0.15, "rib"), (0.1, "melange")),
}


def _shown(x: Layer, y: Layer, period: float) -> Layer:
    """How much of a structure a pixel can show, (h, w) in [0, 1]: the steps of x and y per px."""
    steps = np.full(x.shape, np.inf, np.float32)
    if min(x.shape) > 1:
        across, down = np.abs(np.diff(x, axis=1)), np.abs(np.diff(y, axis=0))
        steps[:, 1:] = across
        steps[:, 0] = across[:, 0]
        np.maximum(steps[1:], down, out=steps[1:])
    sharp = np.float32(period) / np.maximum(steps, np.float32(1e-6))  # px a period
    share = (sharp - np.float32(_FINEST)) * np.float32(1 / (_SEEN - _FINEST))
    return np.asarray(share.clip(0, 1))


@lru_cache(maxsize=len(WEAVES))
def _repeat(kind: str) -> NDArray[np.float32]:
    """One repeat, (_SIDE * _SIDE,), mean about 0, from about -1 in the gaps to 1 on the threads."""
    count = _FACTS[kind][0]
    phase = (np.arange(_SIDE, dtype=np.float32) + 0.5) / _SIDE * count * 2 * np.pi
    x, y = phase[None], phase[:, None]
    if kind == "plain":
        field = np.cos(x) * np.cos(y)
    elif kind == "twill":
        field = np.cos(x + y) + 0.3 * np.cos(x - y)
    elif kind == "rib":
        field = np.broadcast_to(1.6 * np.abs(np.cos(x / 2)) - 1, (_SIDE, _SIDE))
    elif kind == "knit":
        leg = np.abs((x / (2 * np.pi)) % 1 - 0.5) * 2
        field = 0.6 * np.cos(y + np.pi * leg) - 0.6 * np.cos(2 * np.pi * leg)
    elif kind in ("melange", "felt"):
        noise = np.random.default_rng(0).standard_normal((_SIDE, _SIDE)).astype(np.float32)
        ring = np.tile(noise, (3, 3))
        across = (0.8, 1.6) if kind == "melange" else (1.6, 1.6)
        blurred = cv2.GaussianBlur(ring, (0, 0), across[0], sigmaY=across[1])
        field = blurred[_SIDE : 2 * _SIDE, _SIDE : 2 * _SIDE]
        field = field / field.std() * 0.6
    elif kind == "quilt":
        field = np.abs(np.sin((x + y) / 2) * np.sin((x - y) / 2)) ** 0.4 * 2 - 1.3
    else:  # rows of points, every other row set off
        spots = np.abs(np.cos(x) + np.cos(y)) / 2
        level = {"embossed": 0.55, "mesh": 0.4, "holes": 0.72}[kind]
        points = ((spots - level) * 6).clip(0, 1)
        field = points.mean() - points
    return np.ascontiguousarray(field, np.float32).ravel()
