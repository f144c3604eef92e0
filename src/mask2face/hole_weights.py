"""The net's hole probability -> the weight of the paste, and how sure the net is."""

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

LEAST_HOLE: Final = 0.025  # of the crop; the smallest face mask, under the chin, covers 0.04
# Mean probability inside the hole. Where the net errs on bare photos, mostly on blurred faces in
# the background, it is unsure: at 0.8, 2 % of 300 bare validation photos change, and 7 % of 90 real
# photos of people in face masks are left alone (at 0.75: 3 % and 4 %; at 0.85: 2 % and 8 %).
LEAST_CERTAINTY: Final = 0.8
_LEAST_PIECE: Final = 0.003  # of the crop; smaller islands are mistakes
_REACH: Final = 0.012  # of the crop's side: the hole grows by so much past the rim
_FEATHER: Final = 0.012  # of the crop's side: standard deviation of the soft edge
_BORDER: Final = 0.03  # of the crop's side: width in which the hole fades at the crop's border


def soft_hole(
    probability: NDArray[np.float32], threshold: float = 0.5
) -> tuple[NDArray[np.float32], float]:
    """Turn the net's hole probability into the weight of the paste.

    Small islands go, the rest grows a little past the rim and gets a soft edge.

    Args:
        probability: float32 (S, S) in [0, 1].
        threshold: from which probability a pixel belongs to the face mask.

    Returns:
        The weight, float32 (S, S) in [0, 1], and the share of the crop above the threshold after
        the islands are gone.
    """
    side = probability.shape[0]
    inside = (probability > threshold).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= _LEAST_PIECE * side * side
    large[0] = False  # the background
    kept = large[labels].astype(np.float32)
    fraction = float(kept.mean())
    radius = max(1, round(_REACH * side))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    soft = cv2.GaussianBlur(cv2.dilate(kept, kernel), (0, 0), _FEATHER * side)
    return np.minimum(soft, 1) * _fade(side), fraction


def certainty(probability: NDArray[np.float32]) -> float:
    """Return the mean of the hole probability (S, S) where it is above one half, 0 if nowhere.

    >>> certainty(np.array([[0.9, 0.7], [0.1, 0.0]], np.float32)).__round__(3)
    0.8
    """
    inside = probability[probability > 0.5]
    return float(inside.mean()) if inside.size else 0.0


def is_masked(
    probability: NDArray[np.float32],
    fraction: float,
    least_hole: float = LEAST_HOLE,
    least_certainty: float = LEAST_CERTAINTY,
) -> bool:
    """Return whether a face wears a face mask: its hole is large enough, and the net is sure.

    Args:
        probability: of the hole, (S, S) in [0, 1].
        fraction: what `soft_hole` found of it.
        least_hole: smallest fraction that counts.
        least_certainty: smallest certainty that counts.
    """
    return fraction >= least_hole and certainty(probability) >= least_certainty


def pasted(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weight (S, S) that the pipeline pastes by: 0 where it leaves the face alone."""
    weight, fraction = soft_hole(probability)
    return weight if is_masked(probability, fraction) else np.zeros_like(weight)


@lru_cache(maxsize=4)
def _fade(side: int) -> NDArray[np.float32]:
    """Return (side, side) weights that fall to 0 at the crop's border, where the paste ends."""
    line = np.arange(side, dtype=np.float32) + 0.5
    ramp = np.clip(np.minimum(line, line[::-1]) / (_BORDER * side), 0, 1)
    fade: NDArray[np.float32] = np.minimum(ramp[:, None], ramp[None])
    return fade
