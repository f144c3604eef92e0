"""The crops of several threads -> one network call, and the results back to each."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face import photos
from mask2face.crew import cores
from mask2face.devices import PROVIDERS, provider
from mask2face.pipeline import FoundFaces, Unmasker
from mask2face.restorer import BATCH, INPUT, Restorer

WINDOW: Final = 0.004  # s that crops wait for those of other threads; a call takes 20 and more

Inputs = Mapping[str, NDArray[np.float32]]
"""What a model takes, by name; each (n, ...), n crops."""
_Waiting = tuple[Inputs, Future[NDArray[np.float32]]]
Call = Callable[[Inputs], NDArray[np.float32]]


class Batcher:
    """Join calls of several threads into calls of up to `BATCH` crops.

    Crops wait for others at most `window` seconds, and only while other threads look for faces.
    A crop's result does not depend on what else is in its batch.

    Args:
        call: the network: inputs of n crops -> (n, ...).
        window: seconds.
        heard: is told the crops of each call.
    """

    def __init__(
        self, call: Call, window: float = WINDOW, heard: Callable[[int], None] | None = None
    ) -> None:
        self._call, self._window, self._heard = call, window, heard
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._expected = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    def __call__(self, inputs: Inputs) -> NDArray[np.float32]:
        """Return what `call` makes of `inputs`; waits for it.

        Raises:
            RuntimeError: the batcher is closed.
            Exception: what `call` raises.
        """
        result: Future[NDArray[np.float32]] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            self._waiting.append((inputs, result))
            self._changed.notify_all()
        return result.result()

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Say that this thread may call soon, so that the crops of others wait for it."""
        with self._changed:
            self._expected += 1
        try:
            yield
        finally:
            with self._changed:
                self._expected -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Do what waits, then end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next():
            parts, results = zip(*batch, strict=True)
            sizes = [len(part[INPUT]) for part in parts]
            try:
                joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
                done = self._call(joined)
                if self._heard is not None:
                    self._heard(sum(sizes))
            except Exception as error:  # whatever it is, those who wait must hear of it
                for result in results:
                    result.set_exception(error)
                continue
            for result, part in zip(results, np.split(done, np.cumsum(sizes)[:-1]), strict=True):
                result.set_result(part)

    def _next(self) -> list[_Waiting]:
        """Wait for calls and return those that go together; nothing once closed and empty."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            end = time.monotonic() + self._window
            while not self._ready() and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            batch: list[_Waiting] = []
            crops = 0
            while self._waiting:
                crops += len(self._waiting[0][0][INPUT])
                if batch and crops > BATCH:
                    break
                batch.append(self._waiting.popleft())
            return batch

    def _ready(self) -> bool:
        """Say whether waiting on would bring nothing."""
        crops = sum(len(inputs[INPUT]) for inputs, _ in self._waiting)
        return self._closed or crops >= BATCH or len(self._waiting) >= self._expected


class BatchedRestorer(Restorer):
    """A `Restorer` whose network calls several threads share; arguments as there.

    Args:
        path: ONNX file.
        device: as in `Restorer`.
        heard: as in `Batcher`.
        threads: as in `Restorer`.
    """

    def __init__(
        self,
        path: str | Path,
        device: str,
        heard: Callable[[int], None] | None = None,
        threads: int = 0,
    ) -> None:
        super().__init__(path, device, threads)
        self.batcher = Batcher(super()._run, heard=heard)

    def _run(self, inputs: Inputs) -> NDArray[np.float32]:
        return self.batcher(inputs)


class SharedUnmasker(Unmasker):
    """An `Unmasker` that threads share: the faces of their photos go through the net together.

    On a CPU the results equal those of `Unmasker`, bit for bit. Arguments and errors as there.

    Args:
        model: as in `Unmasker`.
        device: as in `Unmasker`.
        faces: as in `Unmasker`.
        threshold: as in `Unmasker`.
        heard: as in `Batcher`.
        threads: as in `Unmasker`.
        detector: as in `Unmasker`.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        device: str = "auto",
        *,
        faces: str = "all",
        threshold: float = 0.5,
        heard: Callable[[int], None] | None = None,
        threads: int = 0,
        detector: str = "centerface",
    ) -> None:
        opened: list[BatchedRestorer] = []

        def open_restorer(path: Path, device: str, threads: int) -> BatchedRestorer:
            opened.append(BatchedRestorer(path, device, heard, threads))
            return opened[0]

        super().__init__(
            model,
            device,
            faces=faces,
            threshold=threshold,
            threads=threads,
            restorer=open_restorer,
            detector=detector,
        )
        self._batcher = opened[0].batcher

    def find(self, photo: photos.Source | photos.Photo) -> FoundFaces:
        """Find the faces of a photo; see `Unmasker.find`."""
        with self._batcher.expecting():
            return super().find(photo)

    def close(self) -> None:
        """Let what waits go through the net, then end."""
        self._batcher.close()


def share_of_cores(workers: int, device: str) -> int:
    """Return with how many CPU threads each of `workers` threads runs the nets; 0 = one a core.

    Args:
        workers: threads that work at the same time, at least 1.
        device: as in `Unmasker`, and the errors.
    """
    if workers == 1 or provider(device) != PROVIDERS["cpu"]:
        return 0
    return max(1, cores() // workers)


@contextmanager
def unmasker_for(
    workers: int,
    model: str | Path | None = None,
    device: str = "auto",
    *,
    faces: str = "all",
    threshold: float = 0.5,
    detector: str = "centerface",
) -> Iterator[Unmasker]:
    """Open an unmasker that `workers` threads use at a time, each for photos of its own.

    On a CPU each thread runs the nets by itself, with its share of the cores. On two cores that
    gave 16.1 photos/s; both cores in each call gave 13.3, crops of several photos in one call 13.9
    with three threads and 16.5 with four, which hold twice the photos in memory. Elsewhere the
    crops of the threads go through the restorer in one call.

    Args:
        workers: threads, at least 1.
        model: as in `Unmasker`; so the rest, and the errors.
        device: see there.
        faces: see there.
        threshold: see there.
        detector: see there.
    """
    if workers == 1 or provider(device) == PROVIDERS["cpu"]:
        threads = share_of_cores(workers, device)
        yield Unmasker(
            model, device, faces=faces, threshold=threshold, threads=threads, detector=detector
        )
        return
    shared = SharedUnmasker(model, device, faces=faces, threshold=threshold, detector=detector)
    try:
        yield shared
    finally:
        shared.close()
