"""Things in front of a face mask: hands, cups, microphones, glasses, hair, a collar.

They stay in the photo, so they are laid over the masked and the bare photo alike, and taken out of
the hole.
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from mask2face.facemasks.drawn import Drawn, Photo, Points, check
from mask2face.facemasks.occluders import card, cup, glasses, hand, microphone, strands
from mask2face.facemasks.occluders.sprite import Cover
from mask2face.registry import lookup

Occluder = Callable[[Photo, Points, np.random.Generator], Cover | None]
"""`occluder(photo, landmarks, rng)`: the thing, or None where nothing of it lies in the photo."""

OCCLUDERS: dict[str, Occluder] = {
    "hand_at_rim": hand.at_rim,
    "hand_over_mouth": hand.over_mouth,
    "fist": hand.fist,
    "finger_on_lips": hand.finger_on_lips,
    "card": card.card,
    "cup": cup.cup,
    "microphone": microphone.microphone,
    "headset": microphone.headset,
    "glasses": glasses.glasses,
    "hair": strands.hair,
    "collar": strands.collar,
}
"""Every thing by its name."""


def put_in_front(
    drawn: Drawn, photo: Photo, landmarks: Points, rng: np.random.Generator, name: str
) -> Drawn:
    """Put a thing in front of a drawn face mask.

    Args:
        drawn: the face mask on the photo; not changed.
        photo: uint8 (H, W, 3) RGB, without the face mask; light and colours are read from it.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        name: a key of `OCCLUDERS`.

    Returns:
        The thing lies in `photo` and `bare` alike; the hole is what is still seen of the face
        mask; `options["in_front"]` names the things, joined by "+".

    Raises:
        UnknownNameError: no such thing.
        ValueError: an argument has the wrong type or shape.
    """
    occluder = lookup("occluder", OCCLUDERS, name)
    check(photo, landmarks)
    if drawn.photo.shape != photo.shape:
        raise ValueError(f"drawn is {drawn.photo.shape}, the photo {photo.shape}: use the same one")
    cover = occluder(photo, landmarks, rng)
    if cover is None:
        return drawn
    hole = drawn.hole.copy()
    cover.window.of(hole)[:] *= 1 - cover.alpha
    before = drawn.options.get("in_front")
    return replace(
        drawn,
        photo=lay(cover, drawn.photo),
        bare=lay(cover, photo if drawn.bare is None else drawn.bare),
        hole=hole,
        options={**drawn.options, "in_front": f"{before}+{name}" if before else name},
    )


def lay(cover: Cover, photo: Photo) -> Photo:
    """Lay a cover and its shadow over a copy of a photo: uint8 (H, W, 3)."""
    result = photo.copy()
    view = cover.window.of(result)
    kept = 1 - cover.alpha
    if cover.shade is not None:
        kept = kept * (1 - cover.shade)
    light = cv2.merge([kept.astype(np.float32)] * 3)
    mixed = np.asarray(cv2.multiply(view.astype(np.float32), light), np.float32)
    alpha = cv2.merge([cover.alpha.astype(np.float32)] * 3)
    mixed += np.asarray(cv2.multiply(cover.picture.astype(np.float32), alpha), np.float32)
    view[:] = cv2.convertScaleAbs(mixed)  # rounds and saturates
    return result


__all__ = ["OCCLUDERS", "Cover", "Occluder", "lay", "put_in_front"]
