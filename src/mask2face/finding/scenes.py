"""Lessons -> scenes: mosaics of faces at many scales, of things that are none, in all light."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks import degrade
from mask2face.finding.backgrounds import Backgrounds
from mask2face.finding.cells import Truth
from mask2face.finding.covers import cover
from mask2face.finding.lessons import Lesson, LessonFolder, SeenFace
from mask2face.finding.teaching import SURE

SIDE: Final = 256  # px of a scene
_MASKED: Final = 0.65  # share of the photos that are shown with their face masks
_EMPTY: Final = 0.3  # share of a scene's parts that show no face
_SPLIT: Final = {256: 0.5, 128: 0.4, 64: 0.18, 32: 0.06}  # chance that a part becomes four
_MOST: Final = 22  # parts of a scene
_LARGEST_ZOOM: Final = 3.0  # of a photo; its faces are about 100 px high
_SEEN: Final = 0.6  # share of a box that must be inside the scene's part to be taught
_HIDDEN: Final = 0.12  # share under which nobody asks for the face
_COVERED: Final = 0.25  # share of the faces that something covers in part


@dataclass(frozen=True)
class Scene:
    """A picture to learn from: RGB uint8 (S, S, 3), and its faces."""

    picture: NDArray[np.uint8]
    truth: Truth


class Scenes:
    """Make scenes of one split's lessons; picklable.

    Args:
        folder: of lessons.
        split: whose lessons to show.
        backgrounds: pictures without faces.
        side: of the scenes, px, a multiple of 32.
    """

    def __init__(
        self, folder: LessonFolder, split: str, backgrounds: Backgrounds, side: int = SIDE
    ) -> None:
        self._folder, self._lessons, self.side = folder, folder.of(split), side
        self._backgrounds = backgrounds

    def scene(self, rng: np.random.Generator) -> Scene:
        """Make one scene."""
        picture = np.empty((self.side, self.side, 3), np.uint8)
        parts = []
        for x, y, size in _parts(self.side, rng):
            leaf = picture[y : y + size, x : x + size]
            if rng.random() < _EMPTY:
                leaf[:] = self._backgrounds.picture(size, rng)
                continue
            truth = self._show(leaf, size, rng)
            shift = np.array([x, y], np.float32)
            parts.append(
                Truth(
                    truth.boxes + np.tile(shift, 2), truth.points + shift, truth.masked, truth.sure
                )
            )
        picture, _ = degrade(picture, picture, rng)
        if rng.random() < 0.04:
            picture = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None], 3, 2)
        return Scene(np.ascontiguousarray(picture), _joined(parts))

    def _show(self, leaf: NDArray[np.uint8], size: int, rng: np.random.Generator) -> Truth:
        """Draw one lesson into `leaf`; return its faces in px of the leaf."""
        lesson = self._lessons[int(rng.integers(len(self._lessons)))]
        main = max(lesson.faces, key=lambda face: _height(face) * (face.score >= SURE))
        matrix = _placed(main, size, rng)
        zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        half = 1 if zoom > 0.55 else 2 if zoom > 0.28 else 4
        shown = bool(rng.random() < _MASKED)
        photo = self._folder.picture(lesson, masked=shown, half=half)
        reduced = matrix.copy()
        reduced[:, 2] += matrix[:, :2] @ np.full(2, (half - 1) / 2)
        reduced[:, :2] *= half
        if not _covers(reduced, photo.shape, size):
            leaf[:] = self._backgrounds.picture(size, rng)
        leaf[:] = cv2.warpAffine(
            photo,
            reduced,
            (size, size),
            dst=np.ascontiguousarray(leaf),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
        truth = _moved(lesson, matrix, size, shown)
        for index in np.flatnonzero(truth.sure):
            if rng.random() < _COVERED:
                cover(leaf, truth.boxes[index], truth.points[index], rng)
        return truth


def _parts(side: int, rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Yield x, y and size of a scene's parts: a square, or four that are made likewise."""
    todo = [(0, 0, side)]
    count = 1
    while todo:
        x, y, size = todo.pop(0)
        scale = max((known for known in _SPLIT if known <= size), default=0)
        if size % 2 or rng.random() >= _SPLIT.get(scale, 0) or count + 3 > _MOST:
            yield x, y, size
            continue
        count += 3
        half = size // 2
        todo += [(x, y, half), (x + half, y, half), (x, y + half, half), (x + half, y + half, half)]


