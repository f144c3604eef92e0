"""A video file -> the same video with the face masks replaced; memory stays flat."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import files, photos, provenance
from mask2face.errors import UsageError
from mask2face.video.clip import Clip, check_installed
from mask2face.video.filling import FaceFiller, Filled
from mask2face.video.output import CONTAINERS, Container, Output, container_of
from mask2face.video.pictures import picture, put

if TYPE_CHECKING:
    from av import VideoFrame

_FRAMES: Final = 8  # whose faces go through the net together
_PIXELS: Final = 16_000_000  # of all these frames at most
_PREVIEW_UNKNOWN: Final = 25  # frames between previews where the file does not say its length

Tell = Callable[[int, int | None], None]
"""(frames done, frames in all or None) -> nothing; called now and then."""


@dataclass(frozen=True)
class Report:
    """What was done to a clip.

    Attributes:
        frames: how many it has.
        changed: in how many of them a face mask was replaced.
        faces: most faces in one frame.
        previews: pictures written.
        notes: what was lost, in words.
    """

    frames: int
    changed: int
    faces: int
    previews: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in a few words."""
        frames = f"{self.frames} frame{'' if self.frames == 1 else 's'}"
        if not self.faces:
            return f"{frames}, no face: unchanged copy"
        people = f"{self.faces} face{'' if self.faces == 1 else 's'} at most"
        if not self.changed:
            return f"{frames}, {people}, no face mask: unchanged copy"
        return f"{frames}, {people}, face masks replaced in {self.changed} of them"


def default_target(source: Path) -> Path:
    """Return where the result goes where nobody says: `clip.unmasked.mp4` beside `clip.mp4`.

    >>> default_target(Path("a/clip.mp4")).as_posix(), default_target(Path("old.avi")).as_posix()
    ('a/clip.unmasked.mp4', 'old.unmasked.mkv')
    """
    suffix = source.suffix if source.suffix.lower() in CONTAINERS else ".mkv"
    return source.with_name(f"{source.stem}.unmasked{suffix}")


def unmask(
    source: Path,
    target: Path,
    filler: FaceFiller,
    *,
    overwrite: bool = False,
    preview: int = 0,
    tell: Tell = lambda _done, _total: None,
) -> Report:
    """Replace the face masks in a video by plausible, invented lower faces.

    Sound, times, rotation, colours and tags are kept. A clip without a face mask is copied as it
    is, packet by packet where the suffixes differ, else byte for byte.

    Args:
        source: the video.
        target: what to write; its suffix says the kind of file.
        filler: new, one a clip.
        overwrite: replace files that are there.
        preview: before/after pictures to write beside `target`, `NAME.preview-1.png` and so on.
        tell: hears how far it is.

    Raises:
        UsageError: a file, a suffix or a number makes no sense, or sound does not go into `target`.
        VideoError: the input is broken or no video.
        OutputError: `target` is the input, is there already or cannot be written.
        MissingExtraError: PyAV is not installed.
    """
    check_installed()
    if preview < 0:
        raise UsageError(f"preview is {preview}: give 0 or more pictures")
    container = container_of(target)
    files.refuse_same(source, target)
    pictures = [target.with_name(f"{target.stem}.preview-{n + 1}.png") for n in range(preview)]
    for path in (target, *pictures):
        files.check_target(path, overwrite)
    import av

    with files.renamed(target, (OSError, av.FFmpegError)) as part:
        report = _filled(source, part, container, filler, _Previews(pictures, overwrite), tell)
        if not report.changed:
            _copy(source, target, part, container)
    return report


def _filled(
    source: Path,
    part: Path,
    container: Container,
    filler: FaceFiller,
    previews: "_Previews",
    tell: Tell,
) -> Report:
    """Write the filled clip to `part`."""
    import av

    counts: Counter[str] = Counter()
    with Clip(source) as clip, closing(Output(part, clip, container)) as output:
        batch: list[VideoFrame] = []
        size = min(_FRAMES, max(1, _PIXELS // (clip.first.width * clip.first.height)))

        def flush() -> None:
            for frame, before, done in _fill(batch, clip, filler):
                previews(counts["frames"], clip.total, before, done)
                counts["frames"] += 1
                counts["changed"] += bool(done.masked)
                counts["faces"] = max(counts["faces"], done.faces)
                output.add(frame)
            batch.clear()
            tell(counts["frames"], clip.total)

        for item in clip.parts():
            if isinstance(item, av.Packet):
                output.copy(item)
                continue
            batch.append(output.planar(item))
            if len(batch) == size:
                flush()
        flush()
        output.finish()
        lost = [*clip.left_out, *output.left_out]
        if clip.is_clear and counts["changed"]:  # else the frames are copied
            lost.append("transparency")
    notes = tuple(f"{words} left out" for words in lost)
    return Report(
        counts["frames"], counts["changed"], counts["faces"], tuple(previews.written), notes
    )


def _fill(
    batch: "list[VideoFrame]", clip: Clip, filler: FaceFiller
) -> "Iterator[tuple[VideoFrame, NDArray[np.uint8], Filled]]":
    """Yield each frame, filled in place, its picture before, and what was done to it."""
    turns = clip.quarter_turns
    before = [picture(frame, turns) for frame in batch]
    times = [float((frame.pts or 0) * clip.time_base) for frame in batch]
    for frame, pixels, done in zip(batch, before, filler(before, times), strict=True):
        if done.masked:
            put(frame, done.pixels, done.hole, turns)
        yield frame, pixels, done


class _Previews:
    """Writes before/after pictures, spread evenly over the clip.

    Args:
        paths: one a picture.
        overwrite: replace files that are there.

    Attributes:
        written: those of the paths that were.
    """

    def __init__(self, paths: list[Path], overwrite: bool) -> None:
        self._paths, self._overwrite = paths, overwrite
        self.written: list[Path] = []

    def __call__(
        self, index: int, total: int | None, before: NDArray[np.uint8], done: Filled
    ) -> None:
        """Write frame `index` of `total` if it is one of those to write."""
        count, number = len(self._paths), len(self.written)
        if number == count:
            return
        due = int((number + 0.5) * total / count) if total else number * _PREVIEW_UNKNOWN
        if index < due:
            return
        photo = photos.Photo(np.hstack([before, done.pixels]))
        if done.masked:
            photo = replace(photo, xmp=provenance.mark(None))
        path = self._paths[number]
        photos.write(replace(photo, format="PNG"), path, overwrite=self._overwrite)
        self.written.append(path)


def _copy(source: Path, target: Path, part: Path, container: Container) -> None:
    """Write the clip as it is to `part`, instead of what is there."""
    part.unlink()
    if source.suffix.lower() == target.suffix.lower():
        shutil.copyfile(source, part)
        return
    with Clip(source) as clip, closing(Output(part, clip, container, copy=True)) as output:
        for packet in clip.container.demux(clip.video, *clip.copied):
            output.copy(packet)
        output.finish()
