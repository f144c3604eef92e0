"""A camera -> pictures with invented lower faces, shown and recorded while they come."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import files
from mask2face.errors import UsageError, VideoError
from mask2face.video.camera import Camera
from mask2face.video.clip import check_installed
from mask2face.video.filling import FaceFiller
from mask2face.video.output import container_of
from mask2face.video.recording import Recorder

WORDS: Final = "lower face invented"  # on every picture in which a face mask was replaced
_SCALE: Final = 0.45  # OpenCV's, of letters that can just be read
_HEIGHT: Final = 480  # px, height of a picture from which on they grow with it
_WEIGHT: Final = 0.1  # of the newest picture in the rate that is shown

Show = Callable[[NDArray[np.uint8], float], bool]
"""(RGB uint8 (H, W, 3), pictures a second) -> whether to go on."""


@dataclass(frozen=True)
class LiveReport:
    """What was done.

    Attributes:
        frames: how many came through.
        changed: in how many of them a face mask was replaced.
        seconds: that it took.
    """

    frames: int
    changed: int
    seconds: float

    def __str__(self) -> str:
        """Say it in a few words."""
        rate = self.frames / max(self.seconds, 1e-9)
        frames = f"{self.frames} frame{'' if self.frames == 1 else 's'}"
        return f"{frames}, face masks replaced in {self.changed} of them, {rate:.1f}/s"


def unmask_live(
    camera: Camera,
    filler: FaceFiller,
    *,
    show: Show = lambda _pixels, _rate: True,
    target: Path | None = None,
    overwrite: bool = False,
    most: int | None = None,
) -> LiveReport:
    """Replace the face masks before a camera until it ends, `show` says so, or Ctrl-C.

    Every picture in which a face mask was replaced says `WORDS`, on the screen and in the record;
    the record also carries the machine-readable mark, whatever was seen.

    Args:
        camera: where the pictures come from.
        filler: new.
        show: is given every picture.
        target: video file to record to, or None; it is whole also after Ctrl-C.
        overwrite: replace a file that is there.
        most: pictures after which to end, at least 1, or None.

    Raises:
        UsageError: a suffix or number makes no sense.
        VideoError: the camera gives no picture, or changes its size; what came until then is kept.
        OutputError: `target` is the input, is there already or cannot be written.
        MissingExtraError: there is a `target`, and PyAV is not installed.
    """
    if most is not None and most < 1:
        raise UsageError(f"frames is {most}: give at least 1")
    began = time.monotonic()
    frames = changed = 0
    with _record(camera, target, overwrite) as record:
        try:
            for pixels, seconds, done, rate in _filled(camera, filler):
                frames, changed = frames + 1, changed + done
                record(pixels, seconds)
                if not show(pixels, rate) or frames == most:
                    break
        except KeyboardInterrupt:  # how one ends it; what is recorded stays
            pass
    return LiveReport(frames, changed, time.monotonic() - began)


def _filled(
    camera: Camera, filler: FaceFiller
) -> Iterator[tuple[NDArray[np.uint8], float, bool, float]]:
    """Yield each picture, lettered, its time, whether it was changed, and the rate until now."""
    rate, before = 0.0, time.monotonic()
    for seconds, frame in camera:
        (done,) = filler([frame], [seconds])
        pixels = lettered(done.pixels, WORDS) if done.masked else done.pixels
        now = time.monotonic()
        rate, before = _smoothed(rate, 1 / max(now - before, 1e-6)), now
        yield pixels, seconds, bool(done.masked), rate


def _smoothed(rate: float, new: float) -> float:
    return rate + _WEIGHT * (new - rate) if rate else new


@contextmanager
def _record(
    camera: Camera, target: Path | None, overwrite: bool
) -> Iterator[Callable[[NDArray[np.uint8], float], None]]:
    """Give what takes pictures down; without a target nothing does."""
    if target is None:
        yield lambda _pixels, _seconds: None
        return
    check_installed()
    container = container_of(target)
    files.refuse_same(Path(camera.source), target)
    files.check_target(target, overwrite)
    import av

    recorders: list[Recorder] = []
    broken: VideoError | None = None
    with files.renamed(target, (OSError, av.FFmpegError)) as part:

        def record(pixels: NDArray[np.uint8], seconds: float) -> None:
            if not recorders:  # now the size is known
                size = (pixels.shape[1], pixels.shape[0])
                recorders.append(Recorder(part, container, size, camera.rate))
            recorders[0].add(pixels, seconds)

        try:
            try:
                yield record
            except VideoError as error:  # what came until then is kept
                broken = error
            if recorders:
                recorders[0].finish()
        finally:
            for recorder in recorders:
                recorder.close()
        if not recorders:  # no picture at all, or Ctrl-C before the first
            raise broken or UsageError(f"nothing was recorded: {target} is not written")
    if broken is not None:
        raise broken


def lettered(pixels: NDArray[np.uint8], words: str, top: bool = False) -> NDArray[np.uint8]:
    """Return a copy with a line of small letters, white on black, at the left edge.

    Args:
        pixels: RGB uint8 (H, W, 3).
        words: ASCII.
        top: the upper edge instead of the lower.
    """
    height = pixels.shape[0]
    scale = max(_SCALE, height * _SCALE / _HEIGHT)
    (width, letters), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    rim = max(2, letters // 3)
    line = letters + below + 2 * rim
    start = 0 if top else max(0, height - line)
    out = pixels.copy()
    cv2.rectangle(out, (0, start), (width + 2 * rim, start + line), (0, 0, 0), cv2.FILLED)
    place = (rim, start + rim + letters)
    white = (255, 255, 255)
    cv2.putText(out, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, white, 1, cv2.LINE_AA)
    return out
