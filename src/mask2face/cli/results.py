"""One photo -> the bytes of its result and what to say about it: `unmask`, and what it shares."""

import io
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from mask2face import photos, provenance
from mask2face.cli.batch import Outcome
from mask2face.encoding import format_named
from mask2face.errors import UsageError
from mask2face.folders import Job
from mask2face.pipeline import RestoredFace, Unmasker, summary

TAGS: Final = {"photo": "unmasked", "compare": "compare", "hole": "hole"}  # kind -> name's tag


@dataclass(frozen=True)
class Wanted:
    """What to write.

    Attributes:
        kind: key of `TAGS`.
        format: as the user says it, or None for what the output's suffix or the photo says.
        quality: 1 to 100, or None for the photo's own.
    """

    kind: str = "photo"
    format: str | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        if self.format is not None:
            format_named(self.format)
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality} is not accepted: give 1 to 100")


def wanted(compare: bool, hole_only: bool, format: str | None, quality: int | None) -> Wanted:
    """Return what the options of `unmask` ask for.

    Raises:
        UsageError: they contradict each other, or a value is not accepted.
        UnknownNameError: no such format.
    """
    if compare and hole_only:
        raise UsageError("--compare and --hole-only both say what to write: choose one")
    if hole_only and format is not None and format_named(format) != "PNG":
        raise UsageError("--hole-only writes PNG: leave --format out")
    kind = "compare" if compare else "hole" if hole_only else "photo"
    return Wanted(kind, "png" if hole_only else format, quality)


def unmasked(unmasker: Unmasker, job: Job, data: bytes, want: Wanted) -> Outcome:
    """Return the result of `mask2face unmask` for the photo in `data`."""
    if want.kind == "hole" and job.target and job.target.suffix.lower() != ".png":
        raise UsageError(f"{job.target}: --hole-only writes PNG: name the output .png")
    photo = read(job, data)
    changed, result = unmasker.restore(photo)
    words = summary(result.faces)
    if want.kind == "hole":
        out = grey_png(result.hole)
    elif want.kind == "compare":
        out = encoded(_side_by_side(photo, changed), job, want)
    elif result.changed:
        out = encoded(changed, job, want)
    else:
        words += ": unchanged copy"
        out = data if photo.found == _format(photo, job, want) else encoded(photo, job, want)
    if result.changed and want.kind != "hole":
        warn_without_mark(photo, job, want)
    state = "done" if result.changed else "no face mask" if result.faces else "no face"
    return Outcome(state, words, out, {"faces": [_facts(face) for face in result.faces]})


class _Named(io.BytesIO):
    """Bytes that know where they come from, for messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def read(job: Job, data: bytes) -> photos.Photo:
    """Return the photo in `data`; say on stderr what is lost of it.

    Raises:
        PhotoError: it cannot be read.
    """
    photo = photos.read(_Named(data, str(job.source or "stdin")))
    for note in photo.notes:
        typer.echo(f"note: {job.source or 'stdin'}: {note}", err=True)
    return photo


def _format(photo: photos.Photo, job: Job, want: Wanted) -> str:
    if want.format is not None:
        return format_named(want.format)
    named = photos.format_of(job.target) if job.target is not None else None
    return named or photo.format


def encoded(photo: photos.Photo, job: Job, want: Wanted) -> bytes:
    """Return the file of a photo in the format asked for."""
    return photos.encode(photo, _format(photo, job, want), want.quality)


def warn_without_mark(photo: photos.Photo, job: Job, want: Wanted) -> None:
    """Say on stderr where the format cannot hold the mark of altered photos."""
    format = _format(photo, job, want)
    if not provenance.carries_mark(format):
        typer.echo(f"warning: {job}: {format} cannot hold the mark of altered photos", err=True)


def _side_by_side(before: photos.Photo, after: photos.Photo) -> photos.Photo:
    alpha = None if before.alpha is None else np.hstack([before.alpha, before.alpha])
    return replace(after, pixels=np.hstack([before.pixels, after.pixels]), alpha=alpha)


def grey_png(hole: NDArray[np.float32]) -> bytes:
    """Return a hole (H, W) in [0, 1] as a grey PNG, 255 = 1."""
    level = np.rint(hole * 255).astype(np.uint8)
    return photos.encode(photos.Photo(np.repeat(level[..., None], 3, 2), format="PNG", grey=True))


def _facts(face: RestoredFace) -> dict[str, Any]:
    return {
        "box": rounded(face.box),
        "landmarks": [rounded(point) for point in face.landmarks.tolist()],
        "score": round(face.score, 4),
        "masked": face.masked,
        "hole_fraction": round(face.hole_fraction, 4),
    }


def rounded(values: Any) -> list[float]:  # noqa: ANN401
    """Return numbers with two decimals, for JSON."""
    return [round(float(value), 2) for value in values]
