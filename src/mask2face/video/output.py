"""Write a video file: filled frames encoded, every other stream as it came, and the mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mask2face import provenance
from mask2face.errors import UsageError
from mask2face.registry import lookup
from mask2face.video.clip import Clip
from mask2face.video.mark import append_xmp, declare, holds_xmp
from mask2face.video.pictures import planar, planar_format

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

_FRAME_DURATION: Final = 1 << 8  # FFmpeg's flag: frames say how long they last, also the last one
_NOT_KEPT = {"major_brand", "minor_version", "compatible_brands", "encoder", "xmp"}


@dataclass(frozen=True)
class _Encoder:
    name: str
    options: Mapping[str, str]


# Constant quality that hardly shows; the file is about as large as the input.
_ENCODERS: Final = {
    "h264": _Encoder("libx264", {"crf": "18"}),
    "hevc": _Encoder("libx265", {"crf": "20", "x265-params": "log-level=error"}),
    "vp9": _Encoder("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "3"}),
    "av1": _Encoder("libsvtav1", {"crf": "24", "preset": "8"}),
    "ffv1": _Encoder("ffv1", {}),
}


@dataclass(frozen=True)
class Container:
    """A kind of file that we write.

    Attributes:
        format: FFmpeg's name.
        codecs: that it may hold of those that we encode; the first where the input's is another.
    """

    format: str
    codecs: tuple[str, ...]


_ISO: Final = Container("mp4", ("h264", "hevc", "av1", "vp9"))
CONTAINERS: Final = {
    ".mp4": _ISO,
    ".m4v": _ISO,
    ".mov": Container("mov", ("h264", "hevc")),
    ".mkv": Container("matroska", ("h264", "hevc", "av1", "vp9", "ffv1")),
    ".webm": Container("webm", ("vp9", "av1")),
}


def container_of(path: Path) -> Container:
    """Return the kind of file that a name asks for.

    Raises:
        UsageError: none that we write.
    """
    found = CONTAINERS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"{path}: videos are written as {', '.join(CONTAINERS)}: name the output so"
        )
    return found


class Output:
    """A video file in the making.

    Args:
        path: the file; its suffix may say anything.
        clip: the input.
        container: what to write.
        copy: take the video over packet by packet too, unmarked.

    Attributes:
        left_out: words for streams that the container does not hold.

    Raises:
        UsageError: the container does not hold the input's sound, or with `copy` its video.
    """

    def __init__(self, path: Path, clip: Clip, container: Container, copy: bool = False) -> None:
        import av

        self._path, self._clip = path, clip
        self._marked = not copy
        self._file: OutputContainer = av.open(str(path), "w", format=container.format)
        self._iso = holds_xmp(self._file)
        known = clip.container.metadata
        self._file.metadata.update(
            {key: value for key, value in known.items() if key not in _NOT_KEPT}
        )
        if not copy:
            declare(self._file)
        self._file.set_chapters(clip.container.chapters())
        self._video: Stream = self._template(clip.video) if copy else self._encoded(container)
        self._copies: dict[int, Stream] = {}
        self.left_out: list[str] = []
        self._add_copies()

    def _encoded(self, container: Container) -> "VideoStream":
        """Add the stream of filled frames."""
        import av

        clip, frame = self._clip, self._clip.first
        codec = clip.codec if clip.codec in container.codecs else container.codecs[0]
        encoder = lookup("codec", _ENCODERS, codec)
        accepted = [kind.name for kind in av.Codec(encoder.name, "w").video_formats or ()]
        stream = self._file.add_stream(encoder.name, rate=clip.rate, options=dict(encoder.options))
        if not isinstance(stream, av.VideoStream):
            raise TypeError(f"{encoder.name} encodes no video")
        self._format = planar_format(frame, accepted)
        upright = planar(frame, self._format)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = frame.width, frame.height, self._format
        context.time_base = clip.time_base
        context.flags |= _FRAME_DURATION
        context.color_range = upright.color_range
        context.colorspace = upright.colorspace
        context.color_primaries = frame.color_primaries
        context.color_trc = frame.color_trc
        aspect = clip.video.sample_aspect_ratio
        if aspect:
            context.sample_aspect_ratio = Fraction(aspect)
        if codec == "hevc" and self._iso:
            context.codec_tag = "hvc1"  # the other name does not play on Apple's devices
        if clip.matrix is not None:
            stream.set_display_matrix(clip.matrix)
        self._describe(stream, clip.video)
        return stream

    def _template(self, stream: "Stream") -> "Stream":
        try:
            copy = self._file.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            holds = f"{self._file.format.name} files cannot hold {stream.codec_context.name}"
            raise UsageError(
                f"{holds}, the {stream.type} of {self._clip.path}: name the output .mkv, or as "
                f"the input ({self._clip.path.suffix})"
            ) from error
        self._describe(copy, stream)
        return copy

    def _describe(self, stream: "Stream", source: "Stream") -> None:
        stream.metadata.update(source.metadata)
        stream.disposition = source.disposition

    def _add_copies(self) -> None:
        for stream in self._clip.copied:
            try:
                self._copies[stream.index] = self._template(stream)
            except UsageError:
                if stream.type == "audio":
                    raise
                self.left_out.append(f"{stream.type} stream {stream.index}")

    def planar(self, frame: "VideoFrame") -> "VideoFrame":
        """Return a frame in the pixel format that is encoded, to be filled and given to `add`."""
        return planar(frame, self._format)

    def add(self, frame: "VideoFrame") -> None:
        """Encode a frame; its `pts` counts in the input's time base."""
        import av

        if not isinstance(self._video, av.VideoStream):
            raise TypeError("this output takes packets over, no frames")
        frame.time_base = self._clip.time_base
        frame.pict_type = 0  # the input's choice of key frames is not ours
        self._file.mux(self._video.encode(frame))

    def copy(self, packet: "Packet[Stream]") -> None:
        """Take a packet of a copied stream over as it is; of others, do nothing."""
        index = packet.stream.index
        stream = self._video if index == self._clip.video.index else self._copies.get(index)
        if stream is not None and packet.dts is not None:
            packet.stream = stream
            self._file.mux(packet)

    def finish(self) -> None:
        """Write what is still to come, and the mark.

        Raises:
            OutputError: the disk is full, or the like.
        """
        import av

        if isinstance(self._video, av.VideoStream) and self._marked:
            self._file.mux(self._video.encode(None))
        self._file.close()
        if self._iso and self._marked:
            before = self._clip.container.metadata.get("xmp")
            append_xmp(self._path, provenance.mark(before.encode() if before else None))

    def close(self) -> None:
        """Close the file, finished or not."""
        self._file.close()
