"""Do a detector's net and its exported file find the same faces? Two callables -> `Agreement`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face.detectors.own import candidates
from mask2face.detectors.suppression import Candidates, merged
from mask2face.errors import DataError, ModelError
from mask2face.finding.backgrounds import Backgrounds
from mask2face.finding.lessons import LessonFolder
from mask2face.finding.scenes import Scenes

LEAST: Final = 200  # faces for which a comparison counts
_THRESHOLD: Final = 0.5  # lowest score that counts as a face, as in `detectors.Own`
_SAME: Final = 0.5  # intersection over union from which two boxes are one face
_CALIBRATED: Final = 64  # scenes
_MOST: Final = 400  # scenes to look for `LEAST` faces in

Floats = NDArray[np.float32]
Run = Callable[[Floats], Floats]
"""Photo (1, 3, H, W) RGB in [0, 255] -> cells (1, 16, M)."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Scenes of lessons, uint8 (n, 3, S, S) RGB: a quarter of what the net takes.

    Attributes:
        calibration: of people in the train split.
        compared: of people in the validation split.
    """

    calibration: NDArray[np.uint8]
    compared: NDArray[np.uint8]


def show(lessons: str | Path, side: int, find: Run) -> Shown:
    """Make scenes to calibrate on, and others in which `find` finds `LEAST` faces.

    Args:
        lessons: a lesson folder.
        side: S of the scenes, px, a multiple of 32.
        find: the net.

    Raises:
        DataError: the folder is missing or broken, or too few faces are found.
    """
    folder = LessonFolder(lessons)
    grounds = Backgrounds(folder)
    train, held_out = (Scenes(folder, split, grounds, side) for split in ("train", "validation"))
    rng = np.random.default_rng(0)
    calibration = [_channels_first(train.scene(rng).picture) for _ in range(_CALIBRATED)]
    compared: list[NDArray[np.uint8]] = []
    faces = 0
    while faces < LEAST and len(compared) < _MOST:
        compared.append(_channels_first(held_out.scene(rng).picture))
        faces += len(_faces(find, compared[-1]).boxes)
    if faces < LEAST:
        raise DataError(
            f"the net finds {faces} faces in {_MOST} scenes of {str(lessons)!r}, and {LEAST} are "
            "needed to compare a file with it: train it longer, or give the lessons it learned from"
        )
    return Shown(np.stack(calibration), np.stack(compared))


def _channels_first(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


@dataclass(frozen=True)
class Agreement:
    """How far what a file finds is from what its net finds.

    Attributes:
        faces: that the net finds.
        missed: share of these that the file does not find.
        added: faces that the file alone finds, as a share of `faces`.
        eyes: distance of the eyes of faces that both find, mean, in eye distances.
    """

    faces: int
    missed: float
    added: float
    eyes: float

    def __str__(self) -> str:
        return (
            f"on {self.faces} faces: misses {self.missed:.1%}, adds {self.added:.1%}, "
            f"eyes {self.eyes:.4f} eye distances away"
        )


@dataclass(frozen=True)
class Gate:
    """What a file may differ by at most; see `Agreement`."""

    differ: float  # faces missed and added together, as a share
    eyes: float

    def check(self, found: Agreement, target: str) -> None:
        """Refuse a file that differs by more.

        Raises:
            ModelError: it does.
        """
        if not (found.missed + found.added <= self.differ and found.eyes <= self.eyes):
            raise ModelError(
                f"{target}: the file is too far from the net ({found}; allowed: {self.differ:.0%} "
                f"of the faces, {self.eyes} eye distances): nothing was written; "
                "export to 'onnx' instead"
            )


FLOAT: Final = Gate(differ=0.01, eyes=0.002)
INT8: Final = Gate(differ=0.05, eyes=0.02)


def compare(wanted: Run, run: Run, photos: NDArray[np.uint8]) -> Agreement:
    """Compare the faces that a file finds with those that its net finds.

    Args:
        wanted: the net.
        run: the file in its own runtime.
        photos: uint8 (n, 3, H, W) RGB.
    """
    faces = shared = others = 0
    away: list[float] = []
    for photo in photos:
        truth, made = (_faces(one, photo) for one in (wanted, run))
        pairs = _pairs(truth.boxes, made.boxes)
        faces, others, shared = (
            faces + len(truth.boxes),
            others + len(made.boxes),
            shared + len(pairs),
        )
        for one, other in pairs:
            eyes = truth.landmarks[one, :2]
            shift = np.hypot(*(made.landmarks[other, :2] - eyes).T).mean()
            away.append(float(shift / max(np.hypot(*(eyes[1] - eyes[0])), 1)))
    if not faces:
        return Agreement(0, 0.0, math.inf if others else 0.0, 0.0)
    apart = float(np.mean(away)) if away else math.inf
    return Agreement(faces, 1 - shared / faces, (others - shared) / faces, apart)


def _faces(run: Run, photo: NDArray[np.uint8]) -> Candidates:
    cells = run(photo[None].astype(np.float32))[0]
    if not np.isfinite(cells).all():
        raise ModelError(
            "numbers that are not finite come out of net or file: export to 'onnx' instead, and if "
            "that fails, too, take another checkpoint of the run"
        )
    return merged(candidates(cells, photo.shape[1:], _THRESHOLD))


def _pairs(ours: Floats, theirs: Floats) -> list[tuple[int, int]]:
    """Return which boxes are the same face, those that overlap most first."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), 2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], 1) for boxes in (ours, theirs)]
    overlap = shared / (areas[0][:, None] + areas[1][None] - shared)
    pairs: list[tuple[int, int]] = []
    while overlap.size and overlap.max() >= _SAME:
        one, other = np.unravel_index(int(overlap.argmax()), overlap.shape)
        pairs.append((int(one), int(other)))
        overlap[one], overlap[:, other] = 0, 0
    return pairs
