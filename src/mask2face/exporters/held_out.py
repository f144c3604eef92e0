"""Faces to calibrate an exported model on and, of other people, to compare it on, from pairs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import pair_embeddings
from mask2face.errors import DataError
from mask2face.extra_input import FACE, Extra
from mask2face.pairs import PairFolder

LEAST: Final = 200  # faces for which a calibration, or a comparison, counts
_BARE: Final = "bare"  # the style of pairs without a face mask
_MAKE: Final = "mask2face dataset pairs CROPS PAIRS --split all"

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces in face masks to calibrate on, and others, with their truth, to compare on.

    Attributes:
        calibration: float32 (K, 3, S, S) RGB in [0, 1], of people in the train split.
        crops: float32 (N, 3, S, S) RGB in [0, 1], of people in the test split.
        truth: RGB uint8 (N, S, S, 3), the same faces bare.
        holes: float32 (N, S, S) in [0, 1], 1 = replace.
        calibration_vectors: float32 (K, E), second input of a net that wants one; else None.
        vectors: float32 (N, E), the same for `crops`.
    """

    calibration: Floats
    crops: Floats
    truth: NDArray[np.uint8]
    holes: Floats
    calibration_vectors: Floats | None = None
    vectors: Floats | None = None

    def __post_init__(self) -> None:
        count, side = len(self.crops), self.crops.shape[-1]
        if not count:
            raise ValueError("there are no faces to compare on")
        wanted = {
            "calibration": (len(self.calibration), 3, side, side),
            "crops": (count, 3, side, side),
            "truth": (count, side, side, 3),
            "holes": (count, side, side),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must be {shape}, got {getattr(self, name).shape}")


def read_faces(
    pairs: str | Path, side: int, count: int = LEAST, extra: Extra | None = None
) -> Faces:
    """Read faces in face masks, spread evenly over a pair folder's train and test split.

    Without one in the train split there are none to calibrate on, which `needed` refuses.

    Args:
        pairs: a complete pair folder.
        side: S of the crops, px; pairs of another side are resized.
        count: at most so many of each split.
        extra: the second input of the net, if it wants one. As "face" the folder's embeddings are
            taken; as "noise" zeros, which give the likeliest face, and for the calibration normal
            numbers.

    Raises:
        DataError: the folder is missing, broken, or has no face mask in its test split; or the net
            wants face embeddings, and the folder has none of that size.
    """
    folder = PairFolder.open(pairs)
    train, test = (_rows(folder, split, count) for split in ("train", "test"))
    if not test:
        raise DataError(
            f"the pair folder {str(folder.folder)!r} has no face mask in its test split: "
            f"make one with  {_MAKE}"
        )
    known, vectors = _vectors(folder, [train, test], extra)
    if extra is not None and extra.name != FACE:
        known = np.random.default_rng(0).standard_normal((len(train), extra.size), np.float32)
    return Faces(
        _floats(_pictures(folder, train, "inputs", side)),
        _floats(_pictures(folder, test, "inputs", side)),
        _pictures(folder, test, "outputs", side),
        _pictures(folder, test, "holes", side).astype(np.float32) / np.float32(255),
        known,
        vectors,
    )


def _rows(folder: PairFolder, split: str, count: int) -> list[int]:
    """Return the numbers of at most `count` rows of a split that show face masks."""
    places = [
        index for index, row in enumerate(folder.rows) if row.split == split and row.style != _BARE
    ]
    chosen = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
    return [places[index] for index in chosen]


def _pictures(folder: PairFolder, rows: list[int], part: str, side: int) -> NDArray[np.uint8]:
    """Return pictures of a part of the pairs, uint8 (N, side, side) or with channels."""
    how = cv2.INTER_AREA if side < folder.side else cv2.INTER_CUBIC
    made: list[NDArray[np.uint8]] = []
    for index in rows:
        picture = folder.picture(part, folder.rows[index])
        if side != folder.side:
            picture = np.asarray(cv2.resize(picture, (side, side), interpolation=how), np.uint8)
        made.append(picture)
    return np.stack(made) if made else np.empty((0, side, side, 3), np.uint8)


def _floats(pictures: NDArray[np.uint8]) -> Floats:
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(255)


def _vectors(
    folder: PairFolder, parts: list[list[int]], extra: Extra | None
) -> list[Floats | None]:
    """Return the second input of the pairs of each part."""
    if extra is None:
        return [None] * len(parts)
    if extra.name != FACE:
        return [np.zeros((len(rows), extra.size), np.float32) for rows in parts]
    found = pair_embeddings.read(folder.folder)
    if found is None or found.vectors.shape[2] != extra.size:
        raise DataError(
            f"the net wants face embeddings of {extra.size} numbers, and the pair folder "
            f"{str(folder.folder)!r} has none: run  mask2face dataset embed {folder.folder}"
        )
    return [found.vectors[rows, 0] for rows in parts]


def needed(faces: Faces | None, target: str, *, calibrated: bool = True) -> Faces:
    """Return `faces` for a target that must be compared, and mostly calibrated, on them.

    Raises:
        DataError: there are none, or too few to calibrate or to compare on.
    """
    if faces is None:
        raise DataError(
            f"{target} must be {'calibrated' if calibrated else 'compared'} on faces: give a pair "
            f"folder with --pairs PAIRS; one is made by  {_MAKE}"
        )
    least = min(len(faces.calibration) if calibrated else LEAST, len(faces.crops))
    if least < LEAST:
        raise DataError(
            f"{target} needs {LEAST} faces in face masks to calibrate on and {LEAST} to compare "
            f"on, got {len(faces.calibration)} and {len(faces.crops)}: let --faces be {LEAST} or "
            f"more; if the folder has not so many, make one with  {_MAKE}"
        )
    return faces
