"""What cameras, apps and news sites do to a photo, done to the face mask and the photo together."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.camera import LUMA

Picture = NDArray[np.uint8]

UNTOUCHED = 0.3  # share of pairs that stay as they are
_SAMPLING = (  # colour at full, half and quarter resolution; most files have a quarter
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
)


def degrade(masked: Picture, clean: Picture, rng: np.random.Generator) -> tuple[Picture, Picture]:
    """Degrade a pair as photos are degraded.

    Out of focus, shaken or enlarged from a small face; exposure, gamma, contrast, white balance,
    saturation, low light; sharpened: all this changes both pictures in the same way. Sensor
    noise and JPEG change the masked one only, so that the net also learns to clean.

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
    if masked.size == 0 or rng.random() < UNTOUCHED:
        return masked, clean
    dim = rng.random() < 0.08
    for change in (_optics(masked.shape, rng), _tones(dim, rng), _colours(dim, rng)):
        if change:
            masked, clean = change(masked), change(clean)
    if dim or rng.random() < 0.45:
        masked = _noisy(masked, dim, rng)
    sharpen = _sharpening(rng)
    if sharpen:
        masked, clean = sharpen(masked), sharpen(clean)
    if rng.random() < 0.6:
        if rng.random() < 0.3:  # saved by the camera, then by the site that shows it
            masked = _shifted_jpeg(masked, rng)
        masked = _jpeg(masked, int(rng.integers(40, 96)), rng)
    return masked, clean


Change = Callable[[Picture], Picture]


def _optics(shape: tuple[int, ...], rng: np.random.Generator) -> Change | None:
    """Out of focus, shaken, or enlarged; each at random."""
    side = max(shape[0] / 128, 0.75)
    luck = rng.random()
    if luck < 0.2:
        sigma = float(rng.uniform(0.3, 1.1)) * side
        return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    if luck < 0.27:
        kernel = _shake(float(rng.uniform(1.5, 5)) * side, float(rng.uniform(0, np.pi)))
        return lambda picture: np.asarray(
            cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8
        )
    if luck < 0.45:
        return _enlarged(shape, rng)
    return None


def _shake(length: float, angle: float) -> NDArray[np.float32]:
    """A straight line of `length` px as a kernel with sum 1."""
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    along = np.linspace(-length / 2, length / 2, 4 * reach + 1)
    x = np.rint(reach + along * np.cos(angle)).astype(int)
    y = np.rint(reach + along * np.sin(angle)).astype(int)
    np.add.at(kernel, (y, x), 1)
    return np.asarray(kernel / kernel.sum())


def _enlarged(shape: tuple[int, ...], rng: np.random.Generator) -> Change:
    """Shrink to a crop of 48 to 112 px, a face of 30 to 70, and enlarge again."""
    height, width = shape[:2]
    share = min(float(rng.uniform(48, 112)) / max(height, width), float(rng.uniform(0.6, 0.9)))
    small = (max(round(width * share), 1), max(round(height * share), 1))
    down = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    up = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC

    def change(picture: Picture) -> Picture:
        shrunk = cv2.resize(picture, small, interpolation=down)
        return np.asarray(cv2.resize(shrunk, (width, height), interpolation=up), np.uint8)

    return change


def _tones(dim: bool, rng: np.random.Generator) -> Change | None:
    """Exposure, gamma, contrast and white balance as one table."""
    if not dim and rng.random() >= 0.7:
        return None
    value = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.15)) * np.ones(3)
    contrast = np.exp(rng.normal(0, 0.1))
    cast = np.exp(rng.normal(0, 0.05, 3))
    if rng.random() < 0.2:  # lamps or shade, and a camera that does not know
        warm = rng.normal(0, 0.12)
        cast = cast * np.exp([warm, 0.0, -1.2 * warm])
    exposure = np.exp(rng.normal(0, 0.12)) * (rng.uniform(0.5, 0.85) if dim else 1.0)
    curve = exposure * cast * value**gamma
    pivot = 0.2 if dim else 0.45
    curve = (curve - pivot) * contrast + pivot
    table: Picture = np.clip(np.rint(curve * 255), 0, 255).astype(np.uint8)[None]
    return lambda picture: np.asarray(cv2.LUT(picture, table), np.uint8)