def _placed(face: SeenFace, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a (2, 3) matrix from photo to leaf: `face` scaled, turned, stretched, mirrored."""
    large = size >= 128
    share = np.exp(rng.uniform(np.log(0.2 if large else 0.35), np.log(1.3)))
    zoom = min(share * size / _height(face), _LARGEST_ZOOM)
    angle = np.deg2rad(rng.uniform(-40, 40) if rng.random() < 0.2 else rng.normal(0, 9))
    stretch = float(np.exp(rng.normal(0, 0.07)))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    linear = turn @ np.diag([zoom * stretch * mirror, zoom / stretch])
    x0, y0, x1, y1 = face.box
    room = max(0.12, 0.55 - 0.5 * min(zoom * _height(face) / size, 1.0))
    wanted = size / 2 + rng.uniform(-room, room, 2) * size
    shift = wanted - linear @ np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return np.column_stack([linear, shift])


def _height(face: SeenFace) -> float:
    return face.box[3] - face.box[1]


def _covers(matrix: NDArray[np.float64], shape: tuple[int, ...], size: int) -> bool:
    """Say whether the photo fills the whole leaf."""
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], float)
    back = np.linalg.solve(matrix[:, :2], (corners - matrix[:, 2]).T).T
    return bool((back >= 0).all() and (back <= np.array(shape[1::-1]) - 1).all())


def _moved(lesson: Lesson, matrix: NDArray[np.float64], size: int, shown: bool) -> Truth:
    """Return the lesson's faces in the leaf; those that nobody can see are left out."""
    boxes = np.array([face.box for face in lesson.faces], np.float64)
    points = np.array([face.points for face in lesson.faces], np.float64)
    masked = np.array([face.masked and shown for face in lesson.faces], np.float32)
    sure = np.array([face.score >= SURE for face in lesson.faces])
    linear, shift = matrix[:, :2], matrix[:, 2]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ linear.T + shift
    # a turned head keeps its size: its box changes from upright to lying
    turned = linear**2 / (linear**2).sum(0)
    lengths = np.hypot(linear[0], linear[1])
    half = (boxes[:, 2:] - boxes[:, :2]) * lengths @ turned.T / 2
    new = np.concatenate([middle - half, middle + half], 1)
    points = points @ linear.T + shift
    if np.linalg.det(linear) < 0:  # mirrored: left and right change their names
        points = points[:, [1, 0, 2, 4, 3]]
    inside = np.clip(new, 0, size)
    extent = np.maximum(inside[:, 2:] - inside[:, :2], 0)
    seen = np.prod(extent, 1) / np.prod(new[:, 2:] - new[:, :2], 1)
    eyes = points[:, :2].mean(1)
    sure &= (seen >= _SEEN) & (eyes > 0).all(1) & (eyes < size).all(1)
    kept = seen >= _HIDDEN
    new = np.where(sure[:, None], new, inside)  # what nobody knows ends with the leaf
    return Truth(
        new[kept].astype(np.float32), points[kept].astype(np.float32), masked[kept], sure[kept]
    )


def _joined(parts: list[Truth]) -> Truth:
    if not parts:
        empty = np.zeros(0, np.float32)
        return Truth(empty.reshape(0, 4), empty.reshape(0, 5, 2), empty, np.zeros(0, bool))
    return Truth(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.masked for part in parts]),
        np.concatenate([part.sure for part in parts]),
    )
