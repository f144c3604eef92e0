"""One pair and its row: what stands in a pair folder, read and written file by file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.errors import DataError, UnknownNameError
from mask2face.registry import lookup
from mask2face.splits import SPLITS

FORMAT: Final = "mask2face pairs 1"
PARTS: Final = ("inputs", "outputs", "holes")


@dataclass(frozen=True)
class Pair:
    """An input with a face mask, the output without, and the hole between them.

    Attributes:
        input: uint8 (S, S, 3) RGB.
        output: uint8 (S, S, 3) RGB.
        hole: float32 (S, S) in [0, 1].
        style: name of the face mask's style.
        options: of the style.
        landmarks: float32 (68, 2), px of the pair.
    """

    input: NDArray[np.uint8]
    output: NDArray[np.uint8]
    hole: NDArray[np.float32]
    style: str
    options: dict[str, str | float]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class PairRow:
    """What is known about a pair.

    Attributes:
        name: of its three files, without `.png`.
        identity: who is in it.
        dataset: where the photo comes from.
        split: train, validation or test.
        style: of the face mask.
        options: of the style.
        landmarks: 68 points x, y in px of the pair.
    """

    name: str
    identity: str
    dataset: str
    split: str
    style: str
    options: dict[str, str | float]
    landmarks: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        lookup("split", dict.fromkeys(SPLITS), self.split)
        if not self.name or Path(self.name).name != self.name:
            raise ValueError(f"a pair's name must be a plain file name, got {self.name!r}")


def row_of(name: str, pair: Pair, identity: str, dataset: str, split: str) -> PairRow:
    """Return the row of `pair`; its points are rounded to a hundredth of a pixel.

    Raises:
        UnknownNameError: `split` is not train, validation or test.
        ValueError: `name` is not a plain file name.
    """
    points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in pair.landmarks)
    return PairRow(name, identity, dataset, split, pair.style, dict(pair.options), points)


def write_pictures(folder: Path, name: str, pair: Pair) -> None:
    """Write the three pictures of a pair below `folder`; none is ever there in part.

    Raises:
        OSError: a file cannot be written.
    """
    hole = np.rint(pair.hole * 255).astype(np.uint8)
    for part, pixels in zip(PARTS, (pair.input, pair.output, hole), strict=True):
        path = folder / part / f"{name}.png"
        begun = path.with_name(f".{name}.part")
        Image.fromarray(pixels).save(begun, "PNG")
        begun.replace(path)


def read_meta(folder: Path) -> dict[str, Any]:
    """Read `meta.json` of a pair folder, complete or not.

    Raises:
        DataError: the folder or the file is missing, broken, or of another version.
    """
    if not folder.is_dir():
        raise DataError(f"pair folder {str(folder)!r} does not exist: generate it first")
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(folder)!r} is not a pair folder, its meta.json is missing or broken: {error}"
        ) from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT or "side" not in meta:
        raise DataError(f"{str(folder)!r} is not a pair folder of this version ({FORMAT!r})")
    return meta


def read_rows(folder: Path) -> tuple[PairRow, ...]:
    """Read `pairs.jsonl` of a pair folder.

    Raises:
        DataError: the file is missing, or a line is broken.
    """
    path = folder / "pairs.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{str(path)!r} is missing or broken: {error}") from error
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(PairRow(**json.loads(line)))
        except (ValueError, TypeError, UnknownNameError) as error:
            raise DataError(f"line {number} of {str(path)!r} is broken: {error}") from error
    return tuple(rows)


def check_disjoint(rows: Iterable[PairRow], folder: Path) -> None:
    """Refuse rows in which a person is in two splits.

    Raises:
        DataError: someone is.
    """
    splits: dict[str, str] = {}
    for row in rows:
        other = splits.setdefault(row.identity, row.split)
        if other != row.split:
            raise DataError(
                f"{row.identity!r} is in {other} and in {row.split} of {str(folder)!r}: "
                "a person may be in one split only; generate the pairs again"
            )
