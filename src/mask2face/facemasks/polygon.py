"""The article's face mask: a flat polygon through jaw and nose landmarks, vertices at random."""

import numpy as np

from mask2face.facemasks import compositing, fabric, prints, surface
from mask2face.facemasks.drawn import Drawn, Layer, Options, Photo, Points, check
from mask2face.facemasks.frame import Frame


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    colour: str = "",
    colour_weight: float = 1.0,
    pattern: str = "",
    pattern_weight: float = 1.0,
    texture: float = -1.0,
    spread: tuple[float, float] | None = None,
) -> Drawn:
    """Draw the polygon of the article.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        colour: "#rrggbb", or "" for a random one.
        colour_weight: share of `colour` against the random colour, in [0, 1].
        pattern: one of `fabric.PRINTS` or the path of a picture file, repeated over the polygon;
            "" for none.
        pattern_weight: share of the pattern against the colour, in [0, 1].
        texture: strength of noise on the colour in [0, 1]; below 0 = random, often 0.
        spread: least and greatest shift of each vertex in x and in y, face widths, evenly
            distributed, as the article's `coordinates_range`; None for the style's own.

    Raises:
        ValueError: an argument has the wrong type, shape or range; `pattern` is neither a print
            nor a picture that can be read.
    """
    check(photo, landmarks)
    for share in (colour_weight, pattern_weight):
        if not 0 <= share <= 1:
            raise ValueError(f"a weight must lie in [0, 1], got {share}")
    if spread is not None and not -1 <= spread[0] <= spread[1] <= 1:
        raise ValueError(f"spread must be (least, greatest) within -1 and 1, got {spread}")
    frame = Frame(landmarks)
    own = rng.uniform(0, 1, 3)
    if colour:
        own = own + np.float64(colour_weight) * (fabric.parse(colour) - own)
    if texture < 0:
        texture = float(rng.uniform(0, 0.25)) if rng.random() < 0.5 else 0.0
    polygon = _vertices(frame, rng, spread)
    options: Options = {"colour": fabric.text(own), "texture": round(texture, 3)}
    if pattern:
        options |= {"pattern": pattern}
    window = compositing.window_around(polygon, 0.04 * frame.unit + 4, photo)
    if window is None:
        return Drawn(photo.copy(), np.zeros(photo.shape[:2], np.float32), "polygon", options)
    body = compositing.coverage(polygon, window)
    paint = np.empty((*window.shape, 3), np.float32)
    paint[:] = own * 255
    if pattern:
        side = max(2, round(float(rng.uniform(0.3, 0.9)) * frame.unit))
        tile = prints.print_tile(pattern, own, rng, photo, pattern_weight, side)
        paint[:] = _repeated(tile, window.shape, rng) * np.float32(255)
    if texture:
        cells = int(rng.integers(4, 40))
        paint *= 1 + np.float32(texture) * surface.noise(rng, window.shape, cells, cells)[..., None]
    painted = compositing.blend(window.of(photo).astype(np.float32), body, paint)
    hole = compositing.hole_of(body, 0.01 * frame.unit)
    drawn, whole = compositing.finish(photo, painted, hole, window)
    return Drawn(drawn, whole, "polygon", options)


def _vertices(frame: Frame, rng: np.random.Generator, spread: tuple[float, float] | None) -> Points:
    """Jaw landmarks moved from the middle of the mouth by a random share, and a nose point."""
    indices = [1, 3, 5, 7, 8, 9, 11, 13, 15] if rng.random() < 0.5 else [2, 4, 6, 8, 10, 12, 14]
    jaw = frame.landmarks[indices]
    if spread is not None:
        corners = np.concatenate([jaw, frame.nose(28.5)[None, :2]])
        moved: Points = corners + frame.unit * rng.uniform(*spread, corners.shape)
        return moved
    share = rng.uniform(0.9, 1.08) + rng.normal(0, 0.03, (len(indices), 1))
    vertices = frame.centre[:2] + (jaw - frame.centre[:2]) * share
    nose = frame.nose(rng.uniform(27.5, 29.6))[:2] + rng.normal(0, 0.01, 2) * frame.unit
    return np.concatenate([vertices, nose[None]])


def _repeated(tile: Layer, shape: tuple[int, int], rng: np.random.Generator) -> Layer:
    """A tile (h, w, 3) side by side over a window of `shape`, begun anywhere."""
    down, right = (int(rng.integers(length)) for length in tile.shape[:2])
    rows = (np.arange(shape[0]) + down) % tile.shape[0]
    columns = (np.arange(shape[1]) + right) % tile.shape[1]
    repeated: Layer = tile[rows[:, None], columns]
    return repeated
