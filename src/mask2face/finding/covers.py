"""Cover a face of a scene in part: a hat, dark glasses, something at its side."""

import cv2
import numpy as np
from numpy.typing import NDArray


def cover(
    picture: NDArray[np.uint8],
    box: NDArray[np.float32],
    points: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """Draw something in front of a face, at random.

    Args:
        picture: RGB uint8 (H, W, 3), changed.
        box: x0, y0, x1, y1 of the face, px.
        points: (5, 2), its points, px.
        rng: source of all randomness.
    """
    luck = rng.random()
    changed = np.ascontiguousarray(picture)  # OpenCV draws into whole arrays only
    if luck < 0.4:
        _hat(changed, box, points, rng)
    elif luck < 0.65:
        _glasses(changed, points, rng)
    else:
        _side(changed, box, rng)
    picture[:] = changed


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    tone = rng.integers(0, 256) + rng.normal(0, 30, 3)
    return tuple(int(value) for value in np.clip(tone, 0, 255))


def _hat(
    picture: NDArray[np.uint8],
    box: NDArray[np.float32],
    points: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    """A cap, a hood or hair down to the brows."""
    across = points[1] - points[0]
    distance = max(float(np.hypot(*across)), 1.0)
    along = across / distance
    up = np.array([along[1], -along[0]])
    middle = points[:2].mean(0) + up * distance * rng.uniform(0.3, 0.6)
    width = float(box[2] - box[0]) * rng.uniform(0.5, 0.75)
    height = distance * rng.uniform(0.8, 1.6)
    rim = [middle - along * width, middle + along * width]
    top = [rim[1] + up * height - along * width * 0.3, rim[0] + up * height + along * width * 0.3]
    corners = np.rint(np.array([*rim, *top])).astype(np.int32)
    cv2.fillConvexPoly(picture, corners, _colour(rng), cv2.LINE_AA)


def _glasses(
    picture: NDArray[np.uint8], points: NDArray[np.float32], rng: np.random.Generator
) -> None:
    across = points[1] - points[0]
    distance = max(float(np.hypot(*across)), 1.0)
    angle = float(np.rad2deg(np.arctan2(across[1], across[0])))
    axes = (distance * rng.uniform(0.3, 0.45), distance * rng.uniform(0.2, 0.36))
    dark = rng.random() < 0.6
    colour = tuple(int(value) for value in rng.integers(0, 70, 3)) if dark else _colour(rng)
    thickness = -1 if dark else max(1, round(distance * 0.05))
    size = (max(1, round(axes[0])), max(1, round(axes[1])))
    for x, y in points[:2]:
        cv2.ellipse(
            picture, (round(float(x)), round(float(y))), size, angle, 0, 360, colour, thickness
        )
    ends = [(round(float(x)), round(float(y))) for x, y in points[:2]]
    cv2.line(picture, ends[0], ends[1], colour, max(1, round(distance * 0.06)))


def _side(picture: NDArray[np.uint8], box: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Something before the left, right or upper rim of the face."""
    x0, y0, x1, y1 = (float(value) for value in box)
    width, height = x1 - x0, y1 - y0
    reach = rng.uniform(0.08, 0.3)
    side = int(rng.integers(3))
    if side == 0:
        area = (x0 - width, y0 - height, x0 + reach * width, y1 + height)
    elif side == 1:
        area = (x1 - reach * width, y0 - height, x1 + width, y1 + height)
    else:
        area = (x0 - width, y0 - height, x1 + width, y0 + 0.7 * reach * height)
    bounds = np.clip(np.rint(area), 0, np.tile(picture.shape[1::-1], 2)).astype(int)
    left, top, right, bottom = (int(value) for value in bounds)
    if left >= right or top >= bottom:
        return
    part = picture[top:bottom, left:right]
    if rng.random() < 0.5:
        part[:] = _colour(rng)
    else:  # what the other end of the picture shows
        other = np.rot90(picture, 2)[: bottom - top, : right - left]
        part[:] = other.copy()
