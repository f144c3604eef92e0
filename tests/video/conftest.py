"""Clips of the astronaut: moved, noisy, with a sine as sound."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from skimage import data

av = pytest.importorskip("av")

FACE_BOX = (slice(0, 240), slice(110, 334))  # of the astronaut, px: (240, 224)
TIME_BASE = Fraction(1, 600)
STEP = 24  # time bases: 25 frames a second
DISPLAY_90 = (
    0,
    65536,
    0,
    -65536,
    0,
    0,
    0,
    0,
    1073741824,
)  # FFmpeg's matrix of a phone held upright


def frames(count: int = 8, noise: float = 0.0, shift: int = 0, photo=None) -> list[np.ndarray]:
    """`count` RGB frames; `shift` px to the right from one to the next."""
    still = np.ascontiguousarray(data.astronaut()[FACE_BOX]) if photo is None else photo
    rng = np.random.default_rng(0)
    return [
        np.clip(
            np.roll(still, index * shift, 1) + noise * rng.standard_normal(still.shape), 0, 255
        ).astype(np.uint8)
        for index in range(count)
    ]


def write_clip(
    path: Path,
    pictures,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times=None,
    sound: str | None = None,
    matrix=None,
    full_range: bool = False,
    metadata=None,
) -> Path:
    """Write a clip; `times` in `TIME_BASE`s, `sound` the name of an audio encoder."""
    times = times or [index * STEP for index in range(len(pictures))]
    with av.open(str(path), "w") as out:
        out.metadata.update(metadata or {})
        options = {"crf": "12", "preset": "ultrafast"} if codec == "libx264" else {}
        video = out.add_stream(codec, rate=25, options=options)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt = pixels
        video.codec_context.time_base = TIME_BASE
        video.codec_context.color_range = 2 if full_range else 1
        video.codec_context.colorspace = 1  # BT.709
        if matrix is not None:
            video.set_display_matrix(matrix)
        audio = out.add_stream(sound, rate=48000, layout="mono") if sound else None
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
                format=pixels, dst_colorspace=1, dst_color_range=2 if full_range else 1
            )
            frame.pts, frame.time_base = time, TIME_BASE
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            _sing(out, audio, (times[-1] + STEP) * TIME_BASE)
    return path


def _sing(out, stream, seconds) -> None:
    wave = np.sin(np.arange(int(48000 * seconds)) * 2 * np.pi * 440 / 48000) * 0.3
    for start in range(0, len(wave), 1024):
        part = np.ascontiguousarray(wave[None, start : start + 1024], np.float32)
        frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        for ready in av.AudioResampler(stream.codec_context.format, "mono", 48000).resample(frame):
            out.mux(stream.encode(ready))
    out.mux(stream.encode(None))


def decoded(path: Path) -> list:
    """All video frames."""
    with av.open(str(path)) as clip:
        return list(clip.decode(video=0))


def rgb(path: Path) -> list[np.ndarray]:
    return [frame.to_ndarray(format="rgb24") for frame in decoded(path)]


def audio_packets(path: Path) -> list[tuple[int, bytes]]:
    """(time in the stream's base, bytes) of every packet of sound."""
    with av.open(str(path)) as clip:
        return [(part.pts, bytes(part)) for part in clip.demux(audio=0) if part.size]


@pytest.fixture(scope="session")
def clip() -> Callable[..., Path]:
    return write_clip
