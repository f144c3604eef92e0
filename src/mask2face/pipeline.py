"""Photo -> the same photo with a plausible lower face where each face mask was."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import photos, provenance
from mask2face.detectors import CenterFace
from mask2face.errors import UsageError
from mask2face.faces import Box, alignment, cut, paste
from mask2face.restorer import ModelCard, Restorer, find_model

FACES: Final = ("all", "largest")
LEAST_HOLE: Final = 0.025  # of the crop; the smallest face mask, under the chin, covers 0.04
# Mean probability inside the hole. Where the net errs on bare photos, mostly on blurred faces in
# the background, it is unsure: at 0.8, 2 % of 300 bare validation photos change, and 7 % of 90 real
# photos of people in face masks are left alone (at 0.75: 3 % and 4 %; at 0.85: 2 % and 8 %).
LEAST_CERTAINTY: Final = 0.8
_LEAST_PIECE: Final = 0.003  # of the crop; smaller islands are mistakes
_REACH: Final = 0.012  # of the crop's side: the hole grows by so much past the rim
_FEATHER: Final = 0.012  # of the crop's side: standard deviation of the soft edge
_BORDER: Final = 0.03  # of the crop's side: width in which the hole fades at the crop's border


@dataclass(frozen=True)
class RestoredFace:
    """One face of a photo and what was done to it.

    Attributes:
        box: x0, y0, x1, y1 in photo pixels.
        landmarks: float32 (5, 2), as in `faces.Face`.
        score: the detector's confidence in [0, 1].
        masked: whether a face mask was found, and so replaced.
        hole_fraction: share of the aligned crop that the face mask covers, in [0, 1].
    """

    box: Box
    landmarks: NDArray[np.float32]
    score: float
    masked: bool
    hole_fraction: float


@dataclass(frozen=True)
class Restoration:
    """What `Unmasker` gives back.

    Attributes:
        photo: uint8 (H, W, 3) RGB; where `hole` is 0 it is the input bit for bit.
        hole: float32 (H, W) in [0, 1], 1 = replaced.
        faces: every face found, the surest first.
    """

    photo: NDArray[np.uint8]
    hole: NDArray[np.float32]
    faces: tuple[RestoredFace, ...]

    @property
    def changed(self) -> bool:
        """Whether any face mask was replaced."""
        return any(face.masked for face in self.faces)


class Unmasker:
    """Replace the face masks of a photo by plausible, invented lower faces.

    Args:
        model: name of a shipped model, path of an exported ONNX file, or None for the default.
        device: "auto", "cpu", "cuda", "coreml" or "dml".
        faces: "all", or "largest" for the largest face only.
        threshold: hole probability in (0, 1) above which a pixel belongs to the face mask.

    Attributes:
        card: the model's card.
        provider: ONNX Runtime's execution provider in use.

    Raises:
        ModelError: the model is missing or broken.
        UnknownNameError: no model or device of that name.
        DeviceError: the device is not available.
        UsageError: `faces` or `threshold` is not accepted.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        device: str = "auto",
        *,
        faces: str = "all",
        threshold: float = 0.5,
    ) -> None:
        if faces not in FACES:
            raise UsageError(f"faces is {faces!r}: choose {' or '.join(map(repr, FACES))}")
        if not 0 < threshold < 1:
            raise UsageError(f"threshold is {threshold}: give a number between 0 and 1")
        self.faces, self.threshold = faces, threshold
        self._restorer = Restorer(find_model(model), device)
        self._detector = CenterFace(device, threshold=0.4)
        self.card: ModelCard = self._restorer.card
        self.provider: str = self._restorer.provider

    def __call__(self, photo: photos.Source | photos.Photo) -> Restoration:
        """Find every face, and replace the face mask of each that wears one.

        Args:
            photo: path, bytes, binary stream, Pillow image, RGB uint8 array (H, W, 3), or a
                `photos.Photo`.

        Raises:
            PhotoError: the photo cannot be read.
        """
        read = photo if isinstance(photo, photos.Photo) else photos.read(photo)
        pixels = read.pixels
        found = self._detector(pixels)
        if self.faces == "largest" and found:
            found = [max(found, key=lambda face: face.area)]
        side = self.card.side
        matrices = [alignment(face, side) for face in found]
        crops = np.empty((len(found), side, side, 3), np.uint8)
        for index, matrix in enumerate(matrices):
            crops[index] = cut(pixels, matrix, side)
        restored, probabilities = self._restorer(crops)
        hole = np.zeros(pixels.shape[:2], np.float32)
        done = []
        for face, matrix, crop, probability in zip(
            found, matrices, restored, probabilities, strict=True
        ):
            soft, fraction = soft_hole(probability, self.threshold)
            masked = fraction >= LEAST_HOLE and certainty(probability) >= LEAST_CERTAINTY
            if masked:
                pixels, here = paste(pixels, crop, soft, matrix)
                hole = np.maximum(hole, here)
            done.append(RestoredFace(face.box, face.landmarks, face.score, masked, fraction))
        return Restoration(pixels.copy() if pixels is read.pixels else pixels, hole, tuple(done))

    def restore(self, photo: photos.Photo) -> tuple[photos.Photo, Restoration]:
        """Return `photo` with its face masks replaced and marked as such, and what was done.

        A photo without a face mask comes back as it is, without a mark.
        """
        result = self(photo)
        if not result.changed:
            return photo, result
        return replace(photo, pixels=result.photo, xmp=provenance.mark(photo.xmp)), result


def unmask(photo: photos.Source, model: str | Path | None = None, device: str = "auto") -> Any:  # noqa: ANN401 - the kind that came in
    """Replace every face mask of a photo by a plausible, invented lower face.

    The result does not show who someone is: never use it to identify, verify or accuse anyone.

    Args:
        photo: path, bytes of a file, Pillow image, or RGB uint8 array (H, W, 3).
        model: see `Unmasker`.
        device: see `Unmasker`.

    Returns:
        The same kind: bytes (same format, marked) for bytes, an array for an array, a Pillow image
        for a Pillow image, a path or a stream. An array holds no mark; a Pillow image has it in
        `info["xmp"]`, and its `save` writes it only when told: `save(path, xmp=out.info["xmp"])`.

    Raises:
        PhotoError: the photo cannot be read.
        ModelError: the model is missing or broken.
        DeviceError: the device is not available.
    """
    read = photos.read(photo)
    changed, result = _shared(model, device).restore(read)
    if isinstance(photo, np.ndarray):
        return result.photo
    if isinstance(photo, bytes):
        return photos.encode(changed) if result.changed else photo
    return photos.to_image(changed)


@lru_cache(maxsize=2)
def _shared(model: str | Path | None, device: str) -> Unmasker:
    return Unmasker(model, device)


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


@lru_cache(maxsize=4)
def _fade(side: int) -> NDArray[np.float32]:
    """Return (side, side) weights that fall to 0 at the crop's border, where the paste ends."""
    line = np.arange(side, dtype=np.float32) + 0.5
    ramp = np.clip(np.minimum(line, line[::-1]) / (_BORDER * side), 0, 1)
    fade: NDArray[np.float32] = np.minimum(ramp[:, None], ramp[None])
    return fade


def summary(faces: Sequence[RestoredFace]) -> str:
    """Say in a few words what was found: "2 faces, 1 face mask replaced"."""
    if not faces:
        return "no face"
    masked = sum(face.masked for face in faces)
    count = f"{len(faces)} face{'s' if len(faces) != 1 else ''}"
    return f"{count}, {masked or 'no'} face mask{'' if masked == 1 else 's'} replaced"
