"""A bounded queue before a few worker threads: what does not fit is refused at once."""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

T = TypeVar("T")

_FIRST_GUESS = 0.5  # s a photo takes, until some were measured


class Workers:
    """Threads that do requests, and the queue before them.

    Args:
        threads: requests done at the same time.
        queue: requests that may wait.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "request")
        self._threads, self._room = threads, threads + queue
        self._lock = threading.Lock()
        self._inside = 0
        self._seconds = _FIRST_GUESS

    @property
    def inside(self) -> int:
        """Requests that wait or are being done."""
        return self._inside

    def check_room(self) -> None:
        """Refuse a request that would find the queue full.

        Raises:
            HTTPException: 503, with the seconds after which to try again.
        """
        if self._inside >= self._room:
            wait = min(60, max(1, math.ceil(self._inside * self._seconds / self._threads)))
            raise HTTPException(
                503, f"the queue is full: try again in {wait} s", {"Retry-After": str(wait)}
            )

    async def do(self, request: Request, work: Callable[[], T]) -> T:
        """Return what `work` gives, done in a thread.

        Args:
            request: whose body has been read; if its client leaves before the work begins, it is
                not done at all.
            work: what to do.

        Raises:
            HTTPException: 503, the queue is full.
            ClientDisconnect: the client has left.
            Exception: what `work` raises.
        """
        with self._lock:
            self.check_room()
            self._inside += 1
        done = self._pool.submit(self._timed, work)
        done.add_done_callback(self._leave)
        result = asyncio.wrap_future(done)
        gone = asyncio.ensure_future(_disconnected(request))
        either: set[asyncio.Future[Any]] = {result, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if result.done():
                return result.result()
            raise ClientDisconnect
        finally:
            gone.cancel()
            done.cancel()  # at once: that of `result` would reach it a turn of the loop later
            result.cancel()

    def close(self) -> None:
        """Wait for what is being done."""
        self._pool.shutdown()

    def _timed(self, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return work()
        finally:
            self._seconds += 0.1 * (time.perf_counter() - began - self._seconds)

    def _leave(self, _: "Future[T]") -> None:
        with self._lock:
            self._inside -= 1


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
