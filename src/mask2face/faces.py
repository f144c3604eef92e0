"""Faces of a photo: validated points, the aligned square crop, and the way back."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.detail import add_grain, sharpen, upper_face

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """A face found in a photo.

    Attributes:
        box: x0, y0, x1, y1 in photo pixels, origin at the top left corner.
        landmarks: float32 (5, 2), x and y in photo pixels: eye at image left, eye at image right,
            nose tip, mouth corner at image left, mouth corner at image right.
        score: the detector's confidence in [0, 1].
    """

    box: Box
    landmarks: NDArray[np.float32]
    score: float = 1.0

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"box must have x0 < x1 and y0 < y1, got {self.box}")
        if self.landmarks.shape != (5, 2) or not np.isfinite(self.landmarks).all():
            raise ValueError(f"landmarks must be 5 finite points, got {self.landmarks!r}")
        if not 0 <= self.score <= 1:
            raise ValueError(f"score must lie in [0, 1], got {self.score}")

    @property
    def area(self) -> float:
        """Area of the box, px²."""
        x0, y0, x1, y1 = self.box
        return (x1 - x0) * (y1 - y0)


# Where the eyes' midpoint lies in the crop, in crop sides: the chin then lies near 0.87, which
# leaves room below it for wide face masks.
EYES_X, EYES_Y = 0.5, 0.37
EYE_DISTANCE = 0.27  # distance of the eyes in crop sides, on a face seen from the front
# A head that turns away brings its eyes together; its box keeps its height. Seen from the front the
# box is 2.98 eye distances high (median of LFW), that is 0.81 crop sides: 1 / 1.15 takes over only
# when the eyes are closer than 0.31 box heights.
SIDE_PER_HEIGHT = 1.15
_FINE = 16  # steps in a pixel, in which a face's place is known
_SHRINK = 1.5  # from this reduction on a plain bilinear warp would alias


def align(eyes: NDArray[np.floating], height: float, side: int) -> NDArray[np.float64]:
    """Return the similarity that takes photo points to crop points.

    The eyes' line becomes horizontal, their midpoint goes to `(EYES_X, EYES_Y) * side`. The scale
    comes from the eyes' distance or, on a head turned away, from the height of the face's box.
    No point of the lower face takes part: under a face mask they are guesses.

    Args:
        eyes: (2, 2) x and y of the eye at image left, then at image right, in photo pixels.
        height: height of the face's box in photo pixels.
        side: crop side in pixels.

    Returns:
        (2, 3) matrix; points are pixel centres, `crop = matrix @ (x, y, 1)`.

    >>> align(np.array([[36.5, 37], [63.5, 37]]), 60, 100).round(3) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    left, right = np.asarray(eyes, np.float64)
    across, down = right - left
    distance = float(np.hypot(across, down))
    extent = max(distance / EYE_DISTANCE, SIDE_PER_HEIGHT * height)
    if extent <= 0:
        raise ValueError("the eyes coincide and the box has no height")
    scale = side / extent
    angle = np.arctan2(down, across) if distance > 0 else 0.0
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    x, y = (left + right) / 2
    return np.array([[a, b, EYES_X * side - a * x - b * y], [-b, a, EYES_Y * side + b * x - a * y]])


def alignment(face: Face, side: int) -> NDArray[np.float64]:
    """Return the (2, 3) similarity from photo pixels to the aligned crop of `face`; see `align`.

    Eyes and height are taken to 1/16 px: builds of ONNX Runtime differ by less, and so cut the same
    pixels.
    """
    eyes = np.round(np.asarray(face.landmarks[:2], np.float64) * _FINE) / _FINE
    height = round((face.box[3] - face.box[1]) * _FINE) / _FINE
    return align(eyes, height, side)


