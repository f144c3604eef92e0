"""Draw a face mask on a face: (photo, 68 landmarks, rng) -> (masked photo, hole)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mask2face.facemasks import (
    bare,
    cloth,
    duckbill,
    gas,
    kn95,
    n95,
    polygon,
    respirator,
    scarf,
    shield,
    surgical,
)
from mask2face.facemasks.degradation import degrade
from mask2face.facemasks.drawn import Drawn, Photo, Points, Style
from mask2face.facemasks.eyewear import WORN, keep_in_front, worn
from mask2face.facemasks.occluders import OCCLUDERS, put_in_front
from mask2face.registry import lookup

FACEMASKS: dict[str, Style] = {
    "polygon": polygon.draw,
    "surgical": surgical.draw,
    "cloth": cloth.draw,
    "kn95": kn95.draw,
    "n95": n95.draw,
    "duckbill": duckbill.draw,
    "respirator": respirator.draw,
    "gas": gas.draw,
    "scarf": scarf.draw,
    "shield": shield.draw,
    "bare": bare.draw,
}
"""Every style by its name; a name equals its file name."""

WEIGHTS: dict[str, float] = {
    "polygon": 0.08,
    "surgical": 0.22,
    "cloth": 0.225,
    "kn95": 0.10,
    "n95": 0.10,
    "duckbill": 0.03,
    "respirator": 0.10,
    "gas": 0.02,
    "scarf": 0.04,
    "shield": 0.015,
    "bare": 0.07,
}
"""Shares of the styles in training."""

LOOSE = ("surgical", "cloth", "kn95", "n95", "duckbill")  # what people take off their noses
FLAT = ("polygon", "bare")  # what glasses do not lie in front of
WORN_WRONGLY = {"chin": 0.07, "nose_out": 0.08, "one_ear": 0.015}  # shares of what can be worn so


SOMETHING_IN_FRONT = 0.12  # share of the face masks with a thing in front
BARE_IN_FRONT = 0.35  # share of the bare faces: a hand is no face mask
IN_FRONT: dict[str, float] = {
    "hand_at_rim": 0.15,
    "hand_over_mouth": 0.1,
    "fist": 0.05,
    "finger_on_lips": 0.05,
    "card": 0.08,
    "cup": 0.12,
    "microphone": 0.15,
    "headset": 0.03,
    "glasses": 0.15,
    "hair": 0.05,
    "collar": 0.07,
}
"""Shares of the things in front."""


def draw(
    style: str,
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    **options: Any,  # noqa: ANN401 - each style checks its own
) -> Drawn:
    """Draw a face mask of one style, behind the glasses that the face wears.

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
    drawn = lookup("face-mask style", FACEMASKS, style)(photo, landmarks, rng, **options)
    return drawn if style in FLAT else keep_in_front(drawn, photo, landmarks)


def draw_random(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    weights: Mapping[str, float] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> Drawn:
    """Draw a face mask of a random style, as faces in photos have them.

    Some are worn wrongly; some have a hand, a cup, a microphone, ... in front; some faces have
    none at all.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        weights: share of each style, any positive sum; None = `WEIGHTS`.
        options: style -> what its `draw` is told, for example `{"cloth": {"colour": "#0473e2"}}`.

    Raises:
        UnknownNameError: a weight names no style.
        ValueError: an argument has the wrong type or shape, or the weights are negative or all 0.
    """
    chosen = _choose("face-mask style", FACEMASKS, WEIGHTS if weights is None else weights, rng)
    told = {**_wear(chosen, rng), **((options or {}).get(chosen) or {})}
    drawn = draw(chosen, photo, landmarks, rng, **told)
    if rng.random() >= (BARE_IN_FRONT if chosen == "bare" else SOMETHING_IN_FRONT):
        return drawn
    thing = _choose("occluder", OCCLUDERS, IN_FRONT, rng)
    if thing == "glasses" and worn(photo, landmarks) >= WORN:
        return drawn
    return put_in_front(drawn, photo, landmarks, rng, thing)


def _wear(style: str, rng: np.random.Generator) -> dict[str, str]:
    if style not in LOOSE:
        return {}
    luck = rng.random()
    for wear, share in WORN_WRONGLY.items():
        if luck < share:
            return {"wear": wear}
        luck -= share
    return {}


def _choose(
    kind: str, known: Mapping[str, object], shares: Mapping[str, float], rng: np.random.Generator
) -> str:
    names = list(shares)
    for name in names:
        lookup(kind, known, name)
    values = np.array([shares[name] for name in names], float)
    if not len(names) or (values < 0).any() or values.sum() <= 0:
        raise ValueError(f"weights must be 0 or more and not all 0, got {dict(shares)}")
    place = int(np.searchsorted(np.cumsum(values / values.sum()), rng.random()))
    return names[min(place, len(names) - 1)]


__all__ = [
    "FACEMASKS",
    "OCCLUDERS",
    "WEIGHTS",
    "Drawn",
    "Style",
    "degrade",
    "draw",
    "draw_random",
    "keep_in_front",
    "put_in_front",
]
