"""How close a restored crop comes to the truth: per-image numbers, whole and hole-only.

Pictures are RGB uint8 (H, W, 3), holes float (H, W) in [0, 1]. A pixel is a hole pixel where the
hole is above 0.5. A hole-only number of a picture without hole pixels is nan.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Hole = NDArray[np.floating]

THRESHOLD = 0.5  # of the hole, above it a pixel counts as replaced
SIGMA = 1.5  # pixels, Gaussian window of SSIM
RADIUS = 5  # pixels, so the window is 11 wide
C1 = (0.01 * 255) ** 2
C2 = (0.03 * 255) ** 2


def _check(picture: Picture, truth: Picture, hole: Hole | None) -> None:
    for name, photo in (("picture", picture), ("truth", truth)):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(f"{name} must be uint8 (H, W, 3), got {photo.dtype} {photo.shape}")
    if picture.shape != truth.shape:
        raise ValueError(f"pictures differ in shape: {picture.shape} and {truth.shape}")
    if hole is not None and hole.shape != truth.shape[:2]:
        raise ValueError(f"hole must be {truth.shape[:2]}, got {hole.shape}")


def _mean(values: NDArray[np.float64], hole: Hole | None) -> float:
    """Average (H, W, C) over all pixels, or over the hole pixels; nan where there is none."""
    if hole is None:
        return float(values.mean())
    inside = values[hole > THRESHOLD]
    return float(inside.mean()) if inside.size else float("nan")


def psnr(picture: Picture, truth: Picture, hole: Hole | None = None) -> float:
    """Return the peak signal-to-noise ratio in dB, higher is better, inf where equal.

    10 log10(255^2 / MSE), the MSE averaged over pixels and channels.

    Args:
        picture: RGB uint8 (H, W, 3).
        truth: RGB uint8 (H, W, 3).
        hole: float (H, W) in [0, 1]; when given, only its pixels count.

    >>> black = np.zeros((4, 4, 3), np.uint8)
    >>> round(psnr(black + np.uint8(16), black), 3)
    24.048
    """
    _check(picture, truth, hole)
    error = _mean((picture.astype(np.float64) - truth) ** 2, hole)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def l1(picture: Picture, truth: Picture, hole: Hole | None = None) -> float:
    """Return the mean absolute difference in [0, 1], lower is better.

    Args:
        picture: RGB uint8 (H, W, 3).
        truth: RGB uint8 (H, W, 3).
        hole: float (H, W) in [0, 1]; when given, only its pixels count.

    >>> black = np.zeros((4, 4, 3), np.uint8)
    >>> l1(black + np.uint8(51), black)
    0.2
    """
    _check(picture, truth, hole)
    return _mean(np.abs(picture.astype(np.float64) - truth), hole) / 255


def ssim_map(picture: Picture, truth: Picture) -> NDArray[np.float64]:
    """Return the SSIM of each pixel and channel, (H, W, 3) in [-1, 1], 1 = equal.

    Wang, Bovik, Sheikh and Simoncelli (2004), equation 13: Gaussian window 11 x 11 with sigma
    1.5, mirrored at the border, K1 = .01, K2 = .03, no sample correction.
    """
    _check(picture, truth, None)

    def blur(values: NDArray[np.float64]) -> NDArray[np.float64]:
        size = 2 * RADIUS + 1
        blurred = cv2.GaussianBlur(values, (size, size), SIGMA, borderType=cv2.BORDER_REFLECT)
        return blurred.astype(np.float64, copy=False)

    x, y = picture.astype(np.float64), truth.astype(np.float64)
    mean_x, mean_y = blur(x), blur(y)
    covariance = blur(x * y) - mean_x * mean_y
    variances = blur(x * x + y * y) - mean_x**2 - mean_y**2
    luminance = (2 * mean_x * mean_y + C1) / (mean_x**2 + mean_y**2 + C1)
    result: NDArray[np.float64] = luminance * (2 * covariance + C2) / (variances + C2)
    return result


def ssim(picture: Picture, truth: Picture, hole: Hole | None = None) -> float:
    """Return the structural similarity averaged over pixels and channels, higher is better.

    Without a hole, pixels whose window reaches past the border are left out, as in
    scikit-image; with a hole, the map is averaged over all its pixels.

    Args:
        picture: RGB uint8 (H, W, 3), H and W at least 11.
        truth: RGB uint8 (H, W, 3).
        hole: float (H, W) in [0, 1]; when given, only its pixels count.

    >>> grey = np.full((16, 16, 3), 128, np.uint8)
    >>> ssim(grey, grey)
    1.0
    """
    if min(picture.shape[:2]) <= 2 * RADIUS:
        raise ValueError(f"SSIM needs at least {2 * RADIUS + 1} pixels, got {picture.shape[:2]}")
    found = ssim_map(picture, truth)
    if hole is None:
        return float(found[RADIUS:-RADIUS, RADIUS:-RADIUS].mean())
    _check(picture, truth, hole)
    return _mean(found, hole)


def hole_iou(hole: Hole, truth: Hole) -> float:
    """Return intersection over union of the hole pixels, in [0, 1]; 1 where both have none.

    >>> hole_iou(np.array([[1.0, 1.0, 0.0]]), np.array([[0.0, 0.9, 0.2]]))
    0.5
    """
    if hole.shape != truth.shape:
        raise ValueError(f"holes differ in shape: {hole.shape} and {truth.shape}")
    found, wanted = hole > THRESHOLD, truth > THRESHOLD
    union = int((found | wanted).sum())
    return int((found & wanted).sum()) / union if union else 1.0


def hole_fraction(hole: Hole) -> float:
    """Return the share of hole pixels, in [0, 1].

    >>> hole_fraction(np.array([[1.0, 0.4], [0.0, 0.6]]))
    0.5
    """
    return float((hole > THRESHOLD).mean())


@dataclass(frozen=True)
class Estimate:
    """A mean and its confidence interval.

    Attributes:
        mean: over the finite values; nan where there is none.
        low: lower end of the interval.
        high: upper end of the interval.
        count: how many values were finite.
    """

    mean: float
    low: float
    high: float
    count: int


def estimate(
    values: Sequence[float] | NDArray[np.float64],
    identities: Sequence[Hashable],
    *,
    level: float = 0.95,
    samples: int = 1000,
    rng: np.random.Generator | None = None,
) -> Estimate:
    """Return the mean with a percentile bootstrap interval over identities.

    Photos of one person are not independent, so whole people are drawn, not photos (cluster
    bootstrap: Davison and Hinkley, 1997, section 3.8). Values that are not finite are left out.

    Args:
        values: one number a photo.
        identities: who is in each photo.
        level: of confidence, in (0, 1).
        samples: bootstrap draws.
        rng: source of the draws; seed 0 if None.

    >>> estimate([1.0, 3.0], ["a", "b"]).mean
    2.0
    """
    if len(values) != len(identities):
        raise ValueError(f"{len(values)} values but {len(identities)} identities")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    numbers = np.asarray(values, np.float64)
    usable = np.isfinite(numbers)
    if not usable.any():
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    order: dict[Hashable, int] = {}
    person = np.array([order.setdefault(who, len(order)) for who in identities])[usable]
    sums = np.bincount(person, numbers[usable], minlength=len(order))
    counts = np.bincount(person, minlength=len(order))
    present = counts > 0
    sums, counts = sums[present], counts[present]
    rng = rng or np.random.default_rng(0)
    drawn = rng.integers(len(sums), size=(samples, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(sums.sum() / counts.sum()), float(low), float(high), int(counts.sum()))
