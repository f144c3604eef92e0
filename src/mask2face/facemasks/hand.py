"""A hand before the mouth: four fingers and a palm in the colour of the face's own skin."""

import numpy as np

from mask2face.facemasks import compositing, surface
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import Light, light_on


def draw(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Drawn:
    """Draw a hand over the mouth.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.

    Raises:
        ValueError: an argument has the wrong type or shape.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    light = light_on(photo, frame, rng)
    fingers, palm, width = _bones(frame, rng)
    every = np.concatenate([*fingers, palm])
    window = compositing.window_around(every, 0.12 * frame.unit + 4, photo)
    if window is None:
        return Drawn(photo.copy(), np.zeros(photo.shape[:2], np.float32), "hand")
    painted = window.of(photo).astype(np.float32)
    parts = [compositing.coverage(palm, window)]
    parts += [compositing.stroke([finger], width, window) for finger in fingers]
    whole = np.max(parts, axis=0)
    hole = compositing.hole_of(whole, 0.015 * frame.unit)
    dark = compositing.shadow(whole, frame.down * 0.02 * frame.unit, 0.02 * frame.unit) * hole
    painted = compositing.darken(painted, 0.4 * dark * (1 - whole))
    for part in parts:
        painted = compositing.blend(painted, part, _skin(part, width, light, rng))
    drawn, result = compositing.finish(photo, painted, hole, window)
    return Drawn(drawn, result, "hand")


def _bones(frame: Frame, rng: np.random.Generator) -> tuple[list[Points], Points, float]:
    """Finger curves, the palm's polygon and the width of a finger, photo px."""
    angle = rng.choice([-1, 1]) * rng.uniform(0.1, 1.5)  # 0 = fingers point up the face
    up = -np.cos(angle) * frame.down + np.sin(angle) * frame.right
    across = np.array([-up[1], up[0]])
    width = rng.uniform(0.11, 0.15) * frame.unit
    centre = frame.centre + rng.normal(0, 0.03, 2) * frame.unit
    fingers = []
    for place in range(4):
        root = centre + across * width * 0.92 * (place - 1.5) - up * 0.2 * frame.unit
        length = rng.uniform(0.38, 0.5) * frame.unit * (1.0 - 0.12 * abs(place - 1.4))
        bend = across * rng.normal(0, 0.02) * frame.unit
        fingers.append(np.array([root, root + up * length / 2 + bend, root + up * length]))
    half = across * width * 2.0
    knuckles = centre + up * 0.1 * frame.unit  # the palm closes the gaps between the fingers
    wrist = centre - up * rng.uniform(0.5, 0.7) * frame.unit
    palm = np.array(
        [knuckles - half * 0.9, knuckles + half * 0.9, wrist + half * 0.8, wrist - half * 0.8]
    )
    return fingers, palm, float(width)


def _skin(part: Layer, width: float, light: Light, rng: np.random.Generator) -> Layer:
    depth = surface.edge_distance(part) / max(width / 2, 1.0)
    rounded = 0.78 + 0.24 * np.sqrt(np.minimum(depth, 1))
    blotches = 1 + 0.03 * surface.noise(rng, part.shape, 8, 8)
    shaded = compositing.blur(rounded * blotches, 0.8)
    colour = light.skin * rng.uniform(0.85, 1.1)
    return (shaded[..., None] * colour).astype(np.float32)
