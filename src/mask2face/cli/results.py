"""One photo -> the bytes of its result and what to say about it, for `unmask` and `mask`."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from mask2face import files, photos, provenance
from mask2face.cli.batch import Outcome
from mask2face.encoding import format_named
from mask2face.errors import UsageError
from mask2face.folders import Job, Plan
from mask2face.pipeline import RestoredFace, Unmasker, summary

if TYPE_CHECKING:
    from mask2face.masking import Masker

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
    photo = _read(job, data)
    changed, result = unmasker.restore(photo)
    words = summary(result.faces)
    if want.kind == "hole":
        out = _grey_png(result.hole)
    elif want.kind == "compare":
        out = _encoded(_side_by_side(photo, changed), job, want)
    elif result.changed:
        out = _encoded(changed, job, want)
    else:
        words += ": unchanged copy"
        out = data if photo.found == _format(photo, job, want) else _encoded(photo, job, want)
    if result.changed and want.kind != "hole":
        _warn_without_mark(photo, job, want)
    state = "done" if result.changed else "no face mask" if result.faces else "no face"
    return Outcome(state, words, out, {"faces": [_facts(face) for face in result.faces]})


def masked(
    masker: "Masker",
    job: Job,
    data: bytes,
    want: Wanted,
    *,
    style: str,
    color: str | None,
    seed: int,
) -> tuple[Outcome, NDArray[np.float32]]:
    """Return the result of `mask2face mask` for the photo in `data`, and its hole."""
    from mask2face.masking import STATEMENT
    from mask2face.splits import digest  # brings numpy.random, which `unmask` does not need

    photo = _read(job, data)
    drawn = masker(photo, style, digest(seed, job.name), color=color)
    if not drawn.faces:
        return Outcome("not written", "no face: not written", None), drawn.hole
    changed = photo
    if drawn.hole.any():  # the style `bare` draws nothing
        xmp = provenance.mark(photo.xmp, STATEMENT, provenance.DRAWN)
        changed = replace(photo, pixels=drawn.photo, xmp=xmp)
        _warn_without_mark(photo, job, want)
    count = len(drawn.faces)
    styles = ", ".join(face.style for face in drawn.faces)
    words = f"{count} face{'s' if count != 1 else ''}: {styles}"
    faces = [
        {"box": _rounded(face.box), "style": face.style, "options": face.options}
        for face in drawn.faces
    ]
    return Outcome("done", words, _encoded(changed, job, want), {"faces": faces}), drawn.hole


def check_holes(plan: Plan, overwrite: bool) -> None:
    """Refuse to write holes where they would replace each other, a result or an input.

    Raises:
        UsageError: the output is stdout, or two files would get one name.
        OutputError: the hole of a single photo is there already.
    """
    taken = {files.real(path) for job in plan.jobs for path in (job.source, job.target) if path}
    for job in plan.jobs:
        if job.target is None:
            raise UsageError("--holes needs a file to write beside: name an output")
        beside = hole_beside(job.target)
        if files.real(beside) in taken:
            raise UsageError(f"{job}: the hole's file {beside} is taken: rename one of the photos")
        taken.add(files.real(beside))
        if not plan.batch:
            files.check_target(beside, overwrite)


def hole_beside(target: Path) -> Path:
    """Return `NAME.hole.png`, the file of the hole beside the result `target`."""
    return target.with_name(f"{target.stem}.hole.png")


def write_hole(hole: NDArray[np.float32], target: Path) -> None:
    """Write a hole beside the result `target`, grey, 255 = covered.

    One that is there already is replaced: it is left from a run that broke off before `target`.

    Raises:
        OutputError: it cannot be written.
    """
    files.write(_grey_png(hole), hole_beside(target), overwrite=True)


class _Named(io.BytesIO):
    """Bytes that know where they come from, for messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def _read(job: Job, data: bytes) -> photos.Photo:
    photo = photos.read(_Named(data, str(job.source or "stdin")))
    for note in photo.notes:
        typer.echo(f"note: {job.source or 'stdin'}: {note}", err=True)
    return photo


def _format(photo: photos.Photo, job: Job, want: Wanted) -> str:
    if want.format is not None:
        return format_named(want.format)
    named = photos.format_of(job.target) if job.target is not None else None
    return named or photo.format


def _encoded(photo: photos.Photo, job: Job, want: Wanted) -> bytes:
    return photos.encode(photo, _format(photo, job, want), want.quality)


def _warn_without_mark(photo: photos.Photo, job: Job, want: Wanted) -> None:
    format = _format(photo, job, want)
    if not provenance.carries_mark(format):
        typer.echo(f"warning: {job}: {format} cannot hold the mark of altered photos", err=True)


def _side_by_side(before: photos.Photo, after: photos.Photo) -> photos.Photo:
    alpha = None if before.alpha is None else np.hstack([before.alpha, before.alpha])
    return replace(after, pixels=np.hstack([before.pixels, after.pixels]), alpha=alpha)


def _grey_png(hole: NDArray[np.float32]) -> bytes:
    level = np.rint(hole * 255).astype(np.uint8)
    return photos.encode(photos.Photo(np.repeat(level[..., None], 3, 2), format="PNG", grey=True))


def _facts(face: RestoredFace) -> dict[str, Any]:
    return {
        "box": _rounded(face.box),
        "landmarks": [_rounded(point) for point in face.landmarks.tolist()],
        "score": round(face.score, 4),
        "masked": face.masked,
        "hole_fraction": round(face.hole_fraction, 4),
    }


def _rounded(values: Any) -> list[float]:  # noqa: ANN401
    return [round(float(value), 2) for value in values]
