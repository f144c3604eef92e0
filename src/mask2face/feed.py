"""Feed training: a source of pairs -> batches, a function of (seed, phase, step)."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.parallel import deaths_told
from mask2face.recipe import Recipe
from mask2face.sources import Batch, DrawnPairs, Source, StoredPairs, joined
from mask2face.workers import end_with_parent

__all__ = ["Batch", "DrawnPairs", "Feed", "Source", "StoredPairs"]

_TASK: Final = 64  # pairs a worker draws at a time
_VALIDATION: Final = 1 << 30  # stream of the validation pairs; a phase's stream is its number


class Feed:
    """Batches by phase and step, drawn ahead of the net in other processes.

    A batch depends on the recipe, the phase and the step only: a run that starts again at a step
    sees what it would have seen. Of several training processes each gets its share of the same
    batch: what they get together is what one alone gets. Each draws only what it uses: all shares
    of a drawn pair, its echoes, go to the same process where the shares' sizes allow it.

    Args:
        source: of the pairs.
        recipe: of the run.
        workers: processes that draw; 0 draws in this one.
        shard: number of this training process, from 0, and how many there are.
    """

    def __init__(
        self, source: Source, recipe: Recipe, workers: int = 1, shard: tuple[int, int] = (0, 1)
    ) -> None:
        self._source, self._recipe, self._shard = source, recipe, shard
        self._chunk = min(recipe.chunk, max(_TASK, source.count("train")))
        self._ready: dict[tuple[int, int], tuple[NDArray[np.int64], list[Future[Batch]]]] = {}
        self._current: tuple[tuple[int, int], NDArray[np.int64], Batch] | None = None
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
        """Yield this process's share of the batches of a phase, from its step `start` on.

        Raises:
            WorkerDiedError: a process that draws was killed, or could not start.
        """
        for step in range(start, self._recipe.phases[phase].steps):
            parts = []
            for use, indices in self._share(phase, step):
                chunk, echo = divmod(use, self._recipe.echo)
                with deaths_told():
                    rows, drawn = self._drawn(phase, chunk)
                parts.append(drawn.take(rows[indices], np.full(len(indices), echo % 2 == 1)))
            yield joined(parts)

    def validation(self, side: int) -> Batch:
        """Return the frozen validation pairs at `side`: the same for every step and run."""
        count = min(self._recipe.validation, self._source.count("validation"))
        seed = self._recipe.seed
        return _draw(self._source, "validation", seed, _VALIDATION, range(count), side)

    def _share(self, phase: int, step: int) -> list[tuple[int, NDArray[np.int64]]]:
        """Return which pairs of which uses of a chunk this process gets at a step.

        The phase has an endless stream of pairs: each chunk `echo` times, shuffled anew each time.
        """
        size = self._recipe.phases[phase].batch
        found, place = [], 0
        while place < size:
            use, offset = divmod(step * size + place, self._chunk)
            count = min(size - place, self._chunk - offset)
            shuffle = np.random.default_rng([self._recipe.seed, phase, use])
            order = shuffle.permutation(self._chunk)[offset : offset + count]
            mine = self._mine(order, place)
            if len(mine):
                found.append((use, mine))
            place += count
        return found

    def _mine(self, order: NDArray[np.int64], place: int) -> NDArray[np.int64]:
        """Return this process's share of the pairs `order`, which start at `place` of the batch.

        Each pair has an owner, who takes it at all its uses. Shares are even: who owns too many
        leaves some to the next.
        """
        rank, count = self._shard
        if count == 1:
            return order
        takers = np.sort((place + np.arange(len(order))) % count)
        by_owner = np.argsort(order % count, kind="stable")
        mine: NDArray[np.int64] = order[by_owner[takers == rank]]
        return mine

    def _needed(self, phase: int, chunk: int) -> NDArray[np.int64]:
        """Return which pairs of a chunk this process uses at all."""
        now, echo = self._recipe.phases[phase], self._recipe.echo
        uses = range(chunk * echo, (chunk + 1) * echo)
        first = uses.start * self._chunk // now.batch
        end = min(now.steps, -(-uses.stop * self._chunk // now.batch))
        needed = np.zeros(self._chunk, np.bool_)
        for step in range(first, end):
            for use, indices in self._share(phase, step):
                if use in uses:
                    needed[indices] = True
        return np.flatnonzero(needed)

    def _drawn(self, phase: int, chunk: int) -> tuple[NDArray[np.int64], Batch]:
        """Return the pairs drawn for a chunk, and in which row of them each of its pairs is."""
        if self._current is None or self._current[0] != (phase, chunk):
            self._request(phase, chunk)
            needed, futures = self._ready.pop((phase, chunk))
            rows = np.full(self._chunk, -1)
            rows[needed] = np.arange(len(needed))
            self._current = (phase, chunk), rows, joined([future.result() for future in futures])
            now = self._recipe.phases[phase]
            if (chunk + 1) * self._chunk * self._recipe.echo < now.steps * now.batch:
                self._request(phase, chunk + 1)
        return self._current[1:]

    def _request(self, phase: int, chunk: int) -> None:
        if (phase, chunk) in self._ready:
            return
        side = self._recipe.phases[phase].side
        futures: list[Future[Batch]] = []
        needed = self._needed(phase, chunk)
        for begin in range(0, len(needed), _TASK):
            numbers = (needed[begin : begin + _TASK] + chunk * self._chunk).tolist()
            task = ("train", self._recipe.seed, phase, numbers, side)
            if self._pool:
                futures.append(self._pool.submit(_work, *task))
            else:
                done: Future[Batch] = Future()
                done.set_result(_draw(self._source, *task))
                futures.append(done)
        self._ready[phase, chunk] = needed, futures


_worker: list[Source] = []  # of this process; filled by `_start`


def _start(source: Source) -> None:
    end_with_parent()
    cv2.setNumThreads(1)  # the net needs the other cores
    _worker[:] = [source]


def _work(split: str, seed: int, stream: int, numbers: Sequence[int], side: int) -> Batch:
    return _draw(_worker[0], split, seed, stream, numbers, side)


def _draw(
    source: Source, split: str, seed: int, stream: int, numbers: Sequence[int], side: int
) -> Batch:
    """Draw the pairs `numbers` of an endless stream; no face comes twice before all came once."""
    count = source.count(split)
    pairs = []
    orders: dict[int, NDArray[np.int64]] = {}
    for number in numbers:
        epoch, place = divmod(number, count)
        if epoch not in orders:
            orders[epoch] = np.random.default_rng([seed, stream, epoch]).permutation(count)
        rng = np.random.default_rng([seed, stream, epoch, place])
        pairs.append(source.pair(split, int(orders[epoch][place]), side, rng))
    if pairs:
        return joined(pairs)
    pictures = np.empty((0, side, side, 3), np.uint8)
    return Batch(pictures, pictures, np.empty((0, side, side), np.float32))
