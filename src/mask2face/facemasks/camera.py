"""The camera's blur and grain, guessed from eyes and skin."""

import cv2
import numpy as np

from mask2face.facemasks.drawn import Layer, Photo, Points

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
FEWEST = 12  # samples of skin below which nothing is believed
_GRAIN = np.array([1, -2, 1, -2, 4, -2, 1, -2, 1]) / 6  # Immerkaer 1996: blind to slopes
_STEPS = np.arange(-1, 2)


def rank(values: Points, share: float) -> float:
    """The value that `share` of all lie below; NumPy's percentile takes ten times as long."""
    place = min(int(share * values.size), values.size - 1)
    return float(np.partition(values, place, axis=None)[place])


def grain_of(photo: Photo, points: Points) -> float:
    """Standard deviation of the luma's fine noise, 8-bit levels, 0 where it cannot be told.

    Args:
        photo: uint8 (H, W, 3) RGB.
        points: (n, 2) where the skin is bare, photo px.
    """
    height, width = photo.shape[:2]
    if min(height, width) < 3 or len(points) < FEWEST:
        return 0.0
    x, y = (np.rint(points[:, axis]).astype(np.int64) for axis in (0, 1))
    rows = np.clip(y, 1, height - 2)[:, None, None] + _STEPS[:, None]
    columns = np.clip(x, 1, width - 2)[:, None, None] + _STEPS
    patches = photo[rows, columns].reshape(-1, 9, 3) @ LUMA
    inner = patches[(patches.min(axis=1) > 2) & (patches.max(axis=1) < 253)]  # not clipped
    if len(inner) < FEWEST:
        return 0.0
    # the 40th percentile of |N(0, 1)| is 0.524; pores and hair fill the upper half
    return rank(np.abs(inner @ _GRAIN), 0.4) / 0.524


def blur_of(photo: Photo, landmarks: Points, unit: float, grain: float) -> float:
    """Standard deviation in px of the photo's blur, 0 = pixel-sharp or not to be told.

    Edges at the eyes are compared with the same edges blurred by 1 px more: Zhuo and Sim,
    Defocus map estimation from a single image, Pattern Recognition 2011.

    Args:
        photo: uint8 (H, W, 3) RGB.
        landmarks: (68, 2) photo px.
        unit: face width in px.
        grain: what `grain_of` gave.
    """
    reach = round(min(max(0.13 * unit, 4.0), 24.0)) + 4  # 4 px see the border of the blur
    sharp_energy, soft_energy = 0.0, 1e-6
    for lid in (landmarks[37:39], landmarks[43:45]):
        x, y = (round(float(lid[0, axis] + lid[1, axis]) / 2) for axis in (0, 1))
        part = photo[max(y - reach, 0) : max(y + reach, 0), max(x - reach, 0) : max(x + reach, 0)]
        if min(part.shape[:2]) < 12:
            continue
        luma = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)
        blurred = np.asarray(cv2.GaussianBlur(luma, (7, 7), 1.0), np.float32)
        sharp, soft = _slopes(luma), _slopes(blurred)
        edges = soft >= rank(soft, 0.92)
        # white noise has 4 times its variance in the sharp slopes, 0.2 times in the soft ones
        sharp_energy += max(float(sharp[edges].mean()) - 4 * grain**2, 0.0)
        soft_energy += max(float(soft[edges].mean()) - 0.2 * grain**2, 0.0)
    if soft_energy < 8:  # no edge of 2 levels a px
        return 0.0
    squared = 1 / (max(sharp_energy / soft_energy, 1.02) - 1) - 0.6  # of lids and slope
    return float(np.sqrt(np.clip(squared, 0, (0.05 * unit) ** 2)))


def _slopes(luma: Layer) -> Layer:
    """Squared slope, (levels per 2 px)^2, away from the border."""
    across = luma[4:-4, 5:-3] - luma[4:-4, 3:-5]
    down = luma[5:-3, 4:-4] - luma[3:-5, 4:-4]
    return np.asarray(across * across + down * down)
