"""Pictures of a pack, also shrunk: read -> warped onto the window of a photo, in its light."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.errors import DataError
from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drawn import Layer, Photo, Points

_TEXTURE_SIDE: Final = 768  # px, at most: a texture is never seen larger
_GREY: Final = 3  # levels between the channels of a face: less, and the photo has no colour


class Picture:
    """A picture and its halves, quarters, ...: a small warp takes a small one.

    Args:
        pixels: uint8 (h, w, 4), colours already times alpha; or (h, w, 3).
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._levels = [np.ascontiguousarray(pixels)]
        self.size = (pixels.shape[1], pixels.shape[0])
        self.cover = float(pixels[..., 3].mean()) / 255 if pixels.shape[2] == 4 else 1.0

    def warped(
        self, matrix: NDArray[np.float64], window: Window, border: int = cv2.BORDER_CONSTANT
    ) -> Layer:
        """The picture where `matrix` puts it.

        Args:
            matrix: (3, 3) homography, picture px -> photo px.
            window: of the photo.
            border: OpenCV's name of what lies outside the picture.

        Returns:
            float32 (h, w, channels) of the window, 8-bit range.
        """
        level = self._level(shrinkage(matrix, self.size))
        scale = np.array([level.shape[1], level.shape[0]]) / self.size
        grow = np.diag([1 / scale[0], 1 / scale[1], 1.0])
        grow[:2, 2] = 0.5 / scale - 0.5  # pixel centres, not corners, stand at whole numbers
        shift = np.array([[1, 0, -window.x0], [0, 1, -window.y0], [0, 0, 1.0]])
        height, width = window.shape
        laid = cv2.warpPerspective(
            level, shift @ matrix @ grow, (width, height), flags=cv2.INTER_LINEAR, borderMode=border
        )
        return laid.astype(np.float32)

    def _level(self, shrink: float) -> NDArray[np.uint8]:
        wanted = max(0, round(float(np.log2(max(shrink, 1.0)))))
        while len(self._levels) <= wanted and min(self._levels[-1].shape[:2]) >= 8:
            last = self._levels[-1]
            half = (last.shape[1] + 1) // 2, (last.shape[0] + 1) // 2
            smaller = cv2.resize(last, half, interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(smaller, np.uint8))
        return self._levels[min(wanted, len(self._levels) - 1)]


def shrinkage(matrix: NDArray[np.float64], size: tuple[int, int]) -> float:
    """How many px of a picture of `size` make one px of the photo, in its middle."""
    x, y = (size[0] - 1) / 2, (size[1] - 1) / 2
    here, right, down = _moved(matrix, np.array([(x, y), (x + 1, y), (x, y + 1)]))
    area = abs(float(np.linalg.det(np.stack([right - here, down - here]))))
    return float(1 / max(area, 1e-9) ** 0.5)


def _moved(matrix: NDArray[np.float64], points: Points) -> Points:
    laid = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    moved: Points = laid[:, :2] / laid[:, 2:]
    return moved


def placed(
    anchors: Points, target: Points, size: tuple[int, int]
) -> tuple[NDArray[np.float64], Points] | None:
    """Fit a template to a face.

    Args:
        anchors: (6, 2) template px.
        target: (6, 2) photo px.
        size: width and height of the template.

    Returns:
        The homography of least squares, (3, 3) template px -> photo px, and where it puts the
        corners (4, 2). Where it would fold the picture or stretch it without bounds (a far turned
        face, wrong landmarks), the affine fit; None where that fails too.
    """
    width, height = size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64) - 0.5
    affine = np.eye(3)
    rows = np.concatenate([anchors, np.ones((6, 1))], axis=1)
    affine[:2] = np.linalg.lstsq(rows, target, rcond=None)[0].T
    usual = cv2.contourArea(_moved(affine, corners).astype(np.float32))
    matrix: Any = cv2.findHomography(anchors, target)[0]  # None where there is none
    if matrix is not None and _sound(matrix, corners, usual):
        return matrix, _moved(matrix, corners)
    if abs(np.linalg.det(affine[:2, :2])) < 1e-6:
        return None
    return affine, _moved(affine, corners)


def _sound(matrix: NDArray[np.float64], corners: Points, usual: float) -> bool:
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    if not np.isfinite(matrix).all() or depth.min() <= 0.2 * depth.max():
        return False
    area = cv2.contourArea(_moved(matrix, corners).astype(np.float32))
    return bool(area < 4 * usual)


