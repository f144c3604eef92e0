"""Feed training: clean crops or a pair folder -> batches, a function of (seed, phase, step)."""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.crops import CropCache
from mask2face.drawing import drawn_pair, shrink
from mask2face.facemasks import draw_random
from mask2face.pairs import PairFolder
from mask2face.recipe import Recipe
from mask2face.workers import end_with_parent

_TASK: Final = 64  # pairs a worker draws at a time
_VALIDATION: Final = 1 << 30  # stream of the validation pairs; a phase's stream is its number


@dataclass(frozen=True)
class Batch:
    """Pairs as arrays.

    Attributes:
        inputs: uint8 (N, S, S, 3) RGB, with face masks.
        outputs: uint8 (N, S, S, 3) RGB, without.
        holes: float32 (N, S, S) in [0, 1].
    """

    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    holes: NDArray[np.float32]

    def take(self, indices: NDArray[np.int64], mirrored: NDArray[np.bool_]) -> "Batch":
        """Return the pairs at `indices`, those in `mirrored` flipped left to right."""
        arrays: list[NDArray[Any]] = [
            array[indices] for array in (self.inputs, self.outputs, self.holes)
        ]
        for array in arrays:
            array[mirrored] = array[mirrored][:, :, ::-1]
        return Batch(*arrays)


