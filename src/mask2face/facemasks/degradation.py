"""What cameras do to a photo, done to the face mask and the photo together."""

import cv2
import numpy as np
from numpy.typing import NDArray

UNTOUCHED = 0.3  # share of pairs that stay as they are


def degrade(
    masked: NDArray[np.uint8], clean: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Degrade a pair as photos are degraded.

    Exposure, gamma, contrast, colour cast and a slight blur change both pictures in the same
    way; sensor noise and JPEG change the masked one only, so that the net also learns to clean.

    Args:
        masked: uint8 (H, W, 3) RGB, the photo with the face mask.
        clean: uint8 (H, W, 3) RGB, the photo without it.
        rng: source of all randomness.

    Returns:
        Both pictures, new arrays or the given ones; they stay equal in about 30 % of the calls.

    Raises:
        ValueError: the two are not uint8 RGB pictures of one shape.
    """
    for picture in (masked, clean):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(f"need uint8 (H, W, 3), got {picture.dtype} {picture.shape}")
    if masked.shape != clean.shape:
        raise ValueError(f"shapes differ: {masked.shape} and {clean.shape}")
    if rng.random() < UNTOUCHED:
        return masked, clean
    if rng.random() < 0.7:
        table = _tone_curve(rng)
        masked, clean = _mapped(masked, table), _mapped(clean, table)
    if rng.random() < 0.3:
        sigma = float(rng.uniform(0.3, 0.9)) * max(masked.shape[0] / 128, 0.75)
        masked, clean = _blurred(masked, sigma), _blurred(clean, sigma)
    if rng.random() < 0.5:
        masked = _noisy(masked, rng)
    if rng.random() < 0.6:
        masked = _jpeg(masked, int(rng.integers(40, 96)))
    return masked, clean


def _mapped(picture: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _blurred(picture: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _tone_curve(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Exposure, gamma, contrast and colour cast as one table: uint8 (1, 256, 3)."""
    value = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.15)) * np.ones(3)
    contrast = np.exp(rng.normal(0, 0.1))
    cast = np.exp(rng.normal(0, 0.05, 3))
    exposure = np.exp(rng.normal(0, 0.12))
    curve = exposure * cast * value**gamma
    curve = (curve - 0.45) * contrast + 0.45
    table: NDArray[np.uint8] = np.clip(np.rint(curve * 255), 0, 255).astype(np.uint8)[None]
    return table


def _noisy(picture: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    strength = float(rng.uniform(1, 9))  # standard deviation, 8-bit levels
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(strength)
    noisy: NDArray[np.uint8] = np.clip(picture + noise + 0.5, 0, 255).astype(np.uint8)
    return noisy


def _jpeg(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    _, packed = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])
