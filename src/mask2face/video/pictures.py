"""Frames as stored <-> upright RGB pictures; only the pixels of the hole are ever converted back.

YUV -> RGB -> YUV loses a little everywhere. So samples outside the hole are never converted: they
reach the encoder as the decoder gave them. A colour sample that pixels share is inside if one is.
"""

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.plane import VideoPlane

_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
_BITS = 8


def planar_format(frame: "VideoFrame", accepted: list[str]) -> str:
    """Return the pixel format to fill and encode a frame in, a plane a component.

    It is that of the frame where the encoder accepts it. Odd sizes are not halved: such frames get
    colour in full resolution.

    Args:
        frame: as decoded.
        accepted: pixel formats of the encoder.
    """
    name = frame.format.name.replace("yuvj", "yuv")  # the same, its range said elsewhere
    subsampled = "444" not in name and not name.startswith("gray")
    odd = frame.width % 2 or frame.height % 2
    if name in accepted and name.startswith(("yuv4", "gray")) and not (odd and subsampled):
        return name
    deep = any(component.bits > _BITS for component in frame.format.components)
    wide = odd or frame.format.is_rgb or "444" in name
    wanted = [f"yuv{'444' if wide else '420'}p{'10le' if deep else ''}", "yuv444p", "yuv420p"]
    if odd:
        wanted = [kind for kind in wanted if "444" in kind]
    return next((kind for kind in wanted if kind in accepted), wanted[-1])


def planar(frame: "VideoFrame", format: str) -> "VideoFrame":
    """Return the frame in `format`, itself where it is so already."""
    if frame.format.name == format:
        return frame
    colour_range = _FULL_RANGE if frame.format.name.startswith("yuvj") else frame.color_range
    changed = frame.reformat(
        format=format,
        src_color_range=colour_range,
        dst_color_range=colour_range,
    )
    changed.pts, changed.duration = frame.pts, frame.duration
    changed.color_range = colour_range
    return changed


def picture(frame: "VideoFrame", quarter_turns: int = 0) -> NDArray[np.uint8]:
    """Return the frame, upright, as RGB uint8 (H, W, 3).

    Args:
        frame: as decoded.
        quarter_turns: how often to turn it by 90° against the clock.
    """
    pixels = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns))


def put(
    frame: "VideoFrame",
    pixels: NDArray[np.uint8],
    hole: NDArray[np.float32],
    quarter_turns: int = 0,
) -> None:
    """Write a picture into a frame of a planar format where its hole is above 0.

    Args:
        frame: changed in place, in every sample that a pixel of the hole has a part in.
        pixels: RGB uint8 (H, W, 3), upright.
        hole: (H, W), upright.
        quarter_turns: as for `picture`.
    """
    from av import VideoFrame

    stored = np.ascontiguousarray(np.rot90(pixels, -quarter_turns))
    inside = np.ascontiguousarray(np.rot90(hole > 0, -quarter_turns))
    new = VideoFrame.from_ndarray(stored, "rgb24").reformat(
        format=frame.format.name,
        dst_colorspace=frame.colorspace,
        dst_color_range=frame.color_range,
    )
    frame.make_writable()
    wide = any(component.bits > _BITS for component in frame.format.components)
    kind = np.dtype("<u2" if wide else "u1")
    for plane, source in zip(frame.planes, new.planes, strict=True):
        size = (plane.width, plane.height)
        spot = cv2.resize(inside.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) > 0
        _samples(plane, kind)[spot] = _samples(source, kind)[spot]


def _samples(plane: "VideoPlane", kind: np.dtype[Any]) -> NDArray[Any]:
    """Return the samples (h, w) of a plane, not copied."""
    rows: NDArray[Any] = np.frombuffer(memoryview(plane), kind).reshape(
        plane.height, plane.line_size // kind.itemsize
    )
    return rows[:, : plane.width]