def transform(points: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return `points` (n, 2) mapped by the (2, 3) affine `matrix`, float32."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def cut(photo: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Cut the crop that `matrix` describes, without aliasing.

    Args:
        photo: RGB uint8 (H, W, 3).
        matrix: (2, 3) similarity from photo to crop pixels, as `alignment` gives it.
        side: crop side in pixels.

    Returns:
        RGB uint8 (side, side, 3); past the photo's edge its last pixels go on. (A mirrored border
        would show a second face, which the net then fills too.)
    """
    reduction = 1 / float(np.hypot(*matrix[:, 0]))
    if reduction > _SHRINK:
        photo, matrix = _shrunk(photo, matrix, side, reduction)
    crop = cv2.warpAffine(
        photo, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop.astype(np.uint8, copy=False)


def _shrunk(
    photo: NDArray[np.uint8], matrix: NDArray[np.float64], side: int, reduction: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Area-average the part of `photo` under the crop to the crop's own scale."""
    height, width = photo.shape[:2]
    corners = _corners(matrix, side)
    # two small pixels more, so that the crop's border is interpolated as the rest
    low = np.floor(corners.min(0) - 2 * reduction)
    high = np.ceil(corners.max(0) + 2 * reduction)
    x0, y0 = (int(value) for value in np.clip(low, 0, (width - 1, height - 1)))
    x1, y1 = (int(value) for value in np.clip(high, (x0 + 1, y0 + 1), (width, height)))
    size = (max(1, round((x1 - x0) / reduction)), max(1, round((y1 - y0) / reduction)))
    part = cv2.resize(photo[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA)
    zoom_x, zoom_y = (x1 - x0) / size[0], (y1 - y0) / size[1]
    # a small pixel centre u covers the large ones around x0 + (u + .5) * zoom - .5
    moved = matrix[:, :2] * np.array([zoom_x, zoom_y])
    origin = np.array([x0 + zoom_x / 2 - 0.5, y0 + zoom_y / 2 - 0.5])
    offset = matrix[:, :2] @ origin + matrix[:, 2]
    return part.astype(np.uint8, copy=False), np.column_stack([moved, offset])


def paste(
    photo: NDArray[np.uint8],
    crop: NDArray[np.uint8],
    hole: NDArray[np.float32],
    matrix: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Blend `crop` into a copy of `photo` where its `hole` is above zero.

    Args:
        photo: RGB uint8 (H, W, 3).
        crop: RGB uint8 (S, S, 3), aligned by `matrix`.
        hole: float32 (S, S) in [0, 1], the weight of the crop; soft edges feather the seam.
        matrix: (2, 3) similarity from photo to crop pixels.

    A crop that is enlarged is sharpened; all get the grain of the skin around them; see `detail`.

    Returns:
        The new photo, uint8 (H, W, 3), and the hole in it, float32 (H, W). Where that is 0 the
        photo is the old one bit for bit.
    """
    height, width = photo.shape[:2]
    scale = 1 / float(np.hypot(*matrix[:, 0]))  # photo pixels in a crop pixel
    crop, hole, matrix = _no_finer_than_photo(sharpen(crop, scale), hole, matrix)
    result = photo.copy()
    full = np.zeros((height, width), np.float32)
    corners = _corners(matrix, hole.shape[0])
    x0, y0 = np.clip(np.floor(corners.min(0)).astype(int) - 1, 0, (width, height))
    x1, y1 = np.clip(np.ceil(corners.max(0)).astype(int) + 2, 0, (width, height))
    if x0 >= x1 or y0 >= y1 or not hole.any():
        return result, full
    local = _inverted(matrix)
    local[:, 2] -= (x0, y0)
    size = (int(x1 - x0), int(y1 - y0))
    warped = cv2.warpAffine(hole, local, size, flags=cv2.INTER_LINEAR)
    weight = np.asarray(np.clip(warped, 0, 1), np.float32)
    weight[weight < 1 / 510] = 0  # could not change an 8-bit pixel
    new = cv2.warpAffine(
        crop, local, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    old = photo[y0:y1, x0:x1].astype(np.float32)
    around = cv2.warpAffine(upper_face(hole.shape[0]), local, size, flags=cv2.INTER_LINEAR)
    skin = (around > 0.5) & (weight == 0)
    new = add_grain(new, old, weight, skin, (int(x0), int(y0)), scale)
    blend = np.rint(old + weight[..., None] * (np.clip(new, 0, 255) - old)).astype(np.uint8)
    inside = weight > 0
    result[y0:y1, x0:x1][inside] = blend[inside]
    full[y0:y1, x0:x1] = weight
    return result, full


def _no_finer_than_photo(
    crop: NDArray[np.uint8], hole: NDArray[np.float32], matrix: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float64]]:
    """Area-average a crop of a small face to the photo's own scale, so that it does not alias."""
    side = hole.shape[0]
    zoom = float(np.hypot(*matrix[:, 0]))  # crop pixels in a photo pixel
    if zoom <= _SHRINK:
        return crop, hole, matrix
    small = max(1, round(side / zoom))
    size = (small, small)
    small_crop = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8)
    small_hole = np.asarray(cv2.resize(hole, size, interpolation=cv2.INTER_AREA), np.float32)
    matrix = matrix * (small / side)
    matrix[:, 2] += (small / side - 1) / 2  # the middle of zoom x zoom pixels goes into one
    return small_crop, small_hole, matrix


def _corners(matrix: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """Return the crop's corners (4, 2) in the photo."""
    return transform(
        np.array([[0, 0], [side, 0], [side, side], [0, side]], float), _inverted(matrix)
    )


def _inverted(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)
