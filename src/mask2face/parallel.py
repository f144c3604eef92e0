"""Work through jobs in several processes: start, jobs -> results, in the order of the jobs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any, Final, NoReturn, TypeVar

import cv2

from mask2face.errors import Mask2FaceError
from mask2face.workers import end_with_parent

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK: Final = 4  # jobs that travel together; a kill loses at most so many a process


class WorkerDiedError(Mask2FaceError):
    """A worker process ended before its work was done."""


def in_order(
    start: Callable[[], Callable[[Job], Result]], jobs: Sequence[Job], workers: int = 0
) -> Iterator[Result]:
    """Yield the result of each job, in order.

    OpenCV uses one thread, so that the results do not depend on `workers` or the machine's cores.

    Args:
        start: called once in each process; what it returns is called with each job. It, the jobs
            and the results must be picklable when there are workers.
        jobs: what is to be done.
        workers: processes, with any, a script that calls this needs
            `if __name__ == "__main__":`; 0 works in this one.

    Raises:
        WorkerDiedError: a process was killed, or could not start.
        Exception: what a job raised, or `start`.
    """
    if workers < 1 or not jobs:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield from map(start(), jobs)
        finally:
            cv2.setNumThreads(threads)
        return
    pool = ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), _start, (start,))
    try:
        with deaths_told():
            yield from pool.map(_work, jobs, chunksize=_CHUNK)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def deaths_told() -> Iterator[None]:
    """Say in words of ours that a process of a pool is dead.

    Raises:
        WorkerDiedError: a process was killed, or could not start.
    """
    try:
        yield
    except BrokenProcessPool as error:
        raise WorkerDiedError(
            "a worker process died: give fewer workers if memory ran out; a script needs  "
            'if __name__ == "__main__":  around what it runs'
        ) from error


_worker: list[Callable[[Any], Any]] = []  # of this process; filled by `_start`


def _start(start: Callable[[], Callable[[Any], Any]]) -> None:
    end_with_parent()
    cv2.setNumThreads(1)  # the processes share the cores
    try:
        _worker[:] = [start()]
    except Exception as error:  # raised in here, it would end the pool without a word
        _worker[:] = [partial(_fail, error)]


def _fail(error: Exception, _job: Any) -> NoReturn:  # noqa: ANN401
    raise error


def _work(job: Any) -> Any:  # noqa: ANN401
    return _worker[0](job)
