"""The pair folder: inputs, outputs and holes as PNG, one row a pair, splits written down.

`inputs/NAME.png`, `outputs/NAME.png` RGB and `holes/NAME.png` grey (255 = replace), all S x S;
`pairs.jsonl` has a row a pair: name, identity, dataset, split, style, options, landmarks;
`meta.json` the side, the seed and the counts.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.errors import DataError, OutputError
from mask2face.pair_rows import (
    FORMAT,
    PARTS,
    Pair,
    PairRow,
    check_disjoint,
    read_meta,
    read_rows,
    row_of,
    write_pictures,
)
from mask2face.registry import lookup
from mask2face.splits import SPLITS

__all__ = ["FORMAT", "Pair", "PairFolder", "PairRow", "PairWriter"]


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
            elif self.folder.exists() and any(map(_foreign, self.folder.iterdir())):
                raise OutputError(
                    f"{str(folder)!r} is not empty and not a pair folder: choose another folder"
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            self._save_meta()  # first: from now on the folder can be continued
            for part in PARTS:
                (self.folder / part).mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write the pair folder {str(folder)!r}: {error}") from error

    def _continue(self) -> None:
        old = read_meta(self.folder)
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
            self.rows = {row.name: row for row in read_rows(self.folder)}

    def __contains__(self, name: object) -> bool:
        """Say whether the pair of that name is written already, its row and its three files."""
        return name in self.rows and all(
            (self.folder / part / f"{name}.png").exists() for part in PARTS
        )

    def write(self, name: str, pair: Pair, *, identity: str, dataset: str, split: str) -> None:
        """Write one pair under `name`.

        Raises:
            OutputError: a file cannot be written.
            ValueError: the name is used already, or the pair has another side than the folder.
        """
        if name in self or len(pair.hole) != self._meta["side"]:
            raise ValueError(f"pair {name!r} is there already or has side {len(pair.hole)}")
        row = row_of(name, pair, identity, dataset, split)
        try:
            write_pictures(self.folder, name, pair)
        except OSError as error:
            raise OutputError(f"cannot write the pair {name!r}: {error}") from error
        self.add(row)

    def add(self, row: PairRow) -> None:
        """Write the row of a pair whose pictures are there: a row always has its files.

        Raises:
            OutputError: it cannot be written.
            ValueError: there is another row of that name.
        """
        line = json.dumps(asdict(row))
        if row.name in self.rows:  # its pictures were lost and are there again
            if json.dumps(asdict(self.rows[row.name])) != line:
                raise ValueError(f"pair {row.name!r} has another row already")
            return
        try:
            with (self.folder / "pairs.jsonl").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise OutputError(f"cannot write the row of {row.name!r}: {error}") from error
        self.rows[row.name] = row

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
        meta = read_meta(folder)
        if not meta.get("complete"):
            raise DataError(f"the pair folder {str(folder)!r} is not complete: run it again")
        rows = read_rows(folder)
        if not rows:
            raise DataError(f"the pair folder {str(folder)!r} has no pairs")
        check_disjoint(rows, folder)
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
        lookup("part of a pair", dict.fromkeys(PARTS), part)
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
            inputs[index] = self.picture("inputs", row)
            outputs[index] = self.picture("outputs", row)
            holes[index] = self.picture("holes", row)
        return inputs, outputs, holes.astype(np.float32) / np.float32(255), rows

    def picture(self, part: str, row: PairRow) -> NDArray[np.uint8]:
        """Return a picture of a pair in `inputs` or `outputs`, uint8 (S, S, 3) RGB, or `holes`.

        A hole is uint8 (S, S), 255 = replace.

        Raises:
            DataError: the file is missing, broken or of another size.
        """
        path = self.path(part, row)
        mode = "L" if part == "holes" else "RGB"
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


def _foreign(path: Path) -> bool:
    """Say whether a file is none that a writer, killed at its first step, leaves."""
    return path.name != ".meta.json.part"


def _write(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
