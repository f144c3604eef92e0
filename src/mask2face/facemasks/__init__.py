"""Draw a face mask on a face: (photo, 68 landmarks, rng) -> (masked photo, hole)."""

from collections.abc import Mapping

import numpy as np

from mask2face.facemasks import bare, cloth, hand, n95, polygon, scarf, surgical
from mask2face.facemasks.degradation import degrade
from mask2face.facemasks.drawn import Drawn, Photo, Points, Style
from mask2face.registry import lookup

FACEMASKS: dict[str, Style] = {
    "polygon": polygon.draw,
    "surgical": surgical.draw,
    "cloth": cloth.draw,
    "n95": n95.draw,
    "scarf": scarf.draw,
    "hand": hand.draw,
    "bare": bare.draw,
}
"""Every style by its name; a name equals its file name."""

WEIGHTS: dict[str, float] = {
    "polygon": 0.12,
    "surgical": 0.25,
    "cloth": 0.30,
    "n95": 0.21,
    "scarf": 0.025,
    "hand": 0.015,
    "bare": 0.08,
}
"""Shares of the styles in training."""

WORN_WRONGLY = {"chin": 0.08, "nose_out": 0.08}  # shares of surgical, cloth and n95; 6 % of all


def draw(
    style: str,
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    **options: str | float,
) -> Drawn:
    """Draw a face mask of one style.

    Args:
        style: a key of `FACEMASKS`.
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness: the same state gives the same pixels.
        options: what the style's own `draw` takes, for example `colour="#0473e2"`.

    Raises:
        UnknownNameError: no such style.
        ValueError: an argument has the wrong type, shape or value.
        TypeError: the style does not take such an option.
    """
    return lookup("face-mask style", FACEMASKS, style)(photo, landmarks, rng, **options)


def draw_random(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    weights: Mapping[str, float] | None = None,
) -> Drawn:
    """Draw a face mask of a random style, sometimes worn wrongly, sometimes none at all.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        weights: share of each style, any positive sum; None = `WEIGHTS`.

    Raises:
        UnknownNameError: a weight names no style.
        ValueError: an argument has the wrong type or shape, or the weights are negative or all 0.
    """
    chosen = _choose(WEIGHTS if weights is None else weights, rng)
    if chosen not in ("surgical", "cloth", "n95"):
        return draw(chosen, photo, landmarks, rng)
    luck = rng.random()
    for wear, share in WORN_WRONGLY.items():
        if luck < share:
            return draw(chosen, photo, landmarks, rng, wear=wear)
        luck -= share
    return draw(chosen, photo, landmarks, rng)


def _choose(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    names = list(weights)
    for name in names:
        lookup("face-mask style", FACEMASKS, name)
    shares = np.array([weights[name] for name in names], float)
    if not len(names) or (shares < 0).any() or shares.sum() <= 0:
        raise ValueError(f"weights must be 0 or more and not all 0, got {dict(weights)}")
    return names[
        int(np.searchsorted(np.cumsum(shares / shares.sum()), rng.random()).clip(0, len(names) - 1))
    ]


__all__ = ["FACEMASKS", "WEIGHTS", "Drawn", "Style", "degrade", "draw", "draw_random"]
