"""Where training takes its pairs from: clean crops that get face masks, or a pair folder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.crops import CropCache
from mask2face.drawing import drawn_pair, shrink
from mask2face.errors import ConfigurationError, DataError
from mask2face.facemasks import draw_random
from mask2face.head_turn import TURNED, turn
from mask2face.pair_embeddings import read as read_embeddings
from mask2face.pairs import PairFolder
from mask2face.photo_edges import end_photo
from mask2face.recipe import Recipe

ENDED: Final = 0.3  # share of the training pairs in which the photo ends inside the crop
TURNED_TIMES: Final = 3  # turned faces come so often: one in ten of LFW and CelebA, more outside


@dataclass(frozen=True)
class Batch:
    """Pairs as arrays.

    Attributes:
        inputs: uint8 (N, S, S, 3) RGB, with face masks.
        outputs: uint8 (N, S, S, 3) RGB, without.
        holes: float32 (N, S, S) in [0, 1].
        extras: float32 (N, 2, E), face embeddings of the inputs as they are and mirrored; None
            where no net asked for them.
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    holes: NDArray[np.float32]
    extras: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return N."""
        return len(self.inputs)

    def take(self, indices: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> "Batch":
        """Return the pairs at `indices`, those in `mirrored` flipped left to right."""
        arrays: list[NDArray[Any]] = [
            array[indices] for array in (self.inputs, self.outputs, self.holes)
        ]
        for array in arrays:
            array[mirrored] = array[mirrored][:, :, ::-1]
        if self.extras is None:
            return Batch(*arrays)
        extras = self.extras[indices]
        extras[mirrored] = extras[mirrored][:, ::-1]
        return replace(Batch(*arrays), extras=extras)

    def parts(self, count: int) -> Iterator[tuple["Batch", float]]:
        """Yield the pairs in `count` even parts, each with its share of them, without copying.

        Raises:
            ValueError: there are fewer pairs than parts.
        """
        size = len(self)
        if size < count:
            raise ValueError(f"a batch of {size} pairs has no {count} parts")
        for begin, end in pairwise(size * part // count for part in range(count + 1)):
            pairs = slice(begin, end)
            extras = None if self.extras is None else self.extras[pairs]
            part = Batch(self.inputs[pairs], self.outputs[pairs], self.holes[pairs], extras)
            yield part, (end - begin) / size


def joined(parts: list[Batch]) -> Batch:
    """Return the pairs of one or more batches as one."""
    if len(parts) == 1:
        return parts[0]
    extras = [part.extras for part in parts if part.extras is not None]
    return Batch(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.outputs for part in parts]),
        np.concatenate([part.holes for part in parts]),
        np.concatenate(extras) if extras else None,
    )


class Source(Protocol):
    """Where pairs come from; it must be picklable."""

    @property
    def embedder(self) -> str:
        """Return what made the face embeddings beside the pairs; "" if there are none."""

    def count(self, split: str) -> int:
        """Return how many faces `split` holds."""

    def pair(self, split: str, index: int, side: int, rng: np.random.Generator) -> Batch:
        """Return one pair, a batch with N = 1."""

    def with_faces(self, size: int) -> "Source":
        """Return the same source with face embeddings beside the pairs.

        Args:
            size: numbers a face, E.

        Raises:
            DataError: it has none.
            ConfigurationError: it has some of another size.
        """


class DrawnPairs:
    """Draw face masks on the crops of a cache, anew each time.

    Args:
        folder: of the crop cache.
        recipe: names the wobble and the face masks.
    """

    embedder = ""

    def __init__(self, folder: str | Path, recipe: Recipe) -> None:
        self.folder, self.recipe = str(folder), recipe
        self._cache = CropCache.open(folder)
        self._indices = {name: self._cache.indices(name) for name in ("train", "validation")}
        self._indices["train"] = self._with_more_turned(self._indices["train"])

    def _with_more_turned(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        turned = indices[turn(self._cache.landmarks[indices]) > TURNED]
        return np.concatenate([indices, *[turned] * (TURNED_TIMES - 1)])

    def __reduce__(self) -> tuple[type["DrawnPairs"], tuple[str, Recipe]]:
        """Open the folder again in a worker instead of sending 2 GB through a pipe."""
        return DrawnPairs, (self.folder, self.recipe)

    def count(self, split: str) -> int:
        """Return how many faces `split` holds; in "train" turned ones count `TURNED_TIMES`."""
        return len(self._indices[split])

    def pair(self, split: str, index: int, side: int, rng: np.random.Generator) -> Batch:
        """Draw a face mask on one face; see `drawing.drawn_pair`.

        In training the photo may end inside the crop; see `photo_edges`.
        """
        clean = self._cache[int(self._indices[split][index])]
        draw = partial(draw_random, weights=self.recipe.facemasks or None)
        drawn = drawn_pair(clean, side, rng, self.recipe.wobble, draw)
        input_, output, hole = drawn.input, drawn.output, drawn.hole
        if split == "train" and rng.random() < ENDED:
            input_, output, hole = end_photo((input_, output, hole), rng)
        return Batch(input_[None], output[None], hole[None])

    def with_faces(self, size: int) -> "DrawnPairs":
        """Refuse: what is drawn anew each time has not been looked at before.

        Raises:
            DataError: always.
        """
        raise DataError(
            f"the net {self.recipe.net!r} wants face embeddings, and pairs drawn while training "
            "have none: write a pair folder with `mask2face dataset pairs`, add them with "
            "`mask2face dataset embed PAIRS`, and train on that folder"
        )


class StoredPairs:
    """Take the pairs of a pair folder as they are, reading each when its turn comes.

    Args:
        folder: of the pairs.
        limit: use at most so many training pairs, the first; None for all.
        faces: numbers of the face embeddings to read beside the pairs; 0 reads none.

    Raises:
        DataError: the folder is missing, broken or not complete, or has no embeddings.
        ConfigurationError: the embeddings have another size.
    """

    def __init__(self, folder: str | Path, limit: int | None = None, faces: int = 0) -> None:
        self.folder, self.limit, self.faces = str(folder), limit, faces
        self._pairs = PairFolder.open(folder)
        self._indices = {
            split: [i for i, row in enumerate(self._pairs.rows) if row.split == split][:most]
            for split, most in (("train", limit), ("validation", None))
        }
        self._vectors: NDArray[np.float32] | None = None
        self._embedder = ""
        if faces:
            self._read_faces()

    def _read_faces(self) -> None:
        found = read_embeddings(self.folder)
        if found is None:
            raise DataError(
                f"the net wants face embeddings, and the pair folder {self.folder!r} has none: "
                f"run `mask2face dataset embed {self.folder}`"
            )
        size = found.vectors.shape[2]
        if size != self.faces:
            raise ConfigurationError(
                f"'face_size' is {self.faces}: the embeddings by {found.embedder!r} in "
                f"{self.folder!r} have {size} numbers, so set it to {size} in the recipe's options"
            )
        self._vectors, self._embedder = found.vectors, found.embedder

    def __reduce__(self) -> tuple[type["StoredPairs"], tuple[str, int | None, int]]:
        """Open the folder again in a worker."""
        return StoredPairs, (self.folder, self.limit, self.faces)

    @property
    def embedder(self) -> str:
        """Return what made the face embeddings; "" where none are read."""
        return self._embedder

    @property
    def side(self) -> int:
        """S of the stored pairs, px."""
        return self._pairs.side

    def count(self, split: str) -> int:
        """Return how many pairs `split` holds."""
        return len(self._indices[split])

    def pair(self, split: str, index: int, side: int, rng: np.random.Generator) -> Batch:
        """Return one pair, mirrored at random, resized to `side`."""
        row = self._indices[split][index]
        found = replace(self._pairs, rows=(self._pairs.rows[row],)).load(split)
        extras = None if self._vectors is None else self._vectors[row : row + 1]
        mirrored = np.array([split == "train" and rng.random() < 0.5])
        one = Batch(*found[:3], extras).take(np.array([0]), mirrored)
        hole = cv2.resize(one.holes[0], (side, side), interpolation=cv2.INTER_AREA)
        return Batch(
            shrink(one.inputs[0], side)[None],
            shrink(one.outputs[0], side)[None],
            np.clip(hole, 0, 1)[None],
            one.extras,
        )

    def with_faces(self, size: int) -> "StoredPairs":
        """Return the same pairs with their face embeddings; see `Source.with_faces`."""
        return StoredPairs(self.folder, self.limit, size)
