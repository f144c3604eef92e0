"""Threads that share jobs: jobs -> results in the order of the jobs, a bounded number ahead."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_AHEAD: Final = 32  # jobs a thread that may be begun before the oldest has its result taken
_MOST: Final = 16  # threads by default: each may hold a photo of many megapixels


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # of Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usual() -> int:
    """Return how many threads a crew has where nobody says: one a core, at most 16."""
    return min(cores(), _MOST)


class Crew(Generic[Job, Result]):
    """Do jobs in several threads. Iterate over it once for the results, in the order of the jobs.

    At most `workers` jobs run at a time, so that what they hold is bounded. While one takes long,
    others go on; their results wait for it, at most `ahead` of them.

    Args:
        work: job -> result; called from several threads.
        jobs: what is to be done; read as it is needed.
        workers: threads, at least 1.
        ahead: jobs begun and not yet given back; at least `workers`.

    Raises:
        ValueError: no workers, or `ahead` below them.
    """

    def __init__(
        self,
        work: Callable[[Job], Result],
        jobs: Iterable[Job],
        workers: int,
        ahead: int | None = None,
    ) -> None:
        self._ahead = workers * _AHEAD if ahead is None else ahead
        if not 1 <= workers <= self._ahead:
            raise ValueError(f"{workers} workers, {self._ahead} ahead: at least 1, and as many")
        self._work, self._jobs = work, iter(jobs)
        self._begun: deque[Future[Result]] = deque()
        self._pool = ThreadPoolExecutor(workers, "crew")

    def __iter__(self) -> Iterator[Result]:
        """Yield the result of each job, in order.

        Raises:
            Exception: what the job raised whose turn it is.
        """
        while self._begin():
            result = self._begun[0].result()
            self._begun.popleft()
            yield result
        self._pool.shutdown()

    def stop(self) -> Iterator[Result]:
        """Begin no more jobs; yield the results of those that run, as they end, in order.

        Raises:
            Exception: what a job raised; `stop` again goes on behind it.
        """
        self._jobs = iter(())
        self._pool.shutdown(wait=False, cancel_futures=True)
        while self._begun:
            oldest = self._begun.popleft()
            if not oldest.cancelled():
                yield oldest.result()

    def _begin(self) -> bool:
        """Fill up what is begun; say whether anything is."""
        while len(self._begun) < self._ahead:
            try:
                job = next(self._jobs)
            except StopIteration:
                break
            self._begun.append(self._pool.submit(self._work, job))
        return bool(self._begun)