def decoded_template(path: Path) -> NDArray[np.uint8]:
    """Read a template: uint8 (h, w, 4) RGBA.

    Raises:
        DataError: it cannot be decoded, or is all transparent or all opaque.
    """
    pixels = _decoded(path)
    alpha = pixels[..., 3]
    if alpha.max() < 128 or alpha.min() > 127:
        what = "opaque" if alpha.max() > 127 else "transparent"
        raise DataError(
            f"the template {path} is {what} everywhere: make it transparent outside the face mask"
        )
    return pixels


def load_template(path: Path, mirrored: bool = False) -> Picture:
    """Read a template, or its mirror image.

    Raises:
        DataError: see `decoded_template`.
    """
    pixels = decoded_template(path)
    pixels = np.ascontiguousarray(pixels[:, ::-1]) if mirrored else pixels
    alpha = pixels[..., 3]
    colours = cv2.multiply(pixels[..., :3], cv2.merge([alpha] * 3), scale=1 / 255)
    return Picture(np.concatenate([colours, alpha[..., None]], axis=2))


def load_texture(path: Path) -> Picture:
    """Read a picture to print with; what is transparent in it is white.

    Raises:
        DataError: it cannot be decoded.
    """
    pixels = _decoded(path).astype(np.float32)
    alpha = pixels[..., 3:] / 255
    colours = (pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    shrink = _TEXTURE_SIDE / max(colours.shape)
    if shrink < 1:
        size = round(shrink * colours.shape[1]), round(shrink * colours.shape[0])
        smaller = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
        return Picture(np.asarray(smaller, np.uint8))
    return Picture(colours)


def _decoded(path: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGBA"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{path} cannot be read as a picture ({error}): name or save a whole PNG"
        ) from error


def face_tone(photo: Photo, landmarks: Points) -> tuple[float, float]:
    """Mean brightness and saturation of the lower face as of HSV, both 0 ... 255.

    The box from the middle of the nose to the chin; 0 saturation says that the photo is grey.
    """
    low = np.array([landmarks[:17, 0].min(), landmarks[27:31, 1].mean()])
    high = landmarks[:17].max(axis=0)
    height, width = photo.shape[:2]
    x0, y0 = (int(min(max(at, 0), end - 1)) for at, end in zip(low, (width, height), strict=True))
    x1, y1 = (int(min(max(at, 0), end)) for at, end in zip(high, (width, height), strict=True))
    part = photo[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    step = max(1, min(part.shape[:2]) // 100)
    part = np.ascontiguousarray(part[::step, ::step])
    brightest, darkest = _extremes(part)
    if int((brightest - darkest).max()) < _GREY:
        return float(brightest.mean()), 0.0
    hsv = cv2.cvtColor(part, cv2.COLOR_RGB2HSV)
    return float(brightest.mean()), float(hsv[..., 1].mean())


def matched(colours: Layer, alpha: Layer, cover: float, tone: tuple[float, float]) -> Layer:
    """Bring brightness and saturation of a template nearer to the face's, as MaskTheFace does.

    What is transparent in the template counts as black: that leaves face masks bright.

    Args:
        colours: float32 (h, w, 3), 8-bit range times `alpha`.
        alpha: float32 (h, w) in [0, 1].
        cover: share of the template that is covered.
        tone: of the face, see `face_tone`; a saturation of 0 makes the template grey, too.

    Returns:
        float32 (h, w, 3) like `colours`.
    """
    weight = max(float(alpha.sum()), 1e-6)
    value, least = _extremes(colours)
    safe = np.maximum(value, np.float32(1e-3))
    shine = cover * float(value.sum()) / weight
    depth = cover * 255 * float((alpha * (1 - least / safe)).sum()) / weight
    gain = np.minimum(np.float32(1 + (tone[0] - shine) / 255), 255 * alpha / safe)
    value, least, colours = value * gain, least * gain, _times(colours, gain)
    richer = np.float32(max(1 + (tone[1] - depth) / 255, 0) if tone[1] else 0)
    rich = np.minimum(richer, value / np.maximum(value - least, np.float32(1e-3)))
    white = cv2.merge([value] * 3)
    result: Layer = white - _times(white - colours, rich)
    return result


def _extremes(picture: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The largest and the smallest channel of each pixel, (h, w) both."""
    red, green, blue = cv2.split(picture)
    most, least = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return np.asarray(most), np.asarray(least)


def _times(picture: Layer, factor: Layer) -> Layer:
    return np.asarray(cv2.multiply(picture, cv2.merge([np.asarray(factor, np.float32)] * 3)))


def printed(colours: Layer, alpha: Layer, above: NDArray[Any], share: float) -> Layer:
    """Lay a colour (3,) or a picture (h, w, 3), 8-bit range, over a template by `share`."""
    laid = _times(np.broadcast_to(above, colours.shape).astype(np.float32), alpha)
    return np.asarray(cv2.addWeighted(colours, 1 - share, laid, share, 0))