def _colours(dim: bool, rng: np.random.Generator) -> Change | None:
    """More or less saturated than it was."""
    luck = rng.random()
    if luck >= (0.6 if dim else 0.25):
        return None
    factor = float(rng.uniform(0.35, 0.95) if dim else np.exp(rng.normal(0, 0.25)))
    if luck < 0.02:
        factor = 0.0  # grey
    matrix = factor * np.eye(3) + (1 - factor) * LUMA
    return lambda picture: np.asarray(cv2.transform(picture, matrix), np.uint8)


def _noisy(picture: Picture, dim: bool, rng: np.random.Generator) -> Picture:
    """Noise of the sensor: stronger where there is more light, sometimes of luma only, or coarse.

    Bytes through a table are ten times as fast as `standard_normal`; the tails end at 2.9.
    """
    read, shot = float(rng.uniform(0.5, 5)), float(rng.uniform(0, 9))
    if dim:
        read, shot = 1.5 * read, 1.3 * shot
    deviation = np.sqrt(read**2 + shot**2 * np.linspace(0, 1, 256)).astype(np.float32)
    height, width = picture.shape[:2]
    channels, coarse = (1 if rng.random() < 0.4 else 3), rng.random() < 0.25
    rows, columns = ((height + 1) // 2, (width + 1) // 2) if coarse else (height, width)
    raw = np.frombuffer(rng.bytes(rows * columns * channels), np.uint8)
    noise = cv2.LUT(raw.reshape(rows, columns, channels), _NORMAL)
    if coarse:  # denoised or enlarged by the camera
        noise = cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    if channels == 1:
        noise = cv2.merge([noise] * 3)
    scaled = cv2.multiply(noise, cv2.LUT(picture, deviation))
    return np.asarray(cv2.add(picture, scaled, dtype=cv2.CV_8U), np.uint8)


def _normal_table() -> NDArray[np.float32]:
    """256 equally likely values of the normal distribution."""
    grid = np.linspace(-5, 5, 20001)
    share = np.cumsum(np.exp(-grid * grid / 2))
    found = np.interp((np.arange(256) + 0.5) / 256, share / share[-1], grid)
    return np.asarray(found / found.std(), np.float32)


_NORMAL = _normal_table()


def _sharpening(rng: np.random.Generator) -> Change | None:
    """Unsharp masking with visible halos."""
    if rng.random() >= 0.15:
        return None
    amount, sigma = float(rng.uniform(0.2, 1.2)), float(rng.uniform(0.6, 1.6))

    def change(picture: Picture) -> Picture:
        soft = cv2.GaussianBlur(picture, (0, 0), sigma)
        return np.asarray(cv2.addWeighted(picture, 1 + amount, soft, -amount, 0), np.uint8)

    return change


def _shifted_jpeg(picture: Picture, rng: np.random.Generator) -> Picture:
    """JPEG whose blocks start elsewhere, as they do in the photo a crop was cut from."""
    left, top = (int(step) for step in rng.integers(0, 8, 2))
    wide = cv2.copyMakeBorder(picture, top, 0, left, 0, cv2.BORDER_REPLICATE)
    coded = _jpeg(np.asarray(wide, np.uint8), int(rng.integers(55, 96)), rng)
    return np.ascontiguousarray(coded[top:, left:])


def _jpeg(picture: Picture, quality: int, rng: np.random.Generator) -> Picture:
    sampling = _SAMPLING[int(rng.integers(len(_SAMPLING)))]
    settings = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        sampling,
    ]
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    decoded = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
