"""Read a video file: its frames with their times, its other streams packet by packet."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mask2face.errors import MissingExtraError, UsageError, VideoError

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

_COPIED = ("audio", "subtitle")  # kinds of streams that are taken over
_CUT_SHORT = 0.9  # of the length that the file names; less was lost


def check_installed() -> None:
    """Check that PyAV is there.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        import av  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("av", "video") from error


class Clip:
    """An open video file; a context manager.

    Args:
        path: the file.

    Attributes:
        path: as given.
        container: PyAV's.
        video: the stream whose faces are filled: the first that is no cover picture.
        copied: audio and subtitle streams, which are taken over as they are.
        left_out: words for every other stream.
        first: the first frame, decoded; it alone knows the rotation.

    Raises:
        UsageError: no such file.
        VideoError: broken, or nothing in it can be decoded as video.
        MissingExtraError: PyAV is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        check_installed()
        self.path = Path(path)
        if not self.path.is_file():
            raise UsageError(f"{self.path}: no such file: check the path")
        with self._open() as peek:
            stream = self._video(peek)
            self.first = self._first(peek, stream)
        self.container = self._open()
        self.video = self._video(self.container)
        self.video.thread_type = "AUTO"
        others = [part for part in self.container.streams if part is not self.video]
        self.copied: list[Stream] = [part for part in others if _known(part)]
        self.left_out = [f"{part.type} stream {part.index}" for part in others if not _known(part)]

    def _open(self) -> "InputContainer":
        import av

        try:  # the demuxer of MP4 and MOV gives XMP only when asked
            return av.open(
                str(self.path), "r", options={"export_xmp": "1"}, metadata_errors="replace"
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(
                f"{self.path} is broken or no video ({_reason(error)}): check that it plays, or "
                "copy it again from where it came"
            ) from error

    def _video(self, container: "InputContainer") -> "VideoStream":
        for stream in container.streams.video:
            context: object = stream.codec_context  # None where FFmpeg does not know the codec
            cover = stream.disposition & type(stream.disposition).attached_pic
            if context is not None and not cover:
                return stream
        raise VideoError(
            f"{self.path} has no video stream that can be decoded: give a video; photos go to "
            "`mask2face unmask`"
        )

    def _first(self, container: "InputContainer", stream: "VideoStream") -> "VideoFrame":
        import av

        try:
            for frame in container.decode(stream):
                return frame
        except av.FFmpegError as error:
            raise self._broken(0.0, error) from error
        raise VideoError(f"{self.path} holds no frame: it is empty or broken, copy it again")

    def _broken(self, time: float, error: Exception) -> VideoError:
        return VideoError(
            f"{self.path} is broken at {time:.1f} s ({_reason(error)}): copy it again, or cut it "
            "there with an editor"
        )

    def __enter__(self) -> Self:
        """Return the clip."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.container.close()

    @property
    def codec(self) -> str:
        """FFmpeg's name of the video's codec: "h264", "hevc", ..."""
        return self.video.codec_context.codec.canonical_name

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        stream = self.video
        return stream.average_rate or stream.guessed_rate or Fraction(25)

    @property
    def time_base(self) -> Fraction:
        """What the frames' `pts` count, s."""
        return self.video.time_base or 1 / self.rate

    @property
    def is_clear(self) -> bool:
        """Whether pixels may be transparent."""
        alpha = any(component.is_alpha for component in self.first.format.components)
        return alpha or self.video.metadata.get("alpha_mode") == "1"  # of WebM, beside the frames

    @property
    def quarter_turns(self) -> int:
        """How often to turn a stored frame by 90° against the clock to see it upright, 0 to 3."""
        return round(self.first.rotation / 90) % 4

    @property
    def matrix(self) -> tuple[int, ...] | None:
        """FFmpeg's display matrix, 9 numbers, or None where the frames are stored upright."""
        data: Any = self.first.side_data.get("DISPLAYMATRIX")
        return None if data is None else struct.unpack("=9i", bytes(data)[:36])

    @property
    def seconds(self) -> float | None:
        """Length that the file names, or None."""
        stream = self.video
        if stream.duration is not None:
            return float(stream.duration * self.time_base)
        length = self.container.duration
        return None if length is None else length / 1e6

    @property
    def total(self) -> int | None:
        """How many frames there are, about; None where the file does not say."""
        if self.video.frames:
            return self.video.frames
        return None if self.seconds is None else max(1, round(self.seconds * self.rate))

    def parts(self) -> "Iterator[VideoFrame | Packet[Stream]]":
        """Yield the frames of the video, each with a `pts`, and the packets of copied streams.

        Raises:
            VideoError: the file is broken, breaks off, or its frames change their size.
        """
        import av

        last: int | None = None
        step = max(1, round(1 / (self.rate * self.time_base)))
        begin = end = 0.0
        try:
            for packet in self.container.demux(self.video, *self.copied):
                if packet.stream is not self.video:
                    if packet.dts is not None or packet.size:  # else the mark of the end
                        yield packet
                    continue
                for frame in packet.decode():
                    if not isinstance(frame, av.VideoFrame):
                        continue
                    if frame.pts is None or (last is not None and frame.pts <= last):
                        frame.pts = 0 if last is None else last + step  # raw streams have no times
                    if last is None:
                        begin = float(frame.pts * self.time_base)
                    last = frame.pts
                    end = float((last + (frame.duration or step)) * self.time_base)
                    self._check_size(frame, end)
                    yield frame
        except av.FFmpegError as error:
            raise self._broken(end, error) from error
        if self.seconds is not None and end - begin < _CUT_SHORT * self.seconds - 1:
            raise VideoError(
                f"{self.path} breaks off at {end - begin:.1f} of {self.seconds:.1f} s: copy it "
                "again from where it came"
            )

    def _check_size(self, frame: "VideoFrame", time: float) -> None:
        size = (self.first.width, self.first.height)
        if (frame.width, frame.height) != size:
            raise VideoError(
                f"{self.path} changes from {size[0]} x {size[1]} to {frame.width} x "
                f"{frame.height} at {time:.1f} s: convert it to one size first"
            )


def _known(stream: "Stream") -> bool:
    return stream.type in _COPIED and stream.codec_context is not None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
