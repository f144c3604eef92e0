"""Pictures as they come -> a video file with the mark, at the times at which they came."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import provenance
from mask2face.errors import VideoError
from mask2face.video.mark import append_xmp, declare, holds_xmp
from mask2face.video.output import Container

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_TIME_BASE: Final = Fraction(1, 90_000)  # s; divides the usual rates
_BT709: Final = 1  # FFmpeg's AVCOL_SPC_BT709
_LIMITED: Final = 1  # FFmpeg's AVCOL_RANGE_MPEG
# Quick enough to run beside the net.
_ENCODERS: Final = {
    "h264": ("libx264", {"crf": "20", "preset": "veryfast"}),
    "vp9": ("libvpx-vp9", {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "8"}),
}


class Recorder:
    """A video in the making, marked as altered; without sound.

    Args:
        path: the file; its suffix may say anything.
        container: what to write.
        size: (width, height) of the pictures, px.
        rate: pictures a second, about; each keeps its own time.
    """

    def __init__(
        self, path: Path, container: Container, size: tuple[int, int], rate: float
    ) -> None:
        import av

        self._path, self._size = path, size
        self._file: OutputContainer = av.open(str(path), "w", format=container.format)
        declare(self._file)
        name, options = _ENCODERS[container.codecs[0]]
        stream = self._file.add_stream(name, rate=round(rate), options=dict(options))
        if not isinstance(stream, av.VideoStream):
            raise TypeError(f"{name} encodes no video")
        self._stream: VideoStream = stream
        odd = size[0] % 2 or size[1] % 2
        context = stream.codec_context
        context.width, context.height = size
        context.pix_fmt = self._format = "yuv444p" if odd else "yuv420p"
        context.time_base = _TIME_BASE
        context.colorspace, context.color_range = _BT709, _LIMITED
        self._last = -1

    def add(self, pixels: NDArray[np.uint8], seconds: float) -> None:
        """Add a picture.

        Args:
            pixels: RGB uint8 (H, W, 3).
            seconds: since the beginning; later than the picture before.

        Raises:
            VideoError: it has another size than said.
        """
        import av

        size = (pixels.shape[1], pixels.shape[0])
        if size != self._size:
            raise VideoError(
                f"the camera changed from {self._size[0]} x {self._size[1]} to "
                f"{size[0]} x {size[1]} px: the record ends there, begin another"
            )
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
            format=self._format, dst_colorspace=_BT709, dst_color_range=_LIMITED
        )
        self._last = max(self._last + 1, round(seconds / _TIME_BASE))
        frame.pts, frame.time_base = self._last, _TIME_BASE
        self._file.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what is still to come, and the mark.

        Raises:
            OutputError: the disk is full, or the like.
        """
        self._file.mux(self._stream.encode(None))
        iso = holds_xmp(self._file)
        self._file.close()
        if iso:
            append_xmp(self._path, provenance.mark(None))

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()