class Source(Protocol):
    """Where pairs come from; it must be picklable."""

    def count(self, split: str) -> int:
        """Return how many faces `split` holds."""

    def pair(
        self, split: str, index: int, side: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """Return input, output and hole of one pair."""


class DrawnPairs:
    """Draw face masks on the crops of a cache, anew each time.

    Args:
        folder: of the crop cache.
        recipe: names the wobble and the face masks.
    """

    def __init__(self, folder: str | Path, recipe: Recipe) -> None:
        self.folder, self.recipe = str(folder), recipe
        self._cache = CropCache.open(folder)
        self._indices = {name: self._cache.indices(name) for name in ("train", "validation")}

    def __reduce__(self) -> tuple[type["DrawnPairs"], tuple[str, Recipe]]:
        """Open the folder again in a worker instead of sending 2 GB through a pipe."""
        return DrawnPairs, (self.folder, self.recipe)

    def count(self, split: str) -> int:
        """Return how many faces `split` holds."""
        return len(self._indices[split])

    def pair(
        self, split: str, index: int, side: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """Draw a face mask on one face; see `drawing.drawn_pair`."""
        clean = self._cache[int(self._indices[split][index])]
        draw = partial(draw_random, weights=self.recipe.facemasks or None)
        drawn = drawn_pair(clean, side, rng, self.recipe.wobble, draw)
        return drawn.input, drawn.output, drawn.hole


class StoredPairs:
    """Take the pairs of a pair folder as they are, reading each when its turn comes.

    Args:
        folder: of the pairs.
        limit: use at most so many training pairs, the first; None for all.

    Raises:
        DataError: the folder is missing, broken or not complete.
    """

    def __init__(self, folder: str | Path, limit: int | None = None) -> None:
        self.folder, self.limit = str(folder), limit
        self._pairs = PairFolder.open(folder)
        validation = self._pairs.of("validation")
        self._rows = {"train": self._pairs.of("train")[:limit], "validation": validation}

    def __reduce__(self) -> tuple[type["StoredPairs"], tuple[str, int | None]]:
        """Open the folder again in a worker."""
        return StoredPairs, (self.folder, self.limit)

    @property
    def side(self) -> int:
        """S of the stored pairs, px."""
        return self._pairs.side

    def count(self, split: str) -> int:
        """Return how many pairs `split` holds."""
        return len(self._rows[split])

    def pair(
        self, split: str, index: int, side: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """Return one pair, mirrored at random, resized to `side`."""
        found = replace(self._pairs, rows=(self._rows[split][index],)).load(split)
        mirrored = np.array([split == "train" and rng.random() < 0.5])
        one = Batch(*found[:3]).take(np.array([0]), mirrored)
        hole = cv2.resize(one.holes[0], (side, side), interpolation=cv2.INTER_AREA)
        return shrink(one.inputs[0], side), shrink(one.outputs[0], side), np.clip(hole, 0, 1)


class Feed:
    """Batches by phase and step, drawn ahead of the net in other processes.

    A batch depends on the recipe, the phase and the step only: a run that starts again at a step
    sees what it would have seen.

    Args:
        source: of the pairs.
        recipe: of the run.
        workers: processes that draw; 0 draws in this one.
    """

    def __init__(self, source: Source, recipe: Recipe, workers: int = 1) -> None:
        self._source, self._recipe = source, recipe
        self._chunk = min(recipe.chunk, max(_TASK, source.count("train")))
        self._ready: dict[tuple[int, int], list[Future[Batch]]] = {}
        self._current: tuple[tuple[int, int], Batch] | None = None
        self._pool = (
            ProcessPoolExecutor(workers, get_context("spawn"), _start, (source,))
            if workers
            else None
        )

    def close(self) -> None:
        """Stop the processes."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def batches(self, phase: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of a phase from its step `start` on."""
        size = self._recipe.phases[phase].batch
        for step in range(start, self._recipe.phases[phase].steps):
            yield self._batch(phase, step * size, size)

    def validation(self, side: int) -> Batch:
        """Return the frozen validation pairs at `side`: the same for every step and run."""
        count = min(self._recipe.validation, self._source.count("validation"))
        seed = self._recipe.seed
        return _draw(self._source, "validation", seed, _VALIDATION, range(count), side)

    def _batch(self, phase: int, first: int, size: int) -> Batch:
        """Return the `size` pairs from number `first` of the phase's endless stream."""
        parts = []
        while size:
            number, offset = divmod(first, self._chunk)
            count = min(size, self._chunk - offset)
            chunk, use = divmod(number, self._recipe.echo)
            rng = np.random.default_rng([self._recipe.seed, phase, number])
            order = rng.permutation(self._chunk)[offset : offset + count]
            mirrored = np.full(count, use % 2 == 1)
            parts.append(self._drawn(phase, chunk).take(order, mirrored))
            first, size = first + count, size - count
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _drawn(self, phase: int, chunk: int) -> Batch:
        if self._current is None or self._current[0] != (phase, chunk):
            self._request(phase, chunk)
            parts = [future.result() for future in self._ready.pop((phase, chunk))]
            self._current = (phase, chunk), _joined(parts)
            now = self._recipe.phases[phase]
            if (chunk + 1) * self._chunk * self._recipe.echo < now.steps * now.batch:
                self._request(phase, chunk + 1)
        return self._current[1]

    def _request(self, phase: int, chunk: int) -> None:
        if (phase, chunk) in self._ready:
            return
        side = self._recipe.phases[phase].side
        futures: list[Future[Batch]] = []
        end = (chunk + 1) * self._chunk
        for begin in range(end - self._chunk, end, _TASK):
            numbers = range(begin, min(begin + _TASK, end))
            task = ("train", self._recipe.seed, phase, numbers, side)
            if self._pool:
                futures.append(self._pool.submit(_work, *task))
            else:
                done: Future[Batch] = Future()
                done.set_result(_draw(self._source, *task))
                futures.append(done)
        self._ready[phase, chunk] = futures


_worker: list[Source] = []  # of this process; filled by `_start`


def _start(source: Source) -> None:
    end_with_parent()
    cv2.setNumThreads(1)  # the net needs the other cores
    _worker[:] = [source]


def _work(split: str, seed: int, stream: int, numbers: range, side: int) -> Batch:
    return _draw(_worker[0], split, seed, stream, numbers, side)


def _draw(source: Source, split: str, seed: int, stream: int, numbers: range, side: int) -> Batch:
    """Draw the pairs `numbers` of an endless stream; no face comes twice before all came once."""
    count = source.count(split)
    arrays = Batch(
        np.empty((len(numbers), side, side, 3), np.uint8),
        np.empty((len(numbers), side, side, 3), np.uint8),
        np.empty((len(numbers), side, side), np.float32),
    )
    orders: dict[int, NDArray[np.int64]] = {}
    for row, number in enumerate(numbers):
        epoch, place = divmod(number, count)
        if epoch not in orders:
            orders[epoch] = np.random.default_rng([seed, stream, epoch]).permutation(count)
        rng = np.random.default_rng([seed, stream, epoch, place])
        pair = source.pair(split, int(orders[epoch][place]), side, rng)
        arrays.inputs[row], arrays.outputs[row], arrays.holes[row] = pair
    return arrays


def _joined(parts: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.outputs for part in parts]),
        np.concatenate([part.holes for part in parts]),
    )
