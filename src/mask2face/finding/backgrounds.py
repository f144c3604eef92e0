"""Pictures without a face: parts of photos and of faces, textures, face masks and hands alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import photos
from mask2face.datasets.record import photo_files
from mask2face.errors import DataError
from mask2face.facemasks import Drawn, draw_random, put_in_front
from mask2face.faces import Face
from mask2face.finding.lessons import LessonFolder
from mask2face.mean_face import guess

_LARGEST: Final = 640  # px; a photo is kept in memory at this size
_SHARES: Final = {
    "facemask": 0.05,
    "hand": 0.05,
    "texture": 0.14,
    "part": 0.18,
    "photo": 0.2,
    "around": 0.38,
}
_DRAWN: Final = 64  # px, at least, of a part that shows a drawn thing
_COARSE: Final = 60  # px; parts up to this side are cut from a photo read at half size
_TRIES: Final = 8  # places looked at for one without a face
# where eyes, nose and mouth would be, in shares of the face mask's picture
_FIVE: Final = ((0.36, 0.37), (0.64, 0.37), (0.5, 0.52), (0.4, 0.65), (0.6, 0.65))


class Backgrounds:
    """Give pictures without a face; picklable.

    Args:
        folder: lessons; what is around their faces is shown.
        extra: a folder of photos without any face; None for none.

    Raises:
        DataError: `extra` has no photo.
    """

    def __init__(self, folder: LessonFolder, extra: str | Path | None = None) -> None:
        self._folder = folder
        self._lessons = folder.of("train")
        self._photos = [] if extra is None else _read(Path(extra))

    def picture(self, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a picture, RGB uint8 (size, size, 3)."""
        kinds = list(_SHARES)
        kind = kinds[int(rng.choice(len(kinds), p=list(_SHARES.values())))]
        if kind in ("facemask", "hand") and size >= _DRAWN:
            return self._alone(kind, size, rng)
        if kind == "texture":
            return texture(size, rng)
        if kind == "part":
            return self._part_of_face(size, rng)
        if kind == "photo" and self._photos:
            return _part(self._photos[int(rng.integers(len(self._photos)))], size, rng)
        return self._around(size, rng)

    def _around(self, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a part of a photo that no face reaches into."""
        lesson = self._lessons[int(rng.integers(len(self._lessons)))]
        half = 1 if size > _COARSE else 2
        photo = self._folder.picture(lesson, masked=True, half=half)
        boxes = np.array([face.box for face in lesson.faces]) / half
        shortest = min(photo.shape[:2])
        for _ in range(_TRIES):
            side = min(round(np.exp(rng.uniform(np.log(32), np.log(100))) / half), shortest)
            y, x = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
            free = (boxes[:, 0] > x + side) | (boxes[:, 2] < x)
            free |= (boxes[:, 1] > y + side) | (boxes[:, 3] < y)
            if free.all():
                return _resized(photo[y : y + side, x : x + side], size)
        return texture(size, rng)

    def _part_of_face(self, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return an ear, an eye, a cheek, a collar: too little of a head to be a face."""
        lesson = self._lessons[int(rng.integers(len(self._lessons)))]
        photo = self._folder.picture(lesson, masked=bool(rng.random() < 0.5))
        x0, y0, x1, y1 = max(lesson.faces, key=lambda face: face.box[3] - face.box[1]).box
        side = max(8, round((y1 - y0) * float(rng.uniform(0.12, 0.32))))
        side = min(side, *photo.shape[:2])
        middle = np.array([(y0 + y1) / 2, (x0 + x1) / 2])
        corner = middle + rng.uniform(-0.8, 0.8, 2) * (y1 - y0) - side / 2
        y, x = np.clip(np.rint(corner).astype(int), 0, np.array(photo.shape[:2]) - side)
        return _resized(photo[y : y + side, x : x + side], size)

    def _alone(self, kind: str, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return a face mask that nobody wears, or a hand before nobody's face."""
        side = 160
        ground = texture(side, rng) if rng.random() < 0.3 else self._around(side, rng)
        box = (0.2 * side, 0.15 * side, 0.8 * side, 0.9 * side)
        points = guess(Face(box, np.array(_FIVE, np.float32) * side))
        if kind == "facemask":
            drawn = draw_random(ground, points, rng, _WORN)
        else:
            nothing = Drawn(ground, np.zeros((side, side), np.float32), "bare")
            thing = _HANDS[int(rng.integers(len(_HANDS)))]
            drawn = put_in_front(nothing, ground, points, rng, thing)
        return _resized(drawn.photo, size)


_HANDS: Final = ("hand_at_rim", "hand_over_mouth", "fist")
_WORN: Final = {"surgical": 3.0, "cloth": 3.0, "kn95": 1.0, "n95": 1.0, "duckbill": 0.5}


def _read(folder: Path) -> list[NDArray[np.uint8]]:
    found = photo_files(folder.rglob("*")) if folder.is_dir() else []
    if not found:
        raise DataError(f"{folder} has no photos: give a folder of photos without any face")
    pictures = []
    for path in found:
        pixels = photos.read(path).pixels
        scale = min(1.0, _LARGEST / max(pixels.shape[:2]))
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        pictures.append(
            np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return pictures


def _part(photo: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a square part of a photo, turned and mirrored at random."""
    shortest = min(photo.shape[:2])
    side = max(8, round(shortest * np.exp(rng.uniform(np.log(0.15), 0))))
    side = min(side, shortest)
    y, x = (int(rng.integers(length - side + 1)) for length in photo.shape[:2])
    part = np.rot90(photo[y : y + side, x : x + side], int(rng.integers(4)))
    return _resized(part[:, ::-1] if rng.random() < 0.5 else part, size)


def texture(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return spots of colour from coarse to fine, or one colour, RGB uint8 (size, size, 3)."""
    base = rng.uniform(0, 255, 3)
    total = np.broadcast_to(base.astype(np.float32), (size, size, 3)).copy()
    if rng.random() < 0.15:
        return total.astype(np.uint8)
    for cells in _octaves(rng):
        shape = (cells, max(1, round(cells * float(np.exp(rng.normal(0, 0.7))))), 3)
        noise = rng.normal(0, rng.uniform(5, 60), shape).astype(np.float32)
        if rng.random() < 0.5:
            noise = np.repeat(noise.mean(2, keepdims=True), 3, 2)
        kind = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_CUBIC
        total += cv2.resize(noise, (size, size), interpolation=kind)
    return np.clip(total, 0, 255).astype(np.uint8)


def _octaves(rng: np.random.Generator) -> Sequence[int]:
    return [int(rng.integers(1, 5)), int(rng.integers(4, 13)), int(rng.integers(10, 40))]


def _resized(part: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if part.shape[0] > size else cv2.INTER_LINEAR
    whole = cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=method)
    return np.asarray(whole, np.uint8)
