"""The pair folder: inputs, outputs and holes as PNG, one row a pair, splits written down.

`inputs/NAME.png`, `outputs/NAME.png` RGB and `holes/NAME.png` grey (255 = replace), all S x S;
`pairs.jsonl` has a row a pair: name, identity, dataset, split, style, options, landmarks;
`meta.json` the side, the seed and the counts.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.errors import DataError, OutputError, UnknownNameError
from mask2face.registry import lookup
from mask2face.splits import SPLITS

FORMAT: Final = "mask2face pairs 1"
_PARTS: Final = ("inputs", "outputs", "holes")


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


class PairWriter:
    """Write a pair folder pair by pair; a folder with the same facts is continued.

    Args:
        folder: made if it is not there.
        side: S of the pairs, px.
        facts: anything to keep in `meta.json`; a folder is continued only with equal facts.

    Raises:
        OutputError: the folder holds something else, was begun with other facts, or cannot be
            written.
    """

    def __init__(self, folder: str | Path, side: int, facts: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self._meta = {"format": FORMAT, "side": side, **facts, "complete": False}
        self.rows: dict[str, PairRow] = {}
        try:
            if (self.folder / "meta.json").exists():
                self._continue()
            elif self.folder.exists() and any(self.folder.iterdir()):
                raise OutputError(
                    f"{str(folder)!r} is not empty and not a pair folder: choose another folder"
                )
            for part in _PARTS:
                (self.folder / part).mkdir(parents=True, exist_ok=True)
            self._save_meta()
        except OSError as error:
            raise OutputError(f"cannot write the pair folder {str(folder)!r}: {error}") from error

    def _continue(self) -> None:
        old = _meta(self.folder)
        begun = {key: value for key, value in old.items() if key != "counts"}
        begun["complete"] = False
        if begun != json.loads(json.dumps(self._meta)):
            raise OutputError(
                f"the pair folder {str(self.folder)!r} was made with other settings: "
                "remove it, or use the settings in its meta.json"
            )
        rows = self.folder / "pairs.jsonl"
        if rows.exists():
            lines = rows.read_text(encoding="utf-8").splitlines(keepends=True)
            # a line without its end was cut off when the writer died
            whole = [line for line in lines if line.endswith("\n")]
            _write(rows, "".join(whole).encode())
            self.rows = {row.name: row for row in _rows(self.folder)}

    def __contains__(self, name: object) -> bool:
        """Say whether the pair of that name is written already."""
        return name in self.rows

    def write(self, name: str, pair: Pair, *, identity: str, dataset: str, split: str) -> None:
        """Write one pair under `name`; its row comes last, so a row always has its files.

        Raises:
            OutputError: a file cannot be written.
            ValueError: the name is used already, or the pair has another side than the folder.
        """
        if name in self.rows or len(pair.hole) != self._meta["side"]:
            raise ValueError(f"pair {name!r} is there already or has side {len(pair.hole)}")
        points = tuple((round(float(x), 2), round(float(y), 2)) for x, y in pair.landmarks)
        row = PairRow(name, identity, dataset, split, pair.style, dict(pair.options), points)
        hole = np.rint(pair.hole * 255).astype(np.uint8)
        try:
            for part, pixels in zip(_PARTS, (pair.input, pair.output, hole), strict=True):
                Image.fromarray(pixels).save(self.folder / part / f"{name}.png")
            with (self.folder / "pairs.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row)) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write the pair {name!r}: {error}") from error
        self.rows[name] = row

    def finish(self) -> "PairFolder":
        """Mark the folder complete and open it."""
        counts = Counter(row.split for row in self.rows.values())
        self._meta |= {"complete": True, "counts": {name: counts[name] for name in SPLITS}}
        self._save_meta()
        return PairFolder.open(self.folder)

    def _save_meta(self) -> None:
        _write(self.folder / "meta.json", (json.dumps(self._meta, indent=1) + "\n").encode())


@dataclass(frozen=True)
class PairFolder:
    """An open pair folder.

    Attributes:
        folder: where it is.
        rows: one a pair, in the order they were written.
        meta: side, seed, counts and what else its writer kept.
    """

    folder: Path
    rows: tuple[PairRow, ...]
    meta: dict[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> "PairFolder":
        """Open a complete pair folder.

        Raises:
            DataError: the folder is missing, broken, not complete, has no pairs, or has the same
                person in two splits.
        """
        folder = Path(folder)
        meta = _meta(folder)
        if not meta.get("complete"):
            raise DataError(f"the pair folder {str(folder)!r} is not complete: run it again")
        rows = _rows(folder)
        if not rows:
            raise DataError(f"the pair folder {str(folder)!r} has no pairs")
        _check_disjoint(rows, folder)
        return cls(folder, rows, meta)

    @property
    def side(self) -> int:
        """S, px."""
        return int(self.meta["side"])

    def of(self, split: str) -> tuple[PairRow, ...]:
        """Return the rows of a split.

        Raises:
            UnknownNameError: `split` is not train, validation or test.
        """
        lookup("split", dict.fromkeys(SPLITS), split)
        return tuple(row for row in self.rows if row.split == split)

    def path(self, part: str, row: PairRow) -> Path:
        """Return the file of a pair in `inputs`, `outputs` or `holes`."""
        lookup("part of a pair", dict.fromkeys(_PARTS), part)
        return self.folder / part / f"{row.name}.png"

    def load(
        self, split: str, limit: int | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32], tuple[PairRow, ...]]:
        """Read the pairs of a split.

        Args:
            split: train, validation or test.
            limit: at most so many, the first; None for all.

        Returns:
            inputs uint8 (N, S, S, 3), outputs uint8 (N, S, S, 3), holes float32 (N, S, S) in
            [0, 1], and the N rows.

        Raises:
            DataError: a file is missing, broken or of another size.
        """
        rows = self.of(split)[:limit]
        inputs, outputs, holes = (
            np.empty((len(rows), self.side, self.side, *depth), np.uint8)
            for depth in ((3,), (3,), ())
        )
        for index, row in enumerate(rows):
            inputs[index] = self._picture("inputs", row, "RGB")
            outputs[index] = self._picture("outputs", row, "RGB")
            holes[index] = self._picture("holes", row, "L")
        return inputs, outputs, holes.astype(np.float32) / np.float32(255), rows

    def _picture(self, part: str, row: PairRow, mode: str) -> NDArray[np.uint8]:
        path = self.path(part, row)
        try:
            with Image.open(path) as picture:
                pixels = np.asarray(picture)
                size, found = picture.size, picture.mode
        except (OSError, SyntaxError) as error:
            raise DataError(f"{str(path)!r} is missing or broken: {error}") from error
        if size != (self.side, self.side) or found != mode:
            raise DataError(
                f"{str(path)!r} is {found} {size[0]}x{size[1]}, "
                f"expected {mode} {self.side}x{self.side}"
            )
        return pixels


def _meta(folder: Path) -> dict[str, Any]:
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


def _rows(folder: Path) -> tuple[PairRow, ...]:
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


def _check_disjoint(rows: Iterable[PairRow], folder: Path) -> None:
    splits: dict[str, str] = {}
    for row in rows:
        other = splits.setdefault(row.identity, row.split)
        if other != row.split:
            raise DataError(
                f"{row.identity!r} is in {other} and in {row.split} of {str(folder)!r}: "
                "a person may be in one split only; generate the pairs again"
            )


def _write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
