"""The article's face mask: a flat polygon through jaw and nose landmarks, vertices at random."""

import numpy as np

from mask2face.facemasks import compositing, fabric, surface
from mask2face.facemasks.drawn import Drawn, Photo, Points, check
from mask2face.facemasks.frame import Frame


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    colour: str = "",
    texture: float = -1.0,
) -> Drawn:
    """Draw the polygon of the article.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        colour: "#rrggbb", or "" for a random one.
        texture: strength of noise on the colour in [0, 1]; below 0 = random, often 0.

    Raises:
        ValueError: an argument has the wrong type or shape.
    """
    check(photo, landmarks)
    frame = Frame(landmarks)
    own = fabric.parse(colour) if colour else rng.uniform(0, 1, 3)
    if texture < 0:
        texture = float(rng.uniform(0, 0.25)) if rng.random() < 0.5 else 0.0
    polygon = _vertices(frame, rng)
    options: dict[str, str | float] = {"colour": fabric.text(own), "texture": round(texture, 3)}
    window = compositing.window_around(polygon, 0.04 * frame.unit + 4, photo)
    if window is None:
        return Drawn(photo.copy(), np.zeros(photo.shape[:2], np.float32), "polygon", options)
    body = compositing.coverage(polygon, window)
    paint = np.empty((*window.shape, 3), np.float32)
    paint[:] = own * 255
    if texture:
        cells = int(rng.integers(4, 40))
        paint *= 1 + np.float32(texture) * surface.noise(rng, window.shape, cells, cells)[..., None]
    painted = compositing.blend(window.of(photo).astype(np.float32), body, paint)
    hole = compositing.hole_of(body, 0.01 * frame.unit)
    drawn, whole = compositing.finish(photo, painted, hole, window)
    return Drawn(drawn, whole, "polygon", options)


def _vertices(frame: Frame, rng: np.random.Generator) -> Points:
    """Jaw landmarks moved from the middle of the mouth by a random share, and a nose point."""
    indices = [1, 3, 5, 7, 8, 9, 11, 13, 15] if rng.random() < 0.5 else [2, 4, 6, 8, 10, 12, 14]
    jaw = frame.landmarks[indices]
    spread = rng.uniform(0.9, 1.08) + rng.normal(0, 0.03, (len(indices), 1))
    vertices = frame.centre + (jaw - frame.centre) * spread
    nose = frame.nose(rng.uniform(27.5, 29.6)) + rng.normal(0, 0.01, 2) * frame.unit
    return np.concatenate([vertices, nose[None]])
