"""A camera, or a clip in its place -> frames with their times, as they come."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.errors import VideoError

_RATE: Final = 30.0  # frames a second, of sources that do not say
_PATIENCE: Final = 10.0  # s that a camera may take for a frame


class Camera:
    """An open camera; a context manager, and an iterator of (s since the first frame, frame).

    Frames are RGB uint8 (H, W, 3). Of a camera only the newest counts: those that come while one is
    worked on are left out, so that the picture does not lag. Of a file every frame is given.

    Args:
        source: the number of a camera ("0"), a device ("/dev/video2"), an address that OpenCV opens
            ("rtsp://..."), or a video file in the place of a camera.

    Attributes:
        live: whether frames are left out where the work is slower than the source.

    Raises:
        VideoError: it cannot be opened.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.live = not Path(source).is_file()
        with _quiet():
            numbered = self.live and source.isdecimal()
            self._capture = cv2.VideoCapture(int(source) if numbered else source)
        if not self._capture.isOpened():
            raise VideoError(
                f"{source!r} cannot be opened: check that the camera is plugged in, that no other "
                "program uses it and that you may, or name another (0, 1, /dev/video2, a file)"
            )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if np.isfinite(rate) and 1 <= rate <= 1000 else _RATE
        self._changed = threading.Condition()
        self._newest: NDArray[np.uint8] | None = None
        self._ended = self._stalled = False

    def __enter__(self) -> Self:
        """Return the camera."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the camera go."""
        self.close()

    def close(self) -> None:
        """Let the camera go."""
        with self._changed:
            self._ended = True
        with _quiet():
            self._capture.release()

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Yield times and frames.

        Raises:
            VideoError: not even one frame came, or a camera stopped giving any.
        """
        count = 0
        for moment in self._newest_ones() if self.live else self._every_one():
            count += 1
            yield moment
        if not count:
            raise VideoError(f"{self.source!r} gives no picture: check that it plays elsewhere")

    def _read(self) -> NDArray[np.uint8] | None:
        good, frame = self._capture.read()
        if not good or frame.ndim != 3 or frame.dtype != np.uint8:
            return None
        return np.ascontiguousarray(frame[..., ::-1], np.uint8)

    def _every_one(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        count = 0
        while (frame := self._read()) is not None:
            yield count / self.rate, frame
            count += 1

    def _newest_ones(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        reader = threading.Thread(target=self._watch, name="camera", daemon=True)
        reader.start()
        began: float | None = None
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._ended or self._newest is not None, _PATIENCE
                    )
                    frame, self._newest = self._newest, None
                    stalled = self._stalled or not self._ended
                if frame is None and stalled:
                    raise VideoError(
                        f"{self.source!r} gives no picture for {_PATIENCE:g} s: check that it is "
                        "still plugged in, or that its network is there, and begin again"
                    )
                if frame is None:
                    return
                now = time.monotonic()
                began = now if began is None else began
                yield now - began, frame
        finally:
            with self._changed:
                self._ended = True
            reader.join(_PATIENCE)

    def _watch(self) -> None:
        """Keep the newest frame, until there are no more or nobody wants them."""
        while not self._ended:
            began = time.monotonic()
            frame = self._read()
            with self._changed:
                if frame is None:  # V4L2 gives up by itself after 10 s; an end comes at once
                    self._stalled = time.monotonic() - began > 0.9 * _PATIENCE
                    self._ended = True
                else:
                    self._newest = frame
                self._changed.notify_all()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing to stderr about cameras that are not there."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
