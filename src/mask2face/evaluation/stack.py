"""Pairs in memory: what is scored, and what the baselines learn from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mask2face.crops import CropCache
from mask2face.drawing import drawn_pair
from mask2face.errors import DataError
from mask2face.pairs import PairFolder
from mask2face.progress import track
from mask2face.splits import generator


@dataclass(frozen=True, eq=False)
class PairStack:
    """Pairs as arrays.

    Attributes:
        inputs: RGB uint8 (N, S, S, 3), with face masks.
        outputs: RGB uint8 (N, S, S, 3), without.
        holes: float32 (N, S, S) in [0, 1], 1 = replace.
        identities: who is in each pair.
        styles: style of the face mask of each pair.
        landmarks: float32 (N, 68, 2), x and y in px of the pair, or None.
        options: with which each face mask was drawn, or None.
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    holes: NDArray[np.float32]
    identities: tuple[str, ...]
    styles: tuple[str, ...]
    landmarks: NDArray[np.float32] | None = None
    options: tuple[Mapping[str, Any], ...] | None = None

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            DataError: no pairs, or arrays that do not fit each other.
        """
        count, side = self.inputs.shape[:2]
        if count == 0:
            raise DataError("there are no pairs to score or to learn from")
        wanted: list[tuple[str, Any, tuple[int, ...]]] = [
            ("inputs", self.inputs, (count, side, side, 3)),
            ("outputs", self.outputs, (count, side, side, 3)),
            ("holes", self.holes, (count, side, side)),
        ]
        if self.landmarks is not None:
            wanted.append(("landmarks", self.landmarks, (count, 68, 2)))
        for name, array, shape in wanted:
            if array.shape != shape:
                raise DataError(f"{name} must be {shape}, got {array.shape}")
        if self.inputs.dtype != np.uint8 or self.outputs.dtype != np.uint8:
            raise DataError("inputs and outputs must be uint8")
        of_each = (self.identities, self.styles, self.options)
        if any(one is not None and len(one) != count for one in of_each):
            raise DataError(f"{count} pairs need as many identities, styles and options")

    def __len__(self) -> int:
        """Return N."""
        return len(self.inputs)

    @property
    def side(self) -> int:
        """S, px."""
        return int(self.inputs.shape[1])

    @property
    def masked(self) -> NDArray[np.bool_]:
        """Whether each pair has any hole pixel, bool (N,)."""
        return np.asarray((self.holes > 0.5).any(axis=(1, 2)), np.bool_)

    def first(self, count: int | None) -> "PairStack":
        """Return the first `count` pairs, all if None."""
        part = slice(count)
        return replace(
            self,
            inputs=self.inputs[part],
            outputs=self.outputs[part],
            holes=self.holes[part],
            identities=self.identities[part],
            styles=self.styles[part],
            landmarks=None if self.landmarks is None else self.landmarks[part],
            options=None if self.options is None else self.options[part],
        )

    @classmethod
    def read(cls, folder: str | Path, split: str = "test") -> "PairStack":
        """Read a split of a pair folder.

        Raises:
            DataError: the folder or a file is missing or broken, or the split is empty.
            UnknownNameError: no such split.
        """
        inputs, outputs, holes, rows = PairFolder.open(folder).load(split)
        if not rows:
            raise DataError(f"the pair folder {str(folder)!r} has no pair in {split!r}")
        return cls(
            inputs,
            outputs,
            holes,
            tuple(row.identity for row in rows),
            tuple(row.style for row in rows),
            np.array([row.landmarks for row in rows], np.float32),
            tuple(row.options for row in rows),
        )

    @classmethod
    def draw(
        cls,
        cache: CropCache,
        split: str = "train",
        *,
        side: int,
        count: int | None = None,
        seed: int = 0,
    ) -> "PairStack":
        """Draw pairs of clean crops, as for the baselines to learn from.

        Args:
            cache: clean crops.
            split: of the cache.
            side: S of the pairs, px.
            count: at most so many, spread evenly over the split.
            seed: of the drawings.

        Raises:
            DataError: the split is empty.
            UnknownNameError: no such split.
        """
        found = cache.indices(split)
        if not len(found):
            raise DataError(f"the crop cache {str(cache.folder)!r} has no photo in {split!r}")
        total = min(count or len(found), len(found))
        chosen = found[np.linspace(0, len(found) - 1, total).round().astype(int)].tolist()
        pairs = [
            drawn_pair(cache[index], side, generator(seed, cache.rows[index]["photo"]))
            for index in track(chosen, total, "pairs")
        ]
        return cls(
            np.stack([pair.input for pair in pairs]),
            np.stack([pair.output for pair in pairs]),
            np.stack([pair.hole for pair in pairs]),
            tuple(cache.rows[index]["identity"] for index in chosen),
            tuple(pair.style for pair in pairs),
            np.stack([pair.landmarks for pair in pairs]),
        )
