"""Training crops as they look where the photo ends inside them: its last pixels go on.

Of 358 photos of people in face masks, from streets, agencies and shops, 182 end inside the crop of
their largest face, 127 with more than a tenth of it; in face data sets that is rare.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

_TILT: Final = 8.0  # degrees, standard deviation: heads tilt, and crops follow the eyes
# Share of the photos that end at this side of the crop, and how far inside, in crop sides.
_SIDES: Final = {
    "left": (0.35, (0.01, 0.28)),
    "right": (0.35, (0.01, 0.28)),
    "top": (0.35, (0.01, 0.25)),
    "bottom": (0.6, (0.01, 0.34)),
}


def end_photo(
    pictures: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Let the photo end inside a pair, as `faces.cut` shows it.

    Args:
        pictures: input and output, uint8 (S, S, 3), and hole, float32 (S, S).
        rng: source of all randomness.

    Returns:
        The same three; inside what is left of the photo they are what they were.
    """
    input_, output, hole = pictures
    x, y = _nearest_inside(hole.shape[0], rng)

    def ended(picture: NDArray[np.uint8] | NDArray[np.float32]) -> Any:  # noqa: ANN401 - as given
        return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return (
        np.asarray(ended(input_), np.uint8),
        np.asarray(ended(output), np.uint8),
        np.asarray(ended(hole), np.float32),
    )


def _nearest_inside(
    side: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return for each pixel of the crop the nearest one of a photo that ends inside the crop."""
    angle = np.deg2rad(_TILT * rng.standard_normal())
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (side - 1) / 2
    points = np.indices((side, side))[::-1].reshape(2, -1).astype(np.float64) - middle
    turned = turn @ points
    # past the corners of the turned crop: no end at all
    ends = {"left": -side, "right": side, "top": -side, "bottom": side}
    for name, (share, inside) in _SIDES.items():
        ends_here, depth = rng.random() < share, rng.uniform(*inside)
        if ends_here:
            ends[name] = np.sign(ends[name]) * (0.5 - depth) * side
    turned[0] = turned[0].clip(ends["left"], ends["right"])
    turned[1] = turned[1].clip(ends["top"], ends["bottom"])
    x, y = (turn.T @ turned + middle).round(3).reshape(2, side, side)  # whole where unmoved
    return x.astype(np.float32), y.astype(np.float32)
